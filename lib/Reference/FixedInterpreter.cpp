//===- FixedInterpreter.cpp - Executes mpc on plain integers --------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Reference/FixedInterpreter.h"
#include "FixedKernels.h"

#include "aero/Dialect/MPC/IR/MPCOps.h"
#include "aero/Dialect/MPC/IR/Quantize.h"
#include "aero/Dialect/PI/IR/PIOps.h"
#include "aero/Support/Elements.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;
using namespace aero;
using namespace aero::reference;

/// "mpc.trunc, node 'h.0/attn', layer 0: message".
static llvm::Error failAt(Operation *op, const llvm::Twine &message) {
  std::string text = op->getName().getStringRef().str();
  if (std::string node = pi::getNodeName(op->getLoc()); !node.empty())
    text += ", node '" + node + "'";
  if (int64_t layer = pi::getLayer(op->getLoc()); layer >= 0)
    text += ", layer " + std::to_string(layer);
  return llvm::createStringError(text + ": " + message);
}

//===----------------------------------------------------------------------===//
// Preparation
//===----------------------------------------------------------------------===//

struct FixedInterpreter::State {
  func::FuncOp func;
  /// Weights of products and tables, and what is added to values. The same
  /// weight may be both.
  llvm::DenseMap<Value, Factor> factors;
  llvm::DenseMap<Value, Integers> addends;
  mpc::TokensType tokens;
  mpc::RevealOp reveal;

  llvm::Error addFactor(Operation *user, Value value);
  llvm::Error addAddend(Operation *user, Value value);
  llvm::Error prepare(Operation &op);
};

static llvm::Expected<ElementsData<float>> readWeight(Operation *user,
                                                      Value value) {
  auto op = value.getDefiningOp<mpc::WeightOp>();
  if (!op)
    return failAt(user, "a server value does not come from mpc.weight");
  llvm::Expected<ElementsData<float>> data = getFloatData(op.getValue());
  if (!data)
    return failAt(user, "weight '" + op.getName() + "' cannot be read: " +
                            llvm::toString(data.takeError()));
  return data;
}

static llvm::Error failMagnitude(Operation *user, Value value) {
  auto op = value.getDefiningOp<mpc::WeightOp>();
  return failAt(user, "weight '" + op.getName() +
                          "' does not fit into fixed point with " +
                          llvm::Twine(op.getResult().getType().getFrac()) +
                          " fraction bits");
}

llvm::Error FixedInterpreter::State::addFactor(Operation *user, Value value) {
  if (factors.contains(value))
    return llvm::Error::success();
  llvm::Expected<ElementsData<float>> data = readWeight(user, value);
  if (!data)
    return data.takeError();
  auto type = cast<mpc::ServerType>(value.getType());
  Factor factor;
  factor.values.resize(data->size());
  if (!mpc::quantize(*data, type.getFrac(), factor.values.data()))
    return failMagnitude(user, value);
  factor.columnNorm =
      computeColumnNorm(factor.values, size_t(type.getShape().back()));
  factors[value] = std::move(factor);
  return llvm::Error::success();
}

llvm::Error FixedInterpreter::State::addAddend(Operation *user, Value value) {
  if (addends.contains(value))
    return llvm::Error::success();
  llvm::Expected<ElementsData<float>> data = readWeight(user, value);
  if (!data)
    return data.takeError();
  Integers integers(data->size());
  if (!mpc::quantize(*data, cast<mpc::ServerType>(value.getType()).getFrac(),
                     integers.data()))
    return failMagnitude(user, value);
  addends[value] = std::move(integers);
  return llvm::Error::success();
}

llvm::Error FixedInterpreter::State::prepare(Operation &op) {
  if (!mpc::isInstruction(&op) && !isa<mpc::WeightOp, func::ReturnOp>(op))
    return failAt(&op, "is not an instruction of the secure engine: run "
                       "convert-pi-to-mpc first");
  for (Value operand : op.getOperands())
    if (mpc::isInstruction(&op) && isa<BlockArgument>(operand) &&
        isa<mpc::ShareType, mpc::ServerType>(operand.getType()))
      return failAt(&op, "an operand is an argument of the function: only "
                         "tokens and a position come from outside");
  if (auto embedding = dyn_cast<mpc::EmbeddingOp>(op))
    return addFactor(&op, embedding.getTable());
  if (auto product = dyn_cast<mpc::MulWeightOp>(op))
    return addFactor(&op, product.getWeight());
  if (auto add = dyn_cast<mpc::AddWeightOp>(op))
    return addAddend(&op, add.getWeight());
  if (auto linear = dyn_cast<mpc::LinearOp>(op)) {
    if (llvm::Error error = addFactor(&op, linear.getWeight()))
      return error;
    return linear.getBias() ? addAddend(&op, linear.getBias())
                            : llvm::Error::success();
  }
  if (auto op_ = dyn_cast<mpc::RevealOp>(op)) {
    if (reveal)
      return failAt(&op, "there is already a reveal");
    reveal = op_;
  }
  return llvm::Error::success();
}

FixedInterpreter::FixedInterpreter(std::unique_ptr<State> state)
    : state(std::move(state)) {}
FixedInterpreter::~FixedInterpreter() = default;
FixedInterpreter::FixedInterpreter(FixedInterpreter &&) noexcept = default;
FixedInterpreter &
FixedInterpreter::operator=(FixedInterpreter &&) noexcept = default;

llvm::Expected<FixedInterpreter> FixedInterpreter::create(func::FuncOp func) {
  if (func.isExternal() || !func.getBody().hasOneBlock())
    return llvm::createStringError("expected a function body of one block");
  auto state = std::make_unique<State>();
  state->func = func;
  for (BlockArgument argument : func.getArguments())
    if (auto type = dyn_cast<mpc::TokensType>(argument.getType()))
      state->tokens = type;
  if (!state->tokens)
    return llvm::createStringError("function '" + func.getName() +
                                   "' takes no !mpc.tokens: run "
                                   "convert-pi-to-mpc first");
  for (Operation &op : func.getBody().front())
    if (llvm::Error error = state->prepare(op))
      return error;
  if (!state->reveal)
    return llvm::createStringError("function '" + func.getName() +
                                   "' reveals nothing");
  return FixedInterpreter(std::move(state));
}

llvm::ArrayRef<int64_t> FixedInterpreter::getResultShape() const {
  return state->reveal.getInput().getType().getShape();
}

int32_t FixedInterpreter::getResultFrac() const {
  return state->reveal.getInput().getType().getFrac();
}

std::vector<double>
FixedInterpreter::toDoubles(llvm::ArrayRef<int64_t> values) const {
  std::vector<double> result;
  result.reserve(values.size());
  for (int64_t value : values)
    result.push_back(std::ldexp(double(value), -getResultFrac()));
  return result;
}

//===----------------------------------------------------------------------===//
// Execution
//===----------------------------------------------------------------------===//

namespace {

/// The values of one run. The function's ops have been verified, so that shapes
/// fit; what is left to check are ranges.
class Execution {
public:
  Execution(llvm::DenseMap<Value, Factor> &factors,
            llvm::DenseMap<Value, Integers> &addends,
            llvm::ArrayRef<int64_t> tokens, int64_t position)
      : factors(factors), addends(addends), tokens(tokens), position(position) {
  }

  RangeError execute(Operation *op, Integers &out);
  void set(Value value, Integers &&integers) {
    values[value] = {std::move(integers),
                     size_t(llvm::range_size(value.getUses()))};
  }
  /// Frees operands after their last use.
  void release(Operation *op) {
    for (Value operand : op->getOperands())
      if (auto it = values.find(operand);
          it != values.end() && --it->second.uses == 0)
        values.erase(it);
  }

private:
  struct Entry {
    Integers integers;
    size_t uses = 0;
  };

  const Integers &get(Value value) { return values[value].integers; }
  RangeError embed(mpc::EmbeddingOp op, Integers &out);
  RangeError multiply(mpc::MatMulOp op, Integers &out);

  llvm::DenseMap<Value, Factor> &factors;
  llvm::DenseMap<Value, Integers> &addends;
  llvm::ArrayRef<int64_t> tokens;
  int64_t position;
  llvm::DenseMap<Value, Entry> values;
};

} // namespace

static size_t columns(Value value) {
  return size_t(cast<mpc::ShareType>(value.getType()).getShape().back());
}

/// Batch, rows and columns of a tensor of matrices.
static std::tuple<size_t, size_t, size_t> matrices(Value value) {
  auto type = cast<mpc::ShareType>(value.getType());
  size_t rows = size_t(type.getShape()[type.getRank() - 2]);
  size_t width = size_t(type.getShape().back());
  return {size_t(type.getNumElements()) / (rows * width), rows, width};
}

static rt::Rows rowsOf(Value scores, Value rows, bool causal) {
  return mpc::getRows(cast<mpc::ShareType>(scores.getType()),
                      cast<mpc::ShareType>(rows.getType()), causal);
}

RangeError Execution::embed(mpc::EmbeddingOp op, Integers &out) {
  const Factor &table = factors[op.getTable()];
  size_t width = columns(op.getResult());
  out.clear();
  for (int64_t token : tokens)
    out.insert(out.end(), table.values.begin() + token * width,
               table.values.begin() + (token + 1) * width);
  return {};
}

RangeError Execution::multiply(mpc::MatMulOp op, Integers &out) {
  llvm::ArrayRef<int64_t> lhs = op.getLhs().getType().getShape();
  llvm::ArrayRef<int64_t> result = op.getResult().getType().getShape();
  size_t batch = 1;
  for (int64_t dim : lhs.drop_back(2))
    batch *= dim;
  return fixedMatmul(get(op.getLhs()), get(op.getRhs()), batch,
                     lhs[lhs.size() - 2], lhs.back(), result.back(),
                     op.getTransposeRhs(), out);
}

RangeError Execution::execute(Operation *op, Integers &out) {
  return llvm::TypeSwitch<Operation *, RangeError>(op)
      .Case([&](mpc::EmbeddingOp op) { return embed(op, out); })
      .Case([&](mpc::MatMulOp op) { return multiply(op, out); })
      .Case([&](mpc::LinearOp op) {
        llvm::ArrayRef<int64_t> shape = op.getInput().getType().getShape();
        return fixedLinear(get(op.getInput()), factors[op.getWeight()],
                           op.getBias() ? llvm::ArrayRef(addends[op.getBias()])
                                        : llvm::ArrayRef<int64_t>(),
                           shape[0], shape[1], columns(op.getResult()), out);
      })
      .Case([&](mpc::AddWeightOp op) {
        return fixedAdd(get(op.getInput()), addends[op.getWeight()],
                        op.getInput().getType().getBits(), out);
      })
      .Case([&](mpc::MulOp op) {
        bool rows = op.getLhs().getType().getShape() !=
                    op.getRhs().getType().getShape();
        return fixedMul(get(op.getLhs()), get(op.getRhs()),
                        rows ? columns(op.getLhs()) : 1, out);
      })
      .Case([&](mpc::TruncOp op) {
        return fixedTrunc(get(op.getInput()), op.getShift(), out);
      })
      .Case([&](mpc::ExtendOp op) {
        return fixedExtend(get(op.getInput()),
                           op.getInput().getType().getBits(), out);
      })
      .Case([&](mpc::MulWeightOp op) {
        return fixedMulWeight(get(op.getInput()),
                              factors[op.getWeight()].values,
                              op.getRows() ? columns(op.getInput()) : 1, out);
      })
      .Case([&](mpc::CausalScoresOp op) {
        auto [batch, tokens, width] = matrices(op.getLhs());
        return fixedCausalScores(get(op.getLhs()), get(op.getRhs()), batch,
                                 tokens, width, out);
      })
      .Case([&](mpc::CausalContextOp op) {
        auto [batch, tokens, width] = matrices(op.getRhs());
        return fixedCausalContext(get(op.getLhs()), get(op.getRhs()), batch,
                                  tokens, width, out);
      })
      .Case([&](mpc::MaxRowOp op) {
        return fixedMaxRow(
            get(op.getInput()),
            rowsOf(op.getInput(), op.getResult(), op.getCausal()),
            op.getInput().getType().getFrac(), op.getRange().getBound(), out);
      })
      .Case([&](mpc::ArgMaxOp op) {
        return fixedArgMax(get(op.getInput()), columns(op.getInput()),
                           op.getInput().getType().getFrac(),
                           op.getRange().getBound(), out);
      })
      .Case([&](mpc::Exp2Op op) {
        return fixedExp2(get(op.getInput()), get(op.getMax()),
                         rowsOf(op.getInput(), op.getMax(), op.getCausal()),
                         op.getInput().getType().getFrac(),
                         op.getMax().getType().getBits(), out);
      })
      .Case([&](mpc::SumRowOp op) {
        return fixedSumRow(
            get(op.getInput()),
            rowsOf(op.getInput(), op.getResult(), op.getCausal()),
            op.getInput().getType().getBits(), out);
      })
      .Case([&](mpc::ReluOp op) {
        return fixedRelu(get(op.getInput()), op.getInput().getType().getFrac(),
                         op.getRange().getBound(), out);
      })
      .Case([&](mpc::TailOp op) {
        return fixedTail(get(op.getInput()), rt::TailFunction(op.getFunction()),
                         op.getInput().getType().getFrac(),
                         op.getRange().getBound(), out);
      })
      .Case([&](mpc::NormalizeOp op) {
        return fixedNormalize(get(op.getInput()), columns(op.getInput()),
                              op.getInput().getType().getFrac(),
                              op.getCentred(), op.getEpsilon(), out);
      })
      .Case([&](mpc::RecipOp op) {
        return fixedRecip(get(op.getInput()), op.getUpperBound(), out);
      })
      .Case([&](mpc::AddOp op) {
        return fixedAdd(get(op.getLhs()), get(op.getRhs()),
                        op.getLhs().getType().getBits(), out);
      })
      .Case([&](mpc::SubOp op) {
        return fixedSub(get(op.getLhs()), get(op.getRhs()),
                        op.getLhs().getType().getBits(), out);
      })
      .Case([&](mpc::MulPublicOp op) {
        auto values = llvm::to_vector(op.getValue().getValues<int32_t>());
        return fixedMulWeight(get(op.getInput()), values, /*repeat=*/1, out);
      })
      .Case([&](mpc::ConcatOp op) {
        SmallVector<llvm::ArrayRef<int64_t>> parts;
        for (Value input : op.getInputs())
          parts.push_back(get(input));
        size_t outer = 1;
        for (int64_t dim :
             op.getResult().getType().getShape().take_front(op.getAxis()))
          outer *= size_t(dim);
        fixedConcat(parts, outer, out);
        return RangeError();
      })
      .Case([&](mpc::RepeatOp op) {
        size_t inner = 1;
        for (int64_t dim :
             op.getInput().getType().getShape().drop_front(op.getAxis() + 1))
          inner *= size_t(dim);
        fixedRepeat(get(op.getInput()), inner, size_t(op.getTimes()), out);
        return RangeError();
      })
      .Case([&](mpc::SliceOp op) {
        fixedSlice(get(op.getInput()), op.getInput().getType().getShape(),
                   op.getAxis(), op.getOffset(),
                   op.getResult().getType().getShape()[op.getAxis()], out);
        return RangeError();
      })
      .Case([&](mpc::TransposeOp op) {
        fixedTranspose(get(op.getInput()), op.getInput().getType().getShape(),
                       op.getPermutation(), out);
        return RangeError();
      })
      .Case([&](mpc::TakeRowOp op) {
        fixedSlice(get(op.getInput()), op.getInput().getType().getShape(),
                   /*axis=*/0, position, /*size=*/1, out);
        return RangeError();
      })
      .Case<mpc::ReshapeOp, mpc::RevealOp>([&](auto op) {
        out = get(op.getInput());
        return RangeError();
      })
      .Default([](Operation *) {
        return RangeError("the fixed-point interpreter does not know this op");
      });
}

llvm::Expected<std::vector<int64_t>>
FixedInterpreter::run(llvm::ArrayRef<int64_t> tokens, int64_t position,
                      FixedObserver observer) const {
  if (int64_t(tokens.size()) != state->tokens.getLength())
    return llvm::createStringError(
        "expected " + std::to_string(state->tokens.getLength()) +
        " tokens, got " + std::to_string(tokens.size()));
  for (int64_t token : tokens)
    if (token < 0 || token >= state->tokens.getVocabulary())
      return llvm::createStringError(
          "token " + std::to_string(token) + " is not in the vocabulary of " +
          std::to_string(state->tokens.getVocabulary()));

  Execution execution(state->factors, state->addends, tokens, position);
  uint32_t instruction = 0;
  Integers result;
  for (Operation &op : state->func.getBody().front()) {
    if (!mpc::isInstruction(&op))
      continue;
    if (auto row = dyn_cast<mpc::TakeRowOp>(op))
      if (position < 0 || position >= row.getInput().getType().getShape()[0])
        return failAt(&op, "position " + llvm::Twine(position) +
                               " is outside of the prompt");
    Integers out;
    if (RangeError error = execution.execute(&op, out); !error.empty())
      return failAt(&op, error);
    if (observer)
      observer(instruction, &op, out);
    ++instruction;
    execution.release(&op);
    if (isa<mpc::RevealOp>(op))
      result = std::move(out);
    else if (!op.use_empty())
      execution.set(op.getResult(0), std::move(out));
  }
  return result;
}

llvm::Expected<std::vector<int64_t>>
aero::reference::runFixed(func::FuncOp func, llvm::ArrayRef<int64_t> tokens,
                          int64_t position, FixedObserver observer) {
  llvm::Expected<FixedInterpreter> interpreter = FixedInterpreter::create(func);
  if (!interpreter)
    return interpreter.takeError();
  return interpreter->run(tokens, position, observer);
}
