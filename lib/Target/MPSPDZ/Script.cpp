//===- Script.cpp - Statements that own arrays ----------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Script.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/Twine.h"

using namespace aero;

void Script::add(std::string text, std::vector<std::string> uses) {
  statements.push_back({std::move(text), std::move(uses)});
}

void Script::define(const std::string &name, const std::string &value,
                    std::vector<std::string> uses) {
  owners[name] = name;
  uses.push_back(name);
  add(name + " = " + value, std::move(uses));
}

void Script::view(const std::string &name, const std::string &value,
                  const std::string &owner) {
  std::string root = getOwner(owner);
  owners[name] = root.empty() ? owner : root;
  add(name + " = " + value, {name});
}

std::string Script::getOwner(const std::string &name) const {
  auto found = owners.find(name);
  return found == owners.end() ? "" : found->second;
}

std::string Script::print(llvm::StringRef indent) const {
  llvm::SmallVector<std::pair<std::string, size_t>> lastUses;
  llvm::StringMap<size_t> places;
  for (auto [i, statement] : llvm::enumerate(statements))
    for (const std::string &use : statement.uses) {
      std::string owner = getOwner(use);
      // Memory of an outer block is freed there.
      if (owner.empty() || getOwner(owner) != owner)
        continue;
      auto [place, isNew] = places.try_emplace(owner, lastUses.size());
      if (isNew)
        lastUses.emplace_back(owner, i);
      lastUses[place->second].second = i;
    }
  std::string text;
  auto addLines = [&](llvm::StringRef lines) {
    llvm::SmallVector<llvm::StringRef> split;
    lines.split(split, '\n');
    for (llvm::StringRef line : split)
      text += line.empty() ? "\n" : (llvm::Twine(indent) + line + "\n").str();
  };
  for (auto [i, statement] : llvm::enumerate(statements)) {
    addLines(statement.text);
    for (const auto &[name, last] : lastUses)
      if (last == i)
        addLines(name + ".free()");
  }
  return text;
}
