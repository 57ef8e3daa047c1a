//===- Elementwise.cpp - Functions of single elements in linalg -----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"

#include <cmath>
#include <numbers>

using namespace mlir;
using namespace aero;
using namespace aero::linalgform;

/// The op's operands broadcast to its result, element by element.
static Value mapOperands(Operation *op, Emitter &e, Emitter::Body body) {
  RankedTensorType type = tensorOf(op->getResult(0));
  return e.map(type.getShape(), type.getElementType(), op->getOperands(), body);
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

/// pi.add(x, y)  ->  generic { arith.addf }, or addi of integers
template <typename OpTy, typename FloatOp, typename IntOp>
static Value lowerNumbers(OpTy op, Emitter &e) {
  return mapOperands(op, e, [](Emitter &e, ValueRange x) -> Value {
    if (isa<FloatType>(x[0].getType()))
      return FloatOp::create(e, x[0], x[1]);
    return IntOp::create(e, x[0], x[1]);
  });
}

template <typename OpTy, typename ElementOp>
static Value lowerBinary(OpTy op, Emitter &e) {
  return mapOperands(op, e, [](Emitter &e, ValueRange x) -> Value {
    return ElementOp::create(e, x[0], x[1]);
  });
}

template <typename OpTy, typename ElementOp>
static Value lowerUnary(OpTy op, Emitter &e) {
  return mapOperands(op, e, [](Emitter &e, ValueRange x) -> Value {
    return ElementOp::create(e, x[0]);
  });
}

static Value lowerWhere(pi::WhereOp op, Emitter &e) {
  return mapOperands(op, e, [](Emitter &e, ValueRange x) -> Value {
    return arith::SelectOp::create(e, x[0], x[1], x[2]);
  });
}

static Value lowerNot(pi::NotOp op, Emitter &e) {
  return mapOperands(op, e, [](Emitter &e, ValueRange x) -> Value {
    return arith::XOrIOp::create(e, x[0], e.constant(e.getI1Type(), 1));
  });
}

static Value lowerCompare(pi::CompareOp op, Emitter &e) {
  // NaN compares as false.
  auto [floats, ints] = [&] {
    switch (op.getPredicate()) {
    case pi::ComparePredicate::EQ:
      return std::pair(arith::CmpFPredicate::OEQ, arith::CmpIPredicate::eq);
    case pi::ComparePredicate::LT:
      return std::pair(arith::CmpFPredicate::OLT, arith::CmpIPredicate::slt);
    case pi::ComparePredicate::LE:
      return std::pair(arith::CmpFPredicate::OLE, arith::CmpIPredicate::sle);
    }
    llvm_unreachable("unknown predicate");
  }();
  return mapOperands(op, e, [floats, ints](Emitter &e, ValueRange x) -> Value {
    if (isa<FloatType>(x[0].getType()))
      return arith::CmpFOp::create(e, floats, x[0], x[1]);
    return arith::CmpIOp::create(e, ints, x[0], x[1]);
  });
}

static Value lowerCast(pi::CastOp op, Emitter &e) {
  if (!hasForm(op))
    return {};
  Type to = op.getType().getElementType();
  if (op.getInput().getType() == op.getType())
    return op.getInput();
  return mapOperands(op, e, [to](Emitter &e, ValueRange x) -> Value {
    Type from = x[0].getType();
    // A truth value is not a signed bit.
    if (from.isInteger(1) && to.isF32())
      return arith::UIToFPOp::create(e, to, x[0]);
    if (from.isInteger(1))
      return arith::ExtUIOp::create(e, to, x[0]);
    if (to.isF32())
      return arith::SIToFPOp::create(e, to, x[0]);
    Value zero = e.constant(from, 0);
    if (from.isF32())
      return arith::CmpFOp::create(e, arith::CmpFPredicate::UNE, x[0], zero);
    return arith::CmpIOp::create(e, arith::CmpIPredicate::ne, x[0], zero);
  });
}

//===----------------------------------------------------------------------===//
// Activations
//===----------------------------------------------------------------------===//

/// 1 / (1 + exp(-x))
static Value emitSigmoid(Emitter &e, Value x) {
  Value exp = math::ExpOp::create(e, arith::NegFOp::create(e, x));
  Value sum = arith::AddFOp::create(e, exp, e.constant(1));
  return arith::DivFOp::create(e, e.constant(1), sum);
}

static Value lowerSigmoid(pi::SigmoidOp op, Emitter &e) {
  return mapOperands(
      op, e, [](Emitter &e, ValueRange x) { return emitSigmoid(e, x[0]); });
}

static Value lowerSilu(pi::SiluOp op, Emitter &e) {
  return mapOperands(op, e, [](Emitter &e, ValueRange x) -> Value {
    return arith::MulFOp::create(e, x[0], emitSigmoid(e, x[0]));
  });
}

// x / 2 (1 + erf(x / sqrt 2)), or with tanh(sqrt(2 / pi) (x + 0.044715 x^3))
static Value lowerGelu(pi::GeluOp op, Emitter &e) {
  bool tanh = op.getApproximation() == pi::GeluApproximation::Tanh;
  return mapOperands(op, e, [tanh](Emitter &e, ValueRange operands) -> Value {
    Value x = operands[0], inner;
    auto mul = [&](Value lhs, Value rhs) -> Value {
      return arith::MulFOp::create(e, lhs, rhs);
    };
    if (tanh) {
      Value cube = mul(mul(x, x), mul(x, e.constant(0.044715f)));
      Value sum = arith::AddFOp::create(e, x, cube);
      float factor = std::sqrt(2.0f * std::numbers::inv_pi_v<float>);
      inner = math::TanhOp::create(e, mul(sum, e.constant(factor)));
    } else {
      inner = math::ErfOp::create(
          e, mul(x, e.constant(1.0f / std::numbers::sqrt2_v<float>)));
    }
    Value sum = arith::AddFOp::create(e, inner, e.constant(1));
    return mul(mul(x, e.constant(0.5f)), sum);
  });
}

/// x for x >= 0 (or NaN), slope x below
static Value emitLeaky(Emitter &e, Value x, float slope) {
  Value zero = e.constant(0);
  Value negative = arith::CmpFOp::create(e, arith::CmpFPredicate::OLT, x, zero);
  Value scaled =
      slope == 0 ? zero
                 : arith::MulFOp::create(e, x, e.constant(slope)).getResult();
  return arith::SelectOp::create(e, negative, scaled, x);
}

static Value lowerRelu(pi::ReluOp op, Emitter &e) {
  return mapOperands(
      op, e, [](Emitter &e, ValueRange x) { return emitLeaky(e, x[0], 0); });
}

static Value lowerLeakyRelu(pi::LeakyReluOp op, Emitter &e) {
  float slope = op.getSlope().convertToFloat();
  return mapOperands(op, e, [slope](Emitter &e, ValueRange x) {
    return emitLeaky(e, x[0], slope);
  });
}

/// The slope is one element, whatever its rank.
static Value lowerPRelu(pi::PReluOp op, Emitter &e) {
  RankedTensorType type = tensorOf(op.getResult());
  unsigned rank = type.getRank();
  SmallVector<AffineExpr> first(shapeOf(op.getSlope()).size(),
                                e.getAffineConstantExpr(0));
  AffineMap maps[] = {e.getMultiDimIdentityMap(rank),
                      AffineMap::get(rank, 0, first, e.getContext())};
  return e.map(type.getShape(), type.getElementType(),
               {op.getInput(), op.getSlope()}, maps,
               [](Emitter &e, ValueRange x) -> Value {
                 Value negative = arith::CmpFOp::create(
                     e, arith::CmpFPredicate::OLT, x[0], e.constant(0));
                 Value scaled = arith::MulFOp::create(e, x[0], x[1]);
                 return arith::SelectOp::create(e, negative, scaled, x[0]);
               });
}

void linalgform::populateElementwise(RewritePatternSet &patterns) {
  add<pi::AddOp>(patterns,
                 lowerNumbers<pi::AddOp, arith::AddFOp, arith::AddIOp>);
  add<pi::SubOp>(patterns,
                 lowerNumbers<pi::SubOp, arith::SubFOp, arith::SubIOp>);
  add<pi::MulOp>(patterns,
                 lowerNumbers<pi::MulOp, arith::MulFOp, arith::MulIOp>);
  add<pi::DivOp>(patterns, lowerBinary<pi::DivOp, arith::DivFOp>);
  add<pi::PowOp>(patterns, lowerBinary<pi::PowOp, math::PowFOp>);
  add<pi::MinOp>(patterns, lowerBinary<pi::MinOp, arith::MinimumFOp>);
  add<pi::MaxOp>(patterns, lowerBinary<pi::MaxOp, arith::MaximumFOp>);
  add<pi::AndOp>(patterns, lowerBinary<pi::AndOp, arith::AndIOp>);
  add<pi::OrOp>(patterns, lowerBinary<pi::OrOp, arith::OrIOp>);
  add<pi::ExpOp>(patterns, lowerUnary<pi::ExpOp, math::ExpOp>);
  add<pi::SqrtOp>(patterns, lowerUnary<pi::SqrtOp, math::SqrtOp>);
  add<pi::ErfOp>(patterns, lowerUnary<pi::ErfOp, math::ErfOp>);
  add<pi::TanhOp>(patterns, lowerUnary<pi::TanhOp, math::TanhOp>);
  add<pi::SinOp>(patterns, lowerUnary<pi::SinOp, math::SinOp>);
  add<pi::CosOp>(patterns, lowerUnary<pi::CosOp, math::CosOp>);
  add<pi::WhereOp>(patterns, lowerWhere);
  add<pi::NotOp>(patterns, lowerNot);
  add<pi::CompareOp>(patterns, lowerCompare);
  add<pi::CastOp>(patterns, lowerCast);
  add<pi::SigmoidOp>(patterns, lowerSigmoid);
  add<pi::SiluOp>(patterns, lowerSilu);
  add<pi::GeluOp>(patterns, lowerGelu);
  add<pi::ReluOp>(patterns, lowerRelu);
  add<pi::LeakyReluOp>(patterns, lowerLeakyRelu);
  add<pi::PReluOp>(patterns, lowerPRelu);
}
