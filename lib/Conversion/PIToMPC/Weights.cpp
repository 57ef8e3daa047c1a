//===- Weights.cpp - Server data of the secure program --------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"

#include "aero/Support/Elements.h"

#include "mlir/IR/DialectResourceBlobManager.h"

#include <cmath>

using namespace mlir;
using namespace aero;

/// The same elements, seen with another shape of as many elements; null if the
/// attribute is of a kind that cannot.
static ElementsAttr withShape(ElementsAttr value, ArrayRef<int64_t> shape) {
  auto type = RankedTensorType::get(shape, value.getElementType());
  if (type == value.getShapedType())
    return value;
  if (auto dense = dyn_cast<DenseElementsAttr>(value))
    return dense.reshape(type);
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value))
    return DenseResourceElementsAttr::get(type, resource.getRawHandle());
  return {};
}

/// The elements of a matrix the other way round; null, and a diagnostic, if
/// they cannot be read.
static ElementsAttr transposeElements(pi::WeightOp weight, StringRef name) {
  llvm::Expected<ElementsData<float>> data = getFloatData(weight.getValue());
  if (!data) {
    emitError(weight.getLoc())
        << "weight '" << weight.getName()
        << "' cannot be read: " << llvm::toString(data.takeError());
    return {};
  }
  ArrayRef<int64_t> shape = weight.getType().getShape();
  std::vector<float> values(data->size());
  transposeMatrix(data->begin(), values.data(), shape[0], shape[1]);
  return makeFloatResource(
      RankedTensorType::get({shape[1], shape[0]},
                            weight.getType().getElementType()),
      std::move(values), name);
}

/// log2 of what |w| must stay below.
static int32_t limitLog2(WeightRole role, int32_t frac) {
  switch (role) {
  case WeightRole::Table: // extend needs two spare bits
    return int32_t(mpc::embeddingBits) - 2 - frac;
  case WeightRole::Factor: // stored in 32 bits
  case WeightRole::Scale:
    return 31 - frac;
  case WeightRole::Addend: // added to a value that will be truncated
    return int32_t(mpc::truncBoundLog2) - frac;
  }
  return 0;
}

/// Checks that every element stays below 2^limit, after rounding too.
static LogicalResult verifyMagnitude(Operation *user, pi::WeightOp weight,
                                     int32_t frac, WeightRole role) {
  llvm::Expected<ElementsData<float>> data = getFloatData(weight.getValue());
  if (!data)
    return emitError(user->getLoc())
           << "weight '" << weight.getName()
           << "' cannot be read: " << llvm::toString(data.takeError());
  llvm::ArrayRef<float> values = *data;

  // One pass that vectorises; a NaN makes the sum a NaN.
  float most = 0, nan = 0;
  for (float value : values) {
    most = std::max(most, std::fabs(value));
    nan += value * 0;
  }
  int32_t log2 = limitLog2(role, frac);
  double limit = std::ldexp(1.0, log2);
  if (nan == 0 &&
      std::rint(std::ldexp(double(most), frac)) < std::ldexp(1.0, log2 + frac))
    return success();

  // Slow path: name the culprit.
  size_t at = 0;
  while (at + 1 < values.size() && std::fabs(values[at]) < most &&
         std::isfinite(values[at]))
    ++at;
  InFlightDiagnostic diag =
      emitError(user->getLoc())
      << "weight '" << weight.getName() << "' holds "
      << formatNumber(values[at]) << " at element " << at
      << ", but fixed point with " << frac << " fraction bits needs |w| < "
      << formatNumber(limit) << " here" << describeNode(user);
  diag.attachNote()
      << "so large a weight usually means that training diverged; "
         "otherwise lower "
      << (role == WeightRole::Factor || role == WeightRole::Scale
              ? "weight-frac"
              : "activation-frac");
  return diag;
}

Value Lowering::getWeight(Operation *user, Value value, int32_t frac,
                          WeightRole role) {
  auto [weight, isTransposed] = pi::getWeightMatrix(value);
  if (!weight) {
    InFlightDiagnostic diag = emitError(user->getLoc())
                              << "expected an operand that the server owns, "
                                 "pi.weight"
                              << describeNode(user);
    diag.attachNote(value.getLoc())
        << "the operand; pi-raise and canonicalize should have folded it";
    return {};
  }
  // A table is not an addend even at the same scale, but a second check of the
  // same weight is cheap and keeps the key simple.
  if (failed(verifyMagnitude(user, weight, frac, role)))
    return {};
  // Broadcasting ignores leading ones, the engine has no dimension for them.
  bool isBroadcast = role == WeightRole::Addend || role == WeightRole::Scale;
  ArrayRef<int64_t> shape = cast<RankedTensorType>(value.getType()).getShape();
  while (shape.size() > 1 && shape.front() == 1 && isBroadcast)
    shape = shape.drop_front();
  auto type = mpc::ServerType::getChecked(
      [&] {
        return emitError(weight.getLoc())
               << "weight '" << weight.getName() << "': ";
      },
      builder.getContext(), shape, frac);
  if (!type)
    return {};
  if (Value known = weights.lookup({value, type}))
    return known;

  // One name for each order of the elements.
  std::string name = weight.getName().str();
  ElementsAttr stored = weight.getValue();
  if (isTransposed) {
    name += "^T";
    stored = transposeElements(weight, name);
    if (!stored)
      return {};
  }
  ElementsAttr elements = withShape(stored, shape);
  if (!elements) {
    emitError(weight.getLoc())
        << "weight '" << weight.getName()
        << "' is stored in a form that cannot be reshaped";
    return {};
  }
  Value result =
      mpc::WeightOp::create(builder, weight.getLoc(), type, name, elements);
  weights[{value, type}] = result;
  return result;
}

/// The elements of a weight that another one is computed from, and its name;
/// no elements, and a diagnostic, if there are none.
static std::pair<ElementsData<float>, StringRef> readWeight(Operation *user,
                                                            Value value) {
  auto weight = value.getDefiningOp<pi::WeightOp>();
  if (!weight) {
    emitError(user->getLoc())
        << "expected an operand that the server owns, pi.weight"
        << describeNode(user);
    return {};
  }
  llvm::Expected<ElementsData<float>> data = getFloatData(weight.getValue());
  if (data)
    return {*data, weight.getName()};
  emitError(user->getLoc())
      << "weight '" << weight.getName()
      << "' cannot be read: " << llvm::toString(data.takeError());
  return {};
}

/// mpc.weight of computed values, each below the limit of a factor.
static Value makeFactor(OpBuilder &builder, Operation *user, StringRef name,
                        ArrayRef<int64_t> shape, std::vector<float> &&values,
                        int32_t frac) {
  double limit = std::ldexp(1.0, limitLog2(WeightRole::Factor, frac));
  for (float value : values)
    if (!(std::fabs(value) < limit)) {
      emitError(user->getLoc())
          << "weight '" << name << "' holds " << formatNumber(value)
          << ", but fixed point with " << frac << " fraction bits needs |w| < "
          << formatNumber(limit) << " here" << describeNode(user);
      return {};
    }
  auto type = mpc::ServerType::get(builder.getContext(), shape, frac);
  ElementsAttr elements =
      makeFloatResource(RankedTensorType::get(shape, builder.getF32Type()),
                        std::move(values), name);
  return mpc::WeightOp::create(builder, user->getLoc(), type, name, elements);
}

Value Lowering::getSplat(Operation *user, Value value, int64_t count) {
  auto [data, name] = readWeight(user, value);
  if (data.size() != 1)
    return {};
  return makeFactor(builder, user, name, {count},
                    std::vector<float>(size_t(count), data[0]),
                    options.weightFrac);
}

Value Lowering::getInverse(Operation *user, Value value,
                           ArrayRef<int64_t> shape) {
  auto [data, name] = readWeight(user, value);
  if (data.size() == 0)
    return {};
  size_t columns = size_t(shape[1]), rows = size_t(shape[0]);
  size_t width = data.size() / rows;
  std::vector<float> inverse(rows * columns);
  for (size_t i = 0; i < rows; ++i)
    for (size_t j = 0; j < columns; ++j)
      inverse[i * columns + j] = 1.0f / data[i * width + (width == 1 ? 0 : j)];
  return makeFactor(builder, user, name.str() + "^-1", shape,
                    std::move(inverse), options.weightFrac);
}
