//===- SeenRanges.h - How large values became on prompts -------*- C++ -*-===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_TOOLS_AERO_SEENRANGES_H
#define AERO_TOOLS_AERO_SEENRANGES_H

#include "mlir/IR/Operation.h"
#include "llvm/ADT/ArrayRef.h"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <limits>
#include <map>
#include <string>

namespace aero {

/// The smallest and largest result of each kind of instruction in each layer,
/// over all prompts that the fixed-point interpreter was shown.
class SeenRanges {
public:
  /// `values` are the integers of the result of `op`.
  void add(mlir::Operation *op, llvm::ArrayRef<int64_t> values);

  void print() const;
  nlohmann::json toJson() const;

private:
  struct Range {
    double smallest = std::numeric_limits<double>::infinity();
    double largest = -std::numeric_limits<double>::infinity();
  };
  /// By layer, -1 outside of layers, and mnemonic.
  std::map<std::pair<int64_t, std::string>, Range> ranges;
};

} // namespace aero

#endif // AERO_TOOLS_AERO_SEENRANGES_H
