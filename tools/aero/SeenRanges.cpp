//===- SeenRanges.cpp - How large values became on prompts ----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SeenRanges.h"

#include "aero/Dialect/MPC/IR/MPCOps.h"
#include "aero/Dialect/PI/IR/PIOps.h"
#include "aero/Driver/Table.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

using namespace aero;

void SeenRanges::add(mlir::Operation *op, llvm::ArrayRef<int64_t> values) {
  auto type = llvm::dyn_cast<mpc::ShareType>(op->getResult(0).getType());
  if (!type || values.empty())
    return;
  auto [least, most] = std::minmax_element(values.begin(), values.end());
  Range &range =
      ranges[{pi::getLayer(op->getLoc()), op->getName().stripDialect().str()}];
  auto real = [&](int64_t value) {
    return std::ldexp(static_cast<double>(value), -int(type.getFrac()));
  };
  range.smallest = std::min(range.smallest, real(*least));
  range.largest = std::max(range.largest, real(*most));
}

void SeenRanges::print() const {
  Table table({"layer", "result of", "smallest", "largest"}, /*leftColumns=*/2);
  int64_t last = -2;
  for (const auto &[key, range] : ranges) {
    if (last != -2 && key.first != last)
      table.addRule();
    table.addRow({key.first == last ? ""
                  : key.first < 0   ? "model"
                                    : std::to_string(key.first),
                  key.second, formatFixed(range.smallest, 3),
                  formatFixed(range.largest, 3)});
    last = key.first;
  }
  table.print(llvm::outs());
}

nlohmann::json SeenRanges::toJson() const {
  nlohmann::json rows = nlohmann::json::array();
  for (const auto &[key, range] : ranges)
    rows.push_back({{"layer", key.first},
                    {"op", key.second},
                    {"smallest", range.smallest},
                    {"largest", range.largest}});
  return rows;
}
