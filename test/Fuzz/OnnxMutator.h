//===- OnnxMutator.h - Changes to ONNX models for fuzzing -----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_TEST_FUZZ_ONNXMUTATOR_H
#define AERO_TEST_FUZZ_ONNXMUTATOR_H

#include <onnx/onnx_pb.h>

#include <random>
#include <string>

namespace aero::fuzz {

using Random = std::mt19937;

/// In [0, count), or 0 if count is 0.
int64_t pick(Random &random, int64_t count);
/// Small sizes, and numbers at the ends of types.
int64_t pickNumber(Random &random);

/// The key of the metadata in which a model carries import options.
inline constexpr char kOptionsKey[] = "fuzz";

/// Changes one thing: a name, type, dimension, attribute, the order of nodes, a
/// function, a branch, an entry of external data, an import option.
void mutate(onnx::ModelProto &model, Random &random);

/// Adds some of the nodes, initializers and functions of `other`.
void merge(onnx::ModelProto &model, const onnx::ModelProto &other,
           Random &random);

} // namespace aero::fuzz

#endif // AERO_TEST_FUZZ_ONNXMUTATOR_H
