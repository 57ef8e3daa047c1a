//===- CountLinear.cpp - A pass of its own over pi ------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MyPasses.h"

#include "aero/Dialect/PI/IR/PIOps.h"
#include "mlir/IR/Remarks.h"

namespace my {
#define GEN_PASS_DEF_COUNTLINEAR
#include "MyPasses.h.inc"
} // namespace my

using namespace mlir;

namespace {

struct CountLinear : public my::impl::CountLinearBase<CountLinear> {
  using CountLinearBase::CountLinearBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    int64_t count = 0, multiplyAdds = 0;
    function.walk([&](aero::pi::LinearOp op) {
      // Each row of the input meets the whole matrix.
      int64_t rows = op.getInput().getType().getNumElements() /
                     op.getWeight().getType().getDimSize(0);
      multiplyAdds += rows * op.getWeight().getType().getNumElements();
      ++count;
    });
    remark::analysis(function.getLoc(), remark::RemarkOpts::name("linear")
                                            .category("my-count-linear")
                                            .function(function.getName()))
        << remark::add("{0} pi.linear with {1} multiply-adds", count,
                       multiplyAdds);
    // A plain number: what an option converts to in a message is a character.
    int64_t most = limit;
    if (most >= 0 && multiplyAdds > most) {
      function.emitError() << "'" << function.getName() << "' has "
                           << multiplyAdds << " multiply-adds, the limit is "
                           << most;
      signalPassFailure();
    }
  }
};

} // namespace
