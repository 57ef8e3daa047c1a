//===- File.cpp - Files with a hash, written atomically -------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "File.h"

#include <openssl/evp.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

using namespace aero::rt;

static void require(bool ok) {
  if (ok)
    return;
  std::fputs("aero: OpenSSL cannot compute SHA-256\n", stderr);
  std::abort();
}

Sha256::Sha256() : context(EVP_MD_CTX_new()) {
  require(context && EVP_DigestInit_ex(context, EVP_sha256(), nullptr));
}

Sha256::~Sha256() { EVP_MD_CTX_free(context); }

void Sha256::update(std::span<const uint8_t> data) {
  require(EVP_DigestUpdate(context, data.data(), data.size()));
}

ProgramHash Sha256::finish() {
  ProgramHash hash;
  require(EVP_DigestFinal_ex(context, hash.data(), nullptr));
  return hash;
}

ProgramHash aero::rt::sha256(std::span<const uint8_t> data) {
  Sha256 hasher;
  hasher.update(data);
  return hasher.finish();
}

Error aero::rt::fileError(const char *verb, const std::string &path, int code) {
  return Error{std::string(verb) + " '" + path + "': " + std::strerror(code)};
}

AtomicFile::~AtomicFile() {
  if (fd < 0)
    return;
  ::close(fd);
  ::unlink(temporary.c_str());
}

Status AtomicFile::open(const std::string &target) {
  path = target;
  // Not mkstemp, which ignores the umask. A left-over of a killed process with
  // the same number is skipped.
  for (unsigned attempt = 0; attempt < 100; ++attempt) {
    temporary = target + ".tmp-" + std::to_string(::getpid()) + "-" +
                std::to_string(attempt);
    fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                0666);
    if (fd >= 0)
      return {};
    if (errno != EEXIST)
      break;
  }
  return fileError("cannot write", path, errno);
}

Status AtomicFile::write(std::span<const uint8_t> data, uint64_t offset) {
  while (!data.empty()) {
    ssize_t n = ::pwrite(fd, data.data(), data.size(), offset);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return fileError("cannot write", path, n < 0 ? errno : ENOSPC);
    data = data.subspan(n);
    offset += n;
  }
  return {};
}

Status AtomicFile::commit() {
  if (::fsync(fd) < 0 || ::rename(temporary.c_str(), path.c_str()) < 0)
    return fileError("cannot write", path, errno);
  ::close(fd);
  fd = -1;
  // The new name is durable only when its directory is.
  size_t slash = path.rfind('/');
  std::string directory = slash == std::string::npos ? "."
                          : slash == 0               ? "/"
                                                     : path.substr(0, slash);
  int directoryFd =
      ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directoryFd >= 0) {
    ::fsync(directoryFd);
    ::close(directoryFd);
  }
  return {};
}
