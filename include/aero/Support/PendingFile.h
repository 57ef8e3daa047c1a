//===- PendingFile.h - A file that appears when it is complete ------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_SUPPORT_PENDINGFILE_H
#define AERO_SUPPORT_PENDINGFILE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include <memory>
#include <string>

namespace aero {

/// A file under another name in the same folder until keep() renames it.
/// Without that it disappears, also when the process is interrupted. Errors
/// name the path.
class PendingFile {
public:
  static llvm::Expected<PendingFile> create(llvm::StringRef path);
  PendingFile(PendingFile &&) = default;
  ~PendingFile();

  llvm::raw_fd_ostream &stream() { return *os; }
  /// For a writer that takes a path, and may replace what is there; nothing may
  /// be in the stream then.
  const std::string &getTemporaryPath() const { return file->TmpName; }
  /// For a writer that takes a descriptor; nothing may be in the stream then.
  int getDescriptor() const { return file->FD; }

  /// Flushes; an error unless everything that was written has arrived.
  llvm::Error finish();
  /// Gives the file its name, replacing what has it. After finish().
  llvm::Error keep();

private:
  PendingFile(llvm::StringRef path, llvm::sys::fs::TempFile file);

  std::string path;
  std::unique_ptr<llvm::sys::fs::TempFile> file;
  std::unique_ptr<llvm::raw_fd_ostream> os;
};

} // namespace aero

#endif // AERO_SUPPORT_PENDINGFILE_H
