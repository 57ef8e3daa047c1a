//===- FloatInterpreter.cpp - Evaluates pi in float32 ---------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Reference/FloatInterpreter.h"

#include "FloatKernels.h"
#include "aero/Dialect/PI/IR/PIOps.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace aero::reference {
namespace {

/// An error that says which op, which ONNX node and which place in the file.
llvm::Error opError(Operation *op, const llvm::Twine &message) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "'" << op->getName() << "'";
  if (std::string node = pi::getNodeName(op->getLoc()); !node.empty())
    os << " of node '" << node << "'";
  os << " at " << op->getLoc() << ": " << message;
  return llvm::createStringError(text);
}

/// Evaluates one block.
class Evaluator {
public:
  Evaluator(Block &block, Observer observer)
      : block(block), observer(observer) {}

  llvm::Expected<SmallVector<Tensor>> run(ArrayRef<Tensor> inputs);

private:
  const Tensor &get(Value value) const { return values.find(value)->second; }
  const Tensor *getOptional(Value value) const {
    return value ? &get(value) : nullptr;
  }

  llvm::Expected<Tensor> evaluate(Operation *op);
  llvm::Error checkTypes(Operation *op);
  void findLastUses();

  Block &block;
  Observer observer;
  llvm::DenseMap<Value, Tensor> values;
  llvm::DenseMap<Value, Operation *> lastUses;
};

ArrayRef<int64_t> shapeOf(Operation *op) {
  return cast<RankedTensorType>(op->getResult(0).getType()).getShape();
}

CompareKind getCompareKind(pi::ComparePredicate predicate) {
  switch (predicate) {
  case pi::ComparePredicate::EQ:
    return CompareKind::Equal;
  case pi::ComparePredicate::LT:
    return CompareKind::Less;
  case pi::ComparePredicate::LE:
    return CompareKind::LessOrEqual;
  }
  llvm_unreachable("unknown predicate");
}

void Evaluator::findLastUses() {
  for (Operation &op : block)
    for (Value operand : op.getOperands())
      lastUses[operand] = &op;
}

/// Kernels divide by dimensions and take the first element; a transformer has
/// no use for a tensor without elements.
llvm::Error Evaluator::checkTypes(Operation *op) {
  for (Type type : op->getResultTypes()) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || !tensor.hasStaticShape())
      return opError(op, "only tensors of static shape can be evaluated");
    if (tensor.getNumElements() == 0 && !isa<pi::ConstantOp>(op))
      return opError(op, "a tensor without elements cannot be evaluated");
  }
  return llvm::Error::success();
}

llvm::Expected<Tensor> Evaluator::evaluate(Operation *op) {
  using Result = llvm::Expected<Tensor>;
  auto binaryOp = [&](BinaryKind kind) -> Result {
    return binary(kind, get(op->getOperand(0)), get(op->getOperand(1)),
                  shapeOf(op));
  };
  auto unaryOp = [&](UnaryKind kind) -> Result {
    return unary(kind, get(op->getOperand(0)));
  };
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case<pi::WeightOp, pi::ConstantOp>(
          [](auto op) { return Tensor::fromAttribute(op.getValue()); })
      .Case([&](pi::EmbeddingOp op) {
        return embedding(get(op.getTable()), get(op.getIndices()));
      })
      .Case([&](pi::LinearOp op) -> Result {
        return linear(get(op.getInput()), get(op.getWeight()),
                      getOptional(op.getBias()));
      })
      .Case([&](pi::MatMulOp op) -> Result {
        return matmul(get(op.getLhs()), get(op.getRhs()), shapeOf(op));
      })
      .Case([&](pi::AddOp) { return binaryOp(BinaryKind::Add); })
      .Case([&](pi::SubOp) { return binaryOp(BinaryKind::Sub); })
      .Case([&](pi::MulOp) { return binaryOp(BinaryKind::Mul); })
      .Case([&](pi::DivOp) { return binaryOp(BinaryKind::Div); })
      .Case([&](pi::PowOp) { return binaryOp(BinaryKind::Pow); })
      .Case([&](pi::MinOp) { return binaryOp(BinaryKind::Min); })
      .Case([&](pi::MaxOp) { return binaryOp(BinaryKind::Max); })
      .Case([&](pi::AndOp) { return binaryOp(BinaryKind::And); })
      .Case([&](pi::OrOp) { return binaryOp(BinaryKind::Or); })
      .Case([&](pi::NotOp op) -> Result {
        return logicalNot(get(op.getInput()));
      })
      .Case([&](pi::CompareOp op) -> Result {
        return compare(getCompareKind(op.getPredicate()), get(op.getLhs()),
                       get(op.getRhs()), shapeOf(op));
      })
      .Case([&](pi::CastOp op) -> Result {
        return castTo(get(op.getInput()),
                      getElementKind(op.getType().getElementType()));
      })
      .Case([&](pi::CumSumOp op) -> Result {
        return cumsum(get(op.getInput()), op.getAxis());
      })
      .Case([&](pi::ExpOp) { return unaryOp(UnaryKind::Exp); })
      .Case([&](pi::SigmoidOp) { return unaryOp(UnaryKind::Sigmoid); })
      .Case([&](pi::SinOp) { return unaryOp(UnaryKind::Sin); })
      .Case([&](pi::CosOp) { return unaryOp(UnaryKind::Cos); })
      .Case([&](pi::SqrtOp) { return unaryOp(UnaryKind::Sqrt); })
      .Case([&](pi::ErfOp) { return unaryOp(UnaryKind::Erf); })
      .Case([&](pi::TanhOp) { return unaryOp(UnaryKind::Tanh); })
      .Case([&](pi::ReluOp) { return unaryOp(UnaryKind::Relu); })
      .Case([&](pi::SiluOp) { return unaryOp(UnaryKind::Silu); })
      .Case([&](pi::GeluOp op) {
        bool tanh = op.getApproximation() == pi::GeluApproximation::Tanh;
        return unaryOp(tanh ? UnaryKind::GeluTanh : UnaryKind::Gelu);
      })
      .Case([&](pi::LeakyReluOp op) -> Result {
        return leakyRelu(get(op.getInput()), op.getSlope().convertToFloat());
      })
      .Case([&](pi::PReluOp op) -> Result {
        return leakyRelu(get(op.getInput()),
                         get(op.getSlope()).getFloats().front());
      })
      .Case([&](pi::WhereOp op) -> Result {
        return where(get(op.getCondition()), get(op.getTrueValue()),
                     get(op.getFalseValue()), shapeOf(op));
      })
      .Case([&](pi::ReduceMeanOp op) -> Result {
        return reduceMean(get(op.getInput()), op.getAxes(), shapeOf(op));
      })
      .Case([&](pi::ReduceSumOp op) -> Result {
        return reduceSum(get(op.getInput()), op.getAxes(), shapeOf(op));
      })
      .Case([&](pi::SoftmaxOp op) -> Result {
        return softmax(get(op.getInput()), op.getAxis());
      })
      .Case([&](pi::LayerNormOp op) -> Result {
        return normalize(get(op.getInput()), getOptional(op.getGamma()),
                         getOptional(op.getBeta()),
                         op.getEpsilon().convertToFloat(), /*center=*/true);
      })
      .Case([&](pi::RMSNormOp op) -> Result {
        return normalize(get(op.getInput()), getOptional(op.getGamma()),
                         /*beta=*/nullptr, op.getEpsilon().convertToFloat(),
                         /*center=*/false);
      })
      .Case([&](pi::AttentionOp op) -> Result {
        return attention(get(op.getQuery()), get(op.getKey()),
                         get(op.getValue()),
                         {.mask = getOptional(op.getMask()),
                          .bias = getOptional(op.getBias()),
                          .temperature = getOptional(op.getTemperature()),
                          .heads = static_cast<int64_t>(op.getHeads()),
                          .keyHeads = op.getKeyHeadCount(),
                          .scale = op.getScale().convertToFloat(),
                          .causal = op.getCausal()});
      })
      .Case([&](pi::RotaryEmbeddingOp op) -> Result {
        return rotaryEmbedding(get(op.getInput()), get(op.getCos()),
                               get(op.getSin()), op.getHeads(),
                               op.getInterleaved());
      })
      .Case([&](pi::ReshapeOp op) -> Result {
        return get(op.getInput()).reshaped(shapeOf(op));
      })
      .Case([&](pi::TransposeOp op) -> Result {
        return transpose(get(op.getInput()), op.getPermutation());
      })
      .Case([&](pi::SliceOp op) -> Result {
        return slice(get(op.getInput()), op.getAxis(), op.getOffset(),
                     shapeOf(op)[op.getAxis()]);
      })
      .Case([&](pi::TakeOp op) -> Result {
        return take(get(op.getInput()), op.getAxis(), op.getIndices());
      })
      .Case([&](pi::BroadcastOp op) -> Result {
        return broadcast(get(op.getInput()), shapeOf(op));
      })
      .Case([&](pi::ConcatOp op) -> Result {
        SmallVector<Tensor> inputs;
        for (Value input : op.getInputs())
          inputs.push_back(get(input));
        return concat(inputs, op.getAxis(), shapeOf(op));
      })
      .Case([&](pi::SelectTokenOp op) {
        return selectToken(get(op.getInput()),
                           get(op.getPosition()).getInts().front());
      })
      .Default([](Operation *) -> Result {
        return llvm::createStringError("the interpreter evaluates pi ops only");
      });
}

llvm::Expected<SmallVector<Tensor>> Evaluator::run(ArrayRef<Tensor> inputs) {
  findLastUses();
  for (auto [argument, input] : llvm::zip_equal(block.getArguments(), inputs))
    values[argument] = input;
  for (Operation &op : block) {
    if (auto ret = dyn_cast<func::ReturnOp>(op)) {
      SmallVector<Tensor> results;
      for (Value operand : ret.getOperands())
        results.push_back(get(operand));
      return results;
    }
    if (op.getNumResults() != 1)
      return opError(&op, "the interpreter evaluates pi ops only");
    if (llvm::Error error = checkTypes(&op))
      return error;
    llvm::Expected<Tensor> result = evaluate(&op);
    if (!result)
      return opError(&op, llvm::toString(result.takeError()));
    if (observer)
      observer(&op, *result);
    for (Value operand : op.getOperands())
      if (lastUses.lookup(operand) == &op)
        values.erase(operand);
    if (lastUses.contains(op.getResult(0)))
      values[op.getResult(0)] = std::move(*result);
  }
  llvm_unreachable("a function body ends with a return");
}

} // namespace

llvm::Expected<SmallVector<Tensor>>
interpret(func::FuncOp func, ArrayRef<Tensor> inputs, Observer observer) {
  if (!func.getBody().hasOneBlock())
    return opError(func, "expected a function with a body of one block");
  Block &block = func.getBody().front();
  if (!isa<func::ReturnOp>(block.back()))
    return opError(&block.back(), "expected the function to end with a return");
  if (block.getNumArguments() != inputs.size())
    return opError(func, "expected " + llvm::Twine(block.getNumArguments()) +
                             " inputs, got " + llvm::Twine(inputs.size()));
  for (auto [i, argument] : llvm::enumerate(block.getArguments())) {
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    Type element = type ? type.getElementType() : Type();
    if (!type || !type.hasStaticShape() ||
        !(element.isF32() || element.isSignlessInteger(64) ||
          element.isSignlessInteger(1)))
      return opError(func, "argument " + llvm::Twine(i) +
                               " is not a tensor of static shape of f32, i64 "
                               "or i1");
    if (!inputs[i].hasType(type)) {
      std::string expected;
      llvm::raw_string_ostream(expected) << type;
      return opError(func, "input " + llvm::Twine(i) + " is a " +
                               inputs[i].getTypeString() + ", but expected a " +
                               expected);
    }
    if (inputs[i].getNumElements() == 0)
      return opError(func, "input " + llvm::Twine(i) + " has no elements");
  }
  return Evaluator(block, observer).run(inputs);
}

} // namespace aero::reference
