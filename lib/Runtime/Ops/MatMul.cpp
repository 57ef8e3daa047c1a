//===- MatMul.cpp - Products of shares ------------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Products.h"

#include "aero/Runtime/Gemm.h"

using namespace aero::rt;

/// C += A B, batch by batch.
static void multiply(const MatMul::Shape &s, const Share &a, const Share &b,
                     Share &c) {
  for (size_t i = 0; i < s.batch; ++i)
    gemm(s.m, s.n, s.k, MatrixRef<uint64_t>{a.data() + i * s.m * s.k, s.k},
         MatrixRef<uint64_t>{b.data() + i * s.k * s.n, s.transposed ? s.k : s.n,
                             s.transposed},
         c.data() + i * s.m * s.n, s.n);
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
  Share left = random.mask(s.batch * s.m * s.k, 64);
  Share right = random.mask(s.batch * s.k * s.n, 64);
  Share product(s.batch * s.m * s.n);
  multiply(s, left, right, product);
  random.deal(std::move(product), 64, Encoding::Elements);
}

MatMul::MatMul(PartyRandom source, const Shape &shape, const Share &left,
               const Share &right)
    : Operation(std::move(source)), shape(shape) {
  maskLeft = random.mask(left.size(), 64);
  maskRight = random.mask(right.size(), 64);
  result =
      random.dealt(shape.batch * shape.m * shape.n, 64, Encoding::Elements);
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
