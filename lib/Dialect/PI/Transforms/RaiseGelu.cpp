//===- RaiseGelu.cpp - GELU from arithmetic -------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// GELU is x Phi(x), which exporters write in many orders:
///   0.5 x (1 + erf(x / sqrt 2))
///   0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))
/// So nothing here looks for one order. The product is taken apart into its
/// factors, and what stands inside erf or tanh is compared as a polynomial in
/// x.
///
//===----------------------------------------------------------------------===//

#include "Raise.h"

#include <array>
#include <cmath>
#include <numbers>

using namespace mlir;

namespace aero::pi {
namespace {

/// Coefficients of 1, x, x^2, x^3.
using Polynomial = std::array<double, 4>;

constexpr unsigned kMaxDepth = 12;

std::optional<Polynomial> multiply(const Polynomial &a, const Polynomial &b) {
  Polynomial product = {};
  for (unsigned i = 0; i < 4; ++i)
    for (unsigned j = 0; j < 4; ++j) {
      if (a[i] == 0 || b[j] == 0)
        continue;
      if (i + j > 3)
        return std::nullopt;
      product[i + j] += a[i] * b[j];
    }
  return product;
}

/// `value` as a polynomial in `x` of degree 3 at most.
std::optional<Polynomial> getPolynomial(Value value, Value x,
                                        unsigned depth = 0) {
  if (value == x)
    return Polynomial{0, 1, 0, 0};
  if (std::optional<double> number = readScalar(value))
    return Polynomial{*number, 0, 0, 0};
  Operation *op = value.getDefiningOp();
  if (!isa_and_present<AddOp, SubOp, MulOp, DivOp, PowOp>(op) ||
      depth == kMaxDepth)
    return std::nullopt;
  auto a = getPolynomial(op->getOperand(0), x, depth + 1);
  auto b = getPolynomial(op->getOperand(1), x, depth + 1);
  if (!a || !b)
    return std::nullopt;
  bool constant = (*b)[1] == 0 && (*b)[2] == 0 && (*b)[3] == 0;
  if (isa<MulOp>(op))
    return multiply(*a, *b);
  if (isa<DivOp>(op)) {
    if (!constant || (*b)[0] == 0)
      return std::nullopt;
    return multiply(*a, {1 / (*b)[0], 0, 0, 0});
  }
  if (isa<PowOp>(op)) {
    double exponent = (*b)[0];
    if (!constant || (exponent != 1 && exponent != 2 && exponent != 3))
      return std::nullopt;
    std::optional<Polynomial> power = a;
    for (int i = 1; i < exponent && power; ++i)
      power = multiply(*power, *a);
    return power;
  }
  double sign = isa<SubOp>(op) ? -1 : 1;
  for (unsigned i = 0; i < 4; ++i)
    (*a)[i] += sign * (*b)[i];
  return a;
}

/// Constants come as f32 and were rounded more than once on their way.
bool isNear(double value, double expected) {
  return std::abs(value - expected) <=
         1e-5 * std::max(std::abs(expected), 1e-3);
}

bool isNear(const Polynomial &value, const Polynomial &expected) {
  for (unsigned i = 0; i < 4; ++i)
    if (!isNear(value[i], expected[i]))
      return false;
  return true;
}

/// The factors of a product: inner products belong to it if nobody else reads
/// them. Scalars are multiplied up.
struct Product {
  double number = 1;
  SmallVector<Value> factors;
  SmallVector<Operation *> ops;

  void add(Value value, bool isRoot = false) {
    Operation *op = value.getDefiningOp();
    if (std::optional<double> scalar = readScalar(value)) {
      number *= *scalar;
      return;
    }
    if (isa_and_present<MulOp, DivOp>(op) && (isRoot || value.hasOneUse())) {
      if (isa<MulOp>(op)) {
        add(op->getOperand(0));
        add(op->getOperand(1));
        ops.push_back(op);
        return;
      }
      if (std::optional<double> divisor = readScalar(op->getOperand(1))) {
        number /= *divisor;
        add(op->getOperand(0));
        ops.push_back(op);
        return;
      }
    }
    factors.push_back(value);
  }
};

/// The erf or tanh that `value` is a sum or product of with scalars.
Operation *findInner(Value value, unsigned depth = 0) {
  Operation *op = value.getDefiningOp();
  if (isa_and_present<ErfOp, TanhOp>(op))
    return op;
  if (isa_and_present<AddOp, MulOp>(op) && depth < 3)
    if (std::optional<ScalarOperand> scalar = matchScalarOperand(op))
      return findInner(scalar->other, depth + 1);
  return nullptr;
}

/// The arithmetic between `value` and `x`, each op once, operands first.
void collectOps(Value value, Value x, SetVector<Operation *> &ops) {
  Operation *op = value.getDefiningOp();
  if (value == x || !op || ops.contains(op) || isa<WeightOp, ConstantOp>(op))
    return;
  for (Value operand : op->getOperands())
    collectOps(operand, x, ops);
  ops.insert(op);
}

struct Gelu {
  Value input;
  GeluApproximation approximation = GeluApproximation::None;
  SetVector<Operation *> ops;
};

std::optional<Gelu> matchGelu(MulOp root, Explain why) {
  auto fail = [&](const Twine &reason) {
    why(reason);
    return std::nullopt;
  };
  Product product;
  product.add(root, /*isRoot=*/true);
  if (product.factors.size() != 2)
    return fail("the product has not two factors beside numbers");

  for (unsigned i = 0; i < 2; ++i) {
    Value gate = product.factors[i], x = product.factors[1 - i];
    Operation *inner = findInner(gate);
    if (!inner)
      continue;
    // The gate is a (1 + f), and together with the numbers of the product
    // half of it.
    std::optional<Polynomial> outer = getPolynomial(gate, inner->getResult(0));
    if (!outer || !isNear((*outer)[0] * product.number, 0.5) ||
        !isNear((*outer)[1] * product.number, 0.5))
      return fail("the factor beside x is not (1 + f(x)) / 2");
    if (x.getType() != root.getType())
      return fail("the shape changes");
    std::optional<Polynomial> argument = getPolynomial(inner->getOperand(0), x);
    if (!argument)
      return fail("what erf or tanh is of is not a polynomial of x");
    constexpr double c = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
    Gelu gelu;
    gelu.input = x;
    if (isa<TanhOp>(inner))
      gelu.approximation = GeluApproximation::Tanh;
    Polynomial expected = isa<TanhOp>(inner)
                              ? Polynomial{0, c, 0, c * 0.044715}
                              : Polynomial{0, 1 / std::numbers::sqrt2, 0, 0};
    if (!isNear(*argument, expected))
      return fail("the coefficients inside erf or tanh are not those of GELU");
    collectOps(root, x, gelu.ops);
    return gelu;
  }
  return fail("no factor holds erf or tanh");
}

/// pi.mul (pi.mul %x, (pi.add (pi.erf (pi.div %x, 1.41421356)), 1)), 0.5
///   -> pi.gelu %x
/// and with tanh, pi.gelu %x approximation <tanh>; any order of the factors.
struct RaiseGelu : OpRewritePattern<MulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MulOp op,
                                PatternRewriter &rewriter) const override {
    LogicalResult reason = failure();
    std::optional<Gelu> gelu = matchGelu(op, [&](const Twine &why) {
      reason = rewriter.notifyMatchFailure(op, why);
    });
    if (!gelu)
      return reason;
    auto raised =
        GeluOp::create(rewriter, fuseLocations(gelu->ops.getArrayRef()),
                       op.getType(), gelu->input, gelu->approximation);
    rewriter.replaceOp(op, raised);
    return success();
  }
};

} // namespace

void populateRaiseGeluPatterns(RewritePatternSet &patterns) {
  patterns.add<RaiseGelu>(patterns.getContext());
}

std::string explainGelu(Operation *erfOrTanh) {
  // Up through the gate to the outermost product.
  std::string reason;
  Operation *op = erfOrTanh;
  for (unsigned depth = 0; depth < kMaxDepth && op->hasOneUse(); ++depth) {
    op = *op->user_begin();
    if (!isa<AddOp, MulOp, DivOp>(op))
      break;
    if (auto mul = dyn_cast<MulOp>(op))
      matchGelu(mul,
                [&](const Twine &why) { reason = "no GELU: " + why.str(); });
  }
  return reason;
}

} // namespace aero::pi
