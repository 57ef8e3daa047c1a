//===- TestModel.h - Small transformers as text ---------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_TEST_UNIT_TRANSFORMS_TESTMODEL_H
#define AERO_TEST_UNIT_TRANSFORMS_TESTMODEL_H

#include <cstdint>
#include <string>

namespace aero::pi {

/// What a test model looks like.
struct TestModel {
  int64_t layers = 2, heads = 2, width = 8, tokens = 6, vocabulary = 16;
  bool norms = false;
  /// Mnemonic of the activation; empty for none.
  std::string activation = "";
  /// out = beta * y + ffn(y) / alpha.
  bool scaled = false;
  /// The FFN multiplies a second linear map by its activation.
  bool gated = false;

  /// The model as raised pi, with splat weights.
  std::string print() const;
};

} // namespace aero::pi

#endif // AERO_TEST_UNIT_TRANSFORMS_TESTMODEL_H
