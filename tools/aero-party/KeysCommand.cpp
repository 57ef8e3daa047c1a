//===- KeysCommand.cpp - Making and showing keys --------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"

#include <cstdio>
#include <ctime>

using namespace aero::rt;

static std::string dateOf(int64_t seconds) {
  std::time_t time = std::time_t(seconds);
  std::tm fields = {};
  char text[32] = {};
  ::gmtime_r(&time, &fields);
  std::strftime(text, sizeof(text), "%Y-%m-%d", &fields);
  return text;
}

Status aero::rt::showKeys(const std::vector<std::string> &files) {
  for (const std::string &file : files) {
    Result<Certificate> certificate = readCertificate(file);
    if (!certificate.ok())
      return certificate.takeError();
    std::string line = formatFingerprint(certificate->key) + "  " + file;
    if (certificate->notAfter != 0)
      line += "  (" + certificate->name + ", valid until " +
              dateOf(certificate->notAfter) + ")";
    std::puts(line.c_str());
  }
  return {};
}

Status aero::rt::newKey(const std::string &name, const std::string &directory) {
  IdentityOptions options;
  options.name = name;
  Result<IdentityFiles> files = createIdentity(directory, options);
  if (!files.ok())
    return files.takeError();
  std::printf("%s  private: it never leaves this machine\n",
              files->key.c_str());
  return showKeys({files->certificate});
}
