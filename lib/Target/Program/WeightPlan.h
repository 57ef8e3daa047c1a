//===- WeightPlan.h - Where each weight lies in the weights file ----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_TARGET_PROGRAM_WEIGHTPLAN_H
#define AERO_LIB_TARGET_PROGRAM_WEIGHTPLAN_H

#include "aero/Dialect/MPC/IR/MPCOps.h"
#include "aero/Support/Elements.h"
#include "aero/Target/Program/Program.h"

#include "llvm/ADT/DenseMap.h"

namespace aero {

/// One run of integers in the weights file.
struct WeightBlock {
  std::string name; // of the first weight with these values
  ElementsData<float> data;
  int32_t frac;
  program::Weight::Type type;
  uint64_t offset;

  uint64_t getNumBytes() const {
    return data.size() * (type == program::Weight::TYPE_I32 ? 4 : 8);
  }
};

/// Assigns offsets, giving equal values one block. Weights that the parties
/// mask keep an entry of their own in the program even then: a mask is used
/// once.
class WeightPlan {
public:
  /// Adds an entry for `op` to `program` and returns its index.
  llvm::Expected<uint32_t> add(mpc::WeightOp op, program::Weight::Type type,
                               program::Program &program);

  llvm::ArrayRef<WeightBlock> getBlocks() const { return blocks; }
  /// Bytes of all blocks and the gaps between them.
  uint64_t getNumBytes() const { return size; }

private:
  llvm::Expected<size_t> findOrAddBlock(mpc::WeightOp op,
                                        program::Weight::Type type);

  std::vector<WeightBlock> blocks;
  llvm::DenseMap<uint64_t, llvm::SmallVector<size_t, 1>> blocksByHash;
  llvm::DenseMap<mlir::Attribute, llvm::SmallVector<size_t, 1>> blocksByValue;
  uint64_t size = 0;
};

/// The program of `module` together with the weights it refers to.
struct PlannedProgram {
  program::Program program;
  WeightPlan weights;
};
llvm::Expected<PlannedProgram> planProgram(mlir::ModuleOp module,
                                           const ProgramOptions &options);

} // namespace aero

#endif // AERO_LIB_TARGET_PROGRAM_WEIGHTPLAN_H
