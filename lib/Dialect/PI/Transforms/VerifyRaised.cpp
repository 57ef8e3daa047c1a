//===- VerifyRaised.cpp - Names what pi-raise has not recognised ----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Raise.h"

#include "aero/Dialect/PI/Transforms/Passes.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/TypeSwitch.h"

namespace aero::pi {
#define GEN_PASS_DEF_VERIFYRAISEDPASS
#include "aero/Dialect/PI/Transforms/Passes.h.inc"
} // namespace aero::pi

using namespace mlir;

namespace aero::pi {
namespace {

bool isServerOrPublic(Value value) {
  return isa_and_present<WeightOp, ConstantOp>(value.getDefiningOp());
}

/// A number, or one for each column: what scales an activation.
bool isScale(Value value) {
  ArrayRef<int64_t> shape = cast<RankedTensorType>(value.getType()).getShape();
  return llvm::count_if(shape, [](int64_t size) { return size != 1; }) <= 1;
}

/// One branch of a gated feed-forward network.
bool isGate(Value value) {
  return isa_and_present<GeluOp, SiluOp, ReluOp, LeakyReluOp, PReluOp>(
      value.getDefiningOp());
}

/// What to say about ops that the later passes do not know.
class Explainer {
public:
  /// Nothing if they know `op`.
  std::optional<std::string> explain(Operation *op);

private:
  bool isPosition(Operation *op);
  std::optional<std::string> explainProduct(Operation *op);

  DenseMap<Operation *, bool> positions;
};

/// Whether everything that `op` computes ends as an index of a table or as an
/// angle: positions are numbered with ordinary arithmetic.
bool Explainer::isPosition(Operation *op) {
  auto found = positions.find(op);
  if (found != positions.end())
    return found->second;
  bool result =
      !op->use_empty() && llvm::all_of(op->getUses(), [&](OpOperand &use) {
        Operation *user = use.getOwner();
        if (auto embedding = dyn_cast<EmbeddingOp>(user);
            embedding && &use == &embedding.getIndicesMutable())
          return true;
        if (auto rotary = dyn_cast<RotaryEmbeddingOp>(user))
          return &use != &rotary.getInputMutable();
        return isPosition(user);
      });
  positions[op] = result;
  return result;
}

std::optional<std::string> Explainer::explainProduct(Operation *op) {
  for (Value operand : op->getOperands())
    if (isServerOrPublic(operand) && isScale(operand))
      return std::nullopt;
  auto mul = dyn_cast<MulOp>(op);
  if (mul && llvm::any_of(op->getOperands(), isGate))
    return std::nullopt;
  if (std::string why = mul ? explainRotary(mul) : ""; !why.empty())
    return why;
  if (llvm::any_of(op->getOperands(), isServerOrPublic))
    return "products and quotients with a table of numbers are known only as "
           "part of a rotary embedding";
  return "products and quotients of two activations are known only as part "
         "of attention, a normalisation, GELU, a rotary embedding or a gated "
         "feed-forward network";
}

std::optional<std::string> Explainer::explain(Operation *op) {
  if (!isa_and_present<PIDialect>(op->getDialect()) || isPosition(op))
    return std::nullopt;
  using Answer = std::optional<std::string>;
  auto known = [](std::string why, const char *otherwise) -> Answer {
    return why.empty() ? std::string(otherwise) : why;
  };
  return llvm::TypeSwitch<Operation *, Answer>(op)
      .Case([&](SoftmaxOp op) {
        return known(explainAttention(op), "it belongs to no attention");
      })
      .Case([&](ErfOp op) {
        return known(explainGelu(op), "it belongs to no GELU");
      })
      .Case([&](TanhOp op) -> Answer {
        // Alone it is an activation, that of BERT's pooler.
        std::string why = explainGelu(op);
        return why.empty() ? Answer() : Answer(why);
      })
      .Case([&](SigmoidOp op) {
        return known(explainSilu(op), "it belongs to no SiLU");
      })
      .Case<SqrtOp, PowOp>([&](auto op) {
        return known(explainNorm(op),
                     isa<SqrtOp>(op)
                         ? "it belongs to no normalisation"
                         : "it belongs to no normalisation or GELU");
      })
      .Case([](ReduceMeanOp) {
        return Answer("it belongs to no normalisation or GELU");
      })
      .Case([](ReduceSumOp) { return Answer("no operation has a sum"); })
      .Case([](ExpOp) {
        return Answer("only the exponentials of softmax are known");
      })
      .Case<CosOp, SinOp>([](auto) {
        return Answer("only the angles of rotary embeddings are known");
      })
      .Case([](MatMulOp) {
        return Answer("only products with a weight matrix and those of "
                      "attention are known");
      })
      .Case<WhereOp, CompareOp, AndOp, OrOp, NotOp>(
          [](auto) { return Answer("only the masks of attention are known"); })
      .Case<MinOp, MaxOp>([](auto) {
        return Answer("only the maximum of an activation and 0, and of scores "
                      "and minus infinity, are known");
      })
      .Case<CastOp, CumSumOp>([](auto) {
        return Answer("only masks and positions are computed like this");
      })
      .Case([](EmbeddingOp op) {
        return op.getTable().getDefiningOp<WeightOp>()
                   ? Answer()
                   : Answer("its table is not a weight");
      })
      .Case<MulOp, DivOp>([&](auto op) { return explainProduct(op); })
      .Default([](Operation *) { return Answer(); });
}

struct VerifyRaisedPass : impl::VerifyRaisedPassBase<VerifyRaisedPass> {
  using VerifyRaisedPassBase::VerifyRaisedPassBase;

  void runOnOperation() override {
    bool failed = false;
    Explainer explainer;
    getOperation().walk([&](Operation *op) {
      std::optional<std::string> why = explainer.explain(op);
      if (!why)
        return;
      failed = true;
      InFlightDiagnostic diag = op->emitError();
      std::string name = getNodeName(op->getLoc());
      diag << "'" << op->getName() << "' op ";
      if (!name.empty())
        diag << "(ONNX node '" << name << "') ";
      diag << "is not part of a known transformer operation: " << *why;
    });
    if (failed)
      return signalPassFailure();
    markAllAnalysesPreserved();
  }
};

} // namespace
} // namespace aero::pi
