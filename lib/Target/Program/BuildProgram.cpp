//===- BuildProgram.cpp - The instructions of a program -------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WeightPlan.h"

#include "aero/Dialect/MPC/Transforms/Passes.h"
#include "aero/Dialect/PI/IR/PIOps.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace aero;

namespace {

/// Translates the body of one function.
class ProgramBuilder {
public:
  ProgramBuilder(PlannedProgram &plan) : plan(plan), program(plan.program) {}

  llvm::Error build(func::FuncOp func, const ProgramOptions &options);

private:
  llvm::Error addHeader(func::FuncOp func, const ProgramOptions &options);
  llvm::Error addInstruction(Operation &op);
  /// Fills in the oneof and the operands.
  llvm::Error addParameters(Operation &op, program::Instruction &instruction);
  void addValue(ArrayRef<int64_t> shape, unsigned bits, int32_t frac);

  /// Entry for a weight that is masked by the linear or embedding using it, and
  /// so cannot be shared with another one.
  llvm::Expected<uint32_t> addFactor(Value weight);
  /// Entry for a bias or addend, shared by its users.
  llvm::Expected<uint32_t> addAddend(Value weight);

  PlannedProgram &plan;
  program::Program &program;
  llvm::DenseMap<Value, uint32_t> values;
  llvm::DenseMap<Value, uint32_t> addends;
};

} // namespace

/// The producer of a server value: an argument cannot be one.
static llvm::Expected<mpc::WeightOp> getWeightOp(Value value) {
  if (auto op = value.getDefiningOp<mpc::WeightOp>())
    return op;
  return llvm::createStringError(
      "a server value does not come from mpc.weight, so there is nothing to "
      "write to the weights file");
}

llvm::Expected<uint32_t> ProgramBuilder::addFactor(Value value) {
  llvm::Expected<mpc::WeightOp> op = getWeightOp(value);
  if (!op)
    return op.takeError();
  return plan.weights.add(*op, program::Weight::TYPE_I32, program);
}

llvm::Expected<uint32_t> ProgramBuilder::addAddend(Value value) {
  llvm::Expected<mpc::WeightOp> op = getWeightOp(value);
  if (!op)
    return op.takeError();
  auto [it, inserted] = addends.try_emplace(value);
  if (!inserted)
    return it->second;
  llvm::Expected<uint32_t> index =
      plan.weights.add(*op, program::Weight::TYPE_I64, program);
  if (!index)
    return index.takeError();
  it->second = *index;
  return *index;
}

void ProgramBuilder::addValue(ArrayRef<int64_t> shape, unsigned bits,
                              int32_t frac) {
  program::Value &value = *program.add_values();
  for (int64_t dim : shape)
    value.add_shape(uint32_t(dim));
  value.set_bits(bits);
  value.set_frac(frac);
}

llvm::Error ProgramBuilder::addParameters(Operation &op,
                                          program::Instruction &instruction) {
  // Tokens, position and weights are not values.
  for (Value operand : op.getOperands())
    if (isa<mpc::ShareType>(operand.getType())) {
      auto it = values.find(operand);
      if (it == values.end())
        return llvm::createStringError(
            "an operand is an argument of the function: only tokens and a "
            "position come from outside");
      instruction.add_operands(it->second);
    }

  auto success = []() -> llvm::Error { return llvm::Error::success(); };
  return llvm::TypeSwitch<Operation *, llvm::Error>(&op)
      .Case([&](mpc::EmbeddingOp op) {
        llvm::Expected<uint32_t> table = addFactor(op.getTable());
        if (!table)
          return table.takeError();
        instruction.mutable_embedding()->set_weight(*table);
        return success();
      })
      .Case([&](mpc::LinearOp op) {
        llvm::Expected<uint32_t> weight = addFactor(op.getWeight());
        if (!weight)
          return weight.takeError();
        instruction.mutable_linear()->set_weight(*weight);
        if (!op.getBias())
          return success();
        llvm::Expected<uint32_t> bias = addAddend(op.getBias());
        if (!bias)
          return bias.takeError();
        instruction.mutable_linear()->set_has_bias(true);
        instruction.mutable_linear()->set_bias(*bias);
        return success();
      })
      .Case([&](mpc::AddWeightOp op) {
        llvm::Expected<uint32_t> weight = addAddend(op.getWeight());
        if (!weight)
          return weight.takeError();
        instruction.mutable_add_weight()->set_weight(*weight);
        return success();
      })
      .Case([&](mpc::MatMulOp op) {
        instruction.mutable_matmul()->set_transpose_rhs(op.getTransposeRhs());
        return success();
      })
      .Case([&](mpc::TruncOp op) {
        instruction.mutable_trunc()->set_shift(op.getShift());
        return success();
      })
      .Case([&](mpc::MaxRowOp op) {
        instruction.mutable_max_row()->set_compare_bits(op.getCompareBits());
        instruction.mutable_max_row()->set_drop_bits(mpc::getDropBits(op));
        instruction.mutable_max_row()->set_causal(op.getCausal());
        return success();
      })
      .Case([&](mpc::ArgMaxOp op) {
        instruction.mutable_argmax()->set_compare_bits(op.getCompareBits());
        instruction.mutable_argmax()->set_drop_bits(op.getDrop());
        return success();
      })
      .Case([&](mpc::Exp2Op op) {
        instruction.mutable_exp2()->set_compare_bits(
            op.getMax().getType().getBits());
        instruction.mutable_exp2()->set_causal(op.getCausal());
        return success();
      })
      .Case([&](mpc::RecipOp op) {
        instruction.mutable_recip()->set_upper_bound(
            uint32_t(op.getUpperBound()));
        return success();
      })
      .Case([&](mpc::SliceOp op) {
        instruction.mutable_slice()->set_dim(uint32_t(op.getAxis()));
        instruction.mutable_slice()->set_offset(uint32_t(op.getOffset()));
        return success();
      })
      .Case([&](mpc::TransposeOp op) {
        for (int64_t dim : op.getPermutation())
          instruction.mutable_transpose()->add_permutation(uint32_t(dim));
        return success();
      })
      .Case([&](mpc::RevealOp) {
        instruction.mutable_reveal();
        return success();
      })
      .Case([&](mpc::ExtendOp) {
        return instruction.mutable_extend(), success();
      })
      .Case([&](mpc::MulOp) { return instruction.mutable_mul(), success(); })
      .Case([&](mpc::AddOp) { return instruction.mutable_add(), success(); })
      .Case([&](mpc::SumRowOp op) {
        instruction.mutable_sum_row()->set_causal(op.getCausal());
        return success();
      })
      .Case([&](mpc::CausalScoresOp) {
        return instruction.mutable_causal_scores(), success();
      })
      .Case([&](mpc::CausalContextOp) {
        return instruction.mutable_causal_context(), success();
      })
      .Case([&](mpc::MulWeightOp op) {
        llvm::Expected<uint32_t> weight = addFactor(op.getWeight());
        if (!weight)
          return weight.takeError();
        instruction.mutable_mul_weight()->set_weight(*weight);
        instruction.mutable_mul_weight()->set_rows(op.getRows());
        return success();
      })
      .Case([&](mpc::ReluOp op) {
        instruction.mutable_relu()->set_compare_bits(op.getCompareBits());
        instruction.mutable_relu()->set_drop_bits(op.getDrop());
        return success();
      })
      .Case([&](mpc::TailOp op) {
        instruction.mutable_tail()->set_function(
            program::Tail::Function(op.getFunction()));
        instruction.mutable_tail()->set_compare_bits(op.getCompareBits());
        return success();
      })
      .Case([&](mpc::NormalizeOp op) {
        instruction.mutable_normalize()->set_centred(op.getCentred());
        instruction.mutable_normalize()->set_epsilon(op.getEpsilon());
        return success();
      })
      .Case([&](mpc::SubOp) { return instruction.mutable_sub(), success(); })
      .Case([&](mpc::MulPublicOp op) {
        program::MulPublic &factor = *instruction.mutable_mul_public();
        for (int32_t value : op.getValue().getValues<int32_t>())
          factor.add_values(value);
        for (int64_t dim : op.getValue().getShapedType().getShape())
          factor.add_shape(uint32_t(dim));
        factor.set_frac(int32_t(op.getFrac()));
        return success();
      })
      .Case([&](mpc::ConcatOp op) {
        instruction.mutable_concat()->set_dim(uint32_t(op.getAxis()));
        return success();
      })
      .Case([&](mpc::RepeatOp op) {
        instruction.mutable_repeat()->set_dim(uint32_t(op.getAxis()));
        instruction.mutable_repeat()->set_times(uint32_t(op.getTimes()));
        return success();
      })
      .Case([&](mpc::ReshapeOp) {
        return instruction.mutable_reshape(), success();
      })
      .Case([&](mpc::TakeRowOp) {
        return instruction.mutable_take_row(), success();
      })
      .Default([](Operation *) {
        return llvm::createStringError("has no form in the program file");
      });
}

static void setCost(program::Cost &out, const rt::Cost &cost) {
  out.set_client_to_server(cost.clientToServer);
  out.set_server_to_client(cost.serverToClient);
  out.set_dealer_to_server(cost.dealerToServer);
  out.set_dealer_to_client(cost.dealerToClient);
  out.set_setup_server_to_client(cost.setupServerToClient);
  out.set_exchanges(cost.exchanges);
  out.set_multiply_adds(cost.multiplyAdds);
}

llvm::Error ProgramBuilder::addInstruction(Operation &op) {
  auto index = uint32_t(program.instructions_size());
  program::Instruction &instruction = *program.add_instructions();
  std::string node = pi::getNodeName(op.getLoc());
  if (llvm::Error error = addParameters(op, instruction))
    return llvm::createStringError(
        op.getName().getStringRef() +
        (node.empty() ? "" : " (node '" + node + "')") + ": " +
        llvm::toString(std::move(error)));

  auto cost = cast<mpc::CostOpInterface>(op);
  setCost(*instruction.mutable_cost(), cost.getCost());
  instruction.set_max_error_units(cost.getMaxErrorUnits());
  instruction.set_start(*cast<mpc::ScheduledOpInterface>(op).getStart());
  instruction.set_node(node);
  instruction.set_layer(int32_t(pi::getLayer(op.getLoc())));
  instruction.set_result(index);
  values[op.getResult(0)] = index;
  if (auto reveal = dyn_cast<mpc::RevealOp>(op)) {
    mpc::ShareType type = reveal.getInput().getType();
    addValue(type.getShape(), type.getBits(), type.getFrac());
    program.set_result(index);
  } else {
    auto type = cast<mpc::ShareType>(op.getResult(0).getType());
    addValue(type.getShape(), type.getBits(), type.getFrac());
  }
  return llvm::Error::success();
}

llvm::Error ProgramBuilder::addHeader(func::FuncOp func,
                                      const ProgramOptions &options) {
  mpc::TokensType tokens;
  for (BlockArgument argument : func.getArguments())
    if (auto type = dyn_cast<mpc::TokensType>(argument.getType()))
      tokens = type;
  if (!tokens)
    return llvm::createStringError("function '" + func.getName() +
                                   "' takes no !mpc.tokens: run "
                                   "convert-pi-to-mpc and mpc-schedule first");
  program.set_model(options.model);
  program.set_config(options.config);
  program.set_security(program::SECURITY_MODE_DEALER);
  program.set_context(uint32_t(tokens.getLength()));
  program.set_vocabulary(uint32_t(tokens.getVocabulary()));
  program.set_last_token_only(!func.getOps<mpc::TakeRowOp>().empty());
  program.set_reveals_token(!func.getOps<mpc::ArgMaxOp>().empty());
  program.set_exchanges(mpc::countExchanges(func));

  program::FixedPoint &fixed = *program.mutable_fixed_point();
  fixed.set_ring_bits(mpc::ringBits);
  // For a function that never looks up or multiplies, any legal scale is true.
  fixed.set_activation_frac(16);
  fixed.set_weight_frac(20);
  for (auto op : func.getOps<mpc::EmbeddingOp>())
    fixed.set_activation_frac(op.getResult().getType().getFrac());
  for (auto op : func.getOps<mpc::LinearOp>())
    fixed.set_weight_frac(op.getWeight().getType().getFrac());
  return llvm::Error::success();
}

llvm::Error ProgramBuilder::build(func::FuncOp func,
                                  const ProgramOptions &options) {
  if (llvm::Error error = addHeader(func, options))
    return error;
  for (Operation &op : func.getBody().front())
    if (mpc::isInstruction(&op))
      if (llvm::Error error = addInstruction(op))
        return error;
  return llvm::Error::success();
}

/// Runs the schedule's verifier and collects what it reports.
static llvm::Error checkSchedule(func::FuncOp func) {
  std::string message;
  ScopedDiagnosticHandler handler(
      func.getContext(), [&](Diagnostic &diagnostic) {
        message += (message.empty() ? "" : "; ") + diagnostic.str();
        for (Diagnostic &note : diagnostic.getNotes())
          message += "; " + note.str();
        return success();
      });
  if (failed(mpc::verifySchedule(func)))
    return llvm::createStringError(message);
  return llvm::Error::success();
}

llvm::Expected<PlannedProgram>
aero::planProgram(ModuleOp module, const ProgramOptions &options) {
  SmallVector<func::FuncOp> funcs(module.getOps<func::FuncOp>());
  if (funcs.size() != 1)
    return llvm::createStringError(
        "expected a module with one function, found " +
        std::to_string(funcs.size()));
  if (llvm::Error error = checkSchedule(funcs.front()))
    return error;
  PlannedProgram plan;
  if (llvm::Error error = ProgramBuilder(plan).build(funcs.front(), options))
    return error;
  // Whatever is wrong now is wrong here, not in a user's file.
  if (rt::Status status = rt::validateProgram(plan.program); !status.ok())
    return llvm::createStringError("the program is not valid: " +
                                   status.message());
  return plan;
}

llvm::Expected<program::Program>
aero::buildProgram(ModuleOp module, const ProgramOptions &options) {
  llvm::Expected<PlannedProgram> plan = planProgram(module, options);
  if (!plan)
    return plan.takeError();
  return std::move(plan->program);
}
