//===- Contract.cpp - What convert-pi-to-mpc accepts ----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"

#include "aero/Runtime/Parameters.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace mlir;
using namespace aero;

std::string aero::describeNode(Operation *op) {
  std::string text;
  if (std::string node = pi::getNodeName(op->getLoc()); !node.empty())
    text += ": node '" + node + "'";
  if (int64_t layer = pi::getLayer(op->getLoc()); layer >= 0)
    text += (text.empty() ? ": layer " : " in layer ") + std::to_string(layer);
  return text;
}

std::string aero::formatNumber(double value) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%g", value);
  return text;
}

ArrayRef<int64_t> aero::dropBatch(ArrayRef<int64_t> shape) {
  return shape.size() > 2 && shape.front() == 1 ? shape.drop_front() : shape;
}

LogicalResult aero::verifyOptions(Location loc,
                                  const ConvertPIToMPCOptions &options) {
  unsigned frac = options.activationFrac, bits = options.compareBits;
  if (frac < 8 || frac > 24)
    return emitError(loc) << "activation-frac is " << frac
                          << ", expected 8 to 24";
  if (options.weightFrac < 8 || options.weightFrac > 28)
    return emitError(loc) << "weight-frac is " << options.weightFrac
                          << ", expected 8 to 28";
  // 0: as many as the proved range of each comparison takes.
  if (bits == 0)
    return success();
  // Scores are truncated from twice the scale, which proves |score| below
  // 2^(62 - 2 frac); max_row wants twice that below 2^(bits - 1). exp2 opens
  // bits + frac bits.
  unsigned least = mpc::ringBits - 2 * frac, most = mpc::ringBits - frac;
  least = std::max((least + 3) / 4 * 4, rt::exp2MinCompareBits);
  if (bits % 4 != 0 || bits < least || bits > most)
    return emitError(loc) << "compare-bits is " << bits
                          << ", expected 0 or a multiple of 4 from " << least
                          << " to " << most << " for scores with " << frac
                          << " fraction bits";
  return success();
}

static LogicalResult verifySignature(func::FuncOp func) {
  FunctionType type = func.getFunctionType();
  auto isI64 = [](Type type, ArrayRef<int64_t> shape) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.getElementType().isInteger(64) &&
           tensor.getShape() == shape;
  };
  auto tokens = type.getNumInputs()
                    ? dyn_cast<RankedTensorType>(type.getInput(0))
                    : RankedTensorType();
  if (!tokens || tokens.getRank() != 2 ||
      !isI64(tokens, {1, tokens.getDimSize(1)}))
    return emitError(func.getLoc())
           << "expected the tokens of one prompt, tensor<1xTxi64>, as the "
              "first "
              "input of '"
           << func.getName() << "': export the model with a batch of 1";
  if (type.getNumInputs() > 2 ||
      (type.getNumInputs() == 2 && !isI64(type.getInput(1), {})))
    return emitError(func.getLoc())
           << "expected tokens and, optionally, a position of type tensor<i64> "
              "as the inputs of '"
           << func.getName() << "', got " << type;
  if (type.getNumResults() != 1)
    return emitError(func.getLoc())
           << "expected one result, the logits, got " << type.getNumResults();
  return success();
}

static LogicalResult verifyAttention(pi::AttentionOp op,
                                     const ConvertPIToMPCOptions &options) {
  // What pi-fold-scaling leaves is a public factor of the queries.
  double factor = op.getScale().convertToFloat() / pi::kAttentionScale;
  double limit = std::ldexp(1.0, 31 - int(options.weightFrac));
  if (!(std::fabs(factor) < limit))
    return emitError(op.getLoc())
           << "pi.attention with scale "
           << formatNumber(op.getScale().convertToFloat())
           << ", the secure form is made for less than "
           << formatNumber(limit * pi::kAttentionScale) << describeNode(op);
  if (op.getMask() || op.getBias())
    return emitError(op.getLoc()) << "no secure form of pi.attention with a "
                                  << (op.getMask() ? "padding mask" : "bias")
                                  << " yet" << describeNode(op);
  ArrayRef<int64_t> shape = op.getQuery().getType().getShape();
  if (shape[1] != op.getKey().getType().getShape()[1] || shape.front() != 1)
    return emitError(op.getLoc())
           << "expected queries and keys of the same tokens and "
              "a batch of 1, got "
           << op.getQuery().getType() << " and " << op.getKey().getType()
           << describeNode(op);
  // A row sum is below 4 tokens (see Attention.cpp).
  int64_t most = int64_t(rt::recipMaxUpperBound) / 4;
  if (shape[1] > most)
    return emitError(op.getLoc())
           << "pi.attention over " << shape[1]
           << " tokens, the reciprocal of the row sums is made "
              "for at most "
           << most << describeNode(op);
  return success();
}

/// What makes a rotary embedding unlowerable: angles that are not public.
static LogicalResult verifyRotary(pi::RotaryEmbeddingOp op) {
  for (Value table : {op.getCos(), op.getSin()}) {
    auto constant = table.getDefiningOp<pi::ConstantOp>();
    auto type = cast<RankedTensorType>(table.getType());
    if (!constant || (type.getRank() == 3 && type.getShape().front() != 1))
      return emitError(op.getLoc())
             << "expected the angles of pi.rotary_embedding to be constants of "
                "one prompt"
             << describeNode(op);
  }
  return success();
}

/// Ops that a raised network may hold whatever the passes do: nothing but a
/// secure form helps.
static bool isUnimplemented(Operation &op) {
  return isa<pi::DivOp, pi::TakeOp, pi::BroadcastOp>(op);
}

LogicalResult aero::verifyLowerable(func::FuncOp func,
                                    const ConvertPIToMPCOptions &options) {
  if (func.isExternal() || !func.getBody().hasOneBlock())
    return emitError(func.getLoc())
           << "expected a body of one block in '" << func.getName() << "'";
  LogicalResult result = verifySignature(func);
  // Report everything at once: the remedy is another configuration, and to
  // choose it a user has to see all that is in the way.
  for (Operation &op : func.getBody().front()) {
    if (auto attention = dyn_cast<pi::AttentionOp>(op)) {
      if (failed(verifyAttention(attention, options)))
        result = failure();
      continue;
    }
    if (auto rotary = dyn_cast<pi::RotaryEmbeddingOp>(op)) {
      if (failed(verifyRotary(rotary)))
        result = failure();
      continue;
    }
    if (isa<pi::WeightOp, pi::EmbeddingOp, pi::AddOp, pi::SubOp, pi::MulOp,
            pi::LinearOp, pi::SliceOp, pi::ReshapeOp, pi::TransposeOp,
            pi::ConcatOp, pi::SelectTokenOp, pi::ReluOp, pi::LeakyReluOp,
            pi::PReluOp, pi::GeluOp, pi::SiluOp, pi::LayerNormOp, pi::RMSNormOp,
            func::ReturnOp>(op))
      continue;
    // A table of angles or a mask is as good as what reads it.
    if (isa<pi::ConstantOp>(op) &&
        llvm::all_of(op.getUsers(),
                     llvm::IsaPred<pi::RotaryEmbeddingOp, pi::AttentionOp>))
      continue;
    InFlightDiagnostic diag = emitError(op.getLoc())
                              << "no secure form of " << op.getName() << " yet"
                              << describeNode(&op);
    if (isa<pi::NonlinearOpInterface>(op))
      diag << "; choose a configuration without it, e.g. --config SM+ScFuFFN";
    else if (!isUnimplemented(op))
      diag.attachNote() << "pi-raise, pi-fold-scaling and canonicalize should "
                           "have turned it into weights, pi.linear or "
                           "pi.attention";
    result = failure();
  }
  return result;
}
