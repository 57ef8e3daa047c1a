//===- Samples.h - Inputs to run a model on -------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Sets of inputs for the float interpreter: one tensor for each argument of
/// the model's main function, random ones or from a file.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_DRIVER_SAMPLES_H
#define AERO_DRIVER_SAMPLES_H

#include "aero/Driver/Prompts.h"
#include "aero/Reference/Tensor.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <vector>

namespace aero {

using Sample = std::vector<reference::Tensor>;

/// Token ids below the size of the table that they choose from, ones where
/// integers are a mask, small random floats; from a fixed seed.
std::vector<Sample> makeRandomSamples(mlir::func::FuncOp function,
                                      unsigned count);

/// What to do with a prompt that is shorter than the context.
enum class ShortPrompts {
  /// Token 0 follows it: causal attention does not look ahead.
  Pad,
  /// An error: what the padding makes would be measured too.
  Refuse
};

/// The samples of a file: prompts for a language model, in any form that
/// readPrompts takes; for other models a NumPy archive (.npz) with an array for
/// each input, under its name, or for a model with one input an archive or .npy
/// file with one array.
///
/// Of an input with the shape S, an array is one sample if it has that shape,
/// and N samples with the shape N x S; where S starts with a batch of 1, N
/// samples have that batch N, and one may come without it. All inputs need as
/// many samples. Integers are for i64, floats for f32, bools for i1. Each fault
/// is a line that names the file, and the array where it is about one.
llvm::Expected<std::vector<Sample>>
readSamples(Model &model, llvm::StringRef path, ShortPrompts shortPrompts);

} // namespace aero

#endif // AERO_DRIVER_SAMPLES_H
