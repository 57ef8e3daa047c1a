// RUN: aero-opt %s --split-input-file --verify-diagnostics

// The labels are those of lib/Dialect/MPC/IR/MPCOps.cpp.

// share: rank
// expected-error @below {{expected 1 to 8 dimensions, got 9}}
func.func private @f(!mpc.share<1x1x1x1x1x1x1x1x1, f = 16>)

// -----

// share: dimensions
// expected-error @below {{expected dimensions from 1 to 16777215, got 0}}
func.func private @f(!mpc.share<8x0, f = 16>)

// -----

// share: elements
// expected-error @below {{more than 8589934592 elements}}
func.func private @f(!mpc.share<1000000x1000000, f = 16>)

// -----

// share: ring
// expected-error @below {{expected a ring of 1 to 64 bits, got 65}}
func.func private @f(!mpc.share<8, f = 16, bits = 65>)

// -----

// share: scale
// expected-error @below {{expected at most 62 fraction bits, got 63}}
func.func private @f(!mpc.share<8, f = 63>)

// -----

// server: scale
// expected-error @below {{expected 0 to 62 fraction bits, got -1}}
func.func private @f(!mpc.server<8, f = -1>)

// -----

// tokens: length
// expected-error @below {{expected 1 to 16777215 tokens, got 0}}
func.func private @f(!mpc.tokens<0, vocabulary = 50>)

// -----

// tokens: vocabulary
// expected-error @below {{expected a vocabulary of 1 to 16777215 tokens, got 0}}
func.func private @f(!mpc.tokens<8, vocabulary = 0>)

// -----

// range: bound
// expected-error @below {{expected a positive finite bound}}
func.func private @f() attributes {a = #mpc.range<-1.0, proved>}

// -----

// range: provenance
// expected-error @below {{expected 'proved' or 'calibrated'}}
func.func private @f() attributes {a = #mpc.range<1.0, guessed>}

// -----

// weight (C1)
func.func @f() {
  // expected-error @below {{'mpc.weight' op expected a value of f32 elements, got 'tensor<4xi64>'}}
  %r = mpc.weight "w" dense<1> : tensor<4xi64> : !mpc.server<4, f = 20>
  return
}

// -----

// weight (C2)
func.func @f() {
  // expected-error @below {{'mpc.weight' op the value of type 'tensor<4xf32>' has another shape than the result '!mpc.server<5, f = 20>'}}
  %r = mpc.weight "w" dense<1.0> : tensor<4xf32> : !mpc.server<5, f = 20>
  return
}

// -----

// embedding (C1)
func.func @f(%t: !mpc.tokens<8, vocabulary = 50>, %w: !mpc.server<49x16, f = 16>) {
  // expected-error @below {{'mpc.embedding' op expected a table of 50 rows}}
  %r = mpc.embedding %t, %w : !mpc.tokens<8, vocabulary = 50>, !mpc.server<49x16, f = 16> -> !mpc.share<8x16, f = 16, bits = 32>
  return
}

// -----

// embedding (C2)
func.func @f(%t: !mpc.tokens<8, vocabulary = 50>, %w: !mpc.server<50x16, f = 16>) {
  // expected-error @below {{'mpc.embedding' op expected a result of type '!mpc.share<8x16, f = 16, bits = 32>'}}
  %r = mpc.embedding %t, %w : !mpc.tokens<8, vocabulary = 50>, !mpc.server<50x16, f = 16> -> !mpc.share<8x16, f = 16>
  return
}

// -----

// linear (C1)
func.func @f(%x: !mpc.share<8x16, f = 16, bits = 32>, %w: !mpc.server<16x4, f = 20>) {
  // expected-error @below {{'mpc.linear' op works in the ring of 64 bits}}
  %r = mpc.linear %x, %w : !mpc.share<8x16, f = 16, bits = 32>, !mpc.server<16x4, f = 20> -> !mpc.share<8x4, f = 36>
  return
}

// -----

// linear (C2)
func.func @f(%x: !mpc.share<8x16, f = 16>, %w: !mpc.server<15x4, f = 20>) {
  // expected-error @below {{'mpc.linear' op expected shapes (M, K) and (K, N)}}
  %r = mpc.linear %x, %w : !mpc.share<8x16, f = 16>, !mpc.server<15x4, f = 20> -> !mpc.share<8x4, f = 36>
  return
}

// -----

// linear (C3)
func.func @f(%x: !mpc.share<8x16, f = 16>, %w: !mpc.server<16x4, f = 20>, %b: !mpc.server<4, f = 20>) {
  // expected-error @below {{'mpc.linear' op expected a bias of 4 elements with the scale of the product, f = 36, got '!mpc.server<4, f = 20>'}}
  %r = mpc.linear %x, %w bias %b : !mpc.server<4, f = 20> : !mpc.share<8x16, f = 16>, !mpc.server<16x4, f = 20> -> !mpc.share<8x4, f = 36>
  return
}

// -----

// linear (C4)
func.func @f(%x: !mpc.share<8x16, f = 16>, %w: !mpc.server<16x4, f = 20>) {
  // expected-error @below {{'mpc.linear' op expected a result of type '!mpc.share<8x4, f = 36>', got '!mpc.share<8x4, f = 20>'}}
  %r = mpc.linear %x, %w : !mpc.share<8x16, f = 16>, !mpc.server<16x4, f = 20> -> !mpc.share<8x4, f = 20>
  return
}

// -----

// linear (C4): the scales add up to more than a type can hold
func.func @f(%x: !mpc.share<8x16, f = 50>, %w: !mpc.server<16x4, f = 20>) {
  // expected-error @below {{'mpc.linear' op result: expected at most 62 fraction bits, got 70}}
  %r = mpc.linear %x, %w : !mpc.share<8x16, f = 50>, !mpc.server<16x4, f = 20> -> !mpc.share<8x4, f = 62>
  return
}

// -----

// add_weight (C1)
func.func @f(%x: !mpc.share<8x16, f = 16>, %w: !mpc.server<8, f = 16>) {
  // expected-error @below {{'mpc.add_weight' op expected a weight whose shape ends that of}}
  %r = mpc.add_weight %x, %w : !mpc.share<8x16, f = 16>, !mpc.server<8, f = 16> -> !mpc.share<8x16, f = 16>
  return
}

// -----

// add_weight (C2)
func.func @f(%x: !mpc.share<8x16, f = 16>, %w: !mpc.server<16, f = 20>) {
  // expected-error @below {{'mpc.add_weight' op adds values of different scales}}
  %r = mpc.add_weight %x, %w : !mpc.share<8x16, f = 16>, !mpc.server<16, f = 20> -> !mpc.share<8x16, f = 16>
  return
}

// -----

// add_weight (C3)
func.func @f(%x: !mpc.share<8x16, f = 16>, %w: !mpc.server<16, f = 16>) {
  // expected-error @below {{'mpc.add_weight' op expected a result of type}}
  %r = mpc.add_weight %x, %w : !mpc.share<8x16, f = 16>, !mpc.server<16, f = 16> -> !mpc.share<16x8, f = 16>
  return
}

// -----

// mul_weight (C1)
func.func @f(%x: !mpc.share<8x16, f = 16, bits = 32>, %w: !mpc.server<16, f = 20>) {
  // expected-error @below {{'mpc.mul_weight' op works in the ring of 64 bits}}
  %r = mpc.mul_weight %x, %w : !mpc.share<8x16, f = 16, bits = 32>, !mpc.server<16, f = 20> -> !mpc.share<8x16, f = 36>
  return
}

// -----

// mul_weight (C2)
func.func @f(%x: !mpc.share<8x16, f = 16>, %w: !mpc.server<8, f = 20>) {
  // expected-error @below {{'mpc.mul_weight' op expected a weight whose shape ends that of '!mpc.share<8x16, f = 16>', got '!mpc.server<8, f = 20>'}}
  %r = mpc.mul_weight %x, %w : !mpc.share<8x16, f = 16>, !mpc.server<8, f = 20> -> !mpc.share<8x16, f = 36>
  return
}

// -----

// mul_weight (C2): rank
func.func @f(%x: !mpc.share<16, f = 16>, %w: !mpc.server<1x16, f = 20>) {
  // expected-error @below {{'mpc.mul_weight' op expected a weight whose shape ends that of}}
  %r = mpc.mul_weight %x, %w : !mpc.share<16, f = 16>, !mpc.server<1x16, f = 20> -> !mpc.share<16, f = 36>
  return
}

// -----

// mul_weight (C2): rows
func.func @f(%x: !mpc.share<8x16, f = 16>, %w: !mpc.server<16, f = 20>) {
  // expected-error @below {{'mpc.mul_weight' op expected one factor for each row of '!mpc.share<8x16, f = 16>', got '!mpc.server<16, f = 20>'}}
  %r = mpc.mul_weight %x, %w rows : !mpc.share<8x16, f = 16>, !mpc.server<16, f = 20> -> !mpc.share<8x16, f = 36>
  return
}

// -----

// mul_weight (C3)
func.func @f(%x: !mpc.share<8x16, f = 16>, %w: !mpc.server<16, f = 20>) {
  // expected-error @below {{'mpc.mul_weight' op expected a result of type '!mpc.share<8x16, f = 36>'}}
  %r = mpc.mul_weight %x, %w : !mpc.share<8x16, f = 16>, !mpc.server<16, f = 20> -> !mpc.share<8x16, f = 16>
  return
}

// -----

// matmul (C1)
func.func @f(%x: !mpc.share<2x8x4, f = 16, bits = 32>, %y: !mpc.share<2x4x8, f = 16>) {
  // expected-error @below {{'mpc.matmul' op works in the ring of 64 bits}}
  %r = mpc.matmul %x, %y : !mpc.share<2x8x4, f = 16, bits = 32>, !mpc.share<2x4x8, f = 16> -> !mpc.share<2x8x8, f = 32>
  return
}

// -----

// matmul (C2)
func.func @f(%x: !mpc.share<2x8x4, f = 16>, %y: !mpc.share<2x8x4, f = 16>) {
  // expected-error @below {{'mpc.matmul' op expected shapes (..., M, K) and (..., K, N)}}
  %r = mpc.matmul %x, %y : !mpc.share<2x8x4, f = 16>, !mpc.share<2x8x4, f = 16> -> !mpc.share<2x8x8, f = 32>
  return
}

// -----

// matmul (C2), transposed
func.func @f(%x: !mpc.share<2x8x4, f = 16>, %y: !mpc.share<2x4x8, f = 16>) {
  // expected-error @below {{'mpc.matmul' op expected shapes (..., M, K) and (..., N, K)}}
  %r = mpc.matmul %x, %y transpose_rhs : !mpc.share<2x8x4, f = 16>, !mpc.share<2x4x8, f = 16> -> !mpc.share<2x8x8, f = 32>
  return
}

// -----

// matmul (C2), batches
func.func @f(%x: !mpc.share<2x8x4, f = 16>, %y: !mpc.share<3x4x8, f = 16>) {
  // expected-error @below {{'mpc.matmul' op expected shapes (..., M, K) and (..., K, N)}}
  %r = mpc.matmul %x, %y : !mpc.share<2x8x4, f = 16>, !mpc.share<3x4x8, f = 16> -> !mpc.share<2x8x8, f = 32>
  return
}

// -----

// matmul (C3)
func.func @f(%x: !mpc.share<2x8x4, f = 16>, %y: !mpc.share<2x4x8, f = 16>) {
  // expected-error @below {{'mpc.matmul' op expected a result of type '!mpc.share<2x8x8, f = 32>'}}
  %r = mpc.matmul %x, %y : !mpc.share<2x8x4, f = 16>, !mpc.share<2x4x8, f = 16> -> !mpc.share<2x8x8, f = 16>
  return
}

// -----

// mul (C1)
func.func @f(%x: !mpc.share<8x4, f = 16>, %y: !mpc.share<8x4, f = 16, bits = 32>) {
  // expected-error @below {{'mpc.mul' op works in the ring of 64 bits}}
  %r = mpc.mul %x, %y : !mpc.share<8x4, f = 16>, !mpc.share<8x4, f = 16, bits = 32> -> !mpc.share<8x4, f = 32>
  return
}

// -----

// mul (C2)
func.func @f(%x: !mpc.share<8x4, f = 16>, %y: !mpc.share<4, f = 16>) {
  // expected-error @below {{'mpc.mul' op expected equal shapes or a right operand without the last dimension}}
  %r = mpc.mul %x, %y : !mpc.share<8x4, f = 16>, !mpc.share<4, f = 16> -> !mpc.share<8x4, f = 32>
  return
}

// -----

// mul (C3)
func.func @f(%x: !mpc.share<8x4, f = 16>, %y: !mpc.share<8, f = 28>) {
  // expected-error @below {{'mpc.mul' op expected a result of type '!mpc.share<8x4, f = 44>'}}
  %r = mpc.mul %x, %y : !mpc.share<8x4, f = 16>, !mpc.share<8, f = 28> -> !mpc.share<8x4, f = 28>
  return
}

// -----

// trunc (C1)
func.func @f(%x: !mpc.share<8, f = 16, bits = 32>) {
  // expected-error @below {{'mpc.trunc' op works in the ring of 64 bits}}
  %r = mpc.trunc %x by 8 : !mpc.share<8, f = 16, bits = 32> -> !mpc.share<8, f = 8, bits = 32>
  return
}

// -----

// trunc (C2)
func.func @f(%x: !mpc.share<8, f = 16>) {
  // expected-error @below {{'mpc.trunc' op expected a shift of 1 to 62, got 0}}
  %r = mpc.trunc %x by 0 : !mpc.share<8, f = 16> -> !mpc.share<8, f = 16>
  return
}

// -----

// trunc (C2), negative
func.func @f(%x: !mpc.share<8, f = 16>) {
  // expected-error @below {{'mpc.trunc' op expected a shift of 1 to 62, got -1}}
  %r = mpc.trunc %x by -1 : !mpc.share<8, f = 16> -> !mpc.share<8, f = 16>
  return
}

// -----

// trunc (C3)
func.func @f(%x: !mpc.share<8, f = 16>) {
  // expected-error @below {{'mpc.trunc' op expected a result of type '!mpc.share<8, f = 8>'}}
  %r = mpc.trunc %x by 8 : !mpc.share<8, f = 16> -> !mpc.share<8, f = 16>
  return
}

// -----

// extend (C1)
func.func @f(%x: !mpc.share<8, f = 16>) {
  // expected-error @below {{'mpc.extend' op extends a ring of 3 to 63 bits}}
  %r = mpc.extend %x : !mpc.share<8, f = 16> -> !mpc.share<8, f = 16>
  return
}

// -----

// extend (C2)
func.func @f(%x: !mpc.share<8, f = 16, bits = 32>) {
  // expected-error @below {{'mpc.extend' op expected a result of type '!mpc.share<8, f = 16>'}}
  %r = mpc.extend %x : !mpc.share<8, f = 16, bits = 32> -> !mpc.share<8, f = 8>
  return
}

// -----

// causal_scores (C1)
func.func @f(%x: !mpc.share<2x8x4, f = 16, bits = 32>, %y: !mpc.share<2x8x4, f = 16>) {
  // expected-error @below {{'mpc.causal_scores' op works in the ring of 64 bits}}
  %r = mpc.causal_scores %x, %y : !mpc.share<2x8x4, f = 16, bits = 32>, !mpc.share<2x8x4, f = 16> -> !mpc.share<2x36, f = 32>
  return
}

// -----

// causal_scores (C2): rank
func.func @f(%x: !mpc.share<8, f = 16>) {
  // expected-error @below {{'mpc.causal_scores' op expected two operands of one shape (..., T, K)}}
  %r = mpc.causal_scores %x, %x : !mpc.share<8, f = 16>, !mpc.share<8, f = 16> -> !mpc.share<36, f = 32>
  return
}

// -----

// causal_scores (C2): shapes
func.func @f(%x: !mpc.share<2x8x4, f = 16>, %y: !mpc.share<2x4x8, f = 16>) {
  // expected-error @below {{'mpc.causal_scores' op expected two operands of one shape (..., T, K)}}
  %r = mpc.causal_scores %x, %y : !mpc.share<2x8x4, f = 16>, !mpc.share<2x4x8, f = 16> -> !mpc.share<2x36, f = 32>
  return
}

// -----

// causal_scores (C3)
func.func @f(%x: !mpc.share<2x8x4, f = 16>) {
  // expected-error @below {{'mpc.causal_scores' op expected a result of type '!mpc.share<2x36, f = 32>'}}
  %r = mpc.causal_scores %x, %x : !mpc.share<2x8x4, f = 16>, !mpc.share<2x8x4, f = 16> -> !mpc.share<2x8x8, f = 32>
  return
}

// -----

// causal_context (C1)
func.func @f(%x: !mpc.share<2x36, f = 20>, %y: !mpc.share<2x8x4, f = 16, bits = 32>) {
  // expected-error @below {{'mpc.causal_context' op works in the ring of 64 bits}}
  %r = mpc.causal_context %x, %y : !mpc.share<2x36, f = 20>, !mpc.share<2x8x4, f = 16, bits = 32> -> !mpc.share<2x8x4, f = 36>
  return
}

// -----

// causal_context (C2): rank
func.func @f(%x: !mpc.share<2x36, f = 20>, %y: !mpc.share<8x4, f = 16>) {
  // expected-error @below {{'mpc.causal_context' op expected packed triangles of T rows and (..., T, N)}}
  %r = mpc.causal_context %x, %y : !mpc.share<2x36, f = 20>, !mpc.share<8x4, f = 16> -> !mpc.share<8x4, f = 36>
  return
}

// -----

// causal_context (C2): batches
func.func @f(%x: !mpc.share<3x36, f = 20>, %y: !mpc.share<2x8x4, f = 16>) {
  // expected-error @below {{'mpc.causal_context' op expected packed triangles of T rows and (..., T, N)}}
  %r = mpc.causal_context %x, %y : !mpc.share<3x36, f = 20>, !mpc.share<2x8x4, f = 16> -> !mpc.share<2x8x4, f = 36>
  return
}

// -----

// causal_context (C2): rows
func.func @f(%x: !mpc.share<2x28, f = 20>, %y: !mpc.share<2x8x4, f = 16>) {
  // expected-error @below {{'mpc.causal_context' op expected packed triangles of T rows and (..., T, N)}}
  %r = mpc.causal_context %x, %y : !mpc.share<2x28, f = 20>, !mpc.share<2x8x4, f = 16> -> !mpc.share<2x8x4, f = 36>
  return
}

// -----

// causal_context (C3)
func.func @f(%x: !mpc.share<2x36, f = 20>, %y: !mpc.share<2x8x4, f = 16>) {
  // expected-error @below {{'mpc.causal_context' op expected a result of type '!mpc.share<2x8x4, f = 36>'}}
  %r = mpc.causal_context %x, %y : !mpc.share<2x36, f = 20>, !mpc.share<2x8x4, f = 16> -> !mpc.share<2x8x4, f = 20>
  return
}

// -----

// max_row (C1)
func.func @f(%x: !mpc.share<8, f = 16>) {
  // expected-error @below {{'mpc.max_row' op expected rows of scores}}
  %r = mpc.max_row %x bits 32 range <1073741824.0, proved> : !mpc.share<8, f = 16> -> !mpc.share<8, f = 0, bits = 32>
  return
}

// -----

// max_row (C1): packed rows
func.func @f(%x: !mpc.share<2x8, f = 16>) {
  // expected-error @below {{'mpc.max_row' op expected packed lower triangles, got '!mpc.share<2x8, f = 16>'}}
  %r = mpc.max_row %x causal bits 32 range <1073741824.0, proved> : !mpc.share<2x8, f = 16> -> !mpc.share<2, f = 0, bits = 32>
  return
}

// -----

// max_row (C2)
func.func @f(%x: !mpc.share<2x8, f = 16>) {
  // expected-error @below {{'mpc.max_row' op compares 30 bits, expected a multiple of 4 from 8 to 64}}
  %r = mpc.max_row %x bits 30 range <1073741824.0, proved> : !mpc.share<2x8, f = 16> -> !mpc.share<2, f = 0, bits = 30>
  return
}

// -----

// max_row (C3)
func.func @f(%x: !mpc.share<2x8, f = 40>) {
  // expected-error @below {{'mpc.max_row' op expected scores with 0 to 32 fraction bits to compare 32 of them}}
  %r = mpc.max_row %x bits 32 range <1073741824.0, proved> : !mpc.share<2x8, f = 40> -> !mpc.share<2, f = 0, bits = 32>
  return
}

// -----

// max_row (C4)
func.func @f(%x: !mpc.share<2x8, f = 16>) {
  // expected-error @below {{'mpc.max_row' op needs a proved range, got #mpc.range<100.0, calibrated>: outside of it the maximum is garbage}}
  %r = mpc.max_row %x bits 32 range <100.0, calibrated> : !mpc.share<2x8, f = 16> -> !mpc.share<2, f = 0, bits = 32>
  return
}

// -----

// max_row (C5)
func.func @f(%x: !mpc.share<2x8, f = 16>) {
  // expected-error @below {{'mpc.max_row' op the range #mpc.range<1073741824.0, proved> does not fit into 28 bits: expected 4 * bound <= 2^28}}
  %r = mpc.max_row %x bits 28 range <1073741824.0, proved> : !mpc.share<2x8, f = 16> -> !mpc.share<2, f = 0, bits = 28>
  return
}

// -----

// max_row (C6)
func.func @f(%x: !mpc.share<2x8, f = 16>) {
  // expected-error @below {{'mpc.max_row' op expected a result of type '!mpc.share<2, f = 0, bits = 32>'}}
  %r = mpc.max_row %x bits 32 range <1073741824.0, proved> : !mpc.share<2x8, f = 16> -> !mpc.share<2, f = 16, bits = 32>
  return
}

// -----

// max_row (C6): packed rows
func.func @f(%x: !mpc.share<2x36, f = 16>) {
  // expected-error @below {{'mpc.max_row' op expected a result of type '!mpc.share<2x8, f = 0, bits = 32>'}}
  %r = mpc.max_row %x causal bits 32 range <1073741824.0, proved> : !mpc.share<2x36, f = 16> -> !mpc.share<2, f = 0, bits = 32>
  return
}

// -----

// argmax (C1)
func.func @f(%x: !mpc.share<8, f = 36>) {
  // expected-error @below {{'mpc.argmax' op expected rows of scores}}
  %r = mpc.argmax %x bits 36 drop 28 range <64.0, proved> : !mpc.share<8, f = 36> -> !mpc.share<8, f = 0, bits = 32>
  return
}

// -----

// argmax (C2)
func.func @f(%x: !mpc.share<2x8, f = 36>) {
  // expected-error @below {{'mpc.argmax' op drops 29 bits of 64 to compare 36}}
  %r = mpc.argmax %x bits 36 drop 29 range <64.0, proved> : !mpc.share<2x8, f = 36> -> !mpc.share<2, f = 0, bits = 32>
  return
}

// -----

// argmax (C3)
func.func @f(%x: !mpc.share<2x8, f = 36>) {
  // expected-error @below {{with 8 fraction bits does not fit into 16 bits}}
  %r = mpc.argmax %x bits 16 drop 28 range <128.0, proved> : !mpc.share<2x8, f = 36> -> !mpc.share<2, f = 0, bits = 32>
  return
}

// -----

// argmax (C4)
func.func @f(%x: !mpc.share<2x8, f = 36>) {
  // expected-error @below {{'mpc.argmax' op expected a result of type '!mpc.share<2, f = 0, bits = 32>'}}
  %r = mpc.argmax %x bits 36 drop 28 range <64.0, proved> : !mpc.share<2x8, f = 36> -> !mpc.share<2, f = 8, bits = 32>
  return
}

// -----

// exp2 (C1)
func.func @f(%x: !mpc.share<2x8, f = 16, bits = 32>, %m: !mpc.share<2, f = 0, bits = 32>) {
  // expected-error @below {{'mpc.exp2' op works in the ring of 64 bits}}
  %r = mpc.exp2 %x, %m : !mpc.share<2x8, f = 16, bits = 32>, !mpc.share<2, f = 0, bits = 32> -> !mpc.share<2x8, f = 20>
  return
}

// -----

// exp2 (C1): packed rows
func.func @f(%x: !mpc.share<2x8, f = 16>, %m: !mpc.share<2, f = 0, bits = 32>) {
  // expected-error @below {{'mpc.exp2' op expected packed lower triangles}}
  %r = mpc.exp2 %x, %m causal : !mpc.share<2x8, f = 16>, !mpc.share<2, f = 0, bits = 32> -> !mpc.share<2x8, f = 20>
  return
}

// -----

// exp2 (C2): the maximum is an integer
func.func @f(%x: !mpc.share<2x8, f = 16>, %m: !mpc.share<2, f = 16, bits = 32>) {
  // expected-error @below {{'mpc.exp2' op expected one integer a row}}
  %r = mpc.exp2 %x, %m : !mpc.share<2x8, f = 16>, !mpc.share<2, f = 16, bits = 32> -> !mpc.share<2x8, f = 20>
  return
}

// -----

// exp2 (C2): one a row
func.func @f(%x: !mpc.share<2x8, f = 16>, %m: !mpc.share<8, f = 0, bits = 32>) {
  // expected-error @below {{'mpc.exp2' op expected one integer a row}}
  %r = mpc.exp2 %x, %m : !mpc.share<2x8, f = 16>, !mpc.share<8, f = 0, bits = 32> -> !mpc.share<2x8, f = 20>
  return
}

// -----

// exp2 (C2): one a packed row
func.func @f(%x: !mpc.share<2x36, f = 16>, %m: !mpc.share<2, f = 0, bits = 32>) {
  // expected-error @below {{'mpc.exp2' op expected one integer a row}}
  %r = mpc.exp2 %x, %m causal : !mpc.share<2x36, f = 16>, !mpc.share<2, f = 0, bits = 32> -> !mpc.share<2x36, f = 20>
  return
}

// -----

// exp2 (C3)
func.func @f(%x: !mpc.share<2x8, f = 16>, %m: !mpc.share<2, f = 0, bits = 4>) {
  // expected-error @below {{'mpc.exp2' op compares 4 bits, expected a multiple of 4 from 8 to 64}}
  %r = mpc.exp2 %x, %m : !mpc.share<2x8, f = 16>, !mpc.share<2, f = 0, bits = 4> -> !mpc.share<2x8, f = 20>
  return
}

// -----

// exp2 (C4)
func.func @f(%x: !mpc.share<2x8, f = 40>, %m: !mpc.share<2, f = 0, bits = 32>) {
  // expected-error @below {{'mpc.exp2' op expected scores with 1 to 32 fraction bits beside a maximum of 32 bits}}
  %r = mpc.exp2 %x, %m : !mpc.share<2x8, f = 40>, !mpc.share<2, f = 0, bits = 32> -> !mpc.share<2x8, f = 20>
  return
}

// -----

// exp2 (C5)
func.func @f(%x: !mpc.share<2x8, f = 16>, %m: !mpc.share<2, f = 0, bits = 32>) {
  // expected-error @below {{'mpc.exp2' op expected a result of type '!mpc.share<2x8, f = 20>'}}
  %r = mpc.exp2 %x, %m : !mpc.share<2x8, f = 16>, !mpc.share<2, f = 0, bits = 32> -> !mpc.share<2x8, f = 16>
  return
}

// -----

// sum_row (C1)
func.func @f(%x: !mpc.share<8, f = 16>) {
  // expected-error @below {{'mpc.sum_row' op expected rows of scores}}
  %r = mpc.sum_row %x : !mpc.share<8, f = 16> -> !mpc.share<1, f = 16>
  return
}

// -----

// sum_row (C1): packed rows
func.func @f(%x: !mpc.share<2x8, f = 16>) {
  // expected-error @below {{'mpc.sum_row' op expected packed lower triangles}}
  %r = mpc.sum_row %x causal : !mpc.share<2x8, f = 16> -> !mpc.share<2, f = 16>
  return
}

// -----

// sum_row (C2)
func.func @f(%x: !mpc.share<2x8, f = 16>) {
  // expected-error @below {{'mpc.sum_row' op expected a result of type '!mpc.share<2, f = 16>'}}
  %r = mpc.sum_row %x : !mpc.share<2x8, f = 16> -> !mpc.share<8, f = 16>
  return
}

// -----

// recip (C1)
func.func @f(%x: !mpc.share<8, f = 20, bits = 32>) {
  // expected-error @below {{'mpc.recip' op works in the ring of 64 bits}}
  %r = mpc.recip %x below 32 : !mpc.share<8, f = 20, bits = 32> -> !mpc.share<8, f = 28>
  return
}

// -----

// recip (C2)
func.func @f(%x: !mpc.share<8, f = 16>) {
  // expected-error @below {{'mpc.recip' op expected an operand with 20 fraction bits}}
  %r = mpc.recip %x below 32 : !mpc.share<8, f = 16> -> !mpc.share<8, f = 28>
  return
}

// -----

// recip (C3)
func.func @f(%x: !mpc.share<8, f = 20>) {
  // expected-error @below {{'mpc.recip' op expected an upper bound from 1 to 4096, got 0}}
  %r = mpc.recip %x below 0 : !mpc.share<8, f = 20> -> !mpc.share<8, f = 28>
  return
}

// -----

// recip (C3), from above
func.func @f(%x: !mpc.share<8, f = 20>) {
  // expected-error @below {{'mpc.recip' op expected an upper bound from 1 to 4096, got 4097}}
  %r = mpc.recip %x below 4097 : !mpc.share<8, f = 20> -> !mpc.share<8, f = 28>
  return
}

// -----

// recip (C4)
func.func @f(%x: !mpc.share<8, f = 20>) {
  // expected-error @below {{'mpc.recip' op expected a result of type '!mpc.share<8, f = 28>'}}
  %r = mpc.recip %x below 32 : !mpc.share<8, f = 20> -> !mpc.share<8, f = 20>
  return
}

// -----

// relu (C1)
func.func @f(%x: !mpc.share<8, f = 16, bits = 32>) {
  // expected-error @below {{'mpc.relu' op works in the ring of 64 bits}}
  %r = mpc.relu %x bits 24 drop 6 range <100.0, proved> : !mpc.share<8, f = 16, bits = 32> -> !mpc.share<8, f = 16, bits = 32>
  return
}

// -----

// relu (C2)
func.func @f(%x: !mpc.share<8, f = 16>) {
  // expected-error @below {{'mpc.relu' op drops 41 bits of 64 to compare 24}}
  %r = mpc.relu %x bits 24 drop 41 range <100.0, proved> : !mpc.share<8, f = 16> -> !mpc.share<8, f = 16>
  return
}

// -----

// relu (C3): width
func.func @f(%x: !mpc.share<8, f = 16>) {
  // expected-error @below {{'mpc.relu' op compares 22 bits, expected a multiple of 4 from 8 to 64}}
  %r = mpc.relu %x bits 22 drop 6 range <100.0, proved> : !mpc.share<8, f = 16> -> !mpc.share<8, f = 16>
  return
}

// -----

// relu (C3): provenance
func.func @f(%x: !mpc.share<8, f = 16>) {
  // expected-error @below {{'mpc.relu' op needs a proved range, got #mpc.range<100.0, calibrated>: outside of it the result is garbage}}
  %r = mpc.relu %x bits 24 drop 6 range <100.0, calibrated> : !mpc.share<8, f = 16> -> !mpc.share<8, f = 16>
  return
}

// -----

// relu (C3): range
func.func @f(%x: !mpc.share<8, f = 16>) {
  // expected-error @below {{'mpc.relu' op the range #mpc.range<4097.0, proved> with 10 fraction bits does not fit into 24 bits}}
  %r = mpc.relu %x bits 24 drop 6 range <4097.0, proved> : !mpc.share<8, f = 16> -> !mpc.share<8, f = 16>
  return
}

// -----

// relu (C4)
func.func @f(%x: !mpc.share<8, f = 16>) {
  // expected-error @below {{'mpc.relu' op expected a result of type '!mpc.share<8, f = 16>'}}
  %r = mpc.relu %x bits 24 drop 6 range <4096.0, proved> : !mpc.share<8, f = 16> -> !mpc.share<8, f = 10>
  return
}

// -----

// tail (C1)
func.func @f(%x: !mpc.share<8, f = 16, bits = 32>) {
  // expected-error @below {{'mpc.tail' op works in the ring of 64 bits}}
  %r = mpc.tail %x gelu bits 20 range <100.0, proved> : !mpc.share<8, f = 16, bits = 32> -> !mpc.share<8, f = 16, bits = 32>
  return
}

// -----

// tail (C2)
func.func @f(%x: !mpc.share<8, f = 11>) {
  // expected-error @below {{'mpc.tail' op expected 12 to 20 fraction bits, got '!mpc.share<8, f = 11>'}}
  %r = mpc.tail %x gelu bits 20 range <100.0, proved> : !mpc.share<8, f = 11> -> !mpc.share<8, f = 11>
  return
}

// -----

// tail (C2): the ring of SiLU is larger
func.func @f(%x: !mpc.share<8, f = 20>) {
  // expected-error @below {{'mpc.tail' op expected 12 to 16 fraction bits, got '!mpc.share<8, f = 20>'}}
  %r = mpc.tail %x silu bits 20 range <100.0, proved> : !mpc.share<8, f = 20> -> !mpc.share<8, f = 20>
  return
}

// -----

// tail (C3)
func.func @f(%x: !mpc.share<8, f = 16>) {
  // expected-error @below {{'mpc.tail' op compares 52 bits of a ring of 56}}
  %r = mpc.tail %x gelu bits 52 range <100.0, proved> : !mpc.share<8, f = 16> -> !mpc.share<8, f = 16>
  return
}

// -----

// tail (C4)
func.func @f(%x: !mpc.share<8, f = 16>) {
  // expected-error @below {{'mpc.tail' op needs a proved range}}
  %r = mpc.tail %x gelu bits 20 range <100.0, calibrated> : !mpc.share<8, f = 16> -> !mpc.share<8, f = 16>
  return
}

// -----

// tail (C4): range
func.func @f(%x: !mpc.share<8, f = 16>) {
  // expected-error @below {{'mpc.tail' op the range #mpc.range<4097.0, proved> with 6 fraction bits does not fit into 20 bits}}
  %r = mpc.tail %x gelu bits 20 range <4097.0, proved> : !mpc.share<8, f = 16> -> !mpc.share<8, f = 16>
  return
}

// -----

// tail (C5)
func.func @f(%x: !mpc.share<8, f = 16>) {
  // expected-error @below {{'mpc.tail' op expected a result of type '!mpc.share<8, f = 16>'}}
  %r = mpc.tail %x gelu bits 20 range <100.0, proved> : !mpc.share<8, f = 16> -> !mpc.share<8, f = 12>
  return
}

// -----

// normalize (C1)
func.func @f(%x: !mpc.share<2x8, f = 16, bits = 32>) {
  // expected-error @below {{'mpc.normalize' op works in the ring of 64 bits}}
  %r = mpc.normalize %x epsilon 1024 : !mpc.share<2x8, f = 16, bits = 32> -> !mpc.share<2x8, f = 44>
  return
}

// -----

// normalize (C2)
func.func @f(%x: !mpc.share<2x8193, f = 16>) {
  // expected-error @below {{'mpc.normalize' op expected rows of at most 8192 elements}}
  %r = mpc.normalize %x epsilon 1024 : !mpc.share<2x8193, f = 16> -> !mpc.share<2x8193, f = 44>
  return
}

// -----

// normalize (C3)
func.func @f(%x: !mpc.share<2x8, f = 12>) {
  // expected-error @below {{'mpc.normalize' op expected 13 to 24 fraction bits, got '!mpc.share<2x8, f = 12>'}}
  %r = mpc.normalize %x epsilon 1024 : !mpc.share<2x8, f = 12> -> !mpc.share<2x8, f = 40>
  return
}

// -----

// normalize (C3), from above
func.func @f(%x: !mpc.share<2x8, f = 25>) {
  // expected-error @below {{'mpc.normalize' op expected 13 to 24 fraction bits, got '!mpc.share<2x8, f = 25>'}}
  %r = mpc.normalize %x epsilon 1024 : !mpc.share<2x8, f = 25> -> !mpc.share<2x8, f = 53>
  return
}

// -----

// normalize (C4)
func.func @f(%x: !mpc.share<2x8, f = 16>) {
  // expected-error @below {{'mpc.normalize' op expected an epsilon from 1024 to 9007199254740991 units, got 1023}}
  %r = mpc.normalize %x centred epsilon 1023 : !mpc.share<2x8, f = 16> -> !mpc.share<2x8, f = 44>
  return
}

// -----

// normalize (C4), from above
func.func @f(%x: !mpc.share<2x8, f = 16>) {
  // expected-error @below {{units, got 9007199254740992}}
  %r = mpc.normalize %x centred epsilon 9007199254740992 : !mpc.share<2x8, f = 16> -> !mpc.share<2x8, f = 44>
  return
}

// -----

// normalize (C5)
func.func @f(%x: !mpc.share<2x8, f = 16>) {
  // expected-error @below {{'mpc.normalize' op expected a result of type '!mpc.share<2x8, f = 44>'}}
  %r = mpc.normalize %x centred epsilon 1024 : !mpc.share<2x8, f = 16> -> !mpc.share<2x8, f = 16>
  return
}

// -----

// mul_public (C1)
func.func @f(%x: !mpc.share<2x8, f = 16>) {
  // expected-error @below {{'mpc.mul_public' op expected integers whose shape ends that of '!mpc.share<2x8, f = 16>', got 'tensor<2xi32>'}}
  %r = mpc.mul_public %x by dense<1> : tensor<2xi32> f 20 : !mpc.share<2x8, f = 16> -> !mpc.share<2x8, f = 36>
  return
}

// -----

// mul_public (C1): a scalar
func.func @f(%x: !mpc.share<2x8, f = 16>) {
  // expected-error @below {{'mpc.mul_public' op expected integers whose shape ends that of}}
  %r = mpc.mul_public %x by dense<1> : tensor<i32> f 20 : !mpc.share<2x8, f = 16> -> !mpc.share<2x8, f = 36>
  return
}

// -----

// mul_public (C2)
func.func @f(%x: !mpc.share<2x8, f = 16>) {
  // expected-error @below {{'mpc.mul_public' op expected a result of type '!mpc.share<2x8, f = 36>'}}
  %r = mpc.mul_public %x by dense<1> : tensor<8xi32> f 20 : !mpc.share<2x8, f = 16> -> !mpc.share<2x8, f = 20>
  return
}

// -----

// concat (C1)
func.func @f() {
  // expected-error @below {{'mpc.concat' op expected at least one input}}
  %r = "mpc.concat"() {axis = 0 : i64} : () -> !mpc.share<2, f = 16>
  return
}

// -----

// concat (C2)
func.func @f(%x: !mpc.share<2x8, f = 16>) {
  // expected-error @below {{'mpc.concat' op cannot join dimension 2 of '!mpc.share<2x8, f = 16>'}}
  %r = mpc.concat %x, %x axis 2 : !mpc.share<2x8, f = 16>, !mpc.share<2x8, f = 16> -> !mpc.share<2x16, f = 16>
  return
}

// -----

// concat (C3): shape
func.func @f(%x: !mpc.share<2x8, f = 16>, %y: !mpc.share<3x8, f = 16>) {
  // expected-error @below {{'mpc.concat' op cannot join '!mpc.share<2x8, f = 16>' and '!mpc.share<3x8, f = 16>'}}
  %r = mpc.concat %x, %y axis 1 : !mpc.share<2x8, f = 16>, !mpc.share<3x8, f = 16> -> !mpc.share<2x16, f = 16>
  return
}

// -----

// concat (C3): rank
func.func @f(%x: !mpc.share<2x8, f = 16>, %y: !mpc.share<8, f = 16>) {
  // expected-error @below {{'mpc.concat' op cannot join '!mpc.share<2x8, f = 16>' and '!mpc.share<8, f = 16>'}}
  %r = mpc.concat %x, %y axis 1 : !mpc.share<2x8, f = 16>, !mpc.share<8, f = 16> -> !mpc.share<2x16, f = 16>
  return
}

// -----

// concat (C3): scale
func.func @f(%x: !mpc.share<2x8, f = 16>, %y: !mpc.share<2x8, f = 20>) {
  // expected-error @below {{'mpc.concat' op cannot join}}
  %r = mpc.concat %x, %y axis 1 : !mpc.share<2x8, f = 16>, !mpc.share<2x8, f = 20> -> !mpc.share<2x16, f = 16>
  return
}

// -----

// concat (C3): ring
func.func @f(%x: !mpc.share<2x8, f = 16>, %y: !mpc.share<2x8, f = 16, bits = 32>) {
  // expected-error @below {{'mpc.concat' op cannot join}}
  %r = mpc.concat %x, %y axis 1 : !mpc.share<2x8, f = 16>, !mpc.share<2x8, f = 16, bits = 32> -> !mpc.share<2x16, f = 16>
  return
}

// -----

// concat (C4)
func.func @f(%x: !mpc.share<2x8, f = 16>) {
  // expected-error @below {{'mpc.concat' op expected a result of type '!mpc.share<4x8, f = 16>'}}
  %r = mpc.concat %x, %x axis 0 : !mpc.share<2x8, f = 16>, !mpc.share<2x8, f = 16> -> !mpc.share<2x16, f = 16>
  return
}

// -----

// repeat (C1): axis
func.func @f(%x: !mpc.share<2x8, f = 16>) {
  // expected-error @below {{'mpc.repeat' op cannot repeat dimension 2 of '!mpc.share<2x8, f = 16>' 3 times}}
  %r = mpc.repeat %x axis 2 times 3 : !mpc.share<2x8, f = 16> -> !mpc.share<6x8, f = 16>
  return
}

// -----

// repeat (C1): times
func.func @f(%x: !mpc.share<2x8, f = 16>) {
  // expected-error @below {{'mpc.repeat' op cannot repeat dimension 0 of '!mpc.share<2x8, f = 16>' 0 times}}
  %r = mpc.repeat %x axis 0 times 0 : !mpc.share<2x8, f = 16> -> !mpc.share<2x8, f = 16>
  return
}

// -----

// repeat (C2)
func.func @f(%x: !mpc.share<2x8, f = 16>) {
  // expected-error @below {{'mpc.repeat' op expected a result of type '!mpc.share<6x8, f = 16>'}}
  %r = mpc.repeat %x axis 0 times 3 : !mpc.share<2x8, f = 16> -> !mpc.share<2x24, f = 16>
  return
}

// -----

// slice (C1)
func.func @f(%x: !mpc.share<2x8, f = 16>) {
  // expected-error @below {{'mpc.slice' op cannot slice dimension 2}}
  %r = mpc.slice %x axis 2 offset 0 : !mpc.share<2x8, f = 16> -> !mpc.share<2x8, f = 16>
  return
}

// -----

// slice (C2)
func.func @f(%x: !mpc.share<2x8, f = 16>) {
  // expected-error @below {{'mpc.slice' op slices [5, 9) of a dimension of size 8}}
  %r = mpc.slice %x axis 1 offset 5 : !mpc.share<2x8, f = 16> -> !mpc.share<2x4, f = 16>
  return
}

// -----

// slice (C3)
func.func @f(%x: !mpc.share<2x8, f = 16>) {
  // expected-error @below {{'mpc.slice' op expected a result of type '!mpc.share<2x4, f = 16>'}}
  %r = mpc.slice %x axis 1 offset 0 : !mpc.share<2x8, f = 16> -> !mpc.share<1x4, f = 16>
  return
}

// -----

// reshape (C1)
func.func @f(%x: !mpc.share<2x8, f = 16>) {
  // expected-error @below {{'mpc.reshape' op expected as many elements as}}
  %r = mpc.reshape %x : !mpc.share<2x8, f = 16> -> !mpc.share<15, f = 16>
  return
}

// -----

// reshape (C2)
func.func @f(%x: !mpc.share<2x8, f = 16>) {
  // expected-error @below {{'mpc.reshape' op expected a result of type '!mpc.share<16, f = 16>'}}
  %r = mpc.reshape %x : !mpc.share<2x8, f = 16> -> !mpc.share<16, f = 8>
  return
}

// -----

// transpose (C1): each dimension once
func.func @f(%x: !mpc.share<2x8, f = 16>) {
  // expected-error @below {{'mpc.transpose' op [0, 0] is not a permutation}}
  %r = mpc.transpose %x [0, 0] : !mpc.share<2x8, f = 16> -> !mpc.share<2x8, f = 16>
  return
}

// -----

// transpose (C1): all dimensions
func.func @f(%x: !mpc.share<2x8, f = 16>) {
  // expected-error @below {{'mpc.transpose' op [0] is not a permutation}}
  %r = mpc.transpose %x [0] : !mpc.share<2x8, f = 16> -> !mpc.share<2x8, f = 16>
  return
}

// -----

// transpose (C2)
func.func @f(%x: !mpc.share<2x8, f = 16>) {
  // expected-error @below {{'mpc.transpose' op expected a result of type '!mpc.share<8x2, f = 16>'}}
  %r = mpc.transpose %x [1, 0] : !mpc.share<2x8, f = 16> -> !mpc.share<2x8, f = 16>
  return
}

// -----

// take_row (C1)
func.func @f(%x: !mpc.share<2x8x4, f = 16>, %p: !mpc.position) {
  // expected-error @below {{'mpc.take_row' op expected a matrix}}
  %r = mpc.take_row %x at %p : !mpc.share<2x8x4, f = 16> -> !mpc.share<1x4, f = 16>
  return
}

// -----

// take_row (C2)
func.func @f(%x: !mpc.share<8x4, f = 16>, %p: !mpc.position) {
  // expected-error @below {{'mpc.take_row' op expected a result of type '!mpc.share<1x4, f = 16>'}}
  %r = mpc.take_row %x at %p : !mpc.share<8x4, f = 16> -> !mpc.share<4, f = 16>
  return
}

// -----

// reveal (C1)
func.func @f(%x: !mpc.share<8, f = 16, bits = 32>) {
  // expected-error @below {{'mpc.reveal' op works in the ring of 64 bits}}
  %r = mpc.reveal %x : !mpc.share<8, f = 16, bits = 32> -> tensor<8xf64>
  return
}

// -----

// reveal (C2)
func.func @f(%x: !mpc.share<8, f = 16>) {
  // expected-error @below {{'mpc.reveal' op expected a tensor of f64}}
  %r = mpc.reveal %x : !mpc.share<8, f = 16> -> tensor<8xf32>
  return
}

// -----

// reveal (C2), shape
func.func @f(%x: !mpc.share<8, f = 16>) {
  // expected-error @below {{'mpc.reveal' op expected a tensor of f64}}
  %r = mpc.reveal %x : !mpc.share<8, f = 16> -> tensor<9xf64>
  return
}
