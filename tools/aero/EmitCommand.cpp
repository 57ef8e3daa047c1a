//===- EmitCommand.cpp - aero emit ----------------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"

#include "aero/Driver/Table.h"
#include "aero/Target/Backend.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <nlohmann/json.hpp>

using namespace aero;

/// The model's file name as a program is called: "sm-ln-g" of sm-ln-g.onnx.
static std::string getProgramName(llvm::StringRef path) {
  std::string name = llvm::sys::path::stem(path).str();
  for (char &c : name)
    if (!llvm::isAlnum(c) && c != '-' && c != '_')
      c = '-';
  return name;
}

/// Every line of an error, behind the file that it is about.
static llvm::Error prefixLines(llvm::StringRef path, llvm::Error error) {
  std::string text = llvm::toString(std::move(error));
  llvm::SmallVector<llvm::StringRef> lines;
  llvm::StringRef(text).split(lines, '\n', /*MaxSplit=*/-1,
                              /*KeepEmpty=*/false);
  std::string prefixed;
  for (llvm::StringRef line : lines)
    prefixed +=
        (llvm::Twine(prefixed.empty() ? "" : "\n") + path + ": " + line).str();
  return llvm::createStringError(prefixed);
}

llvm::Error aero::emit(const EmitArguments &arguments) {
  const Backend *backend = findBackend(arguments.target);
  if (!backend)
    return llvm::createStringError("no target '" + arguments.target + "'");
  auto model = openModel(arguments);
  if (!model)
    return model.takeError();
  auto folded = (*model)->fold(arguments.answer);
  if (!folded)
    return folded.takeError();
  auto folder = OutputFolder::create(arguments.output, arguments.force);
  if (!folder)
    return folder.takeError();
  EmitOptions options;
  options.model = (*model)->getName();
  options.config = getName((*model)->getConfiguration());
  options.name = getProgramName(arguments.path);
  if (llvm::Error error = backend->emit(**folded, options, *folder))
    return prefixLines(arguments.path, std::move(error));
  if (llvm::Error error = folder->keep())
    return error;

  nlohmann::json files = nlohmann::json::array();
  Table table({"file", "bytes"});
  for (const std::string &name : folder->getNames()) {
    llvm::SmallString<128> file(arguments.output);
    llvm::sys::path::append(file, name);
    uint64_t bytes = 0;
    if (std::error_code code = llvm::sys::fs::file_size(file, bytes))
      return llvm::createFileError(file, code);
    files.push_back({{"file", file.str().str()}, {"bytes", bytes}});
    table.addRow({file.str().str(), formatBytes(bytes)});
  }
  if (arguments.json) {
    nlohmann::json json = {{"model", options.model},
                           {"config", options.config},
                           {"target", arguments.target},
                           {"folder", arguments.output},
                           {"files", files}};
    llvm::outs() << json.dump(2) << "\n";
    return llvm::Error::success();
  }
  table.print(llvm::outs());
  llvm::SmallString<128> readme(arguments.output);
  llvm::sys::path::append(readme, "README.md");
  llvm::outs() << "\n" << readme << " says how to run it.\n";
  return llvm::Error::success();
}
