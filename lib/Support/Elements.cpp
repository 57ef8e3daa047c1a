//===- Elements.cpp - Reading and making weight blobs ---------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Support/Elements.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinDialect.h"
#include "mlir/IR/DialectResourceBlobManager.h"

#include <mutex>

using namespace mlir;

namespace aero {
namespace {

/// Elements as C++ holds them; i1 is one byte in a resource.
template <typename T> bool holdsElementType(Type type);
template <> bool holdsElementType<float>(Type type) { return type.isF32(); }
template <> bool holdsElementType<int64_t>(Type type) {
  return type.isSignlessInteger(64);
}
template <> bool holdsElementType<uint8_t>(Type type) {
  return type.isSignlessInteger(1);
}

template <typename... Args>
llvm::Error makeError(const char *format, const Args &...args) {
  return llvm::createStringError(std::errc::invalid_argument, format, args...);
}

/// The bytes of a resource of `count` elements of `width` bytes.
llvm::Expected<ArrayRef<char>> getBlob(DenseResourceElementsAttr attr,
                                       size_t count, size_t width) {
  StringRef key = attr.getRawHandle().getKey();
  AsmResourceBlob *blob = attr.getRawHandle().getBlob();
  if (!blob || (blob->getData().empty() && count != 0))
    return makeError("resource '%s' holds no data: it was probably elided "
                     "when the IR was printed; use bytecode, or print without "
                     "--mlir-elide-resource-strings-if-larger",
                     key.str().c_str());
  if (blob->getData().size() != count * width)
    return makeError("resource '%s' holds %zu bytes, but its type needs %zu",
                     key.str().c_str(), blob->getData().size(), count * width);
  return blob->getData();
}

template <typename T>
llvm::Expected<ElementsData<T>> getData(ElementsAttr attr, const char *name) {
  ShapedType type = attr.getShapedType();
  if (!holdsElementType<T>(type.getElementType())) {
    std::string text;
    llvm::raw_string_ostream(text) << type;
    return makeError("expected elements of type %s, got %s", name,
                     text.c_str());
  }
  size_t count = type.getNumElements();

  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr)) {
    auto blob = getBlob(resource, count, sizeof(T));
    if (!blob)
      return blob.takeError();
    const char *data = blob->data();
    if (reinterpret_cast<uintptr_t>(data) % alignof(T) != 0) {
      std::vector<T> copy(count);
      std::memcpy(copy.data(), data, blob->size());
      return ElementsData<T>(std::move(copy));
    }
    return ElementsData<T>(
        ArrayRef<T>(reinterpret_cast<const T *>(data), count));
  }

  auto dense = dyn_cast<DenseElementsAttr>(attr);
  if (!dense)
    return makeError("expected dense elements or a dense resource");
  if constexpr (std::is_same_v<T, uint8_t>) {
    // Dense booleans are packed by bits.
    std::vector<T> copy;
    copy.reserve(count);
    for (bool value : dense.getValues<bool>())
      copy.push_back(value);
    return ElementsData<T>(std::move(copy));
  } else {
    if (dense.isSplat())
      return ElementsData<T>(std::vector<T>(count, dense.getSplatValue<T>()));
    ArrayRef<char> raw = dense.getRawData();
    return ElementsData<T>(
        ArrayRef<T>(reinterpret_cast<const T *>(raw.data()), count));
  }
}

ElementsAttr makeResource(RankedTensorType type, AsmResourceBlob blob,
                          StringRef name) {
  return DenseResourceElementsAttr::get(type, name.empty() ? "blob" : name,
                                        std::move(blob));
}

} // namespace

llvm::Expected<ElementsData<float>> getFloatData(ElementsAttr attr) {
  return getData<float>(attr, "f32");
}

llvm::Expected<ElementsData<int64_t>> getInt64Data(ElementsAttr attr) {
  return getData<int64_t>(attr, "i64");
}

llvm::Expected<ElementsData<uint8_t>> getBoolData(ElementsAttr attr) {
  return getData<uint8_t>(attr, "i1");
}

std::optional<float> getFloatSplat(Attribute attr) {
  auto dense = dyn_cast_if_present<DenseElementsAttr>(attr);
  if (!dense || !dense.isSplat() || !dense.getElementType().isF32())
    return std::nullopt;
  return dense.getSplatValue<float>();
}

void transposeMatrix(const float *in, float *out, int64_t rows,
                     int64_t columns) {
  constexpr int64_t kBlock = 32;
  for (int64_t r0 = 0; r0 < rows; r0 += kBlock)
    for (int64_t c0 = 0; c0 < columns; c0 += kBlock) {
      int64_t r1 = std::min(rows, r0 + kBlock);
      int64_t c1 = std::min(columns, c0 + kBlock);
      for (int64_t c = c0; c < c1; ++c)
        for (int64_t r = r0; r < r1; ++r)
          out[c * rows + r] = in[r * columns + c];
    }
}

ElementsAttr makeFloatResource(RankedTensorType type,
                               std::vector<float> &&values, StringRef name) {
  assert(type.getElementType().isF32() && "expected f32 elements");
  assert(static_cast<size_t>(type.getNumElements()) == values.size() &&
         "expected as many values as the type has elements");
  ArrayRef<char> bytes(reinterpret_cast<const char *>(values.data()),
                       values.size() * sizeof(float));
  if (reinterpret_cast<uintptr_t>(bytes.data()) % kBlobAlignment != 0)
    return makeRawResource(type, bytes, name);
  // The blob's deleter owns the vector; freeing it happens with the deleter.
  auto owner = std::make_shared<std::vector<float>>(std::move(values));
  return makeResource(
      type,
      AsmResourceBlob(
          bytes, kBlobAlignment,
          [owner](void *, size_t, size_t) mutable { owner.reset(); },
          /*dataIsMutable=*/false),
      name);
}

ElementsAttr makeRawResource(RankedTensorType type, ArrayRef<char> bytes,
                             StringRef name) {
  return makeResource(type,
                      HeapAsmResourceBlob::allocateAndCopyWithAlign(
                          bytes, kBlobAlignment, /*dataIsMutable=*/false),
                      name);
}

ElementsAttr makeNamedResource(ElementsAttr attr, StringRef name) {
  auto type = cast<RankedTensorType>(attr.getType());
  auto resource = dyn_cast<DenseResourceElementsAttr>(attr);
  if (resource && resource.getRawHandle().getKey() == name)
    return attr;
  using Handle = DenseResourceElementsHandle;
  auto &interface = Handle::getManagerInterface(attr.getContext());
  // Functions that share weights are worked on at the same time.
  static std::mutex mutex;
  std::lock_guard<std::mutex> lock(mutex);
  auto *entry = interface.getBlobManager().lookup(name);
  auto share = [&] {
    return DenseResourceElementsAttr::get(
        type, Handle(entry, cast<BuiltinDialect>(interface.getDialect())));
  };
  if (resource && !resource.getRawHandle().getBlob()) {
    if (entry && !entry->getBlob())
      return share();
    return DenseResourceElementsAttr::get(type, interface.insert(name));
  }
  llvm::Expected<ElementsData<float>> data = getFloatData(attr);
  if (!data) {
    llvm::consumeError(data.takeError());
    return attr;
  }
  ArrayRef<float> values = *data;
  ArrayRef<char> bytes(reinterpret_cast<const char *>(values.data()),
                       values.size() * sizeof(float));
  // Who asks twice, or has a parameter twice, gets one resource.
  if (entry && entry->getBlob() && entry->getBlob()->getData() == bytes)
    return share();
  if (!resource || data->getOwner())
    return makeRawResource(type, bytes, name);
  return makeResource(
      type, UnmanagedAsmResourceBlob::allocateWithAlign(bytes, kBlobAlignment),
      name);
}

} // namespace aero
