//===- ImportWeightsCommand.cpp - aero import-weights ---------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"

#include "aero/Driver/Table.h"
#include "aero/Import/ONNX/Weights.h"

#include "llvm/Support/raw_ostream.h"

#include <nlohmann/json.hpp>

using namespace aero;

/// Names in a file may hold anything; each is one line here.
static std::string printable(std::string name) {
  for (char &c : name)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      c = '?';
  return name;
}

static void printNames(llvm::StringRef title,
                       const std::vector<std::string> &names) {
  if (names.empty())
    return;
  llvm::outs() << title << ":\n";
  for (const std::string &name : names)
    llvm::outs() << "  " << printable(name) << "\n";
}

llvm::Error aero::importTrained(const ImportWeightsArguments &arguments) {
  WeightsOptions options;
  options.partial = arguments.partial;
  auto summary = importWeights(arguments.model, arguments.weights,
                               arguments.output, options);
  if (!summary)
    return summary.takeError();
  if (arguments.json) {
    llvm::outs() << nlohmann::json{{"output", arguments.output},
                                   {"replaced", summary->replaced},
                                   {"elements", summary->elements},
                                   {"missing", summary->missing},
                                   {"extra", summary->extra}}
                        .dump(2, ' ', /*ensure_ascii=*/false,
                              nlohmann::json::error_handler_t::replace)
                 << "\n";
    return llvm::Error::success();
  }
  llvm::outs() << arguments.output << ": " << formatCount(summary->replaced)
               << " weights, " << formatCount(summary->elements)
               << " parameters from " << arguments.weights << "\n";
  printNames("kept as they were", summary->missing);
  printNames("not in the model", summary->extra);
  return llvm::Error::success();
}
