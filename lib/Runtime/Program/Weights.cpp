//===- Weights.cpp - The server's weights file ----------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "File.h"
#include "aero/Runtime/Program.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace aero;
using namespace aero::rt;

namespace {

/// The header of program.proto as it lies in memory. Its size keeps the data on
/// a cache line, like every weight in it.
struct Header {
  char magic[8];
  uint32_t version;
  uint32_t zero;
  uint64_t size;
  ProgramHash program;
  ProgramHash hash;
  uint8_t padding[40];
};
static_assert(sizeof(Header) == 128);

constexpr char weightsMagic[8] = {'A', 'E', 'R', 'O', 'W', 'G', 'T', 'S'};
constexpr uint64_t alignment = 64;

} // namespace

/// Elements of a validated weight.
static uint64_t weightElements(const program::Weight &weight) {
  uint64_t count = 1;
  for (uint32_t dim : weight.shape())
    count *= dim;
  return count;
}

static uint64_t weightBytes(const program::Weight &weight) {
  return weightElements(weight) *
         (weight.type() == program::Weight::TYPE_I32 ? 4 : 8);
}

struct WeightsWriter::State {
  AtomicFile file;
  Sha256 hasher;
  uint64_t size = 0; // of the data, without the header
};

WeightsWriter::WeightsWriter(std::unique_ptr<State> state)
    : state(std::move(state)) {}
WeightsWriter::~WeightsWriter() = default;
WeightsWriter::WeightsWriter(WeightsWriter &&) noexcept = default;

Result<WeightsWriter> WeightsWriter::create(const std::string &path) {
  auto state = std::make_unique<State>();
  AERO_RETURN_IF_ERROR(state->file.open(path));
  return WeightsWriter(std::move(state));
}

Result<uint64_t> WeightsWriter::append(std::span<const uint8_t> data) {
  static constexpr uint8_t zeros[alignment] = {};
  uint64_t gap = -state->size % alignment;
  std::span<const uint8_t> fill(zeros, gap);
  AERO_RETURN_IF_ERROR(state->file.write(fill, sizeof(Header) + state->size));
  state->hasher.update(fill);
  uint64_t offset = state->size + gap;
  AERO_RETURN_IF_ERROR(state->file.write(data, sizeof(Header) + offset));
  state->hasher.update(data);
  state->size = offset + data.size();
  return offset;
}

Status WeightsWriter::commit(const ProgramHash &program) {
  Header header = {};
  std::memcpy(header.magic, weightsMagic, sizeof(weightsMagic));
  header.version = programVersion;
  header.size = state->size;
  header.program = program;
  header.hash = state->hasher.finish();
  AERO_RETURN_IF_ERROR(state->file.write(
      {reinterpret_cast<const uint8_t *>(&header), sizeof(header)}, 0));
  return state->file.commit();
}

Weights::Weights(Weights &&other) noexcept
    : base(std::exchange(other.base, nullptr)),
      size(std::exchange(other.size, 0)) {}

Weights::~Weights() {
  if (base)
    ::munmap(const_cast<uint8_t *>(base), size);
}

/// Checks everything about the mapped file `bytes`.
static Status checkWeights(std::span<const uint8_t> bytes,
                           const std::string &path,
                           const LoadedProgram &program) {
  auto error = [&](const std::string &message) {
    return Error{"'" + path + "' " + message};
  };
  Header header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (std::memcmp(header.magic, weightsMagic, sizeof(weightsMagic)) != 0)
    return error("is not an AERO weights file");
  if (header.version != programVersion)
    return error("has weights version " + std::to_string(header.version) +
                 ", this build reads version " +
                 std::to_string(programVersion) +
                 ": recompile the model with this version");
  if (header.zero != 0 ||
      std::any_of(std::begin(header.padding), std::end(header.padding),
                  [](uint8_t byte) { return byte != 0; }))
    return error("is damaged: its header has unknown contents");
  if (header.program != program.hash)
    return error("belongs to another program: use the weights that were "
                 "compiled together with this program");
  std::span<const uint8_t> data = bytes.subspan(sizeof(header));
  if (data.size() < header.size)
    return error("is truncated: it has " + std::to_string(data.size()) +
                 " of " + std::to_string(header.size) + " bytes");
  if (data.size() > header.size)
    return error("is damaged: there are bytes after its end");
  for (const program::Weight &weight : program.program.weights())
    if (weight.offset() % alignment != 0 || weight.offset() > data.size() ||
        weightBytes(weight) > data.size() - weight.offset())
      return error("is incomplete: weight '" + weight.name() +
                   "' lies outside of it");
  if (sha256(data) != header.hash)
    return error("is damaged: its contents do not match its hash; copy or "
                 "compile it again");
  return {};
}

Result<Weights> Weights::map(const std::string &path,
                             const LoadedProgram &program) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return fileError("cannot read", path, errno);
  struct stat info = {};
  Weights weights;
  Status status;
  if (::fstat(fd, &info) < 0)
    status = fileError("cannot read", path, errno);
  else if (!S_ISREG(info.st_mode) ||
           static_cast<uint64_t>(info.st_size) < sizeof(Header))
    status = Error{"'" + path + "' is not an AERO weights file"};
  else if (void *at =
               ::mmap(nullptr, info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
           at == MAP_FAILED)
    status = fileError("cannot map", path, errno);
  else {
    weights.base = static_cast<const uint8_t *>(at);
    weights.size = info.st_size;
  }
  ::close(fd);
  AERO_RETURN_IF_ERROR(status);
  AERO_RETURN_IF_ERROR(
      checkWeights({weights.base, weights.size}, path, program));
  return weights;
}

std::span<const int32_t> Weights::i32(const program::Weight &weight) const {
  assert(weight.type() == program::Weight::TYPE_I32 && "not a 32-bit weight");
  return {reinterpret_cast<const int32_t *>(base + sizeof(Header) +
                                            weight.offset()),
          weightElements(weight)};
}

std::span<const int64_t> Weights::i64(const program::Weight &weight) const {
  assert(weight.type() == program::Weight::TYPE_I64 && "not a 64-bit weight");
  return {reinterpret_cast<const int64_t *>(base + sizeof(Header) +
                                            weight.offset()),
          weightElements(weight)};
}
