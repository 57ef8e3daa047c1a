//===- MPCFolds.cpp - Folders of the mpc dialect --------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Only shape ops fold. They cost no bytes, but each one copies its operand in
/// both parties, and each is an instruction in the client's file.
///
//===----------------------------------------------------------------------===//

#include "aero/Dialect/MPC/IR/MPCOps.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace aero::mpc;

// slice(x) of all of x -> x
OpFoldResult SliceOp::fold(FoldAdaptor) {
  if (getInput().getType() == getResult().getType())
    return getInput();
  return {};
}

// reshape(x) to x's shape -> x
// reshape(reshape(x)) -> reshape(x)
OpFoldResult ReshapeOp::fold(FoldAdaptor) {
  if (getInput().getType() == getResult().getType())
    return getInput();
  if (auto producer = getInput().getDefiningOp<ReshapeOp>()) {
    getInputMutable().assign(producer.getInput());
    return getResult();
  }
  return {};
}

// transpose(x) [0, 1, ...] -> x
// transpose(transpose(x)) -> transpose(x)
OpFoldResult TransposeOp::fold(FoldAdaptor) {
  auto identity = llvm::seq<int64_t>(0, getPermutation().size());
  if (llvm::equal(getPermutation(), identity))
    return getInput();
  if (auto producer = getInput().getDefiningOp<TransposeOp>()) {
    SmallVector<int64_t> composed;
    for (int64_t dim : getPermutation())
      composed.push_back(producer.getPermutation()[dim]);
    getInputMutable().assign(producer.getInput());
    setPermutation(composed);
    return getResult();
  }
  return {};
}
