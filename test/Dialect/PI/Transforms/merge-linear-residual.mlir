// RUN: aero-opt %s --pi-merge-linear=residual=true --canonicalize | FileCheck %s --check-prefixes=CHECK,ON
// RUN: aero-opt %s --pi-merge-linear --canonicalize | FileCheck %s --check-prefixes=CHECK,OFF

// The scaled feed-forward network of two matrices: both merges.
// CHECK-LABEL: func @scaled_ffn
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x4xf32>)
// ON-DAG: %[[W:.*]] = pi.weight "w1+w2+beta+alpha"
// ON-DAG: %[[B:.*]] = pi.weight "b1+w2+b2+alpha"
// ON: %[[Y:.*]] = pi.linear %[[X]], %[[W]] bias %[[B]]
// ON-NEXT: return %[[Y]]
// OFF: pi.mul
// OFF: pi.add
func.func @scaled_ffn(%y: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %w1 = pi.weight "w1" dense<0.5> : tensor<4x8xf32>
  %b1 = pi.weight "b1" dense<1.0> : tensor<8xf32>
  %w2 = pi.weight "w2" dense<0.25> : tensor<8x4xf32>
  %b2 = pi.weight "b2" dense<2.0> : tensor<4xf32>
  %alpha = pi.weight "alpha" dense<3.0> : tensor<f32>
  %beta = pi.weight "beta" dense<2.0> : tensor<f32>
  %h = pi.linear %y, %w1 bias %b1 : tensor<8xf32> : tensor<1x2x4xf32>, tensor<4x8xf32> -> tensor<1x2x8xf32>
  %f = pi.linear %h, %w2 bias %b2 : tensor<4xf32> : tensor<1x2x8xf32>, tensor<8x4xf32> -> tensor<1x2x4xf32>
  %s = pi.mul %beta, %y : tensor<f32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  %d = pi.div %f, %alpha : tensor<1x2x4xf32>, tensor<f32> -> tensor<1x2x4xf32>
  %r = pi.add %s, %d : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  return %r : tensor<1x2x4xf32>
}

// Without factors, and with the linear map first.
// CHECK-LABEL: func @plain
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x4xf32>)
// CHECK: %[[B:.*]] = pi.weight "b" dense<1.000000e+00>
// ON: %[[Y:.*]] = pi.linear %[[X]], %{{[^ ]*}} bias %[[B]]
// ON-NEXT: return %[[Y]]
// OFF: pi.add
func.func @plain(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %w = pi.weight "w" dense<0.5> : tensor<4x4xf32>
  %b = pi.weight "b" dense<1.0> : tensor<4xf32>
  %f = pi.linear %x, %w bias %b : tensor<4xf32> : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  %r = pi.add %f, %x : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  return %r : tensor<1x2x4xf32>
}

// The sum of a value and a linear map of another: attention's residual.
// CHECK-LABEL: func @other_input_stays
// CHECK: pi.add
func.func @other_input_stays(%x: tensor<1x2x4xf32>, %a: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %w = pi.weight "w" dense<0.5> : tensor<4x4xf32>
  %f = pi.linear %a, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  %r = pi.add %x, %f : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  return %r : tensor<1x2x4xf32>
}

// Somebody else reads the result of the linear map.
// CHECK-LABEL: func @other_use_stays
// CHECK: pi.add
func.func @other_use_stays(%x: tensor<1x2x4xf32>) -> (tensor<1x2x4xf32>, tensor<1x2x4xf32>) {
  %w = pi.weight "w" dense<0.5> : tensor<4x4xf32>
  %f = pi.linear %x, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  %r = pi.add %x, %f : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  return %f, %r : tensor<1x2x4xf32>, tensor<1x2x4xf32>
}

// A sum that broadcasts is no residual.
// CHECK-LABEL: func @broadcast_stays
// CHECK: pi.add
func.func @broadcast_stays(%x: tensor<1x4xf32>) -> tensor<1x4xf32> {
  %w = pi.weight "w" dense<0.5> : tensor<4x1xf32>
  %f = pi.linear %x, %w : tensor<1x4xf32>, tensor<4x1xf32> -> tensor<1x1xf32>
  %r = pi.add %x, %f : tensor<1x4xf32>, tensor<1x1xf32> -> tensor<1x4xf32>
  return %r : tensor<1x4xf32>
}
