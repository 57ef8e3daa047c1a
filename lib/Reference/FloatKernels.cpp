//===- FloatKernels.cpp - Reductions and linear algebra in float ----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FloatGemm.h"
#include "Strided.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

namespace aero::reference {

//===----------------------------------------------------------------------===//
// Reductions and norms
//===----------------------------------------------------------------------===//

/// Sums over `axes`, each divided by `divisor`.
static Tensor sumOver(const Tensor &input, llvm::ArrayRef<int64_t> axes,
                      Shape shape, double divisor) {
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
  llvm::transform(
      sums, result.getMutableFloats().begin(),
      [divisor](double sum) { return static_cast<float>(sum / divisor); });
  return result;
}

Tensor reduceSum(const Tensor &input, llvm::ArrayRef<int64_t> axes,
                 Shape shape) {
  return sumOver(input, axes, shape, 1);
}

Tensor reduceMean(const Tensor &input, llvm::ArrayRef<int64_t> axes,
                  Shape shape) {
  int64_t count = input.getNumElements() / std::max<int64_t>(product(shape), 1);
  return sumOver(input, axes, shape, static_cast<double>(count));
}

Tensor cumsum(const Tensor &input, int64_t axis) {
  Tensor result = Tensor::allocate(input.getKind(), input.getShape());
  int64_t n = input.getShape()[axis];
  int64_t inner = product(input.getShape().drop_front(axis + 1));
  auto run = [&](const auto *in, auto *out) {
    for (int64_t i = 0, e = input.getNumElements(); i < e; ++i)
      out[i] = i / inner % n == 0 ? in[i] : out[i - inner] + in[i];
  };
  char *out = result.getMutableData();
  if (input.getKind() == ElementKind::F32)
    run(input.getFloats().data(), reinterpret_cast<float *>(out));
  else // Sums wrap around.
    run(reinterpret_cast<const uint64_t *>(input.getInts().data()),
        reinterpret_cast<uint64_t *>(out));
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

} // namespace aero::reference
