//===- ProgramFuzzer.cpp - Hostile program files --------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The first byte says whether the rest is a whole file or only its payload,
/// under a header whose size and hash fit: otherwise no input would pass the
/// hash.
///
//===----------------------------------------------------------------------===//

#include "aero/Runtime/Program.h"

#include <google/protobuf/stubs/logging.h>
#include <openssl/sha.h>

#include <cstdlib>
#include <cstring>

using namespace aero;
using namespace aero::rt;

static std::vector<uint8_t> wrap(std::span<const uint8_t> payload) {
  std::vector<uint8_t> bytes(56);
  std::memcpy(bytes.data(), "AEROPROG\1", 9);
  uint64_t size = payload.size();
  std::memcpy(bytes.data() + 16, &size, 8);
  SHA256(payload.data(), payload.size(), bytes.data() + 24);
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  return bytes;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static google::protobuf::LogSilencer silencer;
  if (size == 0)
    return 0;
  std::span<const uint8_t> rest(data + 1, size - 1);
  Result<LoadedProgram> loaded = data[0] & 1 ? parseProgram(rest, "file")
                                             : parseProgram(wrap(rest), "file");
  if (!loaded.ok()) {
    if (loaded.message().empty())
      std::abort();
    return 0;
  }
  // What passed must be safe to evaluate.
  uint64_t elements = 0;
  for (const program::Value &value : loaded->program.values())
    elements += elementCount(value);
  if (elements > uint64_t(1) << 33)
    std::abort();
  for (const program::Instruction &instruction : loaded->program.instructions())
    if (instructionCost(loaded->program, instruction).exchanges !=
        instruction.cost().exchanges())
      std::abort();
  return 0;
}
