//===- ModuleWriter.cpp - A pi function as a StableHLO module -------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModuleWriter.h"

#include "OpWriter.h"

#include "aero/Dialect/PI/IR/PIDialect.h"
#include "aero/Support/Elements.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace aero;
using Owner = HLOArgument::Owner;

namespace {

class ModuleWriter {
public:
  ModuleWriter(const FoldedModel &model, const EmitOptions &options)
      : function(model.function), options(options), hlo(function.getContext()),
        ops(hlo) {
    module.model = model;
  }

  llvm::Expected<HLOModule> run();

private:
  StableHLOWriter::Value addArgument(StringRef name, Owner owner,
                                     RankedTensorType type,
                                     pi::WeightOp weight = {});
  void writeOp(Operation *op);
  /// Weights become arguments, constants are written, when they are first used.
  void writeOperand(mlir::Value value);
  void addProblem(Operation *op, const Twine &what);
  std::string print(StableHLOWriter::Value result) const;
  std::string getVariable(size_t argument) const;

  func::FuncOp function;
  const EmitOptions &options;
  StableHLOWriter hlo;
  OpWriter ops;
  HLOModule module;
  llvm::StringSet<> names;
  std::vector<std::string> problems;
};

} // namespace

void ModuleWriter::addProblem(Operation *op, const Twine &what) {
  problems.push_back(describeProblem(op, what));
}

StableHLOWriter::Value ModuleWriter::addArgument(StringRef name, Owner owner,
                                                 RankedTensorType type,
                                                 pi::WeightOp weight) {
  // Two weights may have been computed from the same ones.
  std::string unique = name.str();
  for (unsigned i = 2; !names.insert(unique).second; ++i)
    unique = (name + "#" + Twine(i)).str();
  module.arguments.push_back({unique, owner, type, weight});
  return {getVariable(module.arguments.size() - 1), type};
}

std::string ModuleWriter::getVariable(size_t argument) const {
  return module.arguments[argument].owner == Owner::Server
             ? "%weight" + std::to_string(argument)
             : "%" + module.arguments[argument].name;
}

void ModuleWriter::writeOperand(mlir::Value value) {
  if (ops.get(value))
    return;
  if (auto weight = value.getDefiningOp<pi::WeightOp>()) {
    if (!weight.getType().getElementType().isF32())
      return addProblem(weight, "'" + weight.getName() +
                                    "' is a weight of no floats, which has no "
                                    "form in StableHLO for SPU");
    ops.set(value,
            addArgument(weight.getName(), Owner::Server,
                        cast<RankedTensorType>(weight.getType()), weight));
  } else if (auto constant = value.getDefiningOp<pi::ConstantOp>()) {
    auto elements = dyn_cast<DenseElementsAttr>(constant.getValue());
    if (!elements) {
      // A resource; public, so that it is printed.
      auto floats = getFloatData(constant.getValue());
      if (!floats) {
        llvm::consumeError(floats.takeError());
        return addProblem(constant, "cannot be read");
      }
      elements = DenseElementsAttr::get(
          cast<ShapedType>(constant.getType()),
          ArrayRef<float>(floats->begin(), floats->size()));
    }
    ops.set(value, hlo.constant(elements));
  }
}

void ModuleWriter::writeOp(Operation *op) {
  for (mlir::Value operand : op->getOperands())
    writeOperand(operand);
  auto written = ops.write(op);
  if (!written) {
    addProblem(op, "has no form in StableHLO for SPU");
    // So that what follows is not reported as well.
    written = hlo.splat(
        0, cast<RankedTensorType>(op->getResult(0).getType()).getShape());
  }
  ops.set(op->getResult(0), *written);
}

std::string ModuleWriter::print(StableHLOWriter::Value result) const {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "// " << sanitizeName(options.model) << " as "
     << sanitizeName(options.config)
     << ", written by AERO for SecretFlow SPU.\n"
     << "module @\"" << options.name << "\""
     << " {\n  func.func public @main(\n";
  for (auto [i, argument] : llvm::enumerate(module.arguments)) {
    bool isLast = i + 1 == module.arguments.size();
    os << "      " << getVariable(i) << ": " << argument.type
       << (isLast ? ")" : ",") << "  // "
       << (argument.owner == Owner::Server   ? "server: "
           : argument.owner == Owner::Client ? "client: "
                                             : "public: ")
       << sanitizeName(argument.name) << "\n";
  }
  os << "      -> " << result.type << " {\n"
     << hlo.getText() << "    return " << result.name << " : " << result.type
     << "\n  }\n}\n";
  return text;
}

llvm::Expected<HLOModule> ModuleWriter::run() {
  // Names of the client's arguments stay theirs, whatever weights are called.
  names.insert("tokens");
  names.insert("position");
  Builder builder(function.getContext());
  auto oneHot = RankedTensorType::get(
      {module.model.tokens, module.model.vocabulary}, builder.getI32Type());
  ops.setTokens(function.getArgument(0), {"%tokens", oneHot});
  auto index = RankedTensorType::get({}, builder.getI64Type());
  if (module.model.hasPosition)
    ops.set(function.getArgument(1), {"%position", index});

  for (Operation &op : function.front().without_terminator())
    if (!isa<pi::WeightOp, pi::ConstantOp>(op))
      writeOp(&op);
  mlir::Value logits = function.front().getTerminator()->getOperand(0);
  writeOperand(logits);
  auto result = ops.get(logits);
  if (!result && problems.empty())
    problems.push_back("the logits are no value that is computed");
  if (!problems.empty())
    return llvm::createStringError(llvm::join(problems, "\n"));

  module.arguments.push_back({"tokens", Owner::Client, oneHot, {}});
  if (module.model.hasPosition)
    module.arguments.push_back({"position", Owner::Public, index, {}});
  module.text = print(*result);
  return std::move(module);
}

llvm::Expected<HLOModule> aero::writeHLOModule(ModuleOp module,
                                               const EmitOptions &options) {
  auto model = readFoldedModel(module);
  if (!model)
    return model.takeError();
  return ModuleWriter(*model, options).run();
}
