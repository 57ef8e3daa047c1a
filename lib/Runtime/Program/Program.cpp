//===- Program.cpp - Program files ----------------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Runtime/Program.h"
#include "File.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace aero;
using namespace aero::rt;
using program::Instruction;

static_assert(std::endian::native == std::endian::little,
              "headers are written as little-endian words");

namespace {

/// The header of program.proto as it lies in memory.
struct Header {
  char magic[8];
  uint32_t version;
  uint32_t zero;
  uint64_t size;
  ProgramHash hash;
};
static_assert(sizeof(Header) == 56);

constexpr char programMagic[8] = {'A', 'E', 'R', 'O', 'P', 'R', 'O', 'G'};

/// A program of the largest model is below a megabyte; parsed, a byte can
/// become about fifty, so this bounds what a hostile file makes a party
/// allocate.
constexpr uint64_t maxFileBytes = 32 << 20;

} // namespace

uint64_t aero::rt::elementCount(const program::Value &value) {
  uint64_t count = 1;
  for (uint32_t dim : value.shape())
    count *= dim;
  return count;
}

const char *aero::rt::opName(const Instruction &instruction) {
  switch (instruction.op_case()) {
  case Instruction::kEmbedding:
    return "embedding";
  case Instruction::kExtend:
    return "extend";
  case Instruction::kLinear:
    return "linear";
  case Instruction::kTrunc:
    return "trunc";
  case Instruction::kMatmul:
    return "matmul";
  case Instruction::kMul:
    return "mul";
  case Instruction::kAdd:
    return "add";
  case Instruction::kAddWeight:
    return "add_weight";
  case Instruction::kMulWeight:
    return "mul_weight";
  case Instruction::kMulPublic:
    return "mul_public";
  case Instruction::kSub:
    return "sub";
  case Instruction::kCausalScores:
    return "causal_scores";
  case Instruction::kCausalContext:
    return "causal_context";
  case Instruction::kRelu:
    return "relu";
  case Instruction::kTail:
    return "tail";
  case Instruction::kNormalize:
    return "normalize";
  case Instruction::kConcat:
    return "concat";
  case Instruction::kRepeat:
    return "repeat";
  case Instruction::kMaxRow:
    return "max_row";
  case Instruction::kArgmax:
    return "argmax";
  case Instruction::kExp2:
    return "exp2";
  case Instruction::kSumRow:
    return "sum_row";
  case Instruction::kRecip:
    return "recip";
  case Instruction::kSlice:
    return "slice";
  case Instruction::kReshape:
    return "reshape";
  case Instruction::kTranspose:
    return "transpose";
  case Instruction::kTakeRow:
    return "take_row";
  case Instruction::kReveal:
    return "reveal";
  case Instruction::OP_NOT_SET:
    break;
  }
  return "unknown";
}

Rows aero::rt::scoreRows(const program::Value &scores,
                         const program::Value &rows, bool causal) {
  if (causal)
    return {size_t(elementCount(rows)), rows.shape(rows.shape_size() - 1),
            true};
  return {size_t(elementCount(rows)), scores.shape(scores.shape_size() - 1)};
}

Cost aero::rt::instructionCost(const program::Program &program,
                               const Instruction &instruction) {
  auto operand = [&](int i) -> const program::Value & {
    return program.values(instruction.operands(i));
  };
  const program::Value &result = program.values(instruction.result());
  uint64_t n = elementCount(result);
  switch (instruction.op_case()) {
  case Instruction::kEmbedding: {
    const auto &weight = program.weights(instruction.embedding().weight());
    return cost::embedding(result.shape(0), weight.shape(0), weight.shape(1));
  }
  case Instruction::kExtend:
    return cost::extend(n, operand(0).bits());
  case Instruction::kLinear: {
    const auto &weight = program.weights(instruction.linear().weight());
    return cost::linear(operand(0).shape(0), weight.shape(0), weight.shape(1));
  }
  case Instruction::kTrunc:
    return cost::trunc(n, instruction.trunc().shift());
  case Instruction::kMatmul: {
    const auto &lhs = operand(0).shape();
    int rank = lhs.size();
    uint64_t batch = 1;
    for (int i = 0; i < rank - 2; ++i)
      batch *= lhs[i];
    return cost::matmul(batch, lhs[rank - 2], lhs[rank - 1],
                        result.shape(rank - 1));
  }
  case Instruction::kMul:
    return cost::mul(n, elementCount(operand(1)));
  case Instruction::kMaxRow: {
    return cost::maxRow(
        scoreRows(operand(0), result, instruction.max_row().causal()),
        instruction.max_row().compare_bits());
  }
  case Instruction::kArgmax:
    return cost::argMax(scoreRows(operand(0), result, /*causal=*/false),
                        instruction.argmax().compare_bits());
  case Instruction::kCausalScores: {
    const auto &lhs = operand(0).shape();
    return cost::causalScores(n / triangle(lhs[lhs.size() - 2]),
                              lhs[lhs.size() - 2], lhs[lhs.size() - 1]);
  }
  case Instruction::kCausalContext: {
    int rank = result.shape_size();
    uint64_t tokens = result.shape(rank - 2), width = result.shape(rank - 1);
    return cost::causalContext(n / (tokens * width), tokens, width);
  }
  case Instruction::kMulWeight: {
    uint64_t weight = 1;
    for (uint32_t dim :
         program.weights(instruction.mul_weight().weight()).shape())
      weight *= dim;
    return cost::mulWeight(n, weight);
  }
  case Instruction::kRelu:
    return cost::relu(n, instruction.relu().compare_bits());
  case Instruction::kTail:
    return cost::tail(n, TailFunction(instruction.tail().function()),
                      instruction.tail().compare_bits(), operand(0).frac());
  case Instruction::kNormalize: {
    uint64_t columns = result.shape(result.shape_size() - 1);
    return cost::normalize(n / columns, columns, operand(0).frac(),
                           instruction.normalize().centred());
  }
  case Instruction::kExp2:
    return cost::exp2(n, instruction.exp2().compare_bits(), operand(0).frac());
  case Instruction::kRecip:
    return cost::recip(n, instruction.recip().upper_bound());
  case Instruction::kReveal:
    return cost::reveal(n);
  case Instruction::kAdd:
  case Instruction::kAddWeight:
  case Instruction::kMulPublic:
  case Instruction::kSub:
  case Instruction::kConcat:
  case Instruction::kRepeat:
  case Instruction::kSumRow:
  case Instruction::kSlice:
  case Instruction::kReshape:
  case Instruction::kTranspose:
  case Instruction::kTakeRow:
  case Instruction::OP_NOT_SET:
    break; // each party computes on its own share
  }
  return {};
}

Result<LoadedProgram> aero::rt::parseProgram(std::span<const uint8_t> bytes,
                                             const std::string &nameForErrors) {
  auto error = [&](const std::string &message) {
    return Error{"'" + nameForErrors + "' " + message};
  };
  Header header;
  if (bytes.size() < sizeof(header.magic) ||
      std::memcmp(bytes.data(), programMagic, sizeof(programMagic)) != 0)
    return error("is not an AERO program file");
  if (bytes.size() < sizeof(header))
    return error("is truncated: its header is incomplete");
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (header.version != programVersion)
    return error("has program version " + std::to_string(header.version) +
                 ", this build reads version " +
                 std::to_string(programVersion) +
                 ": recompile the model with this version");
  if (header.zero != 0)
    return error("is damaged: its header has unknown contents");
  std::span<const uint8_t> payload = bytes.subspan(sizeof(header));
  if (payload.size() < header.size)
    return error("is truncated: it has " + std::to_string(payload.size()) +
                 " of " + std::to_string(header.size) + " bytes");
  if (payload.size() > header.size)
    return error("is damaged: there are bytes after its end");
  if (payload.size() > maxFileBytes)
    return error("is too large for a program file (" +
                 std::to_string(payload.size()) + " bytes, limit " +
                 std::to_string(maxFileBytes) + ")");
  if (sha256(payload) != header.hash)
    return error("is damaged: its contents do not match its hash; copy or "
                 "compile it again");
  LoadedProgram loaded;
  loaded.hash = header.hash;
  if (!loaded.program.ParseFromArray(payload.data(),
                                     static_cast<int>(payload.size())))
    return error("is damaged: its contents cannot be parsed");
  if (Status valid = validateProgram(loaded.program); !valid.ok())
    return error("is not a valid program: " + valid.message());
  return loaded;
}

Result<LoadedProgram> aero::rt::readProgram(const std::string &path) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return fileError("cannot read", path, errno);
  struct stat info = {};
  std::vector<uint8_t> bytes;
  Status status;
  if (::fstat(fd, &info) < 0)
    status = fileError("cannot read", path, errno);
  else if (!S_ISREG(info.st_mode))
    status = Error{"'" + path + "' is not an AERO program file"};
  else
    // One byte more than allowed, so that parseProgram sees the excess.
    bytes.resize(
        std::min<uint64_t>(info.st_size, sizeof(Header) + maxFileBytes + 1));
  size_t filled = 0;
  while (status.ok() && filled < bytes.size()) {
    ssize_t n = ::read(fd, bytes.data() + filled, bytes.size() - filled);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      status = fileError("cannot read", path, errno);
    if (n <= 0)
      break;
    filled += n;
  }
  ::close(fd);
  AERO_RETURN_IF_ERROR(status);
  bytes.resize(filled);
  return parseProgram(bytes, path);
}

/// The bytes of a program must be a function of the program: its hash names it.
static bool serialize(const program::Program &program, std::string &out) {
  google::protobuf::io::StringOutputStream stream(&out);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  return program.SerializeToCodedStream(&coded) && !coded.HadError();
}

Result<ProgramHash> aero::rt::writeProgram(const program::Program &program,
                                           const std::string &path) {
  if (Status valid = validateProgram(program); !valid.ok())
    return Error{"cannot write '" + path + "': " + valid.message()};
  std::string text;
  if (!serialize(program, text))
    return Error{"cannot write '" + path + "': serialization failed"};
  if (text.size() > maxFileBytes)
    return Error{"cannot write '" + path + "': the program takes " +
                 std::to_string(text.size()) + " bytes, the limit is " +
                 std::to_string(maxFileBytes)};
  std::span<const uint8_t> payload(
      reinterpret_cast<const uint8_t *>(text.data()), text.size());
  Header header = {};
  std::memcpy(header.magic, programMagic, sizeof(programMagic));
  header.version = programVersion;
  header.size = payload.size();
  header.hash = sha256(payload);
  AtomicFile file;
  AERO_RETURN_IF_ERROR(file.open(path));
  AERO_RETURN_IF_ERROR(file.write(
      {reinterpret_cast<const uint8_t *>(&header), sizeof(header)}, 0));
  AERO_RETURN_IF_ERROR(file.write(payload, sizeof(header)));
  AERO_RETURN_IF_ERROR(file.commit());
  return header.hash;
}
