//===- TestModel.h - GPT-2 in raised pi, of any size ----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_TEST_UNIT_ANALYSIS_TESTMODEL_H
#define AERO_TEST_UNIT_ANALYSIS_TESTMODEL_H

#include "aero/Dialect/PI/IR/PIOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OwningOpRef.h"

#include <functional>
#include <string>

namespace aero::pi::test {

struct ModelOptions {
  int64_t layers = 12, heads = 12, width = 768, tokens = 128, vocab = 50257;
  bool norms = true;
  bool gelu = true;
  /// One width x width matrix instead of the two of the feed-forward network.
  bool fused = false;
  /// How many of the deepest layers have no feed-forward network.
  int64_t pruned = 0;
};

/// A GPT-2 whose weights are splats, so that any size costs nothing.
class TestModel {
public:
  explicit TestModel(const ModelOptions &options)
      : options(options), builder(&context) {
    context.loadDialect<PIDialect, mlir::func::FuncDialect>();
    module = mlir::ModuleOp::create(builder.getUnknownLoc());
    builder.setInsertionPointToStart(module->getBody());
    auto tokens =
        mlir::RankedTensorType::get({1, options.tokens}, builder.getI64Type());
    func = mlir::func::FuncOp::create(
        builder, builder.getUnknownLoc(), "main",
        builder.getFunctionType({tokens}, {type(options.vocab)}));
    builder.setInsertionPointToStart(func.addEntryBlock());

    mlir::Value x = EmbeddingOp::create(
        builder, loc("wte"), type(options.width),
        weight("wte", {options.vocab, options.width}), func.getArgument(0));
    x = AddOp::create(builder, loc("wpe"), x.getType(), x,
                      weight("wpe", {options.tokens, options.width}));
    for (int64_t i = 0; i < options.layers; ++i)
      x = block(x, "h." + std::to_string(i) + ".",
                i >= options.layers - options.pruned);
    x = linear(norm(x, "ln_f"), "lm_head", options.vocab);
    mlir::func::ReturnOp::create(builder, loc("return"), x);
  }

  mlir::func::FuncOp getFunc() { return func; }

private:
  mlir::Location loc(const std::string &name) {
    return mlir::NameLoc::get(builder.getStringAttr(name));
  }
  mlir::RankedTensorType type(int64_t width) {
    return mlir::RankedTensorType::get({1, options.tokens, width},
                                       builder.getF32Type());
  }
  mlir::Value weight(const std::string &name, llvm::ArrayRef<int64_t> shape) {
    auto type = mlir::RankedTensorType::get(shape, builder.getF32Type());
    return WeightOp::create(builder, loc(name), name,
                            mlir::DenseElementsAttr::get(type, 0.1f));
  }
  mlir::Value norm(mlir::Value x, const std::string &name) {
    if (!options.norms)
      return x;
    return LayerNormOp::create(builder, loc(name), x.getType(), x,
                               weight(name + ".weight", {options.width}),
                               weight(name + ".bias", {options.width}),
                               builder.getF32FloatAttr(1e-5f));
  }
  mlir::Value linear(mlir::Value x, const std::string &name, int64_t width) {
    int64_t from =
        mlir::cast<mlir::RankedTensorType>(x.getType()).getDimSize(2);
    return LinearOp::create(builder, loc(name), type(width), x,
                            weight(name + ".weight", {from, width}),
                            mlir::Value());
  }
  mlir::Value block(mlir::Value x, const std::string &name, bool noFFN) {
    mlir::Value qkv =
        linear(norm(x, name + "ln_1"), name + "qkv", 3 * options.width);
    mlir::Value parts[3];
    for (int64_t i = 0; i < 3; ++i)
      parts[i] =
          SliceOp::create(builder, loc(name + "split"), type(options.width),
                          qkv, 2, i * options.width);
    mlir::Value a =
        AttentionOp::create(builder, loc(name + "attention"), parts[0],
                            parts[1], parts[2], options.heads, 0.125f, true);
    a = linear(a, name + "proj", options.width);
    mlir::Value y =
        AddOp::create(builder, loc(name + "residual"), x.getType(), x, a);
    if (noFFN)
      return y;
    mlir::Value f = norm(y, name + "ln_2");
    if (options.fused) {
      f = linear(f, name + "ffn", options.width);
    } else {
      f = linear(f, name + "fc", 4 * options.width);
      if (options.gelu)
        f = GeluOp::create(builder, loc(name + "gelu"), f.getType(), f,
                           GeluApproximation::None);
      f = linear(f, name + "mlp", options.width);
    }
    return AddOp::create(builder, loc(name + "out"), y.getType(), y, f);
  }

  ModelOptions options;
  mlir::MLIRContext context;
  mlir::OpBuilder builder;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp func;
};

} // namespace aero::pi::test

#endif // AERO_TEST_UNIT_ANALYSIS_TESTMODEL_H
