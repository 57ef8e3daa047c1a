//===- PIToMPC.cpp - Lowering of pi to mpc --------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"

#include "aero/Runtime/Parameters.h"

#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

namespace aero {
#define GEN_PASS_DEF_CONVERTPITOMPC
#include "aero/Conversion/PIToMPC/PIToMPC.h.inc"
} // namespace aero

using namespace mlir;
using namespace aero;

Lowering::Lowering(func::FuncOp func, const ConvertPIToMPCOptions &options)
    : source(func), options(options), builder(func),
      form(func, {options.activationFrac, options.weightFrac,
                  options.compareBits, options.provedRanges}) {}

mpc::ShareType Lowering::shareType(ArrayRef<int64_t> shape, int64_t frac) {
  return mpc::ShareType::get(builder.getContext(), shape, mpc::ringBits,
                             int32_t(frac));
}

Value Lowering::truncate(Location loc, Value value, uint32_t shift) {
  auto type = cast<mpc::ShareType>(value.getType());
  return mpc::TruncOp::create(
      builder, loc, shareType(type.getShape(), int64_t(type.getFrac()) - shift),
      value, shift, IntegerAttr());
}

Value Lowering::getActivation(Value value) {
  Value share = getShare(value);
  auto type = cast<mpc::ShareType>(share.getType());
  int32_t excess = type.getFrac() - int32_t(options.activationFrac);
  if (excess == 0)
    return share;
  auto [it, inserted] = activations.try_emplace(value);
  // The truncation belongs to the node that made the product.
  if (inserted)
    it->second = truncate(share.getLoc(), share, excess);
  return it->second;
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

// pi.embedding table[tokens]  ->  extend(embedding tokens, table)
LogicalResult Lowering::lowerEmbedding(pi::EmbeddingOp op) {
  if (op.getIndices() != source.getArgument(0)) {
    InFlightDiagnostic diag =
        emitError(op.getLoc())
        << "expected the indices to be the prompt's tokens" << describeNode(op);
    diag.attachNote()
        << "an embedding of positions is a weight: pi-raise should "
           "have folded it";
    return diag;
  }
  Value table =
      getWeight(op, op.getTable(), options.activationFrac, WeightRole::Table);
  if (!table)
    return failure();
  ArrayRef<int64_t> shape = dropBatch(op.getType().getShape());
  auto narrow = mpc::ShareType::get(builder.getContext(), shape,
                                    mpc::embeddingBits, options.activationFrac);
  Value rows = mpc::EmbeddingOp::create(builder, op.getLoc(), narrow, tokens,
                                        table, IntegerAttr());
  shares[op.getResult()] = mpc::ExtendOp::create(
      builder, op.getLoc(), shareType(shape, options.activationFrac), rows,
      IntegerAttr());
  return success();
}

/// Checks that the shape of `weight`, made from `operand`, ends that of the
/// private operand.
static LogicalResult verifySuffix(Operation *op, Value operand, Value weight,
                                  ArrayRef<int64_t> shape) {
  ArrayRef<int64_t> suffix = cast<mpc::ServerType>(weight.getType()).getShape();
  if (suffix.size() <= shape.size() && shape.take_back(suffix.size()) == suffix)
    return success();
  return emitError(op->getLoc())
         << "no secure form of a weight of shape " << operand.getType()
         << " broadcast to " << op->getResult(0).getType() << describeNode(op);
}

std::pair<Value, Value> Lowering::getTerms(Value lhs, Value rhs) {
  Value x = getShare(lhs), y = getShare(rhs);
  if (x.getType() == y.getType())
    return {x, y};
  return {getActivation(lhs), getActivation(rhs)};
}

// pi.add(x, y)       ->  add(x, y)
// pi.add(x, weight)  ->  add_weight(x, weight at x's scale)
LogicalResult Lowering::lowerAdd(pi::AddOp op) {
  Value lhs = op.getLhs(), rhs = op.getRhs();
  if (!getShare(lhs))
    std::swap(lhs, rhs);
  ArrayRef<int64_t> shape = dropBatch(op.getType().getShape());
  auto checkShape = [&](Value share) -> LogicalResult {
    if (cast<mpc::ShareType>(share.getType()).getShape() == shape)
      return success();
    return emitError(op.getLoc())
           << "no secure form of pi.add that broadcasts a "
              "private value"
           << describeNode(op);
  };
  if (!getShare(lhs))
    return emitError(op.getLoc())
           << "expected a sum with a private operand" << describeNode(op);
  if (failed(checkShape(getShare(lhs))))
    return failure();

  if (getShare(rhs)) {
    if (failed(checkShape(getShare(rhs))))
      return failure();
    auto [x, y] = getTerms(lhs, rhs);
    shares[op.getResult()] = mpc::AddOp::create(
        builder, op.getLoc(), x.getType(), x, y, IntegerAttr());
    return success();
  }

  Value x = getShare(lhs);
  auto type = cast<mpc::ShareType>(x.getType());
  Value weight = getWeight(op, rhs, type.getFrac(), WeightRole::Addend);
  if (!weight)
    return failure();
  if (failed(verifySuffix(op, rhs, weight, shape)))
    return failure();
  shares[op.getResult()] = mpc::AddWeightOp::create(builder, op.getLoc(), type,
                                                    x, weight, IntegerAttr());
  return success();
}

// pi.sub(x, y)  ->  sub(x, y)
LogicalResult Lowering::lowerSub(pi::SubOp op) {
  ArrayRef<int64_t> shape = dropBatch(op.getType().getShape());
  auto isPrivate = [&](Value value) {
    Value share = getShare(value);
    return share && cast<mpc::ShareType>(share.getType()).getShape() == shape;
  };
  if (!isPrivate(op.getLhs()) || !isPrivate(op.getRhs()))
    return emitError(op.getLoc())
           << "expected a difference of two private values of one shape"
           << describeNode(op);
  auto [x, y] = getTerms(op.getLhs(), op.getRhs());
  shares[op.getResult()] = mpc::SubOp::create(builder, op.getLoc(), x.getType(),
                                              x, y, IntegerAttr());
  return success();
}

// pi.mul(x, y)       ->  mul(x, y)
// pi.mul(x, weight)  ->  mul_weight(x, weight)
LogicalResult Lowering::lowerMul(pi::MulOp op) {
  Value lhs = op.getLhs(), rhs = op.getRhs();
  if (!getShare(lhs))
    std::swap(lhs, rhs);
  ArrayRef<int64_t> shape = dropBatch(op.getType().getShape());
  auto fits = [&](Value value) {
    Value share = getShare(value);
    return share && cast<mpc::ShareType>(share.getType()).getShape() == shape;
  };
  if (!fits(lhs) || (getShare(rhs) && !fits(rhs)))
    return emitError(op.getLoc())
           << "no secure form of pi.mul that broadcasts a private value"
           << describeNode(op);
  Value x = getActivation(lhs);
  if (getShare(rhs)) {
    shares[op.getResult()] = mpc::MulOp::create(
        builder, op.getLoc(),
        shareType(shape, 2 * int64_t(options.activationFrac)), x,
        getActivation(rhs), IntegerAttr());
    return success();
  }
  auto type = cast<RankedTensorType>(rhs.getType());
  Value weight =
      type.getNumElements() == 1
          ? getSplat(op, rhs, shape.back())
          : getWeight(op, rhs, options.weightFrac, WeightRole::Scale);
  if (!weight)
    return failure();
  if (failed(verifySuffix(op, rhs, weight, shape)))
    return failure();
  int64_t frac = int64_t(options.activationFrac) + options.weightFrac;
  shares[op.getResult()] =
      mpc::MulWeightOp::create(builder, op.getLoc(), shareType(shape, frac), x,
                               weight, /*rows=*/false, IntegerAttr());
  return success();
}

// pi.transpose  ->  transpose, at any scale
LogicalResult Lowering::lowerTranspose(pi::TransposeOp op) {
  Value x = getShare(op.getInput());
  auto input = cast<RankedTensorType>(op.getInput().getType());
  int64_t dropped =
      input.getRank() - int64_t(dropBatch(input.getShape()).size());
  ArrayRef<int64_t> permutation = op.getPermutation();
  if (dropped && permutation.front() != 0)
    return emitError(op.getLoc())
           << "no secure form of pi.transpose that moves the batch"
           << describeNode(op);
  SmallVector<int64_t> moved;
  for (int64_t dim : permutation.drop_front(dropped))
    moved.push_back(dim - dropped);
  auto type = cast<mpc::ShareType>(x.getType());
  shares[op.getResult()] = mpc::TransposeOp::create(
      builder, op.getLoc(), type.withShape(dropBatch(op.getType().getShape())),
      x, moved, IntegerAttr());
  return success();
}

// pi.concat  ->  concat, of truncated values
LogicalResult Lowering::lowerConcat(pi::ConcatOp op) {
  auto input = cast<RankedTensorType>(op.getInputs().front().getType());
  int64_t dropped =
      input.getRank() - int64_t(dropBatch(input.getShape()).size());
  int64_t axis = int64_t(op.getAxis()) - dropped;
  if (axis < 0 ||
      llvm::any_of(
          op.getInputs(), [&](Value value) { return !getShare(value); }))
    return emitError(op.getLoc())
           << "expected private values joined within one prompt"
           << describeNode(op);
  SmallVector<Value> parts;
  for (Value value : op.getInputs())
    parts.push_back(getActivation(value));
  shares[op.getResult()] = mpc::ConcatOp::create(
      builder, op.getLoc(),
      shareType(dropBatch(op.getType().getShape()), options.activationFrac),
      parts, axis, IntegerAttr());
  return success();
}

// pi.linear(x, W, b)  ->  linear(x, W, b at the product's scale); truncated
// when it is used: the logits never are.
LogicalResult Lowering::lowerLinear(pi::LinearOp op) {
  if (!getShare(op.getInput()))
    return emitError(op.getLoc())
           << "expected a private input" << describeNode(op);
  ArrayRef<int64_t> shape = dropBatch(op.getType().getShape());
  if (shape.size() != 2)
    return emitError(op.getLoc())
           << "expected an input of one prompt, (tokens, width), "
              "got "
           << op.getInput().getType() << describeNode(op);
  Value x = getActivation(op.getInput());
  Value weight =
      getWeight(op, op.getWeight(), options.weightFrac, WeightRole::Factor);
  if (!weight)
    return failure();
  int32_t frac = options.activationFrac + options.weightFrac;
  Value bias;
  if (op.getBias()) {
    bias = getWeight(op, op.getBias(), frac, WeightRole::Addend);
    if (!bias)
      return failure();
  }
  shares[op.getResult()] =
      mpc::LinearOp::create(builder, op.getLoc(), shareType(shape, frac), x,
                            weight, bias, IntegerAttr());
  return success();
}

/// Whether a slice is a term of a sum, which is truncated after it.
static bool isTerm(pi::SliceOp op) {
  return !op->use_empty() && llvm::all_of(op->getUsers(), [](Operation *user) {
    return isa<pi::AddOp, pi::SubOp>(user);
  });
}

/// Whether slices of `value` are cut from the product, not from the truncated
/// value. A fused QKV product is truncated in one instruction instead of three;
/// but what becomes a term would be truncated with it and again in the sum.
static bool isCutBeforeTruncation(Value value) {
  return llvm::all_of(value.getUsers(), llvm::IsaPred<pi::SliceOp>) &&
         llvm::any_of(value.getUsers(), [](Operation *user) {
           return isTerm(cast<pi::SliceOp>(user));
         });
}

// pi.slice  ->  slice
LogicalResult Lowering::lowerSlice(pi::SliceOp op) {
  if (!getShare(op.getInput()))
    return emitError(op.getLoc())
           << "no secure form of a slice of a weight" << describeNode(op);
  auto input = cast<RankedTensorType>(op.getInput().getType());
  auto result = cast<RankedTensorType>(op.getResult().getType());
  int64_t dropped =
      input.getRank() - int64_t(dropBatch(input.getShape()).size());
  int64_t axis = int64_t(op.getAxis()) - dropped;
  if (axis < 0) {
    shares[op.getResult()] = getShare(op.getInput());
    return success();
  }
  Value from = isCutBeforeTruncation(op.getInput())
                   ? getShare(op.getInput())
                   : getActivation(op.getInput());
  auto type = cast<mpc::ShareType>(from.getType());
  shares[op.getResult()] = mpc::SliceOp::create(
      builder, op.getLoc(),
      type.withShape(result.getShape().drop_front(dropped)), from, axis,
      op.getOffset(), IntegerAttr());
  return success();
}

// pi.reshape  ->  reshape, at any scale
LogicalResult Lowering::lowerReshape(pi::ReshapeOp op) {
  Value x = getShare(op.getInput());
  if (!x)
    return emitError(op.getLoc())
           << "no secure form of a reshaped weight" << describeNode(op);
  auto result = cast<RankedTensorType>(op.getResult().getType());
  ArrayRef<int64_t> shape = dropBatch(result.getShape());
  auto type = cast<mpc::ShareType>(x.getType());
  shares[op.getResult()] =
      type.getShape() == shape
          ? x
          : mpc::ReshapeOp::create(builder, op.getLoc(), type.withShape(shape),
                                   x, IntegerAttr())
                .getResult();
  return success();
}

// pi.select_token  ->  take_row, at any scale: a product is truncated after it,
// one row instead of all
LogicalResult Lowering::lowerSelectToken(pi::SelectTokenOp op) {
  Value x = getShare(op.getInput());
  if (!x || !position || op.getPosition() != source.getArgument(1))
    return emitError(op.getLoc())
           << "expected a row of a private value at the second "
              "input, the public position"
           << describeNode(op);
  auto type = cast<mpc::ShareType>(x.getType());
  if (type.getRank() != 2)
    return emitError(op.getLoc())
           << "expected an input of one prompt, (tokens, width)"
           << describeNode(op);
  shares[op.getResult()] = mpc::TakeRowOp::create(
      builder, op.getLoc(), type.withShape({1, type.getShape()[1]}), x,
      position, IntegerAttr());
  return success();
}

/// Fraction bits of logits that count, at least, when the largest is looked
/// for.
static constexpr int kLogitFrac = 8;

// The logits are never truncated; they have to stay below 2^62 at their scale
// as if they were. All bits above the dropped ones are compared, in groups of
// four.
Value Lowering::findToken(Value logits) {
  auto type = cast<mpc::ShareType>(logits.getType());
  int frac = type.getFrac(), drop = std::max(0, frac - kLogitFrac) / 4 * 4;
  double bound = std::ldexp(1.0, int(mpc::truncBoundLog2) - frac);
  unsigned bits = mpc::ringBits - unsigned(drop);
  ArrayRef<int64_t> rows = type.getShape().drop_back();
  Value column = mpc::ArgMaxOp::create(
      builder, logits.getLoc(),
      mpc::ShareType::get(builder.getContext(), rows, rt::argMaxBits,
                          /*frac=*/0),
      logits, bits, uint32_t(drop), getRange(bound), IntegerAttr());
  return mpc::ExtendOp::create(builder, logits.getLoc(), shareType(rows, 0),
                               column, IntegerAttr());
}

// return x  ->  return reveal(x): the client divides by the scale
// or        ->  return reveal(extend(argmax x))
LogicalResult Lowering::lowerReturn(func::ReturnOp op) {
  Value x = getShare(op.getOperand(0));
  if (!x)
    return emitError(op.getLoc()) << "the result does not depend on the prompt";
  if (options.revealToken) {
    if (cast<mpc::ShareType>(x.getType()).getRank() < 2)
      return emitError(op.getLoc())
             << "reveal-token expects rows of logits, got "
             << op.getOperand(0).getType();
    x = findToken(x);
  }
  auto type = cast<mpc::ShareType>(x.getType());
  auto tensor = RankedTensorType::get(type.getShape(), builder.getF64Type());
  Value revealed =
      mpc::RevealOp::create(builder, x.getLoc(), tensor, x, IntegerAttr());
  func::ReturnOp::create(builder, op.getLoc(), revealed);
  target.setFunctionType(
      builder.getFunctionType(target.getFunctionType().getInputs(), {tensor}));
  return success();
}

LogicalResult Lowering::lowerNonlinear(Operation *op) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](pi::ReluOp op) { return lowerRelu(op); })
      .Case([&](pi::LeakyReluOp op) { return lowerLeakyRelu(op); })
      .Case([&](pi::PReluOp op) { return lowerPRelu(op); })
      .Case([&](pi::GeluOp op) {
        bool isTanh = op.getApproximation() == pi::GeluApproximation::Tanh;
        return lowerSmooth(op, isTanh ? mpc::TailFunction::GeluTanh
                                      : mpc::TailFunction::Gelu);
      })
      .Case([&](pi::SiluOp op) {
        return lowerSmooth(op, mpc::TailFunction::Silu);
      })
      .Case([&](pi::LayerNormOp op) {
        return lowerNorm(op, op.getInput(), op.getGamma(), op.getBeta(),
                         op.getEpsilon().convertToDouble(), /*centred=*/true);
      })
      .Case([&](pi::RMSNormOp op) {
        return lowerNorm(op, op.getInput(), op.getGamma(), Value(),
                         op.getEpsilon().convertToDouble(), /*centred=*/false);
      })
      .Case([&](pi::RotaryEmbeddingOp op) { return lowerRotary(op); });
}

LogicalResult Lowering::lower(Operation &op) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(&op)
      .Case([&](pi::EmbeddingOp op) { return lowerEmbedding(op); })
      .Case([&](pi::AddOp op) { return lowerAdd(op); })
      .Case([&](pi::LinearOp op) { return lowerLinear(op); })
      .Case([&](pi::SliceOp op) { return lowerSlice(op); })
      .Case([&](pi::ReshapeOp op) { return lowerReshape(op); })
      .Case([&](pi::SelectTokenOp op) { return lowerSelectToken(op); })
      .Case([&](pi::SubOp op) { return lowerSub(op); })
      .Case([&](pi::MulOp op) { return lowerMul(op); })
      .Case([&](pi::TransposeOp op) {
        // A weight that is turned is turned where it is used.
        return getShare(op.getInput()) ? lowerTranspose(op) : success();
      })
      .Case([&](pi::ConcatOp op) { return lowerConcat(op); })
      .Case<pi::ReluOp, pi::LeakyReluOp, pi::PReluOp, pi::GeluOp, pi::SiluOp,
            pi::LayerNormOp, pi::RMSNormOp, pi::RotaryEmbeddingOp>(
          [&](auto op) {
            if (getShare(op.getInput()))
              return lowerNonlinear(op);
            return LogicalResult(emitError(op.getLoc())
                                 << "expected a private input"
                                 << describeNode(op));
          })
      .Case([&](pi::AttentionOp op) {
        if (getShare(op.getQuery()) && getShare(op.getKey()) &&
            getShare(op.getValue()))
          return lowerAttention(op);
        return LogicalResult(emitError(op.getLoc())
                             << "expected private queries, keys and values"
                             << describeNode(op));
      })
      .Case([&](func::ReturnOp op) { return lowerReturn(op); })
      // Weights are made where they are used, at the scale of the use.
      .Default(success());
}

//===----------------------------------------------------------------------===//
// The function
//===----------------------------------------------------------------------===//

LogicalResult Lowering::buildSignature() {
  int64_t vocabulary = 0;
  for (auto embedding : source.getOps<pi::EmbeddingOp>()) {
    ArrayRef<int64_t> table = embedding.getTable().getType().getShape();
    if (embedding.getIndices() != source.getArgument(0) || table.size() != 2)
      continue;
    if (vocabulary && vocabulary != table[0])
      return emitError(embedding.getLoc())
             << "expected tables of one vocabulary, got " << vocabulary
             << " and " << table[0] << " rows" << describeNode(embedding);
    vocabulary = table[0];
  }
  if (!vocabulary)
    return emitError(source.getLoc())
           << "expected an embedding of the prompt's tokens in '"
           << source.getName() << "'";

  MLIRContext *context = builder.getContext();
  auto argument = cast<RankedTensorType>(source.getArgument(0).getType());
  auto tokensType =
      mpc::TokensType::getChecked([&] { return emitError(source.getLoc()); },
                                  context, argument.getDimSize(1), vocabulary);
  if (!tokensType)
    return failure();
  SmallVector<Type> inputs = {tokensType};
  if (source.getNumArguments() == 2)
    inputs.push_back(mpc::PositionType::get(context));

  target = func::FuncOp::create(builder, source.getLoc(), source.getName(),
                                builder.getFunctionType(inputs, {}));
  target.setVisibility(source.getVisibility());
  builder.setInsertionPointToStart(target.addEntryBlock());
  tokens = target.getArgument(0);
  if (inputs.size() == 2)
    position = target.getArgument(1);
  return success();
}

LogicalResult Lowering::run() {
  if (failed(buildSignature()))
    return failure();
  for (Operation &op : source.getBody().front())
    if (failed(lower(op))) {
      target.erase();
      return failure();
    }
  source.erase();
  return success();
}

namespace {

struct ConvertPIToMPCPass
    : public aero::impl::ConvertPIToMPCBase<ConvertPIToMPCPass> {
  using ConvertPIToMPCBase::ConvertPIToMPCBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    ConvertPIToMPCOptions options{activationFrac, weightFrac, compareBits,
                                  provedRanges, revealToken};
    if (failed(verifyOptions(module.getLoc(), options)))
      return signalPassFailure();
    SmallVector<func::FuncOp> funcs(module.getOps<func::FuncOp>());
    for (func::FuncOp func : funcs)
      if (failed(verifyLowerable(func, options)))
        return signalPassFailure();
    for (func::FuncOp func : funcs)
      if (failed(Lowering(func, options).run()))
        return signalPassFailure();
  }
};

} // namespace
