//===- Products.h - Products with weights and of shares -------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_RUNTIME_OPS_PRODUCTS_H
#define AERO_LIB_RUNTIME_OPS_PRODUCTS_H

#include "Operation.h"

namespace aero::rt {

/// x (M,K) times a weight (K,N) that the server knows, and the bias.
class Linear final : public Operation {
public:
  static void deal(DealerRandom &random, const MaskedWeight &weight,
                   uint64_t rows, const Seed &serverSeed);
  Linear(PartyRandom random, OperationContext context, const Share &operand);

  unsigned steps() const override { return 1; }
  StepBytes bytes(unsigned step) const override { return {8 * m * k, 0}; }
  void produce(unsigned step, std::vector<uint8_t> &out) override;
  void consume(unsigned step, std::span<const uint8_t> in) override;

private:
  OperationContext context;
  size_t m, k, n;
  Share input;
};

/// The rows of a table of the server's that the client's tokens name.
class Embedding final : public Operation {
public:
  static void deal(DealerRandom &random, const MaskedWeight &weight,
                   uint64_t rows, const Seed &serverSeed);
  Embedding(PartyRandom random, OperationContext context);

  unsigned steps() const override { return 1; }
  StepBytes bytes(unsigned step) const override {
    return {4 * tokens * vocabulary, 0};
  }
  void produce(unsigned step, std::vector<uint8_t> &out) override;
  void consume(unsigned step, std::span<const uint8_t> in) override;

private:
  OperationContext context;
  size_t tokens, vocabulary, width;
};

/// Element-wise x w for a weight w that the server knows. Element i of x meets
/// element (i / repeat) mod count of w.
class MulWeight final : public Operation {
public:
  static MaskedWeight weightOf(const program::Program &program,
                               uint32_t instruction,
                               const program::Instruction &op);
  /// The client's r D + q.
  static Share prepare(const MaskedWeight &weight, PartyRandom random,
                       std::span<const uint8_t> masked);
  static void deal(DealerRandom &random, const MaskedWeight &weight,
                   const Seed &serverSeed);
  MulWeight(PartyRandom random, OperationContext context,
            const MaskedWeight &weight, const Share &operand);

  unsigned steps() const override { return 1; }
  StepBytes bytes(unsigned step) const override {
    return {8 * weight.elements, 0};
  }
  void produce(unsigned step, std::vector<uint8_t> &out) override;
  void consume(unsigned step, std::span<const uint8_t> in) override;

private:
  OperationContext context;
  MaskedWeight weight;
  Share input;
};

/// x (B,M,K) times y (B,K,N), or y (B,N,K) transposed.
class MatMul final : public Operation {
public:
  /// Which of two square matrices holds only its lower triangle (Rows.h).
  enum class Packed { None, Result, Left };
  struct Shape {
    size_t batch, m, k, n;
    bool transposed;
    Packed packed = Packed::None;

    size_t leftSize() const {
      return batch * (packed == Packed::Left ? triangle(m) : m * k);
    }
    size_t rightSize() const { return batch * k * n; }
    size_t resultSize() const {
      return batch * (packed == Packed::Result ? triangle(m) : m * n);
    }
  };
  static void deal(DealerRandom &random, const Shape &shape);
  MatMul(PartyRandom random, const Shape &shape, const Share &left,
         const Share &right);

  unsigned steps() const override { return 1; }
  StepBytes bytes(unsigned step) const override {
    uint64_t bytes = 8 * (shape.leftSize() + shape.rightSize());
    return {bytes, bytes};
  }
  void produce(unsigned step, std::vector<uint8_t> &out) override;
  void consume(unsigned step, std::span<const uint8_t> in) override;

private:
  Shape shape;
  Share maskLeft, maskRight, openLeft, openRight;
};

/// Elementwise x y; each y serves `repeat` consecutive x.
class Mul final : public Operation {
public:
  static void deal(DealerRandom &random, size_t n, size_t repeat);
  Mul(PartyRandom random, size_t repeat, const Share &left, const Share &right);

  unsigned steps() const override { return 1; }
  StepBytes bytes(unsigned step) const override {
    uint64_t bytes = 8 * (openLeft.size() + openRight.size());
    return {bytes, bytes};
  }
  void produce(unsigned step, std::vector<uint8_t> &out) override;
  void consume(unsigned step, std::span<const uint8_t> in) override;

private:
  size_t repeat;
  Share maskLeft, maskRight, openLeft, openRight;
};

} // namespace aero::rt

#endif // AERO_LIB_RUNTIME_OPS_PRODUCTS_H
