//===- Tensor.cpp - Tensors of the reference interpreter ------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Reference/Tensor.h"

#include "aero/Support/Elements.h"

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace aero::reference {

/// A cache line, in bytes.
static constexpr size_t kTensorAlignment = 64;

ElementKind getElementKind(Type elementType) {
  if (elementType.isF32())
    return ElementKind::F32;
  if (elementType.isSignlessInteger(64))
    return ElementKind::I64;
  assert(elementType.isSignlessInteger(1) && "expected a pi element type");
  return ElementKind::I1;
}

size_t Tensor::getElementSize() const {
  switch (kind) {
  case ElementKind::F32:
    return sizeof(float);
  case ElementKind::I64:
    return sizeof(int64_t);
  case ElementKind::I1:
    return sizeof(uint8_t);
  }
  llvm_unreachable("unknown element kind");
}

Tensor Tensor::allocate(ElementKind kind, ArrayRef<int64_t> shape) {
  Tensor tensor;
  tensor.kind = kind;
  tensor.shape.assign(shape.begin(), shape.end());
  tensor.numElements = ShapedType::getNumElements(shape);
  size_t bytes = tensor.numElements * tensor.getElementSize();
  void *memory = llvm::allocate_buffer(bytes, kTensorAlignment);
  tensor.owner = std::shared_ptr<const void>(memory, [bytes](void *pointer) {
    llvm::deallocate_buffer(pointer, bytes, kTensorAlignment);
  });
  tensor.data = static_cast<const char *>(memory);
  tensor.isView = false;
  return tensor;
}

template <typename T>
static Tensor copyOf(ElementKind kind, ArrayRef<int64_t> shape,
                     ArrayRef<T> values) {
  Tensor tensor = Tensor::allocate(kind, shape);
  assert(static_cast<size_t>(tensor.getNumElements()) == values.size() &&
         "expected as many values as the shape has elements");
  llvm::copy(values, reinterpret_cast<T *>(tensor.getMutableData()));
  return tensor;
}

Tensor Tensor::fromFloats(ArrayRef<int64_t> shape, ArrayRef<float> values) {
  return copyOf(ElementKind::F32, shape, values);
}

Tensor Tensor::fromInts(ArrayRef<int64_t> shape, ArrayRef<int64_t> values) {
  return copyOf(ElementKind::I64, shape, values);
}

Tensor Tensor::fromBools(ArrayRef<int64_t> shape, ArrayRef<uint8_t> values) {
  return copyOf(ElementKind::I1, shape, values);
}

llvm::Expected<Tensor> Tensor::fromAttribute(ElementsAttr attr) {
  Tensor tensor;
  auto take = [&](auto elements) -> llvm::Error {
    if (!elements)
      return elements.takeError();
    tensor.data = reinterpret_cast<const char *>(elements->begin());
    tensor.owner = elements->getOwner();
    return llvm::Error::success();
  };
  ShapedType type = attr.getShapedType();
  tensor.kind = getElementKind(type.getElementType());
  tensor.shape.assign(type.getShape().begin(), type.getShape().end());
  tensor.numElements = type.getNumElements();
  auto error = [&]() -> llvm::Error {
    switch (tensor.kind) {
    case ElementKind::F32:
      return take(getFloatData(attr));
    case ElementKind::I64:
      return take(getInt64Data(attr));
    case ElementKind::I1:
      return take(getBoolData(attr));
    }
    llvm_unreachable("unknown element kind");
  }();
  if (error)
    return error;
  return tensor;
}

ArrayRef<float> Tensor::getFloats() const {
  assert(kind == ElementKind::F32 && "expected float elements");
  return {reinterpret_cast<const float *>(data),
          static_cast<size_t>(numElements)};
}

ArrayRef<int64_t> Tensor::getInts() const {
  assert(kind == ElementKind::I64 && "expected integer elements");
  return {reinterpret_cast<const int64_t *>(data),
          static_cast<size_t>(numElements)};
}

ArrayRef<uint8_t> Tensor::getBools() const {
  assert(kind == ElementKind::I1 && "expected boolean elements");
  return {reinterpret_cast<const uint8_t *>(data),
          static_cast<size_t>(numElements)};
}

char *Tensor::getMutableData() {
  assert(!isView && owner.use_count() == 1 && "the elements are shared");
  return const_cast<char *>(data);
}

MutableArrayRef<float> Tensor::getMutableFloats() {
  assert(kind == ElementKind::F32 && "expected float elements");
  return {reinterpret_cast<float *>(getMutableData()),
          static_cast<size_t>(numElements)};
}

Tensor Tensor::reshaped(ArrayRef<int64_t> newShape) const {
  assert(ShapedType::getNumElements(newShape) == numElements &&
         "expected a shape with as many elements");
  Tensor result = *this;
  result.shape.assign(newShape.begin(), newShape.end());
  return result;
}

bool Tensor::hasType(RankedTensorType type) const {
  return getElementKind(type.getElementType()) == kind &&
         type.getShape() == getShape();
}

std::string Tensor::getTypeString() const {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "tensor<";
  for (int64_t dim : shape)
    os << dim << 'x';
  os << (kind == ElementKind::F32   ? "f32"
         : kind == ElementKind::I64 ? "i64"
                                    : "i1")
     << '>';
  return text;
}

} // namespace aero::reference
