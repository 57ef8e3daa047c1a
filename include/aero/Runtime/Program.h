//===- Program.h - The program file in memory -----------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Reading and writing program files and the server's weights. A loaded program
/// is checked whole: indices, shapes, rings, schedule and costs agree with each
/// other before anything runs. The protobuf classes are the in-memory form.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_RUNTIME_PROGRAM_H
#define AERO_RUNTIME_PROGRAM_H

#include "aero/Runtime/Cost.h"
#include "aero/Runtime/Result.h"
#include "aero/Runtime/Rows.h"
#include "program.pb.h"

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace aero::rt {

using ProgramHash = std::array<uint8_t, 32>;
inline constexpr uint32_t programVersion = 2;

/// A validated program and its hash.
struct LoadedProgram {
  program::Program program;
  ProgramHash hash;
};

/// The rows of an instruction over `scores` with one result a row, `rows`.
Rows scoreRows(const program::Value &scores, const program::Value &rows,
               bool causal);

/// Elements of a value.
uint64_t elementCount(const program::Value &value);
/// The kind of an instruction as printed in reports: "linear", "max_row", ...
const char *opName(const program::Instruction &instruction);
/// Recomputes an instruction's cost from shapes and parameters (Cost.h).
Cost instructionCost(const program::Program &program,
                     const program::Instruction &instruction);
/// Checks every rule that execution relies on; the error names the instruction.
Status validateProgram(const program::Program &program);

/// Reads, checks the hash, parses and validates.
Result<LoadedProgram> readProgram(const std::string &path);
Result<LoadedProgram> parseProgram(std::span<const uint8_t> bytes,
                                   const std::string &nameForErrors);
/// Writes atomically (temporary file, then rename); returns the hash.
Result<ProgramHash> writeProgram(const program::Program &program,
                                 const std::string &path);

/// Writes the weights file piece by piece, so that no copy of all weights is
/// ever held. Nothing is left behind unless commit() succeeds.
class WeightsWriter {
public:
  static Result<WeightsWriter> create(const std::string &path);
  ~WeightsWriter();
  WeightsWriter(WeightsWriter &&) noexcept;

  /// Appends data at the next 64-byte boundary and returns its offset.
  Result<uint64_t> append(std::span<const uint8_t> data);
  /// Binds the file to its program and moves it into place.
  Status commit(const ProgramHash &program);

private:
  struct State;
  explicit WeightsWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

/// The server's weights, memory-mapped and verified against the program.
class Weights {
public:
  static Result<Weights> map(const std::string &path,
                             const LoadedProgram &program);
  ~Weights();
  Weights(Weights &&) noexcept;

  std::span<const int32_t> i32(const program::Weight &weight) const;
  std::span<const int64_t> i64(const program::Weight &weight) const;

private:
  Weights() = default;
  const uint8_t *base = nullptr;
  uint64_t size = 0;
};

} // namespace aero::rt

#endif // AERO_RUNTIME_PROGRAM_H
