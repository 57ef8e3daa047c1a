//===- ShapeOps.cpp - pi ops that move elements, as ONNX ------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpExporter.h"

#include "mlir/IR/TypeUtilities.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace aero;
using Result = std::optional<std::string>;

Result OpExporter::exportShape(mlir::Operation &op) {
  return llvm::TypeSwitch<mlir::Operation *, Result>(&op)
      .Case([&](pi::ReshapeOp op) {
        return graph.reshape(getName(op.getInput()), getShape(op.getResult()));
      })
      .Case([&](pi::TransposeOp op) {
        // Of a constant, it may be a parameter's place that reads it.
        return graph.transpose(getParameter(op.getInput()),
                               op.getPermutation());
      })
      .Case([&](pi::SliceOp op) {
        int64_t axis = op.getAxis(), offset = op.getOffset();
        int64_t size = getShape(op.getResult())[axis];
        return graph.slice(getName(op.getInput()), axis, offset, offset + size);
      })
      .Case([&](pi::TakeOp op) {
        return graph.add("Gather",
                         {getName(op.getInput()), graph.ints(op.getIndices())},
                         GraphBuilder::Attribute(
                             "axis", static_cast<int64_t>(op.getAxis())));
      })
      .Case([&](pi::BroadcastOp op) {
        return graph.add("Expand", {getName(op.getInput()),
                                    graph.ints(getShape(op.getResult()))});
      })
      .Case([&](pi::ConcatOp op) {
        llvm::SmallVector<std::string> inputs;
        for (mlir::Value input : op.getInputs())
          inputs.push_back(getName(input));
        return graph.add("Concat", inputs,
                         GraphBuilder::Attribute(
                             "axis", static_cast<int64_t>(op.getAxis())));
      })
      .Case([&](pi::SelectTokenOp op) {
        std::string position = graph.reshape(getName(op.getPosition()), {1});
        return graph.add("Gather", {getName(op.getInput()), position},
                         GraphBuilder::Attribute("axis", int64_t(1)));
      })
      .Case([&](pi::EmbeddingOp op) {
        return graph.add(
            "Gather", {getParameter(op.getTable()), getName(op.getIndices())},
            GraphBuilder::Attribute("axis", int64_t(0)));
      })
      .Case([&](pi::CastOp op) {
        mlir::Type type = mlir::getElementTypeOrSelf(op.getResult().getType());
        return graph.add("Cast", {getName(op.getInput())},
                         GraphBuilder::Attribute(
                             "to", static_cast<int64_t>(getDataType(type))));
      })
      .Case([&](pi::CumSumOp op) {
        return graph.add("CumSum",
                         {getName(op.getInput()),
                          graph.integer(static_cast<int64_t>(op.getAxis()))});
      })
      .Case([&](pi::ReduceMeanOp op) {
        return reduceMean(getName(op.getInput()), op.getAxes(),
                          op.getKeepdims());
      })
      .Case([&](pi::ReduceSumOp op) {
        return graph.add(
            "ReduceSum", {getName(op.getInput()), graph.ints(op.getAxes())},
            GraphBuilder::Attribute("keepdims", int64_t(op.getKeepdims())));
      })
      .Default(Result());
}
