//===- Tensor.h - Tensors of the reference interpreter --------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_REFERENCE_TENSOR_H
#define AERO_REFERENCE_TENSOR_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace aero::reference {

/// The element types of pi, and how a Tensor holds one: float, int64_t, and
/// uint8_t that is 0 or 1.
enum class ElementKind { F32, I64, I1 };

/// A dense row-major tensor. Copies share their elements; a tensor made from a
/// weight is a view of the weight's blob, which must outlive it.
class Tensor {
public:
  Tensor() = default;

  /// A tensor whose elements are not initialised.
  static Tensor allocate(ElementKind kind, llvm::ArrayRef<int64_t> shape);

  /// Tensors with the given elements; as many as the shape has.
  static Tensor fromFloats(llvm::ArrayRef<int64_t> shape,
                           llvm::ArrayRef<float> values);
  static Tensor fromInts(llvm::ArrayRef<int64_t> shape,
                         llvm::ArrayRef<int64_t> values);
  static Tensor fromBools(llvm::ArrayRef<int64_t> shape,
                          llvm::ArrayRef<uint8_t> values);

  /// A view of an attribute's elements (a copy of a splat's). Fails on an
  /// elided blob; see Elements.h.
  static llvm::Expected<Tensor> fromAttribute(mlir::ElementsAttr attr);

  ElementKind getKind() const { return kind; }
  llvm::ArrayRef<int64_t> getShape() const { return shape; }
  int64_t getRank() const { return shape.size(); }
  int64_t getNumElements() const { return numElements; }
  /// Bytes of one element.
  size_t getElementSize() const;

  /// The elements; the kind must be the one asked for.
  llvm::ArrayRef<float> getFloats() const;
  llvm::ArrayRef<int64_t> getInts() const;
  llvm::ArrayRef<uint8_t> getBools() const;

  /// All elements as bytes.
  llvm::ArrayRef<char> getBytes() const {
    return {data, numElements * getElementSize()};
  }

  /// For the one who allocated the tensor, before sharing it.
  llvm::MutableArrayRef<float> getMutableFloats();
  char *getMutableData();

  /// The same elements, shared, in a shape with as many elements.
  Tensor reshaped(llvm::ArrayRef<int64_t> newShape) const;

  /// Whether this has the shape and element type of `type`.
  bool hasType(mlir::RankedTensorType type) const;

  /// For messages, e.g. tensor<2x3xf32>.
  std::string getTypeString() const;

private:
  ElementKind kind = ElementKind::F32;
  llvm::SmallVector<int64_t, 4> shape;
  int64_t numElements = 0;
  std::shared_ptr<const void> owner;
  const char *data = nullptr;
  bool isView = true;
};

/// The element kind of a type that pi allows.
ElementKind getElementKind(mlir::Type elementType);

} // namespace aero::reference

#endif // AERO_REFERENCE_TENSOR_H
