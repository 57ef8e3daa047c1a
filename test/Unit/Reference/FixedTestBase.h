//===- FixedTestBase.h - Runs mpc ops on given integers -------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_TEST_UNIT_REFERENCE_FIXEDTESTBASE_H
#define AERO_TEST_UNIT_REFERENCE_FIXEDTESTBASE_H

#include "aero/Dialect/MPC/IR/MPCOps.h"
#include "aero/Reference/FixedInterpreter.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <algorithm>
#include <random>

namespace aero::reference {

using Integers = std::vector<int64_t>;

class FixedTestBase : public ::testing::Test {
protected:
  FixedTestBase() {
    context.loadDialect<mpc::MPCDialect, mlir::func::FuncDialect>();
  }

  /// A module with one function; null if it does not parse or verify.
  mlir::func::FuncOp parse(const std::string &text) {
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    EXPECT_TRUE(module) << text;
    return module ? *module->getOps<mlir::func::FuncOp>().begin()
                  : mlir::func::FuncOp();
  }

  /// Runs `body`, which computes %y of type `result` from %x, a matrix of
  /// `rows` rows that stands for x / 2^frac. A program's inputs are token ids,
  /// so the observer puts x in the place of what a table of zeros gives.
  llvm::Expected<Integers> run(llvm::ArrayRef<int64_t> x, int64_t rows,
                               int frac, const std::string &body,
                               const std::string &shape, int resultFrac) {
    std::string length = std::to_string(rows);
    std::string dims = length + "x" + std::to_string(x.size() / rows);
    std::string scale = ", f = " + std::to_string(frac);
    std::string narrow = "!mpc.share<" + dims + scale + ", bits = 32>";
    std::string result =
        "!mpc.share<" + shape + ", f = " + std::to_string(resultFrac) + ">";
    std::string tokens =
                    "!mpc.tokens<" + length + ", vocabulary = " + length + ">",
                table = "!mpc.server<" + dims + scale + ">",
                tensor = "tensor<" + shape + "xf64>";
    mlir::func::FuncOp func =
        parse("func.func @f(%t: " + tokens + ", %at: !mpc.position) -> " +
              tensor + " {\n%w = mpc.weight \"w\" dense<0.0> : tensor<" + dims +
              "xf32> : " + table + "\n%e = mpc.embedding %t, %w : " + tokens +
              ", " + table + " -> " + narrow +
              "\n%x = mpc.extend %e : " + narrow + " -> !mpc.share<" + dims +
              scale + ">\n" + body + "\n%z = mpc.reveal %y : " + result +
              " -> " + tensor + "\nreturn %z : " + tensor + "\n}\n");
    if (!func)
      return llvm::createStringError("does not parse");
    Integers ids(rows);
    for (int64_t i = 0; i < rows; ++i)
      ids[i] = i;
    return runFixed(func, ids, position,
                    [&](uint32_t, mlir::Operation *op,
                        llvm::MutableArrayRef<int64_t> values) {
                      auto extend = llvm::dyn_cast<mpc::ExtendOp>(op);
                      if (extend &&
                          extend.getInput().getDefiningOp<mpc::EmbeddingOp>())
                        std::copy(x.begin(), x.end(), values.begin());
                    });
  }

  /// The same for runs that succeed.
  Integers value(llvm::ArrayRef<int64_t> x, int64_t rows, int frac,
                 const std::string &body, const std::string &shape,
                 int resultFrac) {
    llvm::Expected<Integers> result =
        run(x, rows, frac, body, shape, resultFrac);
    if (!result) {
      ADD_FAILURE() << llvm::toString(result.takeError());
      return {};
    }
    return *result;
  }

  /// The same for runs that fail.
  std::string errorOf(llvm::ArrayRef<int64_t> x, int64_t rows, int frac,
                      const std::string &body, const std::string &shape,
                      int resultFrac) {
    llvm::Expected<Integers> result =
        run(x, rows, frac, body, shape, resultFrac);
    EXPECT_FALSE(result);
    return result ? "" : llvm::toString(result.takeError());
  }

  /// Reproducible integers in [-limit, limit).
  Integers random(size_t count, int64_t limit) {
    std::uniform_int_distribution<int64_t> uniform(-limit, limit - 1);
    Integers values(count);
    for (int64_t &value : values)
      value = uniform(engine);
    return values;
  }

  int64_t position = 0;
  std::mt19937_64 engine{7};
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

} // namespace aero::reference

#endif // AERO_TEST_UNIT_REFERENCE_FIXEDTESTBASE_H
