//===- FoldedModel.cpp - What every backend asks of a module --------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Target/FoldedModel.h"

#include "aero/Dialect/PI/IR/PIDialect.h"
#include "aero/Dialect/PI/IR/PIOps.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace aero;

/// The tensor of a function's argument or result, if it has the rank and type.
static RankedTensorType getTensor(Type type, int64_t rank, bool isFloat) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  bool fits = tensor && tensor.hasStaticShape() && tensor.getRank() == rank &&
              (isFloat ? tensor.getElementType().isF32()
                       : tensor.getElementType().isInteger(64));
  return fits ? tensor : nullptr;
}

llvm::Expected<FoldedModel> aero::readFoldedModel(ModuleOp module) {
  FoldedModel model;
  model.function = module.lookupSymbol<func::FuncOp>("main");
  if (!model.function || model.function.isExternal() ||
      !model.function.getBody().hasOneBlock())
    return llvm::createStringError(
        "the module has no function @main with a body of one block");
  FunctionType type = model.function.getFunctionType();
  bool fits = (type.getNumInputs() == 1 ||
               (type.getNumInputs() == 2 &&
                getTensor(type.getInput(1), 0, /*isFloat=*/false))) &&
              type.getNumResults() == 1;
  RankedTensorType ids, logits;
  if (fits) {
    ids = getTensor(type.getInput(0), 2, /*isFloat=*/false);
    logits = getTensor(type.getResult(0), 3, /*isFloat=*/true);
  }
  if (!ids || !logits || ids.getDimSize(0) != 1 || logits.getDimSize(0) != 1)
    return llvm::createStringError(
        "no language model with a folded signature: expected @main of token "
        "ids (1, T) and perhaps a position to logits (1, T, V)");
  model.tokens = ids.getDimSize(1);
  model.rows = logits.getDimSize(1);
  model.hasPosition = type.getNumInputs() == 2;
  for (auto op : model.function.getOps<pi::EmbeddingOp>())
    if (op.getIndices() == model.function.getArgument(0))
      model.vocabulary = op.getTable().getType().getDimSize(0);
  if (model.vocabulary == 0)
    return llvm::createStringError("no embedding of the token ids");
  return model;
}

std::string aero::describeProblem(Operation *op, const llvm::Twine &what) {
  std::string node = pi::getNodeName(op->getLoc());
  return ("'" + op->getName().getStringRef() + "'" +
          (node.empty() ? "" : " (ONNX node '" + node + "')") + " " + what)
      .str();
}

std::string aero::sanitizeName(llvm::StringRef name) {
  std::string text = name.str();
  for (char &c : text)
    if (!llvm::isPrint(c))
      c = '?';
  return text;
}

void aero::replaceAll(std::string &text, llvm::StringRef from,
                      llvm::StringRef to) {
  for (size_t at = text.find(from.str()); at != std::string::npos;
       at = text.find(from.str(), at + to.size()))
    text.replace(at, from.size(), to.str());
}
