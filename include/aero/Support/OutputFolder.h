//===- OutputFolder.h - Files that appear together -----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_SUPPORT_OUTPUTFOLDER_H
#define AERO_SUPPORT_OUTPUTFOLDER_H

#include "aero/Support/PendingFile.h"

#include <vector>

namespace aero {

/// A folder of files that get their names when all of them are complete.
/// Without keep() none of them appears, and neither does the folder if it is a
/// new one. Errors name the path.
class OutputFolder {
public:
  /// Makes the folder, but not those above it. One that holds something is an
  /// error unless `force`; then files of the same name are replaced and the
  /// others stay.
  static llvm::Expected<OutputFolder> create(llvm::StringRef path, bool force);
  OutputFolder(OutputFolder &&other) noexcept;
  ~OutputFolder();

  /// A new file. The stream lives as long as this object; `name` is below the
  /// folder and has no folders of its own.
  llvm::Expected<llvm::raw_fd_ostream *> add(llvm::StringRef name,
                                             bool executable = false);
  /// A new file of `text`.
  llvm::Error addText(llvm::StringRef name, llvm::StringRef text,
                      bool executable = false);
  /// A new file for a writer that takes a path: where to write it.
  llvm::Expected<std::string> addPath(llvm::StringRef name);
  /// Gives all files their names.
  llvm::Error keep();

  const std::string &getPath() const { return path; }
  /// Names in the order of add().
  std::vector<std::string> getNames() const;

private:
  struct Entry {
    std::string name;
    PendingFile file;
    bool isExecutable;
  };
  OutputFolder(llvm::StringRef path, bool isNew) : path(path), isNew(isNew) {}

  std::string path;
  bool isNew;
  std::vector<Entry> entries;
};

} // namespace aero

#endif // AERO_SUPPORT_OUTPUTFOLDER_H
