// RUN: aero-opt %s --pass-pipeline='builtin.module(func.func(pi-raise))' --split-input-file | FileCheck %s

// CHECK-LABEL: func @silu
// CHECK-SAME: (%[[X:.*]]: tensor<2x4xf32>)
func.func @silu(%x: tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  %s = pi.sigmoid %x : tensor<2x4xf32>
  // CHECK-NEXT: %[[Y:.*]] = pi.silu %[[X]]
  %y = pi.mul %x, %s : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  // CHECK-NEXT: %[[Z:.*]] = pi.silu %[[X]]
  %z = pi.mul %s, %x : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  return %y, %z : tensor<2x4xf32>, tensor<2x4xf32>
}

// -----

// The sigmoid of something else is a gate.
// CHECK-LABEL: func @sigmoid_gate
func.func @sigmoid_gate(%x: tensor<2x4xf32>, %y: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK: pi.sigmoid
  %s = pi.sigmoid %x : tensor<2x4xf32>
  // CHECK: pi.mul
  %z = pi.mul %y, %s : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  return %z : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: func @relu
// CHECK-SAME: (%[[X:.*]]: tensor<2x4xf32>)
func.func @relu(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %zero = pi.constant dense<0.0> : tensor<f32>
  // CHECK-NEXT: %[[Y:.*]] = pi.relu %[[X]]
  %y = pi.max %zero, %x : tensor<f32>, tensor<2x4xf32> -> tensor<2x4xf32>
  // CHECK-NEXT: return %[[Y]]
  return %y : tensor<2x4xf32>
}

// -----

// Another least value, a secret one, and one that changes the shape.
// CHECK-LABEL: func @other_maxima
func.func @other_maxima(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<2x4xf32>) {
  %one = pi.constant dense<1.0> : tensor<f32>
  %zero = pi.weight "zero" dense<0.0> : tensor<f32>
  %zeros = pi.constant dense<0.0> : tensor<2x1xf32>
  // CHECK-COUNT-3: pi.max
  %y = pi.max %one, %x : tensor<f32>, tensor<4xf32> -> tensor<4xf32>
  %z = pi.max %zero, %x : tensor<f32>, tensor<4xf32> -> tensor<4xf32>
  %w = pi.max %x, %zeros : tensor<4xf32>, tensor<2x1xf32> -> tensor<2x4xf32>
  return %y, %z, %w : tensor<4xf32>, tensor<4xf32>, tensor<2x4xf32>
}
