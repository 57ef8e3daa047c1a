//===- MatMul.cpp - Products of shares ------------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Products.h"

#include "aero/Runtime/Gemm.h"

using namespace aero::rt;

/// Rows of a packed triangle that are multiplied at once; what they compute
/// above the diagonal is dropped.
static constexpr size_t packedBlock = 32;

/// C += A B for one matrix of which C or A is a packed triangle: block by block
/// of rows, each of which ends at a column of its own.
static void multiplyPacked(const MatMul::Shape &s, const uint64_t *a,
                           MatrixRef<uint64_t> b, uint64_t *c) {
  bool left = s.packed == MatMul::Packed::Left;
  Share block;
  for (size_t first = 0; first < s.m; first += packedBlock) {
    size_t end = std::min(first + packedBlock, s.m), rows = end - first;
    block.assign(rows * end, 0);
    if (left)
      for (size_t i = 0; i < rows; ++i)
        std::copy_n(a + triangle(first + i), first + i + 1,
                    block.data() + i * end);
    gemm(rows, left ? s.n : end, left ? end : s.k,
         MatrixRef<uint64_t>{left ? block.data() : a + first * s.k,
                             left ? end : s.k},
         b, left ? c + first * s.n : block.data(), left ? s.n : end);
    if (!left)
      for (size_t i = 0; i < rows; ++i)
        for (size_t j = 0; j <= first + i; ++j)
          c[triangle(first + i) + j] += block[i * end + j];
  }
}

/// C += A B, batch by batch.
static void multiply(const MatMul::Shape &s, const Share &a, const Share &b,
                     Share &c) {
  size_t left = s.leftSize() / s.batch, result = s.resultSize() / s.batch;
  for (size_t i = 0; i < s.batch; ++i) {
    const uint64_t *x = a.data() + i * left;
    MatrixRef<uint64_t> y = {b.data() + i * s.k * s.n, s.transposed ? s.k : s.n,
                             s.transposed};
    if (s.packed == MatMul::Packed::None)
      gemm(s.m, s.n, s.k, MatrixRef<uint64_t>{x, s.k}, y, c.data() + i * result,
           s.n);
    else
      multiplyPacked(s, x, y, c.data() + i * result);
  }
}

/// Opens x - mask: `mask` becomes this party's share of it.
static void maskOperand(const Share &x, const Share &mask, Share &open) {
  open.resize(x.size());
  for (size_t i = 0; i < x.size(); ++i)
    open[i] = x[i] - mask[i];
}

/// open += the peer's share, of which `in` starts with open.size() elements.
static std::span<const uint8_t> addPeer(Share &open,
                                        std::span<const uint8_t> in) {
  Share peer(open.size());
  readElements(in.first(open.size() * 8), peer, 64);
  for (size_t i = 0; i < open.size(); ++i)
    open[i] += peer[i];
  return in.subspan(open.size() * 8);
}

void MatMul::deal(DealerRandom &random, const Shape &s) {
  Share left = random.mask(s.leftSize(), 64);
  Share right = random.mask(s.rightSize(), 64);
  Share product(s.resultSize());
  multiply(s, left, right, product);
  random.deal(std::move(product), 64, Encoding::Elements);
}

MatMul::MatMul(PartyRandom source, const Shape &shape, const Share &left,
               const Share &right)
    : Operation(std::move(source)), shape(shape) {
  maskLeft = random.mask(left.size(), 64);
  maskRight = random.mask(right.size(), 64);
  result = random.dealt(shape.resultSize(), 64, Encoding::Elements);
  maskOperand(left, maskLeft, openLeft);
  maskOperand(right, maskRight, openRight);
}

void MatMul::produce(unsigned step, std::vector<uint8_t> &out) {
  appendElements(out, openLeft, 64);
  appendElements(out, openRight, 64);
}

void MatMul::consume(unsigned step, std::span<const uint8_t> in) {
  addPeer(openRight, addPeer(openLeft, in));
  // E B_i + A_i F, and the server's E F in the same product.
  if (!isClient())
    for (size_t i = 0; i < maskRight.size(); ++i)
      maskRight[i] += openRight[i];
  multiply(shape, openLeft, maskRight, result);
  multiply(shape, maskLeft, openRight, result);
}

void Mul::deal(DealerRandom &random, size_t n, size_t repeat) {
  Share left = random.mask(n, 64), right = random.mask(n / repeat, 64);
  for (size_t i = 0; i < right.size(); ++i)
    for (size_t j = 0; j < repeat; ++j)
      left[i * repeat + j] *= right[i];
  random.deal(std::move(left), 64, Encoding::Elements);
}

Mul::Mul(PartyRandom source, size_t repeat, const Share &left,
         const Share &right)
    : Operation(std::move(source)), repeat(repeat) {
  maskLeft = random.mask(left.size(), 64);
  maskRight = random.mask(right.size(), 64);
  result = random.dealt(left.size(), 64, Encoding::Elements);
  maskOperand(left, maskLeft, openLeft);
  maskOperand(right, maskRight, openRight);
}

void Mul::produce(unsigned step, std::vector<uint8_t> &out) {
  appendElements(out, openLeft, 64);
  appendElements(out, openRight, 64);
}

void Mul::consume(unsigned step, std::span<const uint8_t> in) {
  addPeer(openRight, addPeer(openLeft, in));
  uint64_t server = isClient() ? 0 : ~uint64_t(0);
  for (size_t i = 0; i < openRight.size(); ++i) {
    // E b + a F + E F (at the server) = E (b + F) + a F.
    uint64_t f = openRight[i], b = maskRight[i] + (f & server);
    for (size_t j = i * repeat; j < (i + 1) * repeat; ++j)
      result[j] += openLeft[j] * b + maskLeft[j] * f;
  }
}
