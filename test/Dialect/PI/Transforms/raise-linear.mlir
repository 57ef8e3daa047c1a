// RUN: aero-opt %s --pass-pipeline='builtin.module(func.func(pi-raise))' --split-input-file | FileCheck %s

// CHECK-LABEL: func @matmul_and_bias
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x3xf32>)
func.func @matmul_and_bias(%x: tensor<1x2x3xf32>) -> tensor<1x2x4xf32> {
  // CHECK-DAG: %[[W:.*]] = pi.weight "w"
  // CHECK-DAG: %[[B:.*]] = pi.weight "b"
  %w = pi.weight "w" dense<0.1> : tensor<3x4xf32>
  %b = pi.weight "b" dense<0.2> : tensor<4xf32>
  %p = pi.matmul %x, %w : tensor<1x2x3xf32>, tensor<3x4xf32> -> tensor<1x2x4xf32>
  // CHECK: %[[Y:.*]] = pi.linear %[[X]], %[[W]] bias %[[B]]
  // CHECK-NEXT: return %[[Y]]
  %y = pi.add %b, %p : tensor<4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

// CHECK-LABEL: func @matmul_without_bias
func.func @matmul_without_bias(%x: tensor<2x3xf32>) -> tensor<2x4xf32> {
  %w = pi.weight "w" dense<0.1> : tensor<3x4xf32>
  // CHECK: pi.linear %{{[^ ]*}}, %w : tensor<2x3xf32>
  %p = pi.matmul %x, %w : tensor<2x3xf32>, tensor<3x4xf32> -> tensor<2x4xf32>
  return %p : tensor<2x4xf32>
}

// -----

// Two activations are multiplied: no linear layer.
// CHECK-LABEL: func @matmul_of_activations
func.func @matmul_of_activations(%x: tensor<2x3xf32>, %y: tensor<3x4xf32>) -> tensor<2x4xf32> {
  // CHECK: pi.matmul
  %p = pi.matmul %x, %y : tensor<2x3xf32>, tensor<3x4xf32> -> tensor<2x4xf32>
  return %p : tensor<2x4xf32>
}

// -----

// The weight on the left is no linear layer in this sense either.
// CHECK-LABEL: func @weight_on_the_left
func.func @weight_on_the_left(%x: tensor<3x4xf32>) -> tensor<2x4xf32> {
  %w = pi.weight "w" dense<0.1> : tensor<2x3xf32>
  // CHECK: pi.matmul
  %p = pi.matmul %w, %x : tensor<2x3xf32>, tensor<3x4xf32> -> tensor<2x4xf32>
  return %p : tensor<2x4xf32>
}

// -----

// A residual is no bias, and neither is a row for each token.
// CHECK-LABEL: func @residual_is_no_bias
func.func @residual_is_no_bias(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %w = pi.weight "w" dense<0.1> : tensor<4x4xf32>
  %b = pi.weight "b" dense<0.2> : tensor<2x4xf32>
  // CHECK: %[[P:.*]] = pi.linear
  %p = pi.matmul %x, %w : tensor<2x4xf32>, tensor<4x4xf32> -> tensor<2x4xf32>
  // CHECK: %[[Q:.*]] = pi.add %[[P]]
  %q = pi.add %p, %b : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  // CHECK: pi.add %[[Q]]
  %r = pi.add %q, %x : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  return %r : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: func @product_read_twice
func.func @product_read_twice(%x: tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  %w = pi.weight "w" dense<0.1> : tensor<4x4xf32>
  %b = pi.weight "b" dense<0.2> : tensor<4xf32>
  // CHECK: %[[P:.*]] = pi.linear %{{[^ ]*}}, %w :
  %p = pi.matmul %x, %w : tensor<2x4xf32>, tensor<4x4xf32> -> tensor<2x4xf32>
  // CHECK: pi.add %[[P]]
  %q = pi.add %p, %b : tensor<2x4xf32>, tensor<4xf32> -> tensor<2x4xf32>
  return %p, %q : tensor<2x4xf32>, tensor<2x4xf32>
}

// -----

// Gemm: the batch is flattened before and cut out after.
// CHECK-LABEL: func @gemm_of_a_batch
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x3xf32>)
func.func @gemm_of_a_batch(%x: tensor<1x2x3xf32>) -> tensor<1x2x4xf32> {
  %w = pi.weight "w" dense<0.1> : tensor<3x4xf32>
  %b = pi.weight "b" dense<0.2> : tensor<4xf32>
  %f = pi.reshape %x : tensor<1x2x3xf32> -> tensor<2x3xf32>
  %p = pi.matmul %f, %w : tensor<2x3xf32>, tensor<3x4xf32> -> tensor<2x4xf32>
  %y = pi.add %p, %b : tensor<2x4xf32>, tensor<4xf32> -> tensor<2x4xf32>
  // CHECK-NOT: pi.reshape
  // CHECK: pi.linear %[[X]]
  // CHECK-NEXT: return
  %r = pi.reshape %y : tensor<2x4xf32> -> tensor<1x2x4xf32>
  return %r : tensor<1x2x4xf32>
}

// -----

// A reshape that changes the width belongs to the layer's input.
// CHECK-LABEL: func @reshape_of_the_width
func.func @reshape_of_the_width(%x: tensor<1x3x2xf32>) -> tensor<2x4xf32> {
  %w = pi.weight "w" dense<0.1> : tensor<3x4xf32>
  // CHECK: %[[R:.*]] = pi.reshape
  %f = pi.reshape %x : tensor<1x3x2xf32> -> tensor<2x3xf32>
  // CHECK: pi.linear %[[R]]
  %p = pi.matmul %f, %w : tensor<2x3xf32>, tensor<3x4xf32> -> tensor<2x4xf32>
  return %p : tensor<2x4xf32>
}

// -----

// A matrix that the file holds the other way round is not copied.
// CHECK-LABEL: func @transposed_weight
func.func @transposed_weight(%x: tensor<1x2xf32>) -> tensor<1x3xf32> {
  // CHECK: %[[W:.*]] = pi.weight "w" dense<{{.*}}> : tensor<3x2xf32>
  %w = pi.weight "w" dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  // CHECK: %[[T:.*]] = pi.transpose %[[W]] [1, 0]
  %t = pi.transpose %w [1, 0] : tensor<3x2xf32> -> tensor<2x3xf32>
  // CHECK: pi.linear %{{[^ ]*}}, %[[T]]
  %p = pi.matmul %x, %t : tensor<1x2xf32>, tensor<2x3xf32> -> tensor<1x3xf32>
  return %p : tensor<1x3xf32>
}

// -----

// The transpose of an activation is no weight.
// CHECK-LABEL: func @transposed_activation
func.func @transposed_activation(%x: tensor<1x2xf32>, %y: tensor<3x2xf32>) -> tensor<1x3xf32> {
  %t = pi.transpose %y [1, 0] : tensor<3x2xf32> -> tensor<2x3xf32>
  // CHECK: pi.matmul
  %p = pi.matmul %x, %t : tensor<1x2xf32>, tensor<2x3xf32> -> tensor<1x3xf32>
  return %p : tensor<1x3xf32>
}

// -----

// All rows in order: still the initializer.
// CHECK-LABEL: func @all_positions
func.func @all_positions() -> tensor<1x2x2xf32> {
  %w = pi.weight "wpe" dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %i = pi.constant dense<[[0, 1]]> : tensor<1x2xi64>
  // CHECK: pi.weight "wpe" dense_resource<[[KEY:.*]]> : tensor<1x2x2xf32>
  %e = pi.embedding %w[%i] : tensor<2x2xf32>, tensor<1x2xi64> -> tensor<1x2x2xf32>
  return %e : tensor<1x2x2xf32>
}
// CHECK: [[KEY]]: "0x{{........}}0000803F000000400000404000008040"

// -----

// CHECK-LABEL: func @some_positions
func.func @some_positions() -> (tensor<2x1xf32>, tensor<2x1xf32>) {
  %w = pi.weight "wpe" dense<[[1.0], [2.0], [3.0]]> : tensor<3x1xf32>
  %i = pi.constant dense<[1, 2]> : tensor<2xi64>
  %j = pi.constant dense<[2, 0]> : tensor<2xi64>
  // CHECK: pi.weight "wpe[1:3]"
  %e = pi.embedding %w[%i] : tensor<3x1xf32>, tensor<2xi64> -> tensor<2x1xf32>
  // CHECK: pi.weight "wpe[rows]"
  %f = pi.embedding %w[%j] : tensor<3x1xf32>, tensor<2xi64> -> tensor<2x1xf32>
  return %e, %f : tensor<2x1xf32>, tensor<2x1xf32>
}

// -----

// Token rows stay private.
// CHECK-LABEL: func @tokens
func.func @tokens(%t: tensor<1x2xi64>) -> tensor<1x2x2xf32> {
  %w = pi.weight "wte" dense<0.5> : tensor<3x2xf32>
  // CHECK: pi.embedding
  %e = pi.embedding %w[%t] : tensor<3x2xf32>, tensor<1x2xi64> -> tensor<1x2x2xf32>
  return %e : tensor<1x2x2xf32>
}

// -----

// Data that is not there (elided when printed) is left alone.
// CHECK-LABEL: func @elided
func.func @elided() -> tensor<2x2xf32> {
  %w = pi.weight "w" dense_resource<__elided__> : tensor<3x2xf32>
  %i = pi.constant dense<[1, 2]> : tensor<2xi64>
  // CHECK: pi.embedding
  %t = pi.embedding %w[%i] : tensor<3x2xf32>, tensor<2xi64> -> tensor<2x2xf32>
  return %t : tensor<2x2xf32>
}
