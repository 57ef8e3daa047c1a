//===- TextWriter.cpp - Writes StableHLO ops as text ----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TextWriter.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/raw_ostream.h"

using namespace aero;
using llvm::StringRef;
using llvm::Twine;
using Value = StableHLOWriter::Value;

static std::string print(const mlir::Attribute &attribute) {
  std::string text;
  llvm::raw_string_ostream(text) << attribute;
  return text;
}

std::string aero::printType(mlir::Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

/// "[0, 2]"
static std::string printInts(llvm::ArrayRef<int64_t> values) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "[";
  llvm::interleaveComma(values, os);
  os << "]";
  return text;
}

static std::string printNames(llvm::ArrayRef<Value> values) {
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::interleaveComma(values, os,
                        [&](const Value &value) { os << value.name; });
  return text;
}

static std::string printTypes(llvm::ArrayRef<Value> values) {
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::interleaveComma(values, os,
                        [&](const Value &value) { os << value.type; });
  return text;
}

static llvm::SmallVector<int64_t> getRange(int64_t first, int64_t end) {
  return llvm::to_vector(llvm::seq(first, end));
}

Value StableHLOWriter::add(mlir::RankedTensorType type, const Twine &op) {
  std::string name = "%" + std::to_string(count++);
  text += ("    " + Twine(name) + " = stablehlo." + op + "\n").str();
  return {name, type};
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

Value StableHLOWriter::constant(mlir::DenseElementsAttr value) {
  return add(llvm::cast<mlir::RankedTensorType>(value.getType()),
             "constant " + print(value));
}

Value StableHLOWriter::splat(float number, Ints shape) {
  return constant(mlir::DenseElementsAttr::get(
      getType(shape, mlir::Float32Type::get(context)), number));
}

Value StableHLOWriter::iota(Ints shape, int64_t dimension) {
  auto type = getType(shape, mlir::IntegerType::get(context, 64));
  return add(type, "iota dim = " + Twine(dimension) + " : " + printType(type));
}

//===----------------------------------------------------------------------===//
// Element by element
//===----------------------------------------------------------------------===//

Value StableHLOWriter::unary(StringRef op, const Value &x) {
  return add(x.type, op + " " + x.name + " : " + printType(x.type));
}

Value StableHLOWriter::binary(StringRef op, const Value &x, const Value &y) {
  assert(x.type == y.type && "broadcast first");
  return add(x.type,
             op + " " + x.name + ", " + y.name + " : " + printType(x.type));
}

Value StableHLOWriter::compare(StringRef direction, const Value &x,
                               const Value &y) {
  assert(x.type == y.type && "broadcast first");
  auto type = getType(x.getShape(), mlir::IntegerType::get(context, 1));
  return add(type, "compare " + direction + ", " + x.name + ", " + y.name +
                       " : (" + printTypes({x, y}) + ") -> " + printType(type));
}

Value StableHLOWriter::convert(const Value &x, mlir::Type elementType) {
  auto type = getType(x.getShape(), elementType);
  return add(type, "convert " + x.name + " : (" + printType(x.type) + ") -> " +
                       printType(type));
}

Value StableHLOWriter::select(const Value &condition, const Value &x,
                              const Value &y) {
  assert(x.type == y.type && "broadcast first");
  return add(x.type, "select " + printNames({condition, x, y}) + " : " +
                         printTypes({condition, x}));
}

Value StableHLOWriter::call(StringRef target, const Value &x) {
  // The attributes say that it stands for an op of another version.
  return add(x.type,
             "custom_call @" + target + "(" + x.name +
                 ") {mhlo.attributes = {}, mhlo.version = 1 : i64} : (" +
                 printType(x.type) + ") -> " + printType(x.type));
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

Value StableHLOWriter::broadcast(const Value &x, Ints shape) {
  if (x.getShape() == shape)
    return x;
  auto type = getType(shape, x.type.getElementType());
  auto rank = static_cast<int64_t>(shape.size());
  return add(type, "broadcast_in_dim " + x.name + ", dims = " +
                       printInts(getRange(rank - x.getRank(), rank)) + " : (" +
                       printType(x.type) + ") -> " + printType(type));
}

Value StableHLOWriter::reshape(const Value &x, Ints shape) {
  if (x.getShape() == shape)
    return x;
  auto type = getType(shape, x.type.getElementType());
  return add(type, "reshape " + x.name + " : (" + printType(x.type) + ") -> " +
                       printType(type));
}

Value StableHLOWriter::transpose(const Value &x, Ints permutation) {
  llvm::SmallVector<int64_t> shape;
  for (int64_t dimension : permutation)
    shape.push_back(x.getShape()[dimension]);
  auto type = getType(shape, x.type.getElementType());
  return add(type, "transpose " + x.name +
                       ", dims = " + printInts(permutation) + " : (" +
                       printType(x.type) + ") -> " + printType(type));
}

Value StableHLOWriter::slice(const Value &x, int64_t axis, int64_t start,
                             int64_t size) {
  llvm::SmallVector<int64_t> shape(x.getShape());
  std::string ranges;
  for (auto [i, extent] : llvm::enumerate(shape)) {
    bool isAxis = static_cast<int64_t>(i) == axis;
    ranges += (Twine(i == 0 ? "" : ", ") + Twine(isAxis ? start : 0) + ":" +
               Twine(isAxis ? start + size : extent))
                  .str();
  }
  shape[axis] = size;
  auto type = getType(shape, x.type.getElementType());
  return add(type, "slice " + x.name + " [" + ranges + "] : (" +
                       printType(x.type) + ") -> " + printType(type));
}

Value StableHLOWriter::dynamicSlice(const Value &x, int64_t axis,
                                    const Value &start, int64_t size) {
  mlir::Builder builder(context);
  Value zero = constant(mlir::DenseElementsAttr::get(
      getType({}, builder.getI64Type()), int64_t(0)));
  llvm::SmallVector<Value> operands{x};
  llvm::SmallVector<int64_t> shape(x.getShape());
  shape[axis] = size;
  for (int64_t i = 0; i < x.getRank(); ++i)
    operands.push_back(i == axis ? start : zero);
  auto type = getType(shape, x.type.getElementType());
  return add(type, "dynamic_slice " + printNames(operands) +
                       ", sizes = " + printInts(shape) + " : (" +
                       printTypes(operands) + ") -> " + printType(type));
}

Value StableHLOWriter::concatenate(llvm::ArrayRef<Value> values, int64_t axis) {
  if (values.size() == 1)
    return values.front();
  llvm::SmallVector<int64_t> shape(values.front().getShape());
  shape[axis] = 0;
  for (const Value &value : values)
    shape[axis] += value.getShape()[axis];
  auto type = getType(shape, values.front().type.getElementType());
  return add(type, "concatenate " + printNames(values) +
                       ", dim = " + Twine(axis) + " : (" + printTypes(values) +
                       ") -> " + printType(type));
}

//===----------------------------------------------------------------------===//
// Sums and products
//===----------------------------------------------------------------------===//

Value StableHLOWriter::reduce(StringRef op, const Value &x, Ints axes) {
  bool isMaximum = op == "maximum";
  Value start =
      splat(isMaximum ? -std::numeric_limits<float>::infinity() : 0.0f, {});
  llvm::SmallVector<int64_t> shape;
  for (auto [i, size] : llvm::enumerate(x.getShape()))
    if (!llvm::is_contained(axes, static_cast<int64_t>(i)))
      shape.push_back(size);
  auto type = getType(shape, x.type.getElementType());
  return add(type, "reduce(" + x.name + " init: " + start.name +
                       ") applies stablehlo." + op +
                       " across dimensions = " + printInts(axes) + " : (" +
                       printTypes({x, start}) + ") -> " + printType(type));
}

Value StableHLOWriter::dot(const Value &x, const Value &y, int64_t batch,
                           bool transposed) {
  int64_t lastX = x.getRank() - 1, lastY = y.getRank() - 1;
  int64_t contracted = transposed ? lastY : lastY - 1;
  llvm::SmallVector<int64_t> shape(x.getShape().drop_back());
  for (int64_t i = batch; i <= lastY; ++i)
    if (i != contracted)
      shape.push_back(y.getShape()[i]);
  auto type = getType(shape, x.type.getElementType());
  std::string dimensions;
  if (batch > 0) {
    std::string all = printInts(getRange(0, batch));
    dimensions = "batching_dims = " + all + " x " + all + ", ";
  }
  return add(type, "dot_general " + printNames({x, y}) + ", " + dimensions +
                       "contracting_dims = [" + Twine(lastX) + "] x [" +
                       Twine(contracted) + "] : (" + printTypes({x, y}) +
                       ") -> " + printType(type));
}
