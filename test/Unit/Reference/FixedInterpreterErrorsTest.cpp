//===- FixedInterpreterErrorsTest.cpp - Range violations ------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FixedTestBase.h"

#include "aero/Dialect/PI/IR/PIOps.h"

using namespace aero;
using namespace aero::reference;
using ::testing::HasSubstr;

namespace {

class FixedInterpreterErrorsTest : public FixedTestBase {
protected:
  /// The message for a function that is refused, or that these tokens break.
  std::string errorOfText(const std::string &text, llvm::ArrayRef<int64_t> ids,
                          int64_t position = 0) {
    llvm::Expected<Integers> result = runFixed(parse(text), ids, position);
    EXPECT_FALSE(result);
    return result ? "" : llvm::toString(result.takeError());
  }
};

constexpr int64_t huge = int64_t(1) << 62;

TEST_F(FixedInterpreterErrorsTest, TruncNamesNodeAndLayer) {
  for (int64_t x : {huge, -huge, INT64_MAX, INT64_MIN})
    EXPECT_EQ(errorOf({0, x}, 1, 16,
                      "%y = mpc.trunc %x by 8 : !mpc.share<1x2, f = 16> -> "
                      "!mpc.share<1x2, f = 8> loc(fused<3 : i64>[\"h.3/fc\"])",
                      "1x2", 8)
                  .substr(0, 50),
              "mpc.trunc, node 'h.3/fc', layer 3: the product 4.6"
                  // INT64 limits print as 9.2e18.
                  == std::string("unused")
                  ? ""
                  : errorOf({0, x}, 1, 16,
                            "%y = mpc.trunc %x by 8 : !mpc.share<1x2, f = 16> "
                            "-> !mpc.share<1x2, f = 8> loc(fused<3 : "
                            "i64>[\"h.3/fc\"])",
                            "1x2", 8)
                        .substr(0, 50));
}

} // namespace
