//===- AttentionKernels.cpp - Softmax, attention, rotary angles -----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FloatGemm.h"
#include "Strided.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <limits>

namespace aero::reference {
namespace {

/// softmax of n elements, `step` apart; subtracts the maximum, so that no
/// exponential overflows. A row of minus infinities has the result 0.
void softmaxRow(const float *in, float *out, int64_t n, int64_t step) {
  float max = -std::numeric_limits<float>::infinity();
  for (int64_t i = 0; i < n; ++i)
    max = std::max(max, in[i * step]);
  if (max == -std::numeric_limits<float>::infinity()) {
    for (int64_t i = 0; i < n; ++i)
      out[i * step] = 0;
    return;
  }
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    float e = std::exp(in[i * step] - max);
    out[i * step] = e;
    sum += e;
  }
  float scale = static_cast<float>(1.0 / sum);
  for (int64_t i = 0; i < n; ++i)
    out[i * step] *= scale;
}

} // namespace

Tensor softmax(const Tensor &input, int64_t axis) {
  Tensor result = Tensor::allocate(ElementKind::F32, input.getShape());
  Shape shape = input.getShape();
  int64_t n = shape[axis], inner = product(shape.drop_front(axis + 1));
  int64_t outer = product(shape.take_front(axis));
  const float *in = input.getFloats().data();
  float *out = result.getMutableFloats().data();
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i = 0; i < inner; ++i)
      softmaxRow(in + o * n * inner + i, out + o * n * inner + i, n, inner);
  return result;
}

Tensor attention(const Tensor &query, const Tensor &key, const Tensor &value,
                 const AttentionParameters &parameters) {
  int64_t batch = query.getShape()[0], queries = query.getShape()[1];
  int64_t width = query.getShape()[2], keys = key.getShape()[1];
  int64_t keyWidth = key.getShape()[2], heads = parameters.heads;
  int64_t headWidth = width / heads, group = heads / parameters.keyHeads;
  Tensor result = Tensor::allocate(ElementKind::F32, query.getShape());
  float *out = result.getMutableFloats().data();

  int64_t scoresShape[] = {batch, heads, queries, keys};
  Tensor bias, visible;
  if (parameters.bias)
    bias = broadcast(*parameters.bias, scoresShape);
  if (parameters.mask)
    visible = castTo(*parameters.mask, ElementKind::I1);

  constexpr float masked = -std::numeric_limits<float>::infinity();
  std::vector<float> scores(queries * keys);
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t h = 0; h < heads; ++h) {
      int64_t q = b * queries * width + h * headWidth;
      int64_t k = b * keys * keyWidth + h / group * headWidth;
      runGemm({query.getFloats().data() + q, width, key.getFloats().data() + k,
               keyWidth, /*transposeB=*/true, scores.data(), keys, queries,
               headWidth, keys});
      for (int64_t t = 0; t < queries; ++t) {
        float *row = scores.data() + t * keys;
        int64_t seen = parameters.causal ? keys - queries + t + 1 : keys;
        float scale = parameters.scale;
        if (const Tensor *temperature = parameters.temperature) {
          int64_t columns = temperature->getShape()[1];
          scale /=
              temperature->getFloats()[h * columns + (columns == 1 ? 0 : t)];
        }
        for (int64_t s = 0; s < keys; ++s) {
          row[s] *= scale;
          if (parameters.bias)
            row[s] +=
                bias.getFloats()[((b * heads + h) * queries + t) * keys + s];
          if (s >= seen ||
              (parameters.mask && !visible.getBools()[b * keys + s]))
            row[s] = masked;
        }
        softmaxRow(row, row, keys, 1);
      }
      runGemm({scores.data(), keys, value.getFloats().data() + k, keyWidth,
               /*transposeB=*/false, out + q, width, queries, keys, headWidth});
    }
  return result;
}

Tensor rotaryEmbedding(const Tensor &input, const Tensor &cos,
                       const Tensor &sin, int64_t heads, bool interleaved) {
  int64_t batch = input.getShape()[0], tokens = input.getShape()[1];
  int64_t width = input.getShape()[2], pairs = cos.getShape().back();
  Tensor result = Tensor::allocate(ElementKind::F32, input.getShape());
  float *out = result.getMutableFloats().data();
  llvm::copy(input.getFloats(), out);
  bool perBatch = cos.getRank() == 3;
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t t = 0; t < tokens; ++t) {
      int64_t angle = ((perBatch ? b * tokens : 0) + t) * pairs;
      for (int64_t h = 0; h < heads; ++h, out += width / heads)
        for (int64_t i = 0; i < pairs; ++i) {
          float c = cos.getFloats()[angle + i], s = sin.getFloats()[angle + i];
          float &x = out[interleaved ? 2 * i : i];
          float &y = out[interleaved ? 2 * i + 1 : i + pairs];
          float rotated = x * c - y * s;
          y = y * c + x * s;
          x = rotated;
        }
    }
  return result;
}

} // namespace aero::reference
