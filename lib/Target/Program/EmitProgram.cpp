//===- EmitProgram.cpp - Writes program and weights -----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WeightPlan.h"

#include "aero/Dialect/MPC/IR/Quantize.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"

#include <algorithm>
#include <future>

using namespace mlir;
using namespace aero;

/// Elements that are rounded at once: a multiple of a cache line in bytes, so
/// that the pieces of one weight follow each other without a gap.
static constexpr size_t chunkElements = size_t(1) << 20;

static std::string message(const WeightBlock &block) {
  return "weight '" + block.name + "' does not fit into fixed point with " +
         std::to_string(block.frac) + " fraction bits";
}

namespace {

/// A rounded piece of a weight, in a buffer that is reused.
struct Chunk {
  std::vector<int64_t> buffer;
  size_t bytes = 0;
  bool fits = true;

  void fill(ArrayRef<float> values, const WeightBlock &block) {
    buffer.resize(chunkElements);
    if (block.type == program::Weight::TYPE_I32) {
      bytes = values.size() * sizeof(int32_t);
      fits = mpc::quantize(values, block.frac,
                           reinterpret_cast<int32_t *>(buffer.data()));
    } else {
      bytes = values.size() * sizeof(int64_t);
      fits = mpc::quantize(values, block.frac, buffer.data());
    }
  }
  std::span<const uint8_t> data() const {
    return {reinterpret_cast<const uint8_t *>(buffer.data()), bytes};
  }
};

/// Where a piece comes from.
struct Piece {
  const WeightBlock *block;
  size_t first;

  ArrayRef<float> values() const {
    ArrayRef<float> all = block->data;
    return all.slice(first, std::min(chunkElements, all.size() - first));
  }
};

} // namespace

/// Rounds one piece while the one before it is hashed and written.
static llvm::Error writeWeights(const WeightPlan &plan,
                                rt::WeightsWriter &writer) {
  std::vector<Piece> pieces;
  for (const WeightBlock &block : plan.getBlocks())
    for (size_t first = 0; first < block.data.size(); first += chunkElements)
      pieces.push_back({&block, first});

  Chunk chunks[2];
  auto fill = [&](size_t i) {
    chunks[i % 2].fill(pieces[i].values(), *pieces[i].block);
  };
  std::future<void> next;
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (i == 0)
      fill(i);
    else
      next.get();
    if (i + 1 < pieces.size())
      next = std::async(std::launch::async, fill, i + 1);
    const Piece &piece = pieces[i];
    if (!chunks[i % 2].fits)
      return llvm::createStringError(message(*piece.block));
    rt::Result<uint64_t> offset = writer.append(chunks[i % 2].data());
    if (!offset.ok())
      return llvm::createStringError(offset.message());
    size_t width = piece.block->type == program::Weight::TYPE_I32 ? 4 : 8;
    if (*offset != piece.block->offset + piece.first * width)
      return llvm::createStringError("the weights file is laid out differently "
                                     "from the program: this is a bug");
  }
  return llvm::Error::success();
}

llvm::Expected<EmittedProgram>
aero::emitProgram(ModuleOp module, const std::string &programPath,
                  const std::string &weightsPath,
                  const ProgramOptions &options) {
  llvm::Expected<PlannedProgram> plan = planProgram(module, options);
  if (!plan)
    return plan.takeError();
  rt::Result<rt::WeightsWriter> writer = rt::WeightsWriter::create(weightsPath);
  if (!writer.ok())
    return llvm::createStringError(writer.message());
  if (llvm::Error error = writeWeights(plan->weights, *writer))
    return error;

  // The weights name the program's hash, so the program is written first, under
  // another name: what can fail then is only the two renames.
  std::string unfinished = programPath + ".new";
  rt::Result<rt::ProgramHash> hash =
      rt::writeProgram(plan->program, unfinished);
  if (!hash.ok())
    return llvm::createStringError(hash.message());
  llvm::scope_exit cleanUp([&] { llvm::sys::fs::remove(unfinished); });
  if (rt::Status status = writer->commit(*hash); !status.ok())
    return llvm::createStringError(status.message());
  if (std::error_code code = llvm::sys::fs::rename(unfinished, programPath))
    return llvm::createStringError("cannot write '" + programPath +
                                   "': " + code.message());
  cleanUp.release();

  EmittedProgram emitted;
  emitted.hash = *hash;
  emitted.instructions = plan->program.instructions_size();
  emitted.weightBytes = plan->weights.getNumBytes();
  return emitted;
}
