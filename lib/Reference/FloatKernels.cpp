//===- FloatKernels.cpp - The arithmetic of the float interpreter ---------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FloatKernels.h"
#include "FloatGemm.h"

#include "llvm/ADT/STLExtras.h"

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>

namespace aero::reference {
namespace {

using Strides = llvm::SmallVector<int64_t, 6>;

int64_t product(Shape shape) {
  int64_t result = 1;
  for (int64_t dim : shape)
    result *= dim;
  return result;
}

Strides rowMajorStrides(Shape shape) {
  Strides strides(shape.size());
  int64_t next = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = next;
    next *= shape[i];
  }
  return strides;
}

/// The strides with which a tensor of shape `from` is read at the indices of
/// `to`: 0 along broadcast dimensions.
Strides broadcastStrides(Shape from, Shape to) {
  Strides own = rowMajorStrides(from);
  Strides strides(to.size(), 0);
  size_t skipped = to.size() - from.size();
  for (size_t i = 0; i < from.size(); ++i)
    if (from[i] != 1)
      strides[skipped + i] = own[i];
  return strides;
}

/// Walks the rows (last dimension) of `shape` in order: body(n, offsets, steps)
/// with n elements a row and, for each of K tensors read with the given
/// strides, the offset of the row and the step within it.
template <size_t K, typename Body>
void forEachRow(Shape shape, const std::array<Strides, K> &strides, Body body) {
  std::array<int64_t, K> offsets{}, steps{};
  int64_t width = shape.empty() ? 1 : shape.back();
  size_t outer = shape.empty() ? 0 : shape.size() - 1;
  if (!shape.empty())
    for (size_t t = 0; t < K; ++t)
      steps[t] = strides[t].back();
  llvm::SmallVector<int64_t, 6> index(outer, 0);
  for (int64_t row = 0, rows = product(shape.take_front(outer)); row < rows;
       ++row) {
    body(width, offsets, steps);
    // Counts up the index, the last outer dimension first.
    for (size_t i = outer; i-- > 0;) {
      for (size_t t = 0; t < K; ++t)
        offsets[t] += strides[t][i];
      if (++index[i] < shape[i])
        break;
      for (size_t t = 0; t < K; ++t)
        offsets[t] -= strides[t][i] * shape[i];
      index[i] = 0;
    }
  }
}

template <typename F>
Tensor mapBinary(const Tensor &lhs, const Tensor &rhs, Shape shape, F f) {
  Tensor result = Tensor::allocate(ElementKind::F32, shape);
  const float *a = lhs.getFloats().data(), *b = rhs.getFloats().data();
  float *out = result.getMutableFloats().data();
  std::array<Strides, 2> strides{broadcastStrides(lhs.getShape(), shape),
                                 broadcastStrides(rhs.getShape(), shape)};
  forEachRow(shape, strides, [&](int64_t n, auto &offsets, auto &steps) {
    const float *x = a + offsets[0], *y = b + offsets[1];
    // The common steps as constants, for the vectoriser.
    if (steps[0] == 1 && steps[1] == 1)
      for (int64_t i = 0; i < n; ++i)
        out[i] = f(x[i], y[i]);
    else if (steps[0] == 1 && steps[1] == 0)
      for (int64_t i = 0; i < n; ++i)
        out[i] = f(x[i], *y);
    else
      for (int64_t i = 0; i < n; ++i)
        out[i] = f(x[i * steps[0]], y[i * steps[1]]);
    out += n;
  });
  return result;
}

template <typename F> Tensor mapUnary(const Tensor &input, F f) {
  Tensor result = Tensor::allocate(ElementKind::F32, input.getShape());
  llvm::transform(input.getFloats(), result.getMutableFloats().begin(), f);
  return result;
}

/// softmax of n elements, `step` apart; subtracts the maximum, so that no
/// exponential overflows.
void softmaxRow(const float *in, float *out, int64_t n, int64_t step) {
  float max = -std::numeric_limits<float>::infinity();
  for (int64_t i = 0; i < n; ++i)
    max = std::max(max, in[i * step]);
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

//===----------------------------------------------------------------------===//
// Element-wise
//===----------------------------------------------------------------------===//

Tensor binary(BinaryKind kind, const Tensor &lhs, const Tensor &rhs,
              Shape result) {
  switch (kind) {
  case BinaryKind::Add:
    return mapBinary(lhs, rhs, result, [](float x, float y) { return x + y; });
  case BinaryKind::Sub:
    return mapBinary(lhs, rhs, result, [](float x, float y) { return x - y; });
  case BinaryKind::Mul:
    return mapBinary(lhs, rhs, result, [](float x, float y) { return x * y; });
  case BinaryKind::Div:
    return mapBinary(lhs, rhs, result, [](float x, float y) { return x / y; });
  case BinaryKind::Pow:
    return mapBinary(lhs, rhs, result,
                     [](float x, float y) { return std::pow(x, y); });
  }
  llvm_unreachable("unknown binary kind");
}

Tensor unary(UnaryKind kind, const Tensor &input) {
  switch (kind) {
  case UnaryKind::Sqrt:
    return mapUnary(input, [](float x) { return std::sqrt(x); });
  case UnaryKind::Erf:
    return mapUnary(input, [](float x) { return std::erf(x); });
  case UnaryKind::Tanh:
    return mapUnary(input, [](float x) { return std::tanh(x); });
  case UnaryKind::Gelu:
    return mapUnary(input, [](float x) {
      return 0.5f * x * (1.0f + std::erf(x / std::numbers::sqrt2_v<float>));
    });
  case UnaryKind::GeluTanh: {
    // Hendrycks and Gimpel, "Gaussian error linear units": sqrt(2 / pi).
    const float c = std::sqrt(2.0f * std::numbers::inv_pi_v<float>);
    return mapUnary(input, [c](float x) {
      return 0.5f * x * (1.0f + std::tanh(c * (x + 0.044715f * x * x * x)));
    });
  }
  case UnaryKind::Relu:
    return mapUnary(input, [](float x) { return x < 0 ? 0.0f : x; });
  case UnaryKind::Silu:
    return mapUnary(input, [](float x) { return x / (1.0f + std::exp(-x)); });
  }
  llvm_unreachable("unknown unary kind");
}

Tensor leakyRelu(const Tensor &input, float slope) {
  return mapUnary(input, [slope](float x) { return x < 0 ? slope * x : x; });
}

Tensor where(const Tensor &condition, const Tensor &trueValue,
             const Tensor &falseValue, Shape shape) {
  Tensor result = Tensor::allocate(ElementKind::F32, shape);
  const uint8_t *c = condition.getBools().data();
  const float *a = trueValue.getFloats().data();
  const float *b = falseValue.getFloats().data();
  float *out = result.getMutableFloats().data();
  std::array<Strides, 3> strides{
      broadcastStrides(condition.getShape(), shape),
      broadcastStrides(trueValue.getShape(), shape),
      broadcastStrides(falseValue.getShape(), shape)};
  forEachRow(shape, strides, [&](int64_t n, auto &offsets, auto &steps) {
    for (int64_t i = 0; i < n; ++i)
      out[i] = c[offsets[0] + i * steps[0]] ? a[offsets[1] + i * steps[1]]
                                            : b[offsets[2] + i * steps[2]];
    out += n;
  });
  return result;
}

//===----------------------------------------------------------------------===//
// Reductions and norms
//===----------------------------------------------------------------------===//

Tensor reduceMean(const Tensor &input, llvm::ArrayRef<int64_t> axes,
                  Shape shape) {
  // Where an element of the input goes: the result with keepdims, stride 0
  // along what is reduced.
  llvm::SmallVector<int64_t, 6> kept(input.getShape());
  for (int64_t axis : axes)
    kept[axis] = 1;
  std::array<Strides, 1> strides{broadcastStrides(kept, input.getShape())};
  Tensor result = Tensor::allocate(ElementKind::F32, shape);
  std::vector<double> sums(result.getNumElements(), 0.0);
  const float *in = input.getFloats().data();
  forEachRow(input.getShape(), strides,
             [&](int64_t n, auto &offsets, auto &steps) {
               for (int64_t i = 0; i < n; ++i)
                 sums[offsets[0] + i * steps[0]] += in[i];
               in += n;
             });
  double count = static_cast<double>(input.getNumElements()) / sums.size();
  llvm::transform(sums, result.getMutableFloats().begin(), [count](double sum) {
    return static_cast<float>(sum / count);
  });
  return result;
}

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

Tensor normalize(const Tensor &input, const Tensor *gamma, const Tensor *beta,
                 float epsilon, bool center) {
  Tensor result = Tensor::allocate(ElementKind::F32, input.getShape());
  int64_t d = input.getShape().back(), rows = input.getNumElements() / d;
  const float *x = input.getFloats().data();
  float *out = result.getMutableFloats().data();
  for (int64_t row = 0; row < rows; ++row, x += d, out += d) {
    double mean = 0;
    if (center) {
      for (int64_t i = 0; i < d; ++i)
        mean += x[i];
      mean /= d;
    }
    double square = 0;
    for (int64_t i = 0; i < d; ++i)
      square += (x[i] - mean) * (x[i] - mean);
    double scale = 1.0 / std::sqrt(square / d + epsilon);
    for (int64_t i = 0; i < d; ++i)
      out[i] = static_cast<float>((x[i] - mean) * scale);
    if (gamma)
      for (int64_t i = 0; i < d; ++i)
        out[i] *= gamma->getFloats()[i];
    if (beta)
      for (int64_t i = 0; i < d; ++i)
        out[i] += beta->getFloats()[i];
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Linear algebra
//===----------------------------------------------------------------------===//

Tensor linear(const Tensor &input, const Tensor &weight, const Tensor *bias) {
  int64_t k = weight.getShape()[0], n = weight.getShape()[1];
  int64_t m = input.getNumElements() / k;
  llvm::SmallVector<int64_t, 4> shape(input.getShape());
  shape.back() = n;
  Tensor result = Tensor::allocate(ElementKind::F32, shape);
  float *out = result.getMutableFloats().data();
  runGemm({input.getFloats().data(), k, weight.getFloats().data(), n,
           /*transposeB=*/false, out, n, m, k, n});
  if (bias)
    for (int64_t row = 0; row < m; ++row, out += n)
      for (int64_t i = 0; i < n; ++i)
        out[i] += bias->getFloats()[i];
  return result;
}

Tensor matmul(const Tensor &lhs, const Tensor &rhs, Shape shape) {
  Tensor result = Tensor::allocate(ElementKind::F32, shape);
  int64_t m = shape[shape.size() - 2], n = shape.back();
  int64_t k = lhs.getShape().back();
  const float *a = lhs.getFloats().data(), *b = rhs.getFloats().data();
  float *out = result.getMutableFloats().data();

  // One right side for the whole batch is one tall product.
  Shape batch = shape.drop_back(2);
  if (rhs.getNumElements() == k * n &&
      lhs.getNumElements() == product(batch) * m * k) {
    runGemm(
        {a, k, b, n, /*transposeB=*/false, out, n, product(batch) * m, k, n});
    return result;
  }

  // A batch index is a row of one element, so that forEachRow visits each.
  llvm::SmallVector<int64_t, 6> indices(batch);
  indices.push_back(1);
  std::array<Strides, 2> strides{
      broadcastStrides(lhs.getShape().drop_back(2), batch),
      broadcastStrides(rhs.getShape().drop_back(2), batch)};
  strides[0].push_back(0);
  strides[1].push_back(0);
  forEachRow(indices, strides, [&](int64_t, auto &offsets, auto &) {
    runGemm({a + offsets[0] * m * k, k, b + offsets[1] * k * n, n,
             /*transposeB=*/false, out, n, m, k, n});
    out += m * n;
  });
  return result;
}

Tensor attention(const Tensor &query, const Tensor &key, const Tensor &value,
                 int64_t heads, float scale, bool causal) {
  int64_t batch = query.getShape()[0], queries = query.getShape()[1];
  int64_t width = query.getShape()[2], keys = key.getShape()[1];
  int64_t headWidth = width / heads;
  Tensor result = Tensor::allocate(ElementKind::F32, query.getShape());
  float *out = result.getMutableFloats().data();
  std::vector<float> scores(queries * keys);
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t h = 0; h < heads; ++h) {
      int64_t q = b * queries * width + h * headWidth;
      int64_t k = b * keys * width + h * headWidth;
      runGemm({query.getFloats().data() + q, width, key.getFloats().data() + k,
               width, /*transposeB=*/true, scores.data(), keys, queries,
               headWidth, keys});
      for (int64_t t = 0; t < queries; ++t) {
        float *row = scores.data() + t * keys;
        int64_t seen = causal ? t + 1 : keys;
        for (int64_t s = 0; s < seen; ++s)
          row[s] *= scale;
        softmaxRow(row, row, seen, 1);
        std::fill(row + seen, row + keys, 0.0f);
      }
      runGemm({scores.data(), keys, value.getFloats().data() + k, width,
               /*transposeB=*/false, out + q, width, queries, keys, headWidth});
    }
  return result;
}

//===----------------------------------------------------------------------===//
// Shape
//===----------------------------------------------------------------------===//

namespace {

/// Transposes a matrix block by block, so that both sides stay in the cache.
template <typename T>
void transposeMatrix(const T *in, T *out, int64_t rows, int64_t cols) {
  constexpr int64_t kBlock = 32;
  for (int64_t r0 = 0; r0 < rows; r0 += kBlock)
    for (int64_t c0 = 0; c0 < cols; c0 += kBlock) {
      int64_t r1 = std::min(rows, r0 + kBlock);
      int64_t c1 = std::min(cols, c0 + kBlock);
      for (int64_t c = c0; c < c1; ++c)
        for (int64_t r = r0; r < r1; ++r)
          out[c * rows + r] = in[r * cols + c];
    }
}

template <typename T>
void transposeInto(const Tensor &input, llvm::ArrayRef<int64_t> permutation,
                   Shape shape, T *out) {
  const T *in = reinterpret_cast<const T *>(input.getBytes().data());
  if (permutation.size() == 2 && permutation[0] == 1)
    return transposeMatrix(in, out, input.getShape()[0], input.getShape()[1]);
  Strides own = rowMajorStrides(input.getShape());
  std::array<Strides, 1> strides;
  for (int64_t dim : permutation)
    strides[0].push_back(own[dim]);
  forEachRow(shape, strides, [&](int64_t n, auto &offsets, auto &steps) {
    for (int64_t i = 0; i < n; ++i)
      out[i] = in[offsets[0] + i * steps[0]];
    out += n;
  });
}

} // namespace

Tensor transpose(const Tensor &input, llvm::ArrayRef<int64_t> permutation) {
  llvm::SmallVector<int64_t, 4> shape;
  for (int64_t dim : permutation)
    shape.push_back(input.getShape()[dim]);
  Tensor result = Tensor::allocate(input.getKind(), shape);
  char *out = result.getMutableData();
  switch (input.getKind()) {
  case ElementKind::F32:
    transposeInto(input, permutation, shape, reinterpret_cast<float *>(out));
    break;
  case ElementKind::I64:
    transposeInto(input, permutation, shape, reinterpret_cast<int64_t *>(out));
    break;
  case ElementKind::I1:
    transposeInto(input, permutation, shape, reinterpret_cast<uint8_t *>(out));
    break;
  }
  return result;
}

Tensor slice(const Tensor &input, int64_t axis, int64_t offset, int64_t size) {
  llvm::SmallVector<int64_t, 4> shape(input.getShape());
  int64_t dim = shape[axis];
  shape[axis] = size;
  Tensor result = Tensor::allocate(input.getKind(), shape);
  size_t inner =
      product(input.getShape().drop_front(axis + 1)) * input.getElementSize();
  const char *in = input.getBytes().data() + offset * inner;
  char *out = result.getMutableData();
  for (int64_t o = product(input.getShape().take_front(axis)); o > 0; --o) {
    std::memcpy(out, in, size * inner);
    in += dim * inner;
    out += size * inner;
  }
  return result;
}

Tensor concat(llvm::ArrayRef<Tensor> inputs, int64_t axis, Shape shape) {
  Tensor result = Tensor::allocate(inputs.front().getKind(), shape);
  char *out = result.getMutableData();
  for (int64_t o = 0, outer = product(shape.take_front(axis)); o < outer; ++o)
    for (const Tensor &input : inputs) {
      size_t bytes = input.getBytes().size() / outer;
      std::memcpy(out, input.getBytes().data() + o * bytes, bytes);
      out += bytes;
    }
  return result;
}

llvm::Expected<Tensor> embedding(const Tensor &table, const Tensor &indices) {
  int64_t vocabulary = table.getShape()[0], width = table.getShape()[1];
  llvm::SmallVector<int64_t, 4> shape(indices.getShape());
  shape.push_back(width);
  Tensor result = Tensor::allocate(ElementKind::F32, shape);
  float *out = result.getMutableFloats().data();
  for (int64_t index : indices.getInts()) {
    if (index < 0 || index >= vocabulary)
      return llvm::createStringError("token id " + llvm::Twine(index) +
                                     " is not in [0, " +
                                     llvm::Twine(vocabulary) + ")");
    llvm::copy(table.getFloats().slice(index * width, width), out);
    out += width;
  }
  return result;
}

llvm::Expected<Tensor> selectToken(const Tensor &input, int64_t position) {
  int64_t tokens = input.getShape()[1];
  if (position < 0 || position >= tokens)
    return llvm::createStringError("position " + llvm::Twine(position) +
                                   " is not in [0, " + llvm::Twine(tokens) +
                                   ")");
  return slice(input, /*axis=*/1, position, /*size=*/1);
}

} // namespace aero::reference
