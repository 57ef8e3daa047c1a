//===- FixedKernels.cpp - Integer arithmetic of the secure instructions ---===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FixedKernels.h"

#include "aero/Dialect/MPC/IR/MPCOps.h"
#include "aero/Runtime/Gemm.h"
#include "aero/Runtime/Parameters.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

using namespace aero;
using namespace aero::reference;
using llvm::ArrayRef;

/// Wide enough for any sum of products here. Not standard C++, hence the
/// marker.
__extension__ using Wide = __int128;

/// Sums that are provably below this are computed modulo 2^64.
static constexpr double safeSum = 0x1p62;

static RangeError atElement(const char *what, size_t element, double value,
                            const char *limit) {
  char text[200];
  std::snprintf(text, sizeof(text), "%s %g at element %zu is not %s", what,
                value, element, limit);
  return text;
}

static double largest(ArrayRef<int64_t> x) {
  // Of the most negative integer, too, the magnitude fits.
  uint64_t most = 0;
  for (int64_t value : x) {
    uint64_t magnitude = value < 0 ? -uint64_t(value) : uint64_t(value);
    most = std::max(most, magnitude);
  }
  return double(most);
}

/// Writes a value that must lie in a ring of `bits` bits.
static bool store(Wide value, unsigned bits, int64_t &out) {
  Wide half = Wide(1) << (bits - 1);
  out = int64_t(value);
  return value >= -half && value < half;
}

static RangeError overflow(size_t element, Wide value, unsigned bits) {
  std::string limit = "in the ring of " + std::to_string(bits) + " bits";
  return atElement("the result", element, double(value), limit.c_str());
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

double aero::reference::computeColumnNorm(ArrayRef<int32_t> values,
                                          size_t columns) {
  std::vector<double> sums(columns);
  for (size_t i = 0; i < values.size(); i += columns)
    for (size_t j = 0; j < columns; ++j)
      sums[j] += std::fabs(double(values[i + j]));
  return *std::max_element(sums.begin(), sums.end());
}

static uint64_t *asRing(Integers &values) {
  return reinterpret_cast<uint64_t *>(values.data());
}
static const uint64_t *asRing(ArrayRef<int64_t> values) {
  return reinterpret_cast<const uint64_t *>(values.data());
}

RangeError aero::reference::fixedLinear(ArrayRef<int64_t> x, const Factor &w,
                                        ArrayRef<int64_t> bias, size_t m,
                                        size_t k, size_t n, Integers &out) {
  out.assign(m * n, 0);
  if (largest(x) * w.columnNorm + largest(bias) < safeSum) {
    if (!bias.empty())
      for (size_t i = 0; i < m; ++i)
        std::copy(bias.begin(), bias.end(), out.begin() + i * n);
    rt::gemm(m, n, k, rt::MatrixRef<uint64_t>{asRing(x), k},
             rt::MatrixRef<int32_t>{w.values.data(), n}, asRing(out), n);
    return {};
  }
  for (size_t i = 0; i < m; ++i)
    for (size_t j = 0; j < n; ++j) {
      Wide sum = bias.empty() ? 0 : bias[j];
      for (size_t l = 0; l < k; ++l)
        sum += Wide(x[i * k + l]) * w.values[l * n + j];
      if (!store(sum, mpc::ringBits, out[i * n + j]))
        return overflow(i * n + j, sum, mpc::ringBits);
    }
  return {};
}

RangeError aero::reference::fixedMatmul(ArrayRef<int64_t> x,
                                        ArrayRef<int64_t> y, size_t batch,
                                        size_t m, size_t k, size_t n,
                                        bool transposed, Integers &out) {
  out.assign(batch * m * n, 0);
  bool safe = largest(x) * largest(y) * double(k) < safeSum;
  for (size_t b = 0; b < batch; ++b) {
    ArrayRef<int64_t> left = x.slice(b * m * k, m * k);
    ArrayRef<int64_t> right = y.slice(b * k * n, k * n);
    if (safe) {
      rt::gemm(m, n, k, rt::MatrixRef<uint64_t>{asRing(left), k},
               rt::MatrixRef<uint64_t>{asRing(right), transposed ? k : n,
                                       transposed},
               asRing(out) + b * m * n, n);
      continue;
    }
    for (size_t i = 0; i < m; ++i)
      for (size_t j = 0; j < n; ++j) {
        Wide sum = 0;
        for (size_t l = 0; l < k; ++l)
          sum +=
              Wide(left[i * k + l]) * right[transposed ? j * k + l : l * n + j];
        size_t at = (b * m + i) * n + j;
        if (!store(sum, mpc::ringBits, out[at]))
          return overflow(at, sum, mpc::ringBits);
      }
  }
  return {};
}

RangeError aero::reference::fixedCausalScores(ArrayRef<int64_t> x,
                                              ArrayRef<int64_t> y, size_t batch,
                                              size_t tokens, size_t k,
                                              Integers &out) {
  Integers full;
  if (RangeError error = fixedMatmul(x, y, batch, tokens, k, tokens,
                                     /*transposed=*/true, full);
      !error.empty())
    return error;
  out.clear();
  for (size_t row = 0; row < batch * tokens; ++row)
    out.insert(out.end(), full.begin() + row * tokens,
               full.begin() + row * tokens + row % tokens + 1);
  return {};
}

RangeError aero::reference::fixedCausalContext(ArrayRef<int64_t> x,
                                               ArrayRef<int64_t> y,
                                               size_t batch, size_t tokens,
                                               size_t n, Integers &out) {
  Integers full(batch * tokens * tokens);
  rt::Rows rows = {batch * tokens, tokens, /*causal=*/true};
  for (size_t row = 0; row < rows.count; ++row)
    std::copy_n(x.begin() + rows.offset(row), rows.length(row),
                full.begin() + row * tokens);
  return fixedMatmul(full, y, batch, tokens, tokens, n, /*transposed=*/false,
                     out);
}

RangeError aero::reference::fixedMulWeight(ArrayRef<int64_t> x,
                                           ArrayRef<int32_t> w, size_t repeat,
                                           Integers &out) {
  out.resize(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    Wide product = Wide(x[i]) * w[i / repeat % w.size()];
    if (!store(product, mpc::ringBits, out[i]))
      return overflow(i, product, mpc::ringBits);
  }
  return {};
}

RangeError aero::reference::fixedMul(ArrayRef<int64_t> x, ArrayRef<int64_t> y,
                                     size_t repeat, Integers &out) {
  out.resize(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    Wide product = Wide(x[i]) * y[i / repeat];
    if (!store(product, mpc::ringBits, out[i]))
      return overflow(i, product, mpc::ringBits);
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Sums and scales
//===----------------------------------------------------------------------===//

RangeError aero::reference::fixedAdd(ArrayRef<int64_t> x, ArrayRef<int64_t> y,
                                     unsigned bits, Integers &out) {
  out.resize(x.size());
  for (size_t i = 0; i < x.size(); i += y.size())
    for (size_t j = 0; j < y.size(); ++j) {
      Wide sum = Wide(x[i + j]) + y[j];
      if (!store(sum, bits, out[i + j]))
        return overflow(i + j, sum, bits);
    }
  return {};
}

RangeError aero::reference::fixedSub(ArrayRef<int64_t> x, ArrayRef<int64_t> y,
                                     unsigned bits, Integers &out) {
  out.resize(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    Wide difference = Wide(x[i]) - y[i];
    if (!store(difference, bits, out[i]))
      return overflow(i, difference, bits);
  }
  return {};
}

RangeError aero::reference::fixedTrunc(ArrayRef<int64_t> x, unsigned shift,
                                       Integers &out) {
  constexpr int64_t limit = int64_t(1) << mpc::truncBoundLog2;
  out.resize(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    if (x[i] <= -limit || x[i] >= limit)
      return atElement("the product", i, double(x[i]),
                       "below 2^62 in magnitude, as truncation needs");
    out[i] = x[i] >> shift;
  }
  return {};
}

RangeError aero::reference::fixedExtend(ArrayRef<int64_t> x, unsigned bits,
                                        Integers &out) {
  int64_t limit = int64_t(1) << (bits - 2);
  std::string needed = "below 2^" + std::to_string(bits - 2) +
                       " in magnitude, as extension from " +
                       std::to_string(bits) + " bits needs";
  for (size_t i = 0; i < x.size(); ++i)
    if (x[i] <= -limit || x[i] >= limit)
      return atElement("the value", i, double(x[i]), needed.c_str());
  out.assign(x.begin(), x.end());
  return {};
}

RangeError aero::reference::fixedSumRow(ArrayRef<int64_t> x,
                                        const rt::Rows &rows, unsigned bits,
                                        Integers &out) {
  out.resize(rows.count);
  for (size_t row = 0; row < out.size(); ++row) {
    Wide sum = 0;
    for (int64_t value : x.slice(rows.offset(row), rows.length(row)))
      sum += value;
    if (!store(sum, bits, out[row]))
      return overflow(row, sum, bits);
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

RangeError aero::reference::fixedMaxRow(ArrayRef<int64_t> x,
                                        const rt::Rows &rows, int32_t frac,
                                        double bound, Integers &out) {
  out.resize(rows.count);
  for (size_t row = 0; row < rows.count; ++row) {
    int64_t most = INT64_MIN;
    size_t first = rows.offset(row);
    for (size_t i = first; i < first + rows.length(row); ++i) {
      int64_t score = x[i] >> frac;
      if (double(score) < -bound || double(score) >= bound)
        return atElement("the score", i, std::ldexp(double(x[i]), -frac),
                         "in the range that max_row was proved for");
      most = std::max(most, score);
    }
    out[row] = most;
  }
  return {};
}

RangeError aero::reference::fixedExp2(ArrayRef<int64_t> x,
                                      ArrayRef<int64_t> max,
                                      const rt::Rows &rows, int32_t frac,
                                      unsigned compareBits, Integers &out) {
  // The parties' maximum is the floor of the true one or one less.
  const Wide most = Wide(2) << frac;
  const Wide least = -(Wide(rt::exp2Range) << frac);
  const Wide half = Wide(1) << (compareBits + frac - 1);
  const double scale = std::ldexp(1.0, -frac);
  out.resize(x.size());
  for (size_t row = 0, i = 0; row < rows.count; ++row)
    for (size_t end = i + rows.length(row); i < end; ++i) {
      Wide difference = Wide(x[i]) - (Wide(max[row]) << frac);
      if (difference >= most)
        return atElement("the score above its row's maximum", i,
                         double(difference) * scale, "below 2");
      if (difference - least < -half)
        return atElement("the score below its row's maximum", i,
                         double(difference) * scale,
                         "within the compared bits");
      out[i] = difference < least
                   ? 0
                   : std::llrint(std::ldexp(
                         std::exp2(double(difference) * scale), rt::exp2Frac));
    }
  return {};
}

RangeError aero::reference::fixedRecip(ArrayRef<int64_t> x, int64_t upperBound,
                                       Integers &out) {
  // The largest power of a row is one, up to the rounding of the powers; the
  // protocol compares with 8 fraction bits and does not notice that.
  constexpr int64_t one = int64_t(1) << rt::exp2Frac;
  constexpr int64_t slack = one >> rt::recipCompareFrac;
  constexpr int64_t numerator = int64_t(1) << (rt::exp2Frac + rt::recipFrac);
  out.resize(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    if (x[i] < one - slack || x[i] > upperBound * one)
      return atElement("the row sum", i, double(x[i]) / one,
                       "between 1 and the bound of recip");
    out[i] = (numerator + x[i] / 2) / x[i];
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Activations and norms
//===----------------------------------------------------------------------===//

/// Checks the magnitudes that a comparison was proved for.
static RangeError checkBound(ArrayRef<int64_t> x, int32_t frac, double bound) {
  double limit = std::ldexp(bound, frac);
  for (size_t i = 0; i < x.size(); ++i)
    if (double(x[i]) < -limit || double(x[i]) >= limit)
      return atElement("the value", i, std::ldexp(double(x[i]), -frac),
                       "in the range that the comparison was proved for");
  return {};
}

RangeError aero::reference::fixedArgMax(ArrayRef<int64_t> x, size_t columns,
                                        int32_t frac, double bound,
                                        Integers &out) {
  if (RangeError error = checkBound(x, frac, bound); !error.empty())
    return error;
  out.clear();
  for (size_t first = 0; first < x.size(); first += columns) {
    const int64_t *row = x.begin() + first;
    out.push_back(std::max_element(row, row + columns) - row);
  }
  return {};
}

RangeError aero::reference::fixedRelu(ArrayRef<int64_t> x, int32_t frac,
                                      double bound, Integers &out) {
  if (RangeError error = checkBound(x, frac, bound); !error.empty())
    return error;
  out.resize(x.size());
  for (size_t i = 0; i < x.size(); ++i)
    out[i] = std::max<int64_t>(x[i], 0);
  return {};
}

/// relu(a) - activation(a) for a >= 0.
static double tail(rt::TailFunction function, double a) {
  switch (function) {
  case rt::TailFunction::Gelu:
    return a * 0.5 * std::erfc(a * M_SQRT1_2);
  case rt::TailFunction::GeluTanh:
    return a * 0.5 *
           (1 - std::tanh(M_2_SQRTPI * M_SQRT1_2 * (a + 0.044715 * a * a * a)));
  case rt::TailFunction::Silu:
    return a / (1 + std::exp(a));
  }
  return 0;
}

RangeError aero::reference::fixedTail(ArrayRef<int64_t> x,
                                      rt::TailFunction function, int32_t frac,
                                      double bound, Integers &out) {
  if (RangeError error = checkBound(x, frac, bound); !error.empty())
    return error;
  out.resize(x.size());
  for (size_t i = 0; i < x.size(); ++i)
    out[i] = std::llrint(
        std::ldexp(tail(function, std::ldexp(double(x[i]), -frac)), frac));
  return {};
}

RangeError aero::reference::fixedNormalize(ArrayRef<int64_t> x, size_t columns,
                                           int32_t frac, bool centred,
                                           uint64_t epsilon, Integers &out) {
  const double scale = std::ldexp(1.0, -frac);
  const double most = std::ldexp(1.0, int(rt::normalizeHighestLog2) -
                                          int(rt::normalizeSumFrac));
  out.resize(x.size());
  for (size_t first = 0; first < x.size(); first += columns) {
    ArrayRef<int64_t> row = x.slice(first, columns);
    double mean = 0, sum = 0;
    for (int64_t value : row)
      mean += double(value) * scale / double(columns);
    // The sum over a row is multiplied by 2^normalizeMeanShift / columns.
    if (std::fabs(mean) >=
        std::ldexp(1.0,
                   int(mpc::truncBoundLog2 - rt::normalizeMeanShift) - frac))
      return atElement("the mean of the row", first, mean,
                       "small enough to be truncated");
    if (!centred)
      mean = 0;
    for (int64_t value : row)
      sum += (double(value) * scale - mean) * (double(value) * scale - mean);
    if (sum >= most)
      return atElement("the sum of squares of the row", first, sum,
                       "below 2^30");
    double root = std::sqrt(
        (sum + std::ldexp(double(epsilon), -int(rt::normalizeSumFrac))) /
        double(columns));
    for (size_t i = 0; i < columns; ++i)
      out[first + i] =
          std::llrint(std::ldexp((double(row[i]) * scale - mean) / root,
                                 frac + int(rt::normalizeFrac)));
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Shape
//===----------------------------------------------------------------------===//

void aero::reference::fixedConcat(ArrayRef<ArrayRef<int64_t>> parts,
                                  size_t outer, Integers &out) {
  out.clear();
  for (size_t i = 0; i < outer; ++i)
    for (ArrayRef<int64_t> part : parts) {
      size_t size = part.size() / outer;
      out.insert(out.end(), part.begin() + i * size,
                 part.begin() + (i + 1) * size);
    }
}

void aero::reference::fixedRepeat(ArrayRef<int64_t> x, size_t inner,
                                  size_t times, Integers &out) {
  out.clear();
  for (size_t first = 0; first < x.size(); first += inner)
    for (size_t i = 0; i < times; ++i)
      out.insert(out.end(), x.begin() + first, x.begin() + first + inner);
}

void aero::reference::fixedSlice(ArrayRef<int64_t> x, ArrayRef<int64_t> shape,
                                 int64_t axis, int64_t offset, int64_t size,
                                 Integers &out) {
  size_t inner = 1;
  for (int64_t dim : shape.drop_front(axis + 1))
    inner *= dim;
  size_t step = shape[axis] * inner;
  out.clear();
  out.reserve(x.size() / shape[axis] * size);
  for (size_t first = offset * inner; first < x.size(); first += step)
    out.insert(out.end(), x.begin() + first, x.begin() + first + size * inner);
}

void aero::reference::fixedTranspose(ArrayRef<int64_t> x,
                                     ArrayRef<int64_t> shape,
                                     ArrayRef<int64_t> permutation,
                                     Integers &out) {
  size_t rank = shape.size();
  llvm::SmallVector<size_t> strides(rank), resultStrides(rank);
  llvm::SmallVector<int64_t> index(rank), resultShape(rank);
  for (size_t i = rank, stride = 1; i-- > 0; stride *= shape[i])
    strides[i] = stride;
  for (size_t i = 0; i < rank; ++i) {
    resultShape[i] = shape[permutation[i]];
    resultStrides[i] = strides[permutation[i]];
  }
  out.resize(x.size());
  size_t at = 0;
  for (int64_t &value : out) {
    value = x[at];
    for (size_t i = rank; i-- > 0;) {
      at += resultStrides[i];
      if (++index[i] < resultShape[i])
        break;
      at -= resultStrides[i] * resultShape[i];
      index[i] = 0;
    }
  }
}
