//===- File.h - Files with a hash, written atomically ---------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What program files and weights files have in common: SHA-256, and a file
/// that appears under its name only when it is complete.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_RUNTIME_PROGRAM_FILE_H
#define AERO_LIB_RUNTIME_PROGRAM_FILE_H

#include "aero/Runtime/Program.h"

struct evp_md_ctx_st;

namespace aero::rt {

/// SHA-256 of data that comes in pieces.
class Sha256 {
public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256 &) = delete;
  Sha256 &operator=(const Sha256 &) = delete;

  void update(std::span<const uint8_t> data);
  ProgramHash finish();

private:
  evp_md_ctx_st *context;
};

ProgramHash sha256(std::span<const uint8_t> data);

/// "<verb> '<path>': <reason>" from an errno.
Error fileError(const char *verb, const std::string &path, int code);

/// A temporary file beside `path` that becomes `path` on commit() and vanishes
/// otherwise.
class AtomicFile {
public:
  AtomicFile() = default;
  ~AtomicFile();
  AtomicFile(const AtomicFile &) = delete;
  AtomicFile &operator=(const AtomicFile &) = delete;

  Status open(const std::string &path);
  /// Writes all of `data` at `offset`.
  Status write(std::span<const uint8_t> data, uint64_t offset);
  /// Makes the contents durable, then moves them into place.
  Status commit();

private:
  std::string path, temporary;
  int fd = -1;
};

} // namespace aero::rt

#endif // AERO_LIB_RUNTIME_PROGRAM_FILE_H
