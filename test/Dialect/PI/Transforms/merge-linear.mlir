// RUN: aero-opt %s --pi-merge-linear --canonicalize | FileCheck %s --check-prefixes=CHECK,CHAIN
// RUN: aero-opt %s --pi-merge-linear='chain=false' --canonicalize | FileCheck %s --check-prefixes=CHECK,NOCHAIN

// [example] --pi-merge-linear --canonicalize
// K*N2 = 16 instead of 32 + 32.
// CHECK-LABEL: func @example
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x4xf32>)
// CHAIN-NOT: pi.weight "w1" dense
// CHAIN-DAG: %[[W:.*]] = pi.weight "w1+w2" dense_resource<"w1+w2"> : tensor<4x4xf32>
// CHAIN-DAG: %[[B:.*]] = pi.weight "b1+w2+b2" dense_resource<"b1+w2+b2"> : tensor<4xf32>
// CHAIN: %[[Y:.*]] = pi.linear %[[X]], %[[W]] bias %[[B]] : tensor<4xf32> : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
// CHAIN-NEXT: return %[[Y]]
// NOCHAIN: pi.linear
// NOCHAIN: pi.linear
func.func @example(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %w1 = pi.weight "w1" dense<0.5> : tensor<4x8xf32>
  %b1 = pi.weight "b1" dense<1.0> : tensor<8xf32>
  %w2 = pi.weight "w2" dense<0.25> : tensor<8x4xf32>
  %b2 = pi.weight "b2" dense<2.0> : tensor<4xf32>
  %h = pi.linear %x, %w1 bias %b1 : tensor<8xf32> : tensor<1x2x4xf32>, tensor<4x8xf32> -> tensor<1x2x8xf32>
  %y = pi.linear %h, %w2 bias %b2 : tensor<4xf32> : tensor<1x2x8xf32>, tensor<8x4xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}
// [end of example]

// No bias on either side.
// CHECK-LABEL: func @no_bias
// CHAIN: pi.linear %{{[^ ]*}}, %{{[^ ]*}} : tensor<1x2x4xf32>, tensor<4x4xf32>
// CHAIN-NEXT: return
// NOCHAIN: tensor<4x8xf32>
func.func @no_bias(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %w1 = pi.weight "w1" dense<0.5> : tensor<4x8xf32>
  %w2 = pi.weight "w2" dense<0.25> : tensor<8x4xf32>
  %h = pi.linear %x, %w1 : tensor<1x2x4xf32>, tensor<4x8xf32> -> tensor<1x2x8xf32>
  %y = pi.linear %h, %w2 : tensor<1x2x8xf32>, tensor<8x4xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// With a bias on the outer map only, that bias stays as it is.
// CHECK-LABEL: func @outer_bias
// CHECK: %[[B:.*]] = pi.weight "b2" dense<2.000000e+00>
// CHAIN: pi.linear %{{[^ ]*}}, %{{[^ ]*}} bias %[[B]]
// CHAIN-NEXT: return
func.func @outer_bias(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %w1 = pi.weight "w1" dense<0.5> : tensor<4x8xf32>
  %w2 = pi.weight "w2" dense<0.25> : tensor<8x4xf32>
  %b2 = pi.weight "b2" dense<2.0> : tensor<4xf32>
  %h = pi.linear %x, %w1 : tensor<1x2x4xf32>, tensor<4x8xf32> -> tensor<1x2x8xf32>
  %y = pi.linear %h, %w2 bias %b2 : tensor<4xf32> : tensor<1x2x8xf32>, tensor<8x4xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// Scalar factors in between are merged: weights (named) and constants (not).
// CHECK-LABEL: func @factors
// CHAIN-DAG: %[[W:.*]] = pi.weight "w1+w2+alpha"
// CHAIN-DAG: %[[B:.*]] = pi.weight "b1+w2+alpha"
// CHAIN: pi.linear %{{[^ ]*}}, %[[W]] bias %[[B]]
// CHAIN-NEXT: return
// NOCHAIN: pi.div
func.func @factors(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %w1 = pi.weight "w1" dense<0.5> : tensor<4x8xf32>
  %b1 = pi.weight "b1" dense<1.0> : tensor<8xf32>
  %w2 = pi.weight "w2" dense<0.25> : tensor<8x4xf32>
  %alpha = pi.weight "alpha" dense<3.0> : tensor<f32>
  %half = pi.constant dense<0.5> : tensor<1xf32>
  %h = pi.linear %x, %w1 bias %b1 : tensor<8xf32> : tensor<1x2x4xf32>, tensor<4x8xf32> -> tensor<1x2x8xf32>
  %d = pi.div %h, %alpha : tensor<1x2x8xf32>, tensor<f32> -> tensor<1x2x8xf32>
  %m = pi.mul %half, %d : tensor<1xf32>, tensor<1x2x8xf32> -> tensor<1x2x8xf32>
  %y = pi.linear %m, %w2 : tensor<1x2x8xf32>, tensor<8x4xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// Three maps become one; the names stay apart.
// CHECK-LABEL: func @three
// CHAIN: %[[W:.*]] = pi.weight "w1+w2+w3"
// CHAIN: pi.linear %{{[^ ]*}}, %[[W]]
// CHAIN-NEXT: return
func.func @three(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %w1 = pi.weight "w1" dense<0.5> : tensor<4x8xf32>
  %w2 = pi.weight "w2" dense<0.25> : tensor<8x8xf32>
  %w3 = pi.weight "w3" dense<0.25> : tensor<8x4xf32>
  %h = pi.linear %x, %w1 : tensor<1x2x4xf32>, tensor<4x8xf32> -> tensor<1x2x8xf32>
  %i = pi.linear %h, %w2 : tensor<1x2x8xf32>, tensor<8x8xf32> -> tensor<1x2x8xf32>
  %y = pi.linear %i, %w3 : tensor<1x2x8xf32>, tensor<8x4xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// A bottleneck is cheaper apart: 64 instead of 8 + 8.
// CHECK-LABEL: func @bottleneck_stays
// CHECK: pi.linear
// CHECK: pi.linear
func.func @bottleneck_stays(%x: tensor<1x2x8xf32>) -> tensor<1x2x8xf32> {
  %w1 = pi.weight "w1" dense<0.5> : tensor<8x1xf32>
  %w2 = pi.weight "w2" dense<0.25> : tensor<1x8xf32>
  %h = pi.linear %x, %w1 : tensor<1x2x8xf32>, tensor<8x1xf32> -> tensor<1x2x1xf32>
  %y = pi.linear %h, %w2 : tensor<1x2x1xf32>, tensor<1x8xf32> -> tensor<1x2x8xf32>
  return %y : tensor<1x2x8xf32>
}

// Somebody else reads the inner result, so it is computed anyway.
// CHECK-LABEL: func @other_use_stays
// CHECK: pi.linear
// CHECK: pi.linear
func.func @other_use_stays(%x: tensor<1x2x4xf32>) -> (tensor<1x2x8xf32>, tensor<1x2x4xf32>) {
  %w1 = pi.weight "w1" dense<0.5> : tensor<4x8xf32>
  %w2 = pi.weight "w2" dense<0.25> : tensor<8x4xf32>
  %h = pi.linear %x, %w1 : tensor<1x2x4xf32>, tensor<4x8xf32> -> tensor<1x2x8xf32>
  %y = pi.linear %h, %w2 : tensor<1x2x8xf32>, tensor<8x4xf32> -> tensor<1x2x4xf32>
  return %h, %y : tensor<1x2x8xf32>, tensor<1x2x4xf32>
}

// An activation in between.
// CHECK-LABEL: func @activation_stays
// CHECK: pi.linear
// CHECK: pi.gelu
// CHECK: pi.linear
func.func @activation_stays(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %w1 = pi.weight "w1" dense<0.5> : tensor<4x8xf32>
  %w2 = pi.weight "w2" dense<0.25> : tensor<8x4xf32>
  %h = pi.linear %x, %w1 : tensor<1x2x4xf32>, tensor<4x8xf32> -> tensor<1x2x8xf32>
  %g = pi.gelu %h : tensor<1x2x8xf32>
  %y = pi.linear %g, %w2 : tensor<1x2x8xf32>, tensor<8x4xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// A matrix that is an argument has no value to compute with.
// CHECK-LABEL: func @unknown_matrix_stays
// CHECK: pi.linear
// CHECK: pi.linear
func.func @unknown_matrix_stays(%x: tensor<1x2x4xf32>, %w1: tensor<4x8xf32>) -> tensor<1x2x4xf32> {
  %w2 = pi.weight "w2" dense<0.25> : tensor<8x4xf32>
  %h = pi.linear %x, %w1 : tensor<1x2x4xf32>, tensor<4x8xf32> -> tensor<1x2x8xf32>
  %y = pi.linear %h, %w2 : tensor<1x2x8xf32>, tensor<8x4xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// A factor for each column is not a scalar.
// CHECK-LABEL: func @vector_factor_stays
// CHECK: pi.mul
func.func @vector_factor_stays(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %w1 = pi.weight "w1" dense<0.5> : tensor<4x8xf32>
  %w2 = pi.weight "w2" dense<0.25> : tensor<8x4xf32>
  %v = pi.weight "v" dense<0.25> : tensor<8xf32>
  %h = pi.linear %x, %w1 : tensor<1x2x4xf32>, tensor<4x8xf32> -> tensor<1x2x8xf32>
  %m = pi.mul %h, %v : tensor<1x2x8xf32>, tensor<8xf32> -> tensor<1x2x8xf32>
  %y = pi.linear %m, %w2 : tensor<1x2x8xf32>, tensor<8x4xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// A matrix behind a transpose is known; its name stays the initializer's.
// CHECK-LABEL: func @transposed
// CHAIN: pi.weight "u1+u2" dense_resource<{{.*}}> : tensor<4x4xf32>
// CHAIN-NOT: pi.transpose
// CHAIN: return
func.func @transposed(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %w1 = pi.weight "u1" dense<0.5> : tensor<8x4xf32>
  %t1 = pi.transpose %w1 [1, 0] : tensor<8x4xf32> -> tensor<4x8xf32>
  %w2 = pi.weight "u2" dense<0.25> : tensor<8x4xf32>
  %h = pi.linear %x, %t1 : tensor<1x2x4xf32>, tensor<4x8xf32> -> tensor<1x2x8xf32>
  %y = pi.linear %h, %w2 : tensor<1x2x8xf32>, tensor<8x4xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}
