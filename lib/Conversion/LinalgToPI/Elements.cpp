//===- Elements.cpp - Functions of single elements ------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Translator.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace aero;
using namespace aero::linalgtopi;

bool Translator::isElementOp(Operation *op) {
  return isa_and_present<arith::ArithDialect, math::MathDialect>(
             op->getDialect()) &&
         op->getNumResults() == 1;
}

namespace {

template <typename OpTy> Value unary(TensorBuilder &builder, Value x) {
  return OpTy::create(builder, x.getType(), x);
}

template <typename OpTy>
Value binary(TensorBuilder &builder, Value x, Value y) {
  return OpTy::create(builder, x, y);
}

Value compare(TensorBuilder &builder, pi::ComparePredicate predicate, Value x,
              Value y) {
  return pi::CompareOp::create(builder, predicate, x, y);
}

Value invert(TensorBuilder &builder, Value x) {
  return unary<pi::NotOp>(builder, x);
}

/// (x and not y) or (y and not x)
Value exclusiveOr(TensorBuilder &builder, Value x, Value y) {
  auto isTrue = [](Value value) {
    auto bit = dyn_cast_or_null<IntegerAttr>(getSplat(value));
    return bit && bit.getValue().isOne();
  };
  if (isTrue(y))
    return invert(builder, x);
  if (isTrue(x))
    return invert(builder, y);
  return binary<pi::OrOp>(builder,
                          binary<pi::AndOp>(builder, x, invert(builder, y)),
                          binary<pi::AndOp>(builder, y, invert(builder, x)));
}

bool isBool(Value value) {
  return tensorOf(value).getElementType().isInteger(1);
}

} // namespace

/// pi.where is for floats; numbers and truth values are put together.
Value Translator::buildSelect(Value condition, Value a, Value b) {
  Type element = tensorOf(a).getElementType();
  if (element.isF32())
    return pi::WhereOp::create(builder, condition, a, b);
  if (element.isInteger(1))
    return binary<pi::OrOp>(
        builder, binary<pi::AndOp>(builder, condition, a),
        binary<pi::AndOp>(builder, invert(builder, condition), b));
  auto choose = [&](Value when, Value number) {
    RankedTensorType type = tensorOf(when).clone(element);
    Value bit = pi::CastOp::create(builder, type, when);
    return binary<pi::MulOp>(builder, bit, number);
  };
  return binary<pi::AddOp>(builder, choose(condition, a),
                           choose(invert(builder, condition), b));
}

FailureOr<Value> Translator::buildComparison(Operation *op,
                                             ValueRange operands) {
  Value x = operands[0], y = operands[1];
  using P = pi::ComparePredicate;
  auto is = [&](P predicate, Value a, Value b) {
    return compare(builder, predicate, a, b);
  };
  auto isNot = [&](P predicate, Value a, Value b) {
    return invert(builder, is(predicate, a, b));
  };
  if (auto cmp = dyn_cast<arith::CmpIOp>(op)) {
    arith::CmpIPredicate predicate = cmp.getPredicate();
    if (isBool(x)) {
      if (predicate == arith::CmpIPredicate::ne)
        return exclusiveOr(builder, x, y);
      if (predicate == arith::CmpIPredicate::eq)
        return invert(builder, exclusiveOr(builder, x, y));
      return fail("truth values have no order in pi");
    }
    switch (predicate) {
    case arith::CmpIPredicate::eq:
      return is(P::EQ, x, y);
    case arith::CmpIPredicate::ne:
      return isNot(P::EQ, x, y);
    case arith::CmpIPredicate::slt:
      return is(P::LT, x, y);
    case arith::CmpIPredicate::sle:
      return is(P::LE, x, y);
    case arith::CmpIPredicate::sgt:
      return is(P::LT, y, x);
    case arith::CmpIPredicate::sge:
      return is(P::LE, y, x);
    default:
      return fail("integers of pi have a sign");
    }
  }
  // Comparisons of pi are false for NaN, so that those which are true for it
  // are the opposite of another.
  switch (cast<arith::CmpFOp>(op).getPredicate()) {
  case arith::CmpFPredicate::OEQ:
    return is(P::EQ, x, y);
  case arith::CmpFPredicate::OLT:
    return is(P::LT, x, y);
  case arith::CmpFPredicate::OLE:
    return is(P::LE, x, y);
  case arith::CmpFPredicate::OGT:
    return is(P::LT, y, x);
  case arith::CmpFPredicate::OGE:
    return is(P::LE, y, x);
  case arith::CmpFPredicate::UNE:
    return isNot(P::EQ, x, y);
  case arith::CmpFPredicate::ULT:
    return isNot(P::LE, y, x);
  case arith::CmpFPredicate::ULE:
    return isNot(P::LT, y, x);
  case arith::CmpFPredicate::UGT:
    return isNot(P::LE, x, y);
  case arith::CmpFPredicate::UGE:
    return isNot(P::LT, x, y);
  case arith::CmpFPredicate::UNO:
    if (x == y)
      return isNot(P::EQ, x, x);
    break;
  case arith::CmpFPredicate::ORD:
    if (x == y)
      return is(P::EQ, x, x);
    break;
  default:
    break;
  }
  return fail("pi has no such comparison");
}

FailureOr<Value> Translator::buildCast(Operation *op, Value operand) {
  auto elementOf = [](Value value) {
    return getElementTypeOrSelf(value.getType());
  };
  Type source = elementOf(op->getOperand(0)),
       target = elementOf(op->getResult(0));
  auto cast = [&](Type element) -> Value {
    return pi::CastOp::create(builder, tensorOf(operand).clone(element),
                              operand);
  };
  bool fromBit = source.isInteger(1), fromNumber = source.isInteger(64);
  if (isa<arith::IndexCastOp, arith::IndexCastUIOp>(op) && !fromBit &&
      !target.isInteger(1))
    return operand;
  if (isa<arith::SIToFPOp>(op) && fromNumber)
    return cast(target);
  if (isa<arith::UIToFPOp, arith::ExtUIOp>(op) && fromBit)
    return cast(target);
  if (isa<arith::FPToSIOp>(op) && target.isInteger(64))
    return cast(target);
  return fail("pi has no such conversion");
}

FailureOr<Value> Translator::buildElementOp(Operation *op,
                                            ValueRange operands) {
  auto one = [&](auto function) -> Result {
    return function(builder, operands[0]);
  };
  auto two = [&](auto function) -> Result {
    return function(builder, operands[0], operands[1]);
  };
  auto number = [&](float value) { return builder.scalar(value); };
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([&](arith::ConstantOp constant) {
        return buildConstant(constant.getValue(), /*name=*/"");
      })
      .Case<arith::AddFOp>([&](auto) { return two(binary<pi::AddOp>); })
      .Case<arith::SubFOp>([&](auto) { return two(binary<pi::SubOp>); })
      .Case<arith::MulFOp>([&](auto) { return two(binary<pi::MulOp>); })
      .Case<arith::DivFOp>([&](auto) { return two(binary<pi::DivOp>); })
      .Case<arith::MaximumFOp>([&](auto) { return two(binary<pi::MaxOp>); })
      .Case<arith::MinimumFOp>([&](auto) { return two(binary<pi::MinOp>); })
      .Case<math::PowFOp>([&](auto) { return two(binary<pi::PowOp>); })
      .Case<math::ExpOp>([&](auto) { return one(unary<pi::ExpOp>); })
      .Case<math::SqrtOp>([&](auto) { return one(unary<pi::SqrtOp>); })
      .Case<math::ErfOp>([&](auto) { return one(unary<pi::ErfOp>); })
      .Case<math::TanhOp>([&](auto) { return one(unary<pi::TanhOp>); })
      .Case<math::SinOp>([&](auto) { return one(unary<pi::SinOp>); })
      .Case<math::CosOp>([&](auto) { return one(unary<pi::CosOp>); })
      .Case<arith::NegFOp>([&](auto) -> Result {
        return binary<pi::MulOp>(builder, operands[0], number(-1));
      })
      .Case<math::AbsFOp>([&](auto) -> Result {
        Value negated = binary<pi::MulOp>(builder, operands[0], number(-1));
        return binary<pi::MaxOp>(builder, operands[0], negated);
      })
      .Case<math::RsqrtOp>([&](auto) -> Result {
        return binary<pi::DivOp>(builder, number(1),
                                 unary<pi::SqrtOp>(builder, operands[0]));
      })
      .Case<math::FPowIOp>([&](auto) -> Result {
        auto exponent = dyn_cast_or_null<IntegerAttr>(getSplat(operands[1]));
        if (!exponent)
          return fail("the exponent is not constant");
        return binary<pi::PowOp>(builder, operands[0],
                                 number(static_cast<float>(exponent.getInt())));
      })
      .Case<arith::AddIOp, arith::SubIOp, arith::MulIOp>([&](auto) -> Result {
        if (isBool(operands[0]))
          return fail("pi has no arithmetic of truth values");
        if (isa<arith::AddIOp>(op))
          return two(binary<pi::AddOp>);
        return isa<arith::SubIOp>(op) ? two(binary<pi::SubOp>)
                                      : two(binary<pi::MulOp>);
      })
      .Case<arith::AndIOp, arith::OrIOp, arith::XOrIOp>([&](auto) -> Result {
        if (!isBool(operands[0]))
          return fail("pi has no arithmetic of bits");
        if (isa<arith::AndIOp>(op))
          return two(binary<pi::AndOp>);
        return isa<arith::OrIOp>(op) ? two(binary<pi::OrOp>) : two(exclusiveOr);
      })
      .Case<arith::SelectOp>([&](auto) -> Result {
        return buildSelect(operands[0], operands[1], operands[2]);
      })
      .Case<arith::CmpFOp, arith::CmpIOp>(
          [&](auto) { return buildComparison(op, operands); })
      .Case<arith::IndexCastOp, arith::IndexCastUIOp, arith::SIToFPOp,
            arith::UIToFPOp, arith::ExtUIOp, arith::FPToSIOp>(
          [&](auto) { return buildCast(op, operands[0]); })
      .Case<arith::MaxNumFOp, arith::MinNumFOp>([&](auto) -> Result {
        return fail(
            "of a NaN and a number it has the number, and pi NaN; use " +
            Twine(isa<arith::MaxNumFOp>(op) ? "arith.maximumf"
                                            : "arith.minimumf"));
      })
      .Default([&](Operation *) -> Result {
        return fail("pi has no such function");
      });
}
