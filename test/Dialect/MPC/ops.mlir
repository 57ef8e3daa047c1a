// RUN: aero-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: func @server_products(
// CHECK-SAME: %[[TOKENS:.*]]: !mpc.tokens<8, vocabulary = 50>
// CHECK: %[[TABLE:.*]] = mpc.weight "wte" dense_resource<wte> : tensor<50x16xf32> : <50x16, f = 16>
// CHECK: mpc.embedding %[[TOKENS]], %[[TABLE]] start 0 : <8, vocabulary = 50>, <50x16, f = 16> -> <8x16, f = 16, bits = 32>
// CHECK: mpc.linear %{{.*}}, %{{.*}} : <8x16, f = 16>, <16x4, f = 20> -> <8x4, f = 36>
// CHECK: mpc.linear %{{.*}}, %{{.*}} bias %{{.*}} : !mpc.server<4, f = 36> start 7 : <8x16, f = 16>, <16x4, f = 20> -> <8x4, f = 36>
// CHECK: mpc.add_weight %{{.*}}, %{{.*}} : <2x8x4, f = 36>, <4, f = 36> -> <2x8x4, f = 36>
func.func @server_products(%tokens: !mpc.tokens<8, vocabulary = 50>, %x: !mpc.share<8x16, f = 16>, %y: !mpc.share<2x8x4, f = 36>) -> !mpc.share<2x8x4, f = 36> {
  %wte = mpc.weight "wte" dense_resource<wte> : tensor<50x16xf32> : !mpc.server<50x16, f = 16>
  %0 = mpc.embedding %tokens, %wte start 0 : !mpc.tokens<8, vocabulary = 50>, !mpc.server<50x16, f = 16> -> !mpc.share<8x16, f = 16, bits = 32>
  %w = mpc.weight "w" dense<1.0> : tensor<16x4xf32> : !mpc.server<16x4, f = 20>
  %b = mpc.weight "b" dense<2.0> : tensor<4xf32> : !mpc.server<4, f = 36>
  %1 = mpc.linear %x, %w : !mpc.share<8x16, f = 16>, !mpc.server<16x4, f = 20> -> !mpc.share<8x4, f = 36>
  %2 = mpc.linear %x, %w bias %b : !mpc.server<4, f = 36> start 7 : !mpc.share<8x16, f = 16>, !mpc.server<16x4, f = 20> -> !mpc.share<8x4, f = 36>
  %3 = mpc.add_weight %y, %b : !mpc.share<2x8x4, f = 36>, !mpc.server<4, f = 36> -> !mpc.share<2x8x4, f = 36>
  return %3 : !mpc.share<2x8x4, f = 36>
}

// CHECK-LABEL: func @share_products(
// CHECK: mpc.matmul %{{.*}}, %{{.*}} : <2x8x4, f = 16>, <2x4x8, f = 20> -> <2x8x8, f = 36>
// CHECK: mpc.matmul %{{.*}}, %{{.*}} transpose_rhs start 3 : <2x8x4, f = 16>, <2x8x4, f = 16> -> <2x8x8, f = 32>
// CHECK: mpc.mul %{{.*}}, %{{.*}} : <2x8x4, f = 16>, <2x8x4, f = 16> -> <2x8x4, f = 32>
// CHECK: mpc.mul %{{.*}}, %{{.*}} start 0 : <2x8x4, f = 16>, <2x8, f = 28> -> <2x8x4, f = 44>
func.func @share_products(%x: !mpc.share<2x8x4, f = 16>, %y: !mpc.share<2x4x8, f = 20>, %r: !mpc.share<2x8, f = 28>) {
  %0 = mpc.matmul %x, %y : !mpc.share<2x8x4, f = 16>, !mpc.share<2x4x8, f = 20> -> !mpc.share<2x8x8, f = 36>
  %1 = mpc.matmul %x, %x transpose_rhs start 3 : !mpc.share<2x8x4, f = 16>, !mpc.share<2x8x4, f = 16> -> !mpc.share<2x8x8, f = 32>
  %2 = mpc.mul %x, %x : !mpc.share<2x8x4, f = 16>, !mpc.share<2x8x4, f = 16> -> !mpc.share<2x8x4, f = 32>
  %3 = mpc.mul %x, %r start 0 : !mpc.share<2x8x4, f = 16>, !mpc.share<2x8, f = 28> -> !mpc.share<2x8x4, f = 44>
  return
}

// CHECK-LABEL: func @scale_and_ring(
// CHECK: mpc.trunc %{{.*}} by 20 : <8x4, f = 16> -> <8x4, f = -4>
// CHECK: mpc.extend %{{.*}} start 1 : <8x4, f = 16, bits = 32> -> <8x4, f = 16>
func.func @scale_and_ring(%x: !mpc.share<8x4, f = 16>, %y: !mpc.share<8x4, f = 16, bits = 32>) {
  %0 = mpc.trunc %x by 20 : !mpc.share<8x4, f = 16> -> !mpc.share<8x4, f = -4>
  %1 = mpc.extend %y start 1 : !mpc.share<8x4, f = 16, bits = 32> -> !mpc.share<8x4, f = 16>
  return
}

// CHECK-LABEL: func @softmax(
// CHECK: mpc.max_row %{{.*}} bits 32 range <1073741824.0, proved> : <2x8x8, f = 16> -> <2x8, f = 0, bits = 32>
// CHECK: mpc.max_row %{{.*}} bits 8 range <{{1.50*e\+00}}, proved> : <2x8x8, f = 16> -> <2x8, f = 0, bits = 8>
// CHECK: mpc.exp2 %{{.*}}, %{{.*}} : <2x8x8, f = 16>, <2x8, f = 0, bits = 32> -> <2x8x8, f = 20>
// CHECK: mpc.sum_row %{{.*}} : <2x8x8, f = 20> -> <2x8, f = 20>
// CHECK: mpc.recip %{{.*}} below 32 : <2x8, f = 20> -> <2x8, f = 28>
func.func @softmax(%s: !mpc.share<2x8x8, f = 16>) {
  %1 = mpc.max_row %s bits 32 range <1073741824.0, proved> : !mpc.share<2x8x8, f = 16> -> !mpc.share<2x8, f = 0, bits = 32>
  %2 = mpc.max_row %s bits 8 range <1.5, proved> : !mpc.share<2x8x8, f = 16> -> !mpc.share<2x8, f = 0, bits = 8>
  %3 = mpc.exp2 %s, %1 : !mpc.share<2x8x8, f = 16>, !mpc.share<2x8, f = 0, bits = 32> -> !mpc.share<2x8x8, f = 20>
  %4 = mpc.sum_row %3 : !mpc.share<2x8x8, f = 20> -> !mpc.share<2x8, f = 20>
  %5 = mpc.recip %4 below 32 : !mpc.share<2x8, f = 20> -> !mpc.share<2x8, f = 28>
  return
}

// Packed lower triangles of 8 rows have 36 elements.
// CHECK-LABEL: func @causal(
// CHECK: mpc.causal_scores %{{.*}}, %{{.*}} start 3 : <2x8x4, f = 16>, <2x8x4, f = 16> -> <2x36, f = 32>
// CHECK: mpc.argmax %{{.*}} bits 36 drop 12 range <64.0, proved> start 3 : <2x36, f = 16> -> <2, f = 0, bits = 32>
// CHECK: mpc.max_row %{{.*}} causal bits 32 range <1073741824.0, proved> : <2x36, f = 16> -> <2x8, f = 0, bits = 32>
// CHECK: mpc.exp2 %{{.*}}, %{{.*}} causal start 9 : <2x36, f = 16>, <2x8, f = 0, bits = 32> -> <2x36, f = 20>
// CHECK: mpc.sum_row %{{.*}} causal : <2x36, f = 20> -> <2x8, f = 20>
// CHECK: mpc.causal_context %{{.*}}, %{{.*}} : <2x36, f = 20>, <2x8x4, f = 16> -> <2x8x4, f = 36>
func.func @causal(%q: !mpc.share<2x8x4, f = 16>, %s: !mpc.share<2x36, f = 16>) {
  %0 = mpc.causal_scores %q, %q start 3 : !mpc.share<2x8x4, f = 16>, !mpc.share<2x8x4, f = 16> -> !mpc.share<2x36, f = 32>
  %a = mpc.argmax %s bits 36 drop 12 range <64.0, proved> start 3 : !mpc.share<2x36, f = 16> -> !mpc.share<2, f = 0, bits = 32>
  %1 = mpc.max_row %s causal bits 32 range <1073741824.0, proved> : !mpc.share<2x36, f = 16> -> !mpc.share<2x8, f = 0, bits = 32>
  %2 = mpc.exp2 %s, %1 causal start 9 : !mpc.share<2x36, f = 16>, !mpc.share<2x8, f = 0, bits = 32> -> !mpc.share<2x36, f = 20>
  %3 = mpc.sum_row %2 causal : !mpc.share<2x36, f = 20> -> !mpc.share<2x8, f = 20>
  %4 = mpc.causal_context %2, %q : !mpc.share<2x36, f = 20>, !mpc.share<2x8x4, f = 16> -> !mpc.share<2x8x4, f = 36>
  return
}

// CHECK-LABEL: func @activations_and_norms(
// CHECK: mpc.relu %{{.*}} bits 24 drop 6 range <1024.0, proved> : <8x4, f = 16> -> <8x4, f = 16>
// CHECK: mpc.tail %{{.*}} gelu bits 20 range <1024.0, proved> : <8x4, f = 16> -> <8x4, f = 16>
// CHECK: mpc.tail %{{.*}} gelu_tanh bits 20 range <1024.0, proved> start 2 : <8x4, f = 16> -> <8x4, f = 16>
// CHECK: mpc.tail %{{.*}} silu bits 20 range <1024.0, proved> : <8x4, f = 16> -> <8x4, f = 16>
// CHECK: mpc.normalize %{{.*}} epsilon 1024 : <8x4, f = 16> -> <8x4, f = 44>
// CHECK: mpc.normalize %{{.*}} centred epsilon 2048 start 1 : <8x4, f = 16> -> <8x4, f = 44>
// CHECK: mpc.mul_weight %{{.*}}, %{{.*}} : <8x4, f = 16>, <4, f = 20> -> <8x4, f = 36>
// CHECK: mpc.mul_weight %{{.*}}, %{{.*}} rows start 5 : <8x4, f = 16>, <8, f = 20> -> <8x4, f = 36>
func.func @activations_and_norms(%x: !mpc.share<8x4, f = 16>) {
  %0 = mpc.relu %x bits 24 drop 6 range <1024.0, proved> : !mpc.share<8x4, f = 16> -> !mpc.share<8x4, f = 16>
  %1 = mpc.tail %x gelu bits 20 range <1024.0, proved> : !mpc.share<8x4, f = 16> -> !mpc.share<8x4, f = 16>
  %2 = mpc.tail %x gelu_tanh bits 20 range <1024.0, proved> start 2 : !mpc.share<8x4, f = 16> -> !mpc.share<8x4, f = 16>
  %3 = mpc.tail %x silu bits 20 range <1024.0, proved> : !mpc.share<8x4, f = 16> -> !mpc.share<8x4, f = 16>
  %4 = mpc.normalize %x epsilon 1024 : !mpc.share<8x4, f = 16> -> !mpc.share<8x4, f = 44>
  %5 = mpc.normalize %x centred epsilon 2048 start 1 : !mpc.share<8x4, f = 16> -> !mpc.share<8x4, f = 44>
  %gamma = mpc.weight "gamma" dense<1.0> : tensor<4xf32> : !mpc.server<4, f = 20>
  %6 = mpc.mul_weight %x, %gamma : !mpc.share<8x4, f = 16>, !mpc.server<4, f = 20> -> !mpc.share<8x4, f = 36>
  %rows = mpc.weight "t" dense<1.0> : tensor<8xf32> : !mpc.server<8, f = 20>
  %7 = mpc.mul_weight %x, %rows rows start 5 : !mpc.share<8x4, f = 16>, !mpc.server<8, f = 20> -> !mpc.share<8x4, f = 36>
  return
}

// CHECK-LABEL: func @local(
// CHECK: mpc.add %{{.*}}, %{{.*}} start 2 : <8x16, f = 16>
// CHECK: mpc.sub %{{.*}}, %{{.*}} start 2 : <8x16, f = 16>
// CHECK: mpc.mul_public %{{.*}} by dense<3> : tensor<8x16xi32> f 20 : <8x16, f = 16> -> <8x16, f = 36>
// CHECK: mpc.concat %{{.*}}, %{{.*}} axis 1 : !mpc.share<8x16, f = 16>, !mpc.share<8x16, f = 16> -> <8x32, f = 16>
// CHECK: mpc.repeat %{{.*}} axis 0 times 3 start 4 : <8x16, f = 16> -> <24x16, f = 16>
// CHECK: mpc.slice %{{.*}} axis 1 offset 4 : <8x16, f = 16> -> <8x12, f = 16>
// CHECK: mpc.reshape %{{.*}} : <8x16, f = 16> -> <8x4x4, f = 16>
// CHECK: mpc.transpose %{{.*}} [1, 0, 2] : <8x4x4, f = 16> -> <4x8x4, f = 16>
// CHECK: mpc.take_row %{{.*}} at %{{.*}} : <8x16, f = 16> -> <1x16, f = 16>
// CHECK: mpc.reveal %{{.*}} start 9 : <1x16, f = 16> -> tensor<1x16xf64>
func.func @local(%x: !mpc.share<8x16, f = 16>, %at: !mpc.position) -> tensor<1x16xf64> {
  %0 = mpc.add %x, %x start 2 : !mpc.share<8x16, f = 16>
  %6 = mpc.sub %x, %x start 2 : !mpc.share<8x16, f = 16>
  %7 = mpc.mul_public %x by dense<3> : tensor<8x16xi32> f 20 : !mpc.share<8x16, f = 16> -> !mpc.share<8x16, f = 36>
  %8 = mpc.concat %x, %x axis 1 : !mpc.share<8x16, f = 16>, !mpc.share<8x16, f = 16> -> !mpc.share<8x32, f = 16>
  %9 = mpc.repeat %x axis 0 times 3 start 4 : !mpc.share<8x16, f = 16> -> !mpc.share<24x16, f = 16>
  %1 = mpc.slice %x axis 1 offset 4 : !mpc.share<8x16, f = 16> -> !mpc.share<8x12, f = 16>
  %2 = mpc.reshape %x : !mpc.share<8x16, f = 16> -> !mpc.share<8x4x4, f = 16>
  %3 = mpc.transpose %2 [1, 0, 2] : !mpc.share<8x4x4, f = 16> -> !mpc.share<4x8x4, f = 16>
  %4 = mpc.take_row %x at %at : !mpc.share<8x16, f = 16> -> !mpc.share<1x16, f = 16>
  %5 = mpc.reveal %4 start 9 : !mpc.share<1x16, f = 16> -> tensor<1x16xf64>
  return %5 : tensor<1x16xf64>
}

{-#
  dialect_resources: {
    builtin: {
      wte: "0x0400000000000000"
    }
  }
#-}
