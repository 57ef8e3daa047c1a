//===- PendingFile.cpp - A file that appears when it is complete ----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Support/PendingFile.h"

using namespace aero;
namespace fs = llvm::sys::fs;

static llvm::Error cannotWrite(llvm::StringRef path, llvm::StringRef why) {
  return llvm::createStringError("cannot write '" + path + "': " + why);
}

llvm::Expected<PendingFile> PendingFile::create(llvm::StringRef path) {
  // A rename would fail as well, but only after all the work.
  if (fs::is_directory(path))
    return cannotWrite(path, "it is a folder");
  auto file =
      fs::TempFile::create(path + ".%%%%%%.tmp", fs::all_read | fs::all_write);
  if (!file)
    return cannotWrite(path, llvm::toString(file.takeError()));
  return PendingFile(path, std::move(*file));
}

PendingFile::PendingFile(llvm::StringRef path, fs::TempFile file)
    : path(path), file(std::make_unique<fs::TempFile>(std::move(file))),
      os(std::make_unique<llvm::raw_fd_ostream>(this->file->FD,
                                                /*shouldClose=*/false)) {}

PendingFile::~PendingFile() {
  if (!file)
    return;
  // What could not be written was reported by finish(), or does not matter.
  os->flush();
  os->clear_error();
  os.reset();
  llvm::consumeError(file->discard());
}

llvm::Error PendingFile::finish() {
  os->flush();
  if (std::error_code code = os->error()) {
    os->clear_error();
    return cannotWrite(path, code.message());
  }
  return llvm::Error::success();
}

llvm::Error PendingFile::keep() {
  std::unique_ptr<fs::TempFile> complete = std::move(file);
  os.reset();
  if (llvm::Error error = complete->keep(path))
    return cannotWrite(path, llvm::toString(std::move(error)));
  return llvm::Error::success();
}
