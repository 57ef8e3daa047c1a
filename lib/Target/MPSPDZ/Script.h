//===- Script.h - Statements that own arrays ------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_TARGET_MPSPDZ_SCRIPT_H
#define AERO_LIB_TARGET_MPSPDZ_SCRIPT_H

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"

#include <string>
#include <vector>

namespace aero {

/// The statements of a block in their order, with the memory of its variables
/// freed behind their last uses.
class Script {
public:
  /// A statement, which may have several lines, and the variables it uses.
  void add(std::string text, std::vector<std::string> uses = {});
  /// As above, with a variable that it sets to new memory.
  void define(const std::string &name, const std::string &value,
              std::vector<std::string> uses = {});
  /// A variable that is a part of `owner`.
  void view(const std::string &name, const std::string &value,
            const std::string &owner);

  /// The text, each line behind `indent`.
  std::string print(llvm::StringRef indent = "") const;

private:
  struct Statement {
    std::string text;
    std::vector<std::string> uses;
  };
  /// Whose memory a variable has; empty if it is not of this block.
  std::string getOwner(const std::string &name) const;

  std::vector<Statement> statements;
  /// Owned variables, and views with what they are parts of.
  llvm::StringMap<std::string> owners;
};

} // namespace aero

#endif // AERO_LIB_TARGET_MPSPDZ_SCRIPT_H
