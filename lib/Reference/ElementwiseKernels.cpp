//===- ElementwiseKernels.cpp - Functions of single elements --------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Strided.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <limits>
#include <numbers>

namespace aero::reference {
namespace {

/// Elements of type T; truth values are bytes of 0 or 1.
template <typename T> const T *elementsOf(const Tensor &tensor) {
  return reinterpret_cast<const T *>(tensor.getBytes().data());
}

template <typename T, typename R, typename F>
Tensor mapBinary(ElementKind kind, const Tensor &lhs, const Tensor &rhs,
                 Shape shape, F f) {
  Tensor result = Tensor::allocate(kind, shape);
  const T *a = elementsOf<T>(lhs), *b = elementsOf<T>(rhs);
  R *out = reinterpret_cast<R *>(result.getMutableData());
  std::array<Strides, 2> strides{broadcastStrides(lhs.getShape(), shape),
                                 broadcastStrides(rhs.getShape(), shape)};
  forEachRow(shape, strides, [&](int64_t n, auto &offsets, auto &steps) {
    const T *x = a + offsets[0], *y = b + offsets[1];
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

} // namespace

namespace {

template <typename F>
Tensor mapFloats(const Tensor &lhs, const Tensor &rhs, Shape shape, F f) {
  return mapBinary<float, float>(ElementKind::F32, lhs, rhs, shape, f);
}

template <typename F>
Tensor mapBools(const Tensor &lhs, const Tensor &rhs, Shape shape, F f) {
  return mapBinary<uint8_t, uint8_t>(ElementKind::I1, lhs, rhs, shape, f);
}

/// Integer arithmetic wraps around.
template <typename F>
Tensor mapInts(const Tensor &lhs, const Tensor &rhs, Shape shape, F f) {
  return mapBinary<uint64_t, uint64_t>(ElementKind::I64, lhs, rhs, shape, f);
}

/// f of floats or of integers.
template <typename F>
Tensor mapNumbers(const Tensor &lhs, const Tensor &rhs, Shape shape, F f) {
  return lhs.getKind() == ElementKind::I64 ? mapInts(lhs, rhs, shape, f)
                                           : mapFloats(lhs, rhs, shape, f);
}

} // namespace

Tensor binary(BinaryKind kind, const Tensor &lhs, const Tensor &rhs,
              Shape result) {
  switch (kind) {
  case BinaryKind::Add:
    return mapNumbers(lhs, rhs, result, [](auto x, auto y) { return x + y; });
  case BinaryKind::Sub:
    return mapNumbers(lhs, rhs, result, [](auto x, auto y) { return x - y; });
  case BinaryKind::Mul:
    return mapNumbers(lhs, rhs, result, [](auto x, auto y) { return x * y; });
  case BinaryKind::Div:
    return mapFloats(lhs, rhs, result, [](float x, float y) { return x / y; });
  case BinaryKind::Pow:
    return mapFloats(lhs, rhs, result,
                     [](float x, float y) { return std::pow(x, y); });
  case BinaryKind::Min:
    return mapFloats(lhs, rhs, result, [](float x, float y) {
      return std::isnan(x) || x < y ? x : y;
    });
  case BinaryKind::Max:
    return mapFloats(lhs, rhs, result, [](float x, float y) {
      return std::isnan(x) || x > y ? x : y;
    });
  case BinaryKind::And:
    return mapBools(lhs, rhs, result,
                    [](uint8_t x, uint8_t y) { return x && y; });
  case BinaryKind::Or:
    return mapBools(lhs, rhs, result,
                    [](uint8_t x, uint8_t y) { return x || y; });
  }
  llvm_unreachable("unknown binary kind");
}

template <typename F>
static Tensor mapComparison(const Tensor &lhs, const Tensor &rhs, Shape shape,
                            F f) {
  if (lhs.getKind() == ElementKind::I64)
    return mapBinary<int64_t, uint8_t>(ElementKind::I1, lhs, rhs, shape, f);
  return mapBinary<float, uint8_t>(ElementKind::I1, lhs, rhs, shape, f);
}

Tensor compare(CompareKind kind, const Tensor &lhs, const Tensor &rhs,
               Shape result) {
  switch (kind) {
  case CompareKind::Equal:
    return mapComparison(lhs, rhs, result,
                         [](auto x, auto y) { return x == y; });
  case CompareKind::Less:
    return mapComparison(lhs, rhs, result,
                         [](auto x, auto y) { return x < y; });
  case CompareKind::LessOrEqual:
    return mapComparison(lhs, rhs, result,
                         [](auto x, auto y) { return x <= y; });
  }
  llvm_unreachable("unknown comparison");
}

Tensor logicalNot(const Tensor &input) {
  Tensor result = Tensor::allocate(ElementKind::I1, input.getShape());
  auto *out = reinterpret_cast<uint8_t *>(result.getMutableData());
  llvm::transform(input.getBools(), out, [](uint8_t x) { return !x; });
  return result;
}

namespace {

/// The nearest 64-bit integer towards 0; 0 for NaN.
int64_t roundToInt(float value) {
  if (std::isnan(value))
    return 0;
  if (value >= 0x1p63f)
    return std::numeric_limits<int64_t>::max();
  return value < -0x1p63f ? std::numeric_limits<int64_t>::min()
                          : static_cast<int64_t>(value);
}

template <typename T, typename R, typename F>
Tensor mapTo(ElementKind kind, const Tensor &input, F f) {
  Tensor result = Tensor::allocate(kind, input.getShape());
  const T *in = elementsOf<T>(input);
  R *out = reinterpret_cast<R *>(result.getMutableData());
  std::transform(in, in + input.getNumElements(), out, f);
  return result;
}

template <typename T> Tensor castFrom(const Tensor &input, ElementKind kind) {
  switch (kind) {
  case ElementKind::F32:
    return mapTo<T, float>(kind, input,
                           [](T x) { return static_cast<float>(x); });
  case ElementKind::I64:
    if constexpr (std::is_same_v<T, float>)
      return mapTo<T, int64_t>(kind, input, roundToInt);
    else
      return mapTo<T, int64_t>(kind, input, [](T x) { return int64_t(x); });
  case ElementKind::I1:
    return mapTo<T, uint8_t>(kind, input, [](T x) { return x != 0; });
  }
  llvm_unreachable("unknown element kind");
}

} // namespace

Tensor castTo(const Tensor &input, ElementKind kind) {
  switch (input.getKind()) {
  case ElementKind::F32:
    return castFrom<float>(input, kind);
  case ElementKind::I64:
    return castFrom<int64_t>(input, kind);
  case ElementKind::I1:
    return castFrom<uint8_t>(input, kind);
  }
  llvm_unreachable("unknown element kind");
}

Tensor unary(UnaryKind kind, const Tensor &input) {
  switch (kind) {
  case UnaryKind::Exp:
    return mapUnary(input, [](float x) { return std::exp(x); });
  case UnaryKind::Sigmoid:
    return mapUnary(input,
                    [](float x) { return 1.0f / (1.0f + std::exp(-x)); });
  case UnaryKind::Sin:
    return mapUnary(input, [](float x) { return std::sin(x); });
  case UnaryKind::Cos:
    return mapUnary(input, [](float x) { return std::cos(x); });
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

} // namespace aero::reference
