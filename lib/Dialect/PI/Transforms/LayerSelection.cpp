//===- LayerSelection.cpp - The layers=0-3,5 of a pass --------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LayerSelection.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace aero::pi {

std::string describeLayers(int64_t numLayers) {
  if (numLayers == 0)
    return "no layers";
  if (numLayers == 1)
    return "1 layer (0)";
  return std::to_string(numLayers) + " layers (0 to " +
         std::to_string(numLayers - 1) + ")";
}

FailureOr<LayerSelection> LayerSelection::parse(func::FuncOp func,
                                                StringRef pass, StringRef text,
                                                int64_t numLayers) {
  LayerSelection result;
  text = text.trim();
  if (text.empty())
    return result;
  result.all = false;
  result.layers.resize(numLayers);
  SmallVector<StringRef> ranges;
  text.split(ranges, ',');
  for (StringRef range : ranges) {
    auto [first, last] = range.trim().split('-');
    bool isRange = range.contains('-');
    // Of the location, not the op, which would print the whole function.
    uint64_t begin = 0, end = 0;
    if (first.getAsInteger(10, begin) ||
        (isRange ? last.getAsInteger(10, end) || end < begin : false)) {
      InFlightDiagnostic diag = emitError(func.getLoc())
                                << pass << ": '" << range
                                << "' in layers=" << text
                                << " is neither a layer nor a range of layers";
      diag.attachNote() << "write, e.g., layers=0-3,5";
      return failure();
    }
    if (!isRange)
      end = begin;
    if (end >= static_cast<uint64_t>(numLayers))
      return emitError(func.getLoc())
             << pass << ": there is no layer " << end << ": the model '"
             << func.getSymName() << "' has " << describeLayers(numLayers);
    result.layers.set(begin, end + 1);
  }
  return result;
}

} // namespace aero::pi
