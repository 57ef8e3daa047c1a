//===- OutputFolder.cpp - Files that appear together ---------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Support/OutputFolder.h"

#include "llvm/Support/Path.h"

using namespace aero;
namespace fs = llvm::sys::fs;

static llvm::Error cannotWrite(llvm::StringRef path, const llvm::Twine &why) {
  return llvm::createStringError("cannot write '" + path + "': " + why);
}

llvm::Expected<OutputFolder> OutputFolder::create(llvm::StringRef path,
                                                  bool force) {
  if (path.empty())
    return llvm::createStringError("the output folder has no name");
  fs::file_status status;
  std::error_code missing = fs::status(path, status);
  if (missing) {
    if (std::error_code code = fs::create_directory(path))
      return cannotWrite(path, code.message());
    return OutputFolder(path, /*isNew=*/true);
  }
  if (!fs::is_directory(status))
    return cannotWrite(path, "it is not a folder");
  std::error_code code;
  bool isEmpty = fs::directory_iterator(path, code) == fs::directory_iterator();
  if (code)
    return cannotWrite(path, code.message());
  if (!isEmpty && !force)
    return cannotWrite(path, "the folder holds something already; choose "
                             "another or replace files in it with --force");
  return OutputFolder(path, /*isNew=*/false);
}

OutputFolder::OutputFolder(OutputFolder &&other) noexcept
    : path(std::move(other.path)), isNew(std::exchange(other.isNew, false)),
      entries(std::move(other.entries)) {}

OutputFolder::~OutputFolder() {
  entries.clear();
  // If something else is in it by now, the folder stays.
  if (isNew)
    llvm::consumeError(llvm::errorCodeToError(fs::remove(path)));
}

llvm::Expected<llvm::raw_fd_ostream *> OutputFolder::add(llvm::StringRef name,
                                                         bool executable) {
  llvm::SmallString<128> file(path);
  llvm::sys::path::append(file, name);
  auto pending = PendingFile::create(file);
  if (!pending)
    return pending.takeError();
  entries.push_back({name.str(), std::move(*pending), executable});
  return &entries.back().file.stream();
}

llvm::Error OutputFolder::addText(llvm::StringRef name, llvm::StringRef text,
                                  bool executable) {
  auto os = add(name, executable);
  if (!os)
    return os.takeError();
  **os << text;
  return llvm::Error::success();
}

llvm::Expected<std::string> OutputFolder::addPath(llvm::StringRef name) {
  if (auto os = add(name); !os)
    return os.takeError();
  return entries.back().file.getTemporaryPath();
}

llvm::Error OutputFolder::keep() {
  for (Entry &entry : entries)
    if (llvm::Error error = entry.file.finish())
      return error;
  // All that can fail after this is a renaming.
  for (Entry &entry : entries) {
    if (llvm::Error error = entry.file.keep())
      return error;
    if (!entry.isExecutable)
      continue;
    llvm::SmallString<128> file(path);
    llvm::sys::path::append(file, entry.name);
    if (auto permissions = fs::getPermissions(file))
      if (std::error_code code =
              fs::setPermissions(file, *permissions | fs::owner_exe |
                                           fs::group_exe | fs::others_exe))
        return cannotWrite(file, code.message());
  }
  isNew = false;
  return llvm::Error::success();
}

std::vector<std::string> OutputFolder::getNames() const {
  std::vector<std::string> names;
  names.reserve(entries.size());
  for (const Entry &entry : entries)
    names.push_back(entry.name);
  return names;
}
