//===- FloatKernels.h - The arithmetic of the float interpreter -----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// What each op of pi computes, on tensors that already have the right shapes.
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_REFERENCE_FLOATKERNELS_H
#define AERO_LIB_REFERENCE_FLOATKERNELS_H

#include "aero/Reference/Tensor.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace aero::reference {

using Shape = llvm::ArrayRef<int64_t>;

enum class BinaryKind { Add, Sub, Mul, Div, Pow, Min, Max, And, Or };
Tensor binary(BinaryKind kind, const Tensor &lhs, const Tensor &rhs,
              Shape result);

enum class CompareKind { Equal, Less, LessOrEqual };
Tensor compare(CompareKind kind, const Tensor &lhs, const Tensor &rhs,
               Shape result);

Tensor logicalNot(const Tensor &input);
/// See pi.cast.
Tensor castTo(const Tensor &input, ElementKind kind);

enum class UnaryKind {
  Exp,
  Sqrt,
  Erf,
  Tanh,
  Sigmoid,
  Sin,
  Cos,
  Gelu,
  GeluTanh,
  Relu,
  Silu
};
Tensor unary(UnaryKind kind, const Tensor &input);
Tensor leakyRelu(const Tensor &input, float slope);

Tensor where(const Tensor &condition, const Tensor &trueValue,
             const Tensor &falseValue, Shape result);
Tensor reduceSum(const Tensor &input, llvm::ArrayRef<int64_t> axes,
                 Shape result);
Tensor reduceMean(const Tensor &input, llvm::ArrayRef<int64_t> axes,
                  Shape result);
Tensor cumsum(const Tensor &input, int64_t axis);
Tensor softmax(const Tensor &input, int64_t axis);

/// gamma and beta may be null. RMS normalisation does not `center`.
Tensor normalize(const Tensor &input, const Tensor *gamma, const Tensor *beta,
                 float epsilon, bool center);

/// bias may be null.
Tensor linear(const Tensor &input, const Tensor &weight, const Tensor *bias);
Tensor matmul(const Tensor &lhs, const Tensor &rhs, Shape result);

/// See pi.attention; `mask`, `bias` and `temperature` may be null.
struct AttentionParameters {
  const Tensor *mask = nullptr, *bias = nullptr, *temperature = nullptr;
  int64_t heads = 1, keyHeads = 1;
  float scale = 1;
  bool causal = false;
};
Tensor attention(const Tensor &query, const Tensor &key, const Tensor &value,
                 const AttentionParameters &parameters);
/// See pi.rotary_embedding.
Tensor rotaryEmbedding(const Tensor &input, const Tensor &cos,
                       const Tensor &sin, int64_t heads, bool interleaved);

Tensor transpose(const Tensor &input, llvm::ArrayRef<int64_t> permutation);
Tensor slice(const Tensor &input, int64_t axis, int64_t offset, int64_t size);
Tensor take(const Tensor &input, int64_t axis, llvm::ArrayRef<int64_t> indices);
Tensor broadcast(const Tensor &input, Shape result);
Tensor concat(llvm::ArrayRef<Tensor> inputs, int64_t axis, Shape result);

/// Fails if an index is not in [0, vocabulary).
llvm::Expected<Tensor> embedding(const Tensor &table, const Tensor &indices);
/// Fails if the position is not in [0, tokens).
llvm::Expected<Tensor> selectToken(const Tensor &input, int64_t position);

} // namespace aero::reference

#endif // AERO_LIB_REFERENCE_FLOATKERNELS_H
