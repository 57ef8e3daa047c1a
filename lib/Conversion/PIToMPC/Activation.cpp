//===- Activation.cpp - Activations and norms on shares -------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"

#include "aero/Runtime/Parameters.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace aero;

Value Lowering::rectify(Operation *op, Value input, unsigned signFrac) {
  Value x = getActivation(input);
  auto type = cast<mpc::ShareType>(x.getType());
  return mpc::ReluOp::create(
      builder, op->getLoc(), type, x, form.getReluBits(input, signFrac),
      form.getDrop(signFrac), getRange(form.getBound(input)), IntegerAttr());
}

// pi.relu(x)  ->  relu(x)
LogicalResult Lowering::lowerRelu(pi::ReluOp op) {
  shares[op.getResult()] = rectify(op, op.getInput(), pi::kReluSignFrac);
  return success();
}

// f(x)  ->  r - tail(2 r - x) with r = relu(x): 2 r - x is |x|
LogicalResult Lowering::lowerSmooth(Operation *op, mpc::TailFunction function) {
  Value input = op->getOperand(0);
  Location loc = op->getLoc();
  const rt::TailTable &table = rt::tailTable(rt::TailFunction(function));
  unsigned least = table.frac, most = table.frac + 64 - table.ringBits;
  if (options.activationFrac < least || options.activationFrac > most)
    return emitError(loc) << op->getName() << " needs an activation-frac of "
                          << least << " to " << most << ", not "
                          << options.activationFrac << describeNode(op);
  Value x = getActivation(input);
  Type type = x.getType();
  Value positive = rectify(op, input, pi::kSmoothSignFrac);
  Value negative =
      mpc::SubOp::create(builder, loc, type, positive, x, IntegerAttr());
  Value magnitude =
      mpc::AddOp::create(builder, loc, type, positive, negative, IntegerAttr());
  Value tail = mpc::TailOp::create(
      builder, loc, type, magnitude, function, form.getTailBits(input),
      getRange(form.getBound(input)), IntegerAttr());
  shares[op->getResult(0)] =
      mpc::SubOp::create(builder, loc, type, positive, tail, IntegerAttr());
  return success();
}

// pi.leaky_relu(x)  ->  r + slope (x - r) with r = relu(x)
LogicalResult Lowering::lowerLeakyRelu(Operation *op, Value input,
                                       function_ref<Value(Value)> multiply) {
  Location loc = op->getLoc();
  Value x = getActivation(input);
  auto type = cast<mpc::ShareType>(x.getType());
  Value positive = rectify(op, input, pi::kReluSignFrac);
  Value negative =
      mpc::SubOp::create(builder, loc, type, x, positive, IntegerAttr());
  Value product = multiply(negative);
  if (!product)
    return failure();
  Value scaled = truncate(loc, product, options.weightFrac);
  shares[op->getResult(0)] =
      mpc::AddOp::create(builder, loc, type, positive, scaled, IntegerAttr());
  return success();
}

LogicalResult Lowering::lowerLeakyRelu(pi::LeakyReluOp op) {
  return lowerLeakyRelu(op, op.getInput(), [&](Value negative) {
    return multiplyPublic(op.getLoc(), negative,
                          {op.getSlope().convertToFloat()}, {});
  });
}

LogicalResult Lowering::lowerPRelu(pi::PReluOp op) {
  return lowerLeakyRelu(op, op.getInput(), [&](Value negative) -> Value {
    auto type = cast<mpc::ShareType>(negative.getType());
    Value slope = getSplat(op, op.getSlope(), type.getShape().back());
    if (!slope)
      return {};
    return mpc::MulWeightOp::create(
        builder, op.getLoc(),
        shareType(type.getShape(),
                  int64_t(type.getFrac()) + options.weightFrac),
        negative, slope, /*rows=*/false, IntegerAttr());
  });
}

// pi.layer_norm(x)  ->  normalize(x) gamma + beta, with gamma and beta where
// pi-fold-scaling had to leave them
LogicalResult Lowering::lowerNorm(Operation *op, Value input, Value gamma,
                                  Value beta, double epsilon, bool centred) {
  Location loc = op->getLoc();
  Value x = getActivation(input);
  auto type = cast<mpc::ShareType>(x.getType());
  int64_t columns = type.getShape().back();
  if (columns > int64_t(rt::normalizeMaxColumns))
    return emitError(loc) << "no secure form of " << op->getName()
                          << " over rows of " << columns
                          << " elements, at most " << rt::normalizeMaxColumns
                          << describeNode(op);
  // The sum of squares has twice the fraction bits, and is truncated.
  constexpr int32_t leastFrac = int32_t(rt::normalizeSumFrac) / 2 + 1;
  if (type.getFrac() < leastFrac)
    return emitError(loc) << op->getName() << " needs an activation-frac of "
                          << leastFrac << " to 24, not " << type.getFrac()
                          << describeNode(op);
  double units = std::ldexp(double(columns) * epsilon, rt::normalizeSumFrac);
  auto least = double(uint64_t(1) << rt::normalizeLowestLog2);
  auto limit = std::ldexp(1.0, rt::normalizeHighestLog2 - 1);
  if (units >= limit)
    return emitError(loc) << op->getName() << " with an epsilon of "
                          << formatNumber(epsilon)
                          << ", the secure form is made for less"
                          << describeNode(op);
  int64_t frac = int64_t(type.getFrac()) + rt::normalizeFrac;
  Value row = mpc::NormalizeOp::create(
      builder, loc, shareType(type.getShape(), frac), x, centred,
      int64_t(std::llround(std::max(units, least))), IntegerAttr());
  if (gamma) {
    row = truncate(loc, row, rt::normalizeFrac);
    Value factor = getWeight(op, gamma, options.weightFrac, WeightRole::Scale);
    if (!factor)
      return failure();
    frac = int64_t(options.activationFrac) + options.weightFrac;
    row =
        mpc::MulWeightOp::create(builder, loc, shareType(type.getShape(), frac),
                                 row, factor, /*rows=*/false, IntegerAttr());
  }
  if (beta) {
    if (!gamma) {
      row = truncate(loc, row, rt::normalizeFrac);
      frac = options.activationFrac;
    }
    Value addend = getWeight(op, beta, int32_t(frac), WeightRole::Addend);
    if (!addend)
      return failure();
    row = mpc::AddWeightOp::create(builder, loc, row.getType(), row, addend,
                                   IntegerAttr());
  }
  shares[op->getResult(0)] = row;
  return success();
}
