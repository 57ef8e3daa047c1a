//===- TiedWeights.cpp - Matrices that a file holds twice -----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TiedWeights.h"

#include "aero/Support/Elements.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/Hashing.h"
#include "llvm/ADT/bit.h"

using namespace aero;
using namespace mlir;

namespace {

/// Below this many elements a copy costs nothing, and equality means nothing.
constexpr int64_t kSmallestTied = 64;
/// Positions that are looked at first; nearly all pairs differ in one of them,
/// so that most of a mapped file stays unread.
constexpr int64_t kSamples = 64;
/// Matrices with the same diagonal that are kept to compare with; a file of
/// many such would otherwise take quadratic time.
constexpr size_t kMostSimilar = 8;

/// Element (r, c) of the first matrix is (c, r) of the second if `transposed`.
bool isEqual(ArrayRef<float> a, ArrayRef<float> b, int64_t rows,
             int64_t columns, bool transposed) {
  auto differ = [&](int64_t r, int64_t c) {
    return a[r * columns + c] != b[transposed ? c * rows + r : r * columns + c];
  };
  int64_t count = rows * columns;
  // An odd step visits other rows and columns each time.
  for (int64_t i = 0, at = 0; i < kSamples; ++i, at += count / kSamples | 1)
    if (differ(at % count / columns, at % columns))
      return false;
  if (!transposed)
    return a == b;
  // In tiles: a vocabulary matrix is far larger than a cache.
  constexpr int64_t tile = 32;
  for (int64_t r0 = 0; r0 < rows; r0 += tile)
    for (int64_t c0 = 0; c0 < columns; c0 += tile)
      for (int64_t r = r0, re = std::min(rows, r0 + tile); r < re; ++r)
        for (int64_t c = c0, ce = std::min(columns, c0 + tile); c < ce; ++c)
          if (differ(r, c))
            return false;
  return true;
}

/// A hash of elements on the diagonal.
size_t hashDiagonal(ArrayRef<float> values, int64_t rows, int64_t columns) {
  int64_t length = std::min(rows, columns);
  int64_t step = std::max<int64_t>(length / kSamples, 1);
  llvm::hash_code hash(0);
  for (int64_t i = 0; i < length; i += step) {
    float value = values[i * columns + i];
    // Both zeros are equal.
    hash = llvm::hash_combine(
        hash, value == 0 ? 0u : llvm::bit_cast<uint32_t>(value));
  }
  return hash;
}

bool isOneNumber(ArrayRef<float> values) {
  return llvm::all_of(values, [&](float x) { return x == values[0]; });
}

bool isComparable(ArrayRef<int64_t> shape) {
  return shape.size() == 2 &&
         ShapedType::getNumElements(shape) >= kSmallestTied;
}

} // namespace

std::optional<TiedWeights::Match>
TiedWeights::find(ArrayRef<int64_t> shape, ArrayRef<float> values) const {
  if (!isComparable(shape))
    return std::nullopt;
  int64_t rows = shape[0], columns = shape[1];
  size_t hash = hashDiagonal(values, rows, columns);
  for (bool transposed : {false, true}) {
    auto found = matrices.find(transposed ? Key(columns, rows, hash)
                                          : Key(rows, columns, hash));
    if (found == matrices.end())
      continue;
    for (const Matrix &earlier : found->second) {
      auto other = getFloatData(earlier.data);
      if (!other) {
        llvm::consumeError(other.takeError());
        continue;
      }
      if (isEqual(values, *other, rows, columns, transposed) &&
          !isOneNumber(values))
        return Match{earlier, transposed};
    }
  }
  return std::nullopt;
}

void TiedWeights::add(StringRef name, ElementsAttr data) {
  ArrayRef<int64_t> shape = data.getShapedType().getShape();
  if (!isComparable(shape))
    return;
  auto values = getFloatData(data);
  if (!values)
    return llvm::consumeError(values.takeError());
  std::vector<Matrix> &similar =
      matrices[{shape[0], shape[1], hashDiagonal(*values, shape[0], shape[1])}];
  if (similar.size() < kMostSimilar)
    similar.push_back({name.str(), data});
}
