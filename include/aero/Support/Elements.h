//===- Elements.h - Reading and making weight blobs -----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_SUPPORT_ELEMENTS_H
#define AERO_SUPPORT_ELEMENTS_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace aero {

/// The alignment of every blob made here, in bytes. A bytecode reader refuses a
/// buffer that is aligned less than a blob in it wants, and memory from the
/// heap (a pipe, a string, a small file) is aligned to 16 bytes only; asking
/// for a whole cache line would make such bytecode unreadable.
inline constexpr size_t kBlobAlignment = 16;

/// The elements of an attribute in row-major order: a view into the attribute
/// where its storage allows one, a copy where it does not (a splat).
///
/// A view lives as long as the attribute; a copy as long as this object, which
/// is why it does not convert to an ArrayRef when it is a temporary.
template <typename T> class ElementsData {
public:
  ElementsData() = default;
  /*implicit*/ ElementsData(llvm::ArrayRef<T> view) : data(view) {}
  /*implicit*/ ElementsData(std::vector<T> &&values)
      : storage(std::make_shared<const std::vector<T>>(std::move(values))),
        data(*storage) {}

  llvm::ArrayRef<T> get() const & { return data; }
  operator llvm::ArrayRef<T>() const & { return data; }
  size_t size() const { return data.size(); }
  const T &operator[](size_t i) const { return data[i]; }
  const T *begin() const & { return data.begin(); }
  const T *end() const & { return data.end(); }

  /// What keeps a copy alive; null for a view.
  std::shared_ptr<const void> getOwner() const { return storage; }

private:
  std::shared_ptr<const std::vector<T>> storage;
  llvm::ArrayRef<T> data;
};

/// The f32 elements of `attr`, without a copy unless it is a splat. An error if
/// the element type is another one, or if a resource holds no data (its blob
/// was elided when the IR was printed) or data of another size.
llvm::Expected<ElementsData<float>> getFloatData(mlir::ElementsAttr attr);

/// The i64 elements of `attr`, as getFloatData.
llvm::Expected<ElementsData<int64_t>> getInt64Data(mlir::ElementsAttr attr);

/// The i1 elements of `attr`, one byte (0 or 1) each; always a copy.
llvm::Expected<ElementsData<uint8_t>> getBoolData(mlir::ElementsAttr attr);

/// If all elements of a dense f32 attribute are the same value, that value.
/// Never looks into a resource: it may be large.
std::optional<float> getFloatSplat(mlir::Attribute attr);

/// Writes the transpose of a (rows, columns) matrix to `out`, block by block,
/// so that both sides stay in the cache.
void transposeMatrix(const float *in, float *out, int64_t rows,
                     int64_t columns);

/// A resource that owns `values`, without copying them (unless an unusual
/// allocator aligned them to less than `kBlobAlignment`). `name` is the wished
/// resource key (made unique by the context). An empty name becomes "blob".
/// `values.size()` must be the number of elements of `type`, whose element type
/// must be f32.
mlir::ElementsAttr makeFloatResource(mlir::RankedTensorType type,
                                     std::vector<float> &&values,
                                     llvm::StringRef name);

/// As above, with a copy of raw little-endian bytes of any element type that
/// fills whole bytes (f32, i64; i1 as one byte an element).
mlir::ElementsAttr makeRawResource(mlir::RankedTensorType type,
                                   llvm::ArrayRef<char> bytes,
                                   llvm::StringRef name);

/// `attr`, whose elements are f32, as a resource with the key `name`, so that
/// the name goes where the elements go. A resource is not copied: two keys may
/// stand for one blob, which the context keeps. The key has a suffix if the
/// context has the key for other elements. What was elided stays so. Elements
/// of the wrong number are returned as they are, for whoever reads them to
/// report.
mlir::ElementsAttr makeNamedResource(mlir::ElementsAttr attr,
                                     llvm::StringRef name);

} // namespace aero

#endif // AERO_SUPPORT_ELEMENTS_H
