//===- Options.cpp - Import options from the command line -----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Import/ONNX/Import.h"

#include "llvm/ADT/StringRef.h"

using namespace aero;
using llvm::StringRef;

static llvm::Error makeError(const char *option, StringRef text,
                             const char *expected) {
  return llvm::createStringError(std::errc::invalid_argument,
                                 "%s '%s' is not %s", option,
                                 text.str().c_str(), expected);
}

llvm::Error aero::parseBinding(StringRef text, ImportOptions &options) {
  // A symbol may hold an equals sign itself ("past+1=total"), a size does not.
  auto [name, number] = text.rsplit('=');
  int64_t size = 0;
  if (name.empty() || number.getAsInteger(10, size) || size < 0)
    return makeError("--bind", text,
                     "NAME=SIZE with a whole number of at least 0, e.g. "
                     "sequence=128");
  options.bindings[name] = size;
  return llvm::Error::success();
}

llvm::Error aero::parseFixedInput(StringRef text, ImportOptions &options) {
  auto [name, value] = text.rsplit('=');
  FixedInput input;
  input.name = name.str();
  if (value == "range")
    input.kind = FixedInput::Kind::Range;
  else if (value.getAsDouble(input.number))
    name = "";
  if (name.empty())
    return makeError("--fix", text,
                     "NAME=NUMBER or NAME=range, e.g. attention_mask=1");
  options.fixedInputs.push_back(std::move(input));
  return llvm::Error::success();
}
