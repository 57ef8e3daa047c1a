// RUN: aero-opt %s --convert-pi-to-mpc --mpc-schedule | aero-translate --mpc-to-program-text | FileCheck %s

// The parameters of what softmax becomes, and an entry for each kind of op.
// CHECK: transpose {
// CHECK-NEXT: permutation: 1
// CHECK-NEXT: permutation: 0
// CHECK-NEXT: permutation: 2
// CHECK: causal_scores {
// CHECK: trunc {
// CHECK-NEXT: shift: 16
// CHECK: max_error_units: 1
// CHECK: max_row {
// CHECK-NEXT: compare_bits: 8
// CHECK-NEXT: drop_bits: 16
// CHECK-NEXT: causal: true
// CHECK: max_error_units: 2
// CHECK: exp2 {
// CHECK-NEXT: compare_bits: 8
// CHECK-NEXT: causal: true
// CHECK: sum_row {
// CHECK-NEXT: causal: true
// CHECK: max_error_units: 269
// CHECK: recip {
// CHECK-NEXT: upper_bound: 32
// CHECK: causal_context {
// CHECK: mul {
// CHECK: slice {
// CHECK-NEXT: dim: 1
// CHECK-NEXT: offset: 4
// CHECK: add {
// CHECK: reveal {
func.func @main(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x8xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x8xf32>, tensor<1x8xi64> -> tensor<1x8x8xf32>
  %1 = pi.attention %0, %0, %0 heads 2 scale 0.693147182 causal : tensor<1x8x8xf32>, tensor<1x8x8xf32>
  %2 = pi.slice %1 axis 2 offset 4 : tensor<1x8x8xf32> -> tensor<1x8x4xf32>
  %3 = pi.add %2, %2 : tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  return %3 : tensor<1x8x4xf32>
}
