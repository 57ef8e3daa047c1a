// RUN: aero-translate --mpc-to-program-text %s | FileCheck %s

// Instruction i defines value i; tokens, position and weights are no values.

// CHECK: security: SECURITY_MODE_DEALER
// CHECK-NEXT: fixed_point {
// CHECK-NEXT:   ring_bits: 64
// CHECK-NEXT:   activation_frac: 16
// CHECK-NEXT:   weight_frac: 20
// CHECK-NEXT: }
// CHECK-NEXT: context: 8
// CHECK-NEXT: vocabulary: 50
// CHECK-NEXT: last_token_only: true

// CHECK: values {
// CHECK-NEXT:   shape: 8
// CHECK-NEXT:   shape: 16
// CHECK-NEXT:   bits: 32
// CHECK-NEXT:   frac: 16
// CHECK-NEXT: }

// 50 * 16 integers of 4 bytes, then 256 of 4 bytes at the next cache line. The
// second product has the same integers but an entry of its own: its mask is
// another one.
// CHECK: weights {
// CHECK-NEXT:   name: "wte"
// CHECK-NEXT:   shape: 50
// CHECK-NEXT:   shape: 16
// CHECK-NEXT:   frac: 16
// CHECK-NEXT:   type: TYPE_I32
// CHECK-NEXT: }
// CHECK-NEXT: weights {
// CHECK-NEXT:   name: "w"
// CHECK-NEXT:   shape: 16
// CHECK-NEXT:   shape: 16
// CHECK-NEXT:   frac: 20
// CHECK-NEXT:   type: TYPE_I32
// CHECK-NEXT:   offset: 3200
// CHECK-NEXT: }
// CHECK-NEXT: weights {
// CHECK-NEXT:   name: "b"
// CHECK-NEXT:   shape: 16
// CHECK-NEXT:   frac: 36
// CHECK-NEXT:   type: TYPE_I64
// CHECK-NEXT:   offset: 4224
// CHECK-NEXT: }
// CHECK-NEXT: weights {
// CHECK-NEXT:   name: "v"
// CHECK-NEXT:   shape: 16
// CHECK-NEXT:   shape: 16
// CHECK-NEXT:   frac: 20
// CHECK-NEXT:   type: TYPE_I32
// CHECK-NEXT:   offset: 3200
// CHECK-NEXT: }

// CHECK: instructions {
// CHECK-NEXT:   node: "wte/gather"
// CHECK-NEXT:   layer: -1
// CHECK-NEXT:   cost {
// CHECK-NEXT:     client_to_server: 1600
// CHECK-NEXT:     dealer_to_server: 512
// CHECK-NEXT:     setup_server_to_client: 3200
// CHECK-NEXT:     exchanges: 1
// CHECK-NEXT:     multiply_adds: 19200
// CHECK-NEXT:   }
// CHECK-NEXT:   embedding {
// CHECK-NEXT:   }
// CHECK-NEXT: }
// CHECK-NEXT: instructions {
// CHECK-NEXT:   operands: 0
// CHECK-NEXT:   result: 1
// CHECK-NEXT:   start: 1
// CHECK:        extend {
// CHECK:      instructions {
// CHECK-NEXT:   operands: 1
// CHECK-NEXT:   result: 2
// CHECK-NEXT:   start: 2
// CHECK-NEXT:   node: "h.1/fc"
// CHECK-NEXT:   layer: 1
// CHECK:        linear {
// CHECK-NEXT:     weight: 1
// CHECK-NEXT:     has_bias: true
// CHECK-NEXT:     bias: 2
// CHECK:      instructions {
// CHECK-NEXT:   operands: 2
// CHECK-NEXT:   result: 3
// CHECK-NEXT:   start: 3
// CHECK-NEXT:   layer: -1
// CHECK-NEXT:   max_error_units: 1
// CHECK:        trunc {
// CHECK-NEXT:     shift: 20
// CHECK:      instructions {
// CHECK:        linear {
// CHECK-NEXT:     weight: 3
// CHECK-NEXT:   }
// CHECK:        take_row {
// CHECK:      instructions {
// CHECK-NEXT:   operands: 5
// CHECK-NEXT:   result: 6
// CHECK:        reveal {
// CHECK:      result: 6
// CHECK-NEXT: exchanges: 6
func.func @main(%tokens: !mpc.tokens<8, vocabulary = 50>, %at: !mpc.position) -> tensor<1x16xf64> {
  %wte = mpc.weight "wte" dense<0.5> : tensor<50x16xf32> : !mpc.server<50x16, f = 16>
  %w = mpc.weight "w" dense<0.25> : tensor<16x16xf32> : !mpc.server<16x16, f = 20>
  %v = mpc.weight "v" dense<0.25> : tensor<16x16xf32> : !mpc.server<16x16, f = 20>
  %b = mpc.weight "b" dense<2.0> : tensor<16xf32> : !mpc.server<16, f = 36>
  %0 = mpc.embedding %tokens, %wte start 0 : !mpc.tokens<8, vocabulary = 50>, !mpc.server<50x16, f = 16> -> !mpc.share<8x16, f = 16, bits = 32> loc("wte/gather")
  %1 = mpc.extend %0 start 1 : !mpc.share<8x16, f = 16, bits = 32> -> !mpc.share<8x16, f = 16>
  %2 = mpc.linear %1, %w bias %b : !mpc.server<16, f = 36> start 2 : !mpc.share<8x16, f = 16>, !mpc.server<16x16, f = 20> -> !mpc.share<8x16, f = 36> loc(fused<1 : i64>["h.1/fc"])
  %3 = mpc.trunc %2 by 20 start 3 : !mpc.share<8x16, f = 36> -> !mpc.share<8x16, f = 16>
  %4 = mpc.linear %3, %v start 4 : !mpc.share<8x16, f = 16>, !mpc.server<16x16, f = 20> -> !mpc.share<8x16, f = 36>
  %5 = mpc.take_row %4 at %at start 5 : !mpc.share<8x16, f = 36> -> !mpc.share<1x16, f = 36>
  %6 = mpc.reveal %5 start 5 : !mpc.share<1x16, f = 36> -> tensor<1x16xf64>
  return %6 : tensor<1x16xf64>
}
