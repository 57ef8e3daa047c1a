//===- HostTensor.cpp - Public constants at import time -------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HostTensor.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/Support/MathExtras.h"

#include <bit>
#include <cstring>

#include <onnx/onnx_pb.h>

using namespace aero;
using namespace mlir;
using onnx::TensorProto;

// ONNX raw data is little-endian, and so is what this reads it as.
static_assert(std::endian::native == std::endian::little);

std::optional<int64_t> aero::countElements(ArrayRef<int64_t> shape) {
  // Dimensions beside a zero count too: strides are products of them.
  constexpr int64_t limit = int64_t(1) << 40;
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

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

namespace {

template <typename... Args>
llvm::Error fault(const char *format, const Args &...args) {
  return llvm::createStringError(std::errc::invalid_argument, format, args...);
}

/// Bytes of one element in raw_data, or 0 for a type that is not supported.
int64_t getRawWidth(int32_t type) {
  switch (type) {
  case TensorProto::BOOL:
  case TensorProto::INT8:
  case TensorProto::UINT8:
    return 1;
  case TensorProto::FLOAT16:
  case TensorProto::BFLOAT16:
  case TensorProto::INT16:
  case TensorProto::UINT16:
    return 2;
  case TensorProto::FLOAT:
  case TensorProto::INT32:
  case TensorProto::UINT32:
    return 4;
  case TensorProto::DOUBLE:
  case TensorProto::INT64:
    return 8;
  default:
    return 0;
  }
}

/// How many elements the field that belongs to the type holds, when there is no
/// raw data.
int64_t getFieldSize(const TensorProto &tensor) {
  switch (tensor.data_type()) {
  case TensorProto::FLOAT:
    return tensor.float_data_size();
  case TensorProto::DOUBLE:
    return tensor.double_data_size();
  case TensorProto::INT64:
    return tensor.int64_data_size();
  case TensorProto::UINT32:
    return tensor.uint64_data_size();
  default:
    return tensor.int32_data_size();
  }
}

template <typename T> T load(const char *data) {
  T value;
  std::memcpy(&value, data, sizeof(T));
  return value;
}

float widen(const llvm::fltSemantics &semantics, uint16_t bits) {
  llvm::APFloat value(semantics, llvm::APInt(16, bits));
  bool lost = false;
  value.convert(llvm::APFloat::IEEEsingle(), llvm::APFloat::rmNearestTiesToEven,
                &lost);
  return value.convertToFloat();
}

float readFloat(int32_t type, const char *data) {
  switch (type) {
  case TensorProto::FLOAT:
    return load<float>(data);
  case TensorProto::DOUBLE:
    return static_cast<float>(load<double>(data));
  case TensorProto::FLOAT16:
    return widen(llvm::APFloat::IEEEhalf(), load<uint16_t>(data));
  default:
    return widen(llvm::APFloat::BFloat(), load<uint16_t>(data));
  }
}

int64_t readInt(int32_t type, const char *data) {
  switch (type) {
  case TensorProto::BOOL:
    return *data != 0;
  case TensorProto::INT8:
    return load<int8_t>(data);
  case TensorProto::UINT8:
    return load<uint8_t>(data);
  case TensorProto::INT16:
    return load<int16_t>(data);
  case TensorProto::UINT16:
    return load<uint16_t>(data);
  case TensorProto::INT32:
    return load<int32_t>(data);
  case TensorProto::UINT32:
    return load<uint32_t>(data);
  default:
    return load<int64_t>(data);
  }
}

float readFloatField(const TensorProto &tensor, int i) {
  switch (tensor.data_type()) {
  case TensorProto::FLOAT:
    return tensor.float_data(i);
  case TensorProto::DOUBLE:
    return static_cast<float>(tensor.double_data(i));
  case TensorProto::FLOAT16:
    return widen(llvm::APFloat::IEEEhalf(),
                 static_cast<uint16_t>(tensor.int32_data(i)));
  default:
    return widen(llvm::APFloat::BFloat(),
                 static_cast<uint16_t>(tensor.int32_data(i)));
  }
}

int64_t readIntField(const TensorProto &tensor, int i) {
  switch (tensor.data_type()) {
  case TensorProto::INT64:
    return tensor.int64_data(i);
  case TensorProto::UINT32:
    return static_cast<int64_t>(tensor.uint64_data(i) & 0xffffffffu);
  case TensorProto::BOOL:
    return tensor.int32_data(i) != 0;
  default:
    return tensor.int32_data(i);
  }
}

} // namespace

llvm::Expected<std::pair<ElementKind, Shape>>
aero::checkTensor(const TensorProto &tensor) {
  std::optional<ElementKind> kind = getElementKind(tensor.data_type());
  if (!kind)
    return fault("has element type %s, which is not supported; store it as "
                 "float, int64 or bool",
                 getElementTypeName(tensor.data_type()).c_str());
  if (tensor.data_location() == TensorProto::EXTERNAL)
    return fault("keeps its data in another file, which is not supported yet; "
                 "save the model with its weights inside "
                 "(save_as_external_data=False, below 2 GB)");
  if (tensor.has_segment())
    return fault("is stored in segments, which is not supported; save it "
                 "whole");
  Shape shape(tensor.dims().begin(), tensor.dims().end());
  std::optional<int64_t> count = countElements(shape);
  if (!count)
    return fault("has impossible dimensions; the file is damaged, export it "
                 "again");
  if (tensor.has_raw_data()) {
    int64_t width = getRawWidth(tensor.data_type());
    int64_t bytes = tensor.raw_data().size();
    if (bytes % width != 0 || bytes / width != *count)
      return fault("holds %lld bytes, but its shape needs %lld; the file is "
                   "damaged, export it again",
                   static_cast<long long>(bytes),
                   static_cast<long long>(*count * width));
  } else if (getFieldSize(tensor) != *count) {
    return fault("holds %lld elements, but its shape needs %lld; the file is "
                 "damaged, export it again",
                 static_cast<long long>(getFieldSize(tensor)),
                 static_cast<long long>(*count));
  }
  return std::make_pair(*kind, shape);
}

llvm::Expected<HostTensor> aero::readTensor(const TensorProto &tensor) {
  auto checked = checkTensor(tensor);
  if (!checked)
    return checked.takeError();
  HostTensor result = HostTensor::makeZeros(checked->first, checked->second);
  bool isFloat = result.kind == ElementKind::Float;
  int64_t count = result.size();
  if (tensor.has_raw_data()) {
    const char *data = tensor.raw_data().data();
    int64_t width = getRawWidth(tensor.data_type());
    if (tensor.data_type() == TensorProto::FLOAT && count) {
      std::memcpy(result.floats.data(), data, count * width);
      return result;
    }
    for (int64_t i = 0; i < count; ++i) {
      if (isFloat)
        result.floats[i] = readFloat(tensor.data_type(), data + i * width);
      else
        result.ints[i] = readInt(tensor.data_type(), data + i * width);
    }
    return result;
  }
  for (int64_t i = 0; i < count; ++i) {
    if (isFloat)
      result.floats[i] = readFloatField(tensor, i);
    else
      result.ints[i] = readIntField(tensor, i);
  }
  return result;
}
