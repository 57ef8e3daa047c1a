//===- HostTensor.cpp - Public constants at import time -------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HostTensor.h"

#include "llvm/Support/MathExtras.h"

#include <onnx/onnx_pb.h>

using namespace aero;
using namespace mlir;
using onnx::TensorProto;

std::optional<int64_t> aero::countElements(ArrayRef<int64_t> shape) {
  // Dimensions beside a zero count too: strides are products of them.
  constexpr int64_t limit = int64_t(1) << 40;
  // Much is quadratic in them.
  constexpr size_t maxRank = 64;
  if (shape.size() > maxRank)
    return std::nullopt;
  int64_t product = 1;
  bool empty = false;
  for (int64_t dim : shape) {
    if (dim < 0 || dim > limit)
      return std::nullopt;
    empty |= dim == 0;
    if (dim != 0 && llvm::MulOverflow(product, dim, product))
      return std::nullopt;
  }
  if (product > limit)
    return std::nullopt;
  return empty ? 0 : product;
}

std::optional<ElementKind> aero::getElementKind(int32_t onnxType) {
  switch (onnxType) {
  case TensorProto::FLOAT:
  case TensorProto::FLOAT16:
  case TensorProto::BFLOAT16:
  case TensorProto::DOUBLE:
    return ElementKind::Float;
  case TensorProto::INT8:
  case TensorProto::INT16:
  case TensorProto::INT32:
  case TensorProto::INT64:
  case TensorProto::UINT8:
  case TensorProto::UINT16:
  case TensorProto::UINT32:
    return ElementKind::Int;
  case TensorProto::BOOL:
    return ElementKind::Bool;
  default:
    return std::nullopt;
  }
}

std::string aero::getElementTypeName(int32_t onnxType) {
  if (TensorProto::DataType_IsValid(onnxType))
    return TensorProto::DataType_Name(
        static_cast<TensorProto::DataType>(onnxType));
  return "number " + std::to_string(onnxType);
}

std::optional<Shape> aero::broadcastShapes(ArrayRef<int64_t> a,
                                           ArrayRef<int64_t> b) {
  Shape result(std::max(a.size(), b.size()), 1);
  for (size_t i = 0; i < result.size(); ++i) {
    int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1;
    int64_t y = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (x != y && x != 1 && y != 1)
      return std::nullopt;
    result[result.size() - 1 - i] = x == 1 ? y : x;
  }
  return result;
}

//===----------------------------------------------------------------------===//
// HostTensor
//===----------------------------------------------------------------------===//

HostTensor HostTensor::makeInts(std::vector<int64_t> values) {
  HostTensor tensor;
  tensor.kind = ElementKind::Int;
  tensor.shape = {static_cast<int64_t>(values.size())};
  tensor.ints = std::move(values);
  return tensor;
}

HostTensor HostTensor::fromAttr(DenseElementsAttr attr) {
  HostTensor tensor;
  Type element = attr.getElementType();
  tensor.kind = element.isF32()         ? ElementKind::Float
                : element.isInteger(64) ? ElementKind::Int
                                        : ElementKind::Bool;
  tensor.shape = Shape(attr.getType().getShape());
  switch (tensor.kind) {
  case ElementKind::Float:
    llvm::append_range(tensor.floats, attr.getValues<float>());
    break;
  case ElementKind::Int:
    llvm::append_range(tensor.ints, attr.getValues<int64_t>());
    break;
  case ElementKind::Bool:
    llvm::append_range(tensor.ints, attr.getValues<bool>());
    break;
  }
  return tensor;
}

HostTensor HostTensor::makeZeros(ElementKind kind, ArrayRef<int64_t> shape) {
  HostTensor tensor;
  tensor.kind = kind;
  tensor.shape = Shape(shape);
  int64_t count = countElements(shape).value_or(0);
  if (kind == ElementKind::Float)
    tensor.floats.resize(count);
  else
    tensor.ints.resize(count);
  return tensor;
}

void HostTensor::append(const HostTensor &other, int64_t i) {
  if (kind == ElementKind::Float)
    floats.push_back(other.floats[i]);
  else
    ints.push_back(other.ints[i]);
}

RankedTensorType HostTensor::getType(MLIRContext *context) const {
  Type element =
      kind == ElementKind::Float
          ? Type(Float32Type::get(context))
          : IntegerType::get(context, kind == ElementKind::Int ? 64 : 1);
  return RankedTensorType::get(shape, element);
}

DenseElementsAttr HostTensor::getAttr(MLIRContext *context) const {
  RankedTensorType type = getType(context);
  if (kind == ElementKind::Float)
    return DenseElementsAttr::get(type, ArrayRef<float>(floats));
  if (kind == ElementKind::Int)
    return DenseElementsAttr::get(type, ArrayRef<int64_t>(ints));
  SmallVector<bool> bools(ints.begin(), ints.end());
  return DenseElementsAttr::get(type, ArrayRef<bool>(bools));
}

void StridedIndex::next() {
  for (size_t i = shape.size(); i-- > 0;) {
    offset += strides[i];
    if (++position[i] < shape[i])
      return;
    offset -= strides[i] * shape[i];
    position[i] = 0;
  }
}

Shape aero::getStrides(ArrayRef<int64_t> shape) {
  Shape strides(shape.size());
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

Shape aero::getBroadcastStrides(ArrayRef<int64_t> shape,
                                ArrayRef<int64_t> result) {
  Shape strides(result.size(), 0);
  Shape own = getStrides(shape);
  size_t lead = result.size() - shape.size();
  for (size_t i = 0; i < shape.size(); ++i)
    strides[lead + i] = shape[i] == 1 ? 0 : own[i];
  return strides;
}
