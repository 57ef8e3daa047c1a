//===- Seeds.cpp - First inputs of the fuzzers ----------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestProgram.h"
#include "aero/Runtime/Channel.h"

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

using namespace aero::rt;

static bool write(const std::filesystem::path &path,
                  const std::vector<uint8_t> &bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  return out.good();
}

/// A frame as it is on the wire.
static void appendFrame(std::vector<uint8_t> &out, FrameKind kind,
                        size_t size) {
  size_t begin = out.size();
  out.resize(begin + frameHeaderBytes + size, 0x5A);
  std::memcpy(out.data() + begin, "AEF1", 4);
  uint16_t number[2] = {static_cast<uint16_t>(kind), 0};
  std::memcpy(out.data() + begin + 4, number, 4);
  uint64_t length = size;
  std::memcpy(out.data() + begin + 8, &length, 8);
}

int main(int argc, char **argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
    return 2;
  }
  std::filesystem::path directory = argv[1];
  bool ok = true;

  for (bool norm : {false, true}) {
    aero::program::Program program =
        norm ? test::makeNormProgram() : test::makeTestProgram();
    std::string suffix = norm ? "-norm" : "";
    std::string text = program.SerializeAsString();
    std::vector<uint8_t> payload = {0};
    payload.insert(payload.end(), text.begin(), text.end());
    ok &= write(directory / "Program" / ("payload" + suffix), payload);
    std::filesystem::path file = directory / "Program" / ("file" + suffix);
    ok &= writeProgram(program, file.string()).ok();
    std::ifstream in(file, std::ios::binary);
    std::vector<uint8_t> whole = {1};
    whole.insert(whole.end(), std::istreambuf_iterator<char>(in), {});
    ok &= write(file, whole);
  }

  for (uint8_t call = 0; call < 4; ++call)
    for (uint8_t kind = 0; kind < 7; ++kind) {
      uint8_t size = 20;
      std::vector<uint8_t> bytes = {static_cast<uint8_t>(call | kind << 3),
                                    static_cast<uint8_t>(size - (call == 3))};
      for (int frames = 0; frames < 2; ++frames)
        appendFrame(bytes,
                    call == 3 ? FrameKind::Exchange
                              : static_cast<FrameKind>(kind + 1),
                    size);
      ok &= write(directory / "Frame" /
                      (std::to_string(call) + "-" + std::to_string(kind)),
                  bytes);
    }
  // A hello of this version, to the fuzzer's dealer and to a client.
  for (uint8_t call = 0; call < 2; ++call) {
    std::vector<uint8_t> bytes = {call};
    appendFrame(bytes, FrameKind::Hello, 136);
    uint8_t *hello = bytes.data() + 1 + frameHeaderBytes;
    std::memset(hello, 0, 136);
    std::memcpy(hello, "AEROHELO", 8);
    hello[8] = 2;                  // version
    hello[12] = call == 0 ? 2 : 3; // role
    hello[14] = 1;                 // security mode
    ok &= write(directory / "Handshake" / std::to_string(call), bytes);
  }
  // The first bytes of a TLS record.
  ok &= write(directory / "Handshake" / "tls",
              {2, 22, 3, 1, 0, 8, 1, 0, 0, 4, 3, 3, 0, 0});
  if (!ok)
    std::fprintf(stderr, "cannot write to %s\n", argv[1]);
  return ok ? 0 : 1;
}
