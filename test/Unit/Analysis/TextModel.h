//===- TextModel.h - Small transformers of any family, in raised pi -------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_TEST_UNIT_ANALYSIS_TEXTMODEL_H
#define AERO_TEST_UNIT_ANALYSIS_TEXTMODEL_H

#include "aero/Dialect/PI/IR/PIOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

#include <string>

namespace aero::pi::test {

/// Writes a function op by op and parses it: T = 4, d = 8, 4 heads, V = 11.
/// Every method appends an op and returns the name of its result.
class TextModel {
public:
  /// "tensor<1x4x8xf32>"
  static std::string tokens(int64_t width) {
    return "tensor<1x4x" + std::to_string(width) + "xf32>";
  }
  static std::string matrix(int64_t rows, int64_t columns) {
    return "tensor<" + std::to_string(rows) + "x" + std::to_string(columns) +
           "xf32>";
  }

  std::string emit(const std::string &op) {
    std::string name = "%v" + std::to_string(next++);
    body += "  " + name + " = " + op + "\n";
    return name;
  }
  std::string weight(const std::string &name, const std::string &type) {
    return emit("pi.weight \"" + name + "\" dense<0.1> : " + type);
  }
  std::string embed(const std::string &table, int64_t rows,
                    const std::string &indices) {
    return emit("pi.embedding " + table + "[" + indices +
                "] : " + matrix(rows, 8) + ", tensor<1x4xi64> -> " + tokens(8));
  }
  std::string add(const std::string &x, const std::string &y,
                  const std::string &type = "tensor<1x4x8xf32>") {
    return emit("pi.add " + x + ", " + y + " : tensor<1x4x8xf32>, " + type +
                " -> tensor<1x4x8xf32>");
  }
  std::string linear(const std::string &x, const std::string &name,
                     int64_t from = 8, int64_t to = 8) {
    return multiply(x, weight(name, matrix(from, to)), from, to);
  }
  std::string multiply(const std::string &x, const std::string &w, int64_t from,
                       int64_t to) {
    return emit("pi.linear " + x + ", " + w + " : " + tokens(from) + ", " +
                matrix(from, to) + " -> " + tokens(to));
  }
  std::string layerNorm(const std::string &x) {
    std::string gamma = weight("g" + std::to_string(next), "tensor<8xf32>");
    return emit("pi.layer_norm " + x + " gamma " + gamma +
                " : tensor<8xf32> epsilon 1.0e-05 : " + tokens(8));
  }
  std::string rmsNorm(const std::string &x) {
    std::string gamma = weight("g" + std::to_string(next), "tensor<8xf32>");
    return emit("pi.rms_norm " + x + " gamma " + gamma +
                " : tensor<8xf32> epsilon 1.0e-05 : " + tokens(8));
  }
  std::string unary(const std::string &op, const std::string &x,
                    int64_t width) {
    return emit("pi." + op + " " + x + " : " + tokens(width));
  }
  std::string rotary(const std::string &x, int64_t heads) {
    std::string angles = emit("pi.constant dense<0.5> : tensor<4x1xf32>");
    return emit("pi.rotary_embedding " + x + " cos " + angles + " sin " +
                angles + " heads " + std::to_string(heads) + " : " +
                tokens(2 * heads) + ", tensor<4x1xf32>");
  }
  /// Projections, attention and output projection.
  std::string attention(const std::string &x, const std::string &name,
                        const std::string &flags, bool withRotary = false,
                        int64_t keyHeads = 4) {
    std::string q = linear(x, name + "q");
    std::string k = linear(x, name + "k", 8, 2 * keyHeads);
    std::string v = linear(x, name + "v", 8, 2 * keyHeads);
    if (withRotary) {
      q = rotary(q, 4);
      k = rotary(k, keyHeads);
    }
    std::string groups =
        keyHeads == 4 ? "" : " key_heads " + std::to_string(keyHeads);
    std::string a = emit("pi.attention " + q + ", " + k + ", " + v +
                         " heads 4" + groups + " scale 0.5 " + flags + " : " +
                         tokens(8) + ", " + tokens(2 * keyHeads));
    return linear(a, name + "o");
  }
  /// Two matrices with `activation` between them.
  std::string feedForward(const std::string &x, const std::string &name,
                          const std::string &activation) {
    std::string hidden = linear(x, name + "up", 8, 32);
    return linear(unary(activation, hidden, 32), name + "down", 32, 8);
  }

  /// The function that returns `result`.
  mlir::func::FuncOp
  finish(const std::string &result,
         const std::string &type = "tensor<1x4x11xf32>",
         const std::string &arguments = "%ids: tensor<1x4xi64>") {
    context.loadDialect<PIDialect, mlir::func::FuncDialect>();
    std::string text = "func.func @main(" + arguments + ") -> (" + type +
                       ") {\n" + body + "  return " + result + " : " + type +
                       "\n}\n";
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    EXPECT_TRUE(module) << text;
    return *module->getOps<mlir::func::FuncOp>().begin();
  }

private:
  std::string body;
  int next = 0;
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

} // namespace aero::pi::test

#endif // AERO_TEST_UNIT_ANALYSIS_TEXTMODEL_H
