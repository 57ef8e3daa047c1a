//===- CompileCommand.cpp - aero compile ----------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"

#include "aero/Driver/Parties.h"
#include "aero/Driver/Table.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include <nlohmann/json.hpp>

using namespace aero;

llvm::Error aero::compile(const CompileArguments &arguments) {
  auto model = openModel(arguments);
  if (!model)
    return model.takeError();
  if (llvm::Error error = lower(**model, arguments))
    return error;
  std::string weights = arguments.output + ".weights";
  if (llvm::Error error = writeProgramFiles(**model, arguments.output, weights))
    return error;

  uint64_t programBytes = 0, weightBytes = 0;
  if (std::error_code error =
          llvm::sys::fs::file_size(arguments.output, programBytes))
    return llvm::createFileError(arguments.output, error);
  if (std::error_code error = llvm::sys::fs::file_size(weights, weightBytes))
    return llvm::createFileError(weights, error);
  const std::optional<CollapseChoice> &collapse = (*model)->getCollapseChoice();
  if (arguments.json) {
    nlohmann::json json = {{"program", arguments.output},
                           {"program_bytes", programBytes},
                           {"weights", weights},
                           {"weights_bytes", weightBytes}};
    addCollapse(json, collapse);
    llvm::outs() << json.dump(2) << "\n";
  } else {
    if (collapse)
      llvm::outs() << collapse->describe() << "\n";
    llvm::outs() << "for all parties:     " << arguments.output << " ("
                 << formatBytes(programBytes) << ")\n"
                 << "for the server only: " << weights << " ("
                 << formatBytes(weightBytes) << ")\n";
  }
  return llvm::Error::success();
}
