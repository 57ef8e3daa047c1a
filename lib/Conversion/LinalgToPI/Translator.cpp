//===- Translator.cpp - From ops on tensors to pi -------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Translator.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace aero;
using namespace aero::linalgtopi;

static bool isElement(Type type) {
  return type.isF32() || type.isSignlessInteger(64) ||
         type.isSignlessInteger(1);
}

bool linalgtopi::isTensor(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.hasStaticShape() && !tensor.getEncoding() &&
         isElement(tensor.getElementType());
}

static std::string typeReason(Type type) {
  std::string text;
  llvm::raw_string_ostream(text)
      << "pi has no type " << type
      << ", only tensors of f32, i64 and i1 with a static shape";
  return text;
}

Translator::Translator(func::FuncOp from, func::FuncOp to)
    : from(from), to(to), builder(from.getLoc(), from.getContext()) {}

LogicalResult Translator::fail(const Twine &why) {
  reason = why.str();
  return failure();
}

FailureOr<Value> Translator::get(Value value) {
  if (empty.contains(value) || partial.contains(value))
    return fail("it reads elements that nobody has written");
  if (Value known = values.lookup(value))
    return known;
  // The index of a loop or the like, which no evaluation has seen.
  return fail("it reads a value of another region");
}

bool Translator::checkSignature() {
  bool complete = true;
  auto check = [&](TypeRange types, StringRef what) {
    for (auto [i, type] : llvm::enumerate(types)) {
      if (isTensor(type))
        continue;
      reportNoForm(from.getLoc(),
                   (what + Twine(i) + " of '" + from.getName() + "'").str(),
                   typeReason(type));
      complete = false;
    }
  };
  check(from.getArgumentTypes(), "argument ");
  check(from.getResultTypes(), "result ");
  if (!from.getBody().hasOneBlock()) {
    reportNoForm(from.getLoc(), ("'" + from.getName() + "'").str(),
                 "it has more than one block");
    complete = false;
  }
  return complete;
}

LogicalResult Translator::checkTypes(Operation *op) {
  auto isKnown = [](Type type) {
    return isTensor(type) || isElement(type) || type.isIndex();
  };
  for (Type type : op->getResultTypes())
    if (!isKnown(type))
      return fail(typeReason(type));
  // A function of f16 that has an i1, say.
  for (Type type : op->getOperandTypes())
    if (!isKnown(type))
      return fail(typeReason(type));
  return success();
}

LogicalResult Translator::run() {
  if (!checkSignature())
    return failure();
  Block *block = to.addEntryBlock();
  builder.setInsertionPointToStart(block);
  for (auto [old, argument] :
       llvm::zip_equal(from.getArguments(), block->getArguments()))
    values[old] = argument;

  bool complete = true;
  for (Operation &op : from.getBody().front()) {
    // What reads a result that is missing has been reported with it.
    if (llvm::any_of(op.getOperands(),
                     [&](Value v) { return reported.contains(v); })) {
      reported.insert_range(op.getResults());
      continue;
    }
    builder.setLoc(op.getLoc());
    if (succeeded(checkTypes(&op)) && succeeded(translate(&op)))
      continue;
    reportNoForm(op.getLoc(), op.getName().getStringRef(), reason);
    reported.insert_range(op.getResults());
    complete = false;
  }
  return success(complete);
}

LogicalResult Translator::translate(Operation *op) {
  if (auto structured = dyn_cast<linalg::LinalgOp>(op))
    return translateStructured(structured);
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(op))
    return translateInsertSlice(insert);
  if (isa<tensor::EmptyOp>(op)) {
    empty.insert(op->getResult(0));
    return success();
  }
  if (isa<func::ReturnOp>(op) ||
      isa_and_present<pi::PIDialect>(op->getDialect())) {
    IRMapping mapping;
    for (Value operand : op->getOperands()) {
      auto value = get(operand);
      if (failed(value))
        return failure();
      mapping.map(operand, *value);
    }
    Operation *copy = builder.clone(*op, mapping);
    for (auto [old, made] :
         llvm::zip_equal(op->getResults(), copy->getResults()))
      values[old] = made;
    return success();
  }
  if (op->getNumResults() != 1)
    return fail("it is none of the ops on tensors that pi has");
  auto made = build(op);
  if (failed(made))
    return failure();
  values[op->getResult(0)] = *made;
  return success();
}

FailureOr<Value> Translator::build(Operation *op) {
  if (auto constant = dyn_cast<arith::ConstantOp>(op))
    return buildConstant(constant.getValue(), /*name=*/"");
  if (isa<ml_program::GlobalLoadConstOp>(op))
    return buildGlobal(op);
  if (auto softmax = dyn_cast<linalg::SoftmaxOp>(op)) {
    auto input = get(softmax.getInput());
    if (failed(input))
      return failure();
    return Value(pi::SoftmaxOp::create(builder, input->getType(), *input,
                                       softmax.getDimension()));
  }
  if (isa_and_present<tensor::TensorDialect>(op->getDialect()))
    return buildTensorOp(op);
  if (!isElementOp(op))
    return fail("it is none of the ops on tensors that pi has");
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    auto value = get(operand);
    if (failed(value))
      return failure();
    operands.push_back(*value);
  }
  auto made = buildElementOp(op, operands);
  if (failed(made))
    return failure();
  // A scalar condition chooses between tensors.
  if (auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType()))
    return builder.broadcast(*made, type.getShape());
  return made;
}
