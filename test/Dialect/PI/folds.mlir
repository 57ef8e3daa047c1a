// RUN: aero-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: func @neutral_elements
// CHECK-SAME: (%[[X:.*]]: tensor<2x3xf32>)
func.func @neutral_elements(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %zero = pi.constant dense<0.0> : tensor<f32>
  %one = pi.constant dense<1.0> : tensor<3xf32>
  %0 = pi.add %x, %zero : tensor<2x3xf32>, tensor<f32> -> tensor<2x3xf32>
  %1 = pi.add %zero, %0 : tensor<f32>, tensor<2x3xf32> -> tensor<2x3xf32>
  %2 = pi.sub %1, %zero : tensor<2x3xf32>, tensor<f32> -> tensor<2x3xf32>
  %3 = pi.mul %2, %one : tensor<2x3xf32>, tensor<3xf32> -> tensor<2x3xf32>
  %4 = pi.mul %one, %3 : tensor<3xf32>, tensor<2x3xf32> -> tensor<2x3xf32>
  %5 = pi.div %4, %one : tensor<2x3xf32>, tensor<3xf32> -> tensor<2x3xf32>
  // CHECK-NEXT: return %[[X]]
  return %5 : tensor<2x3xf32>
}

// 0 - x and 1 / x are not x.
// CHECK-LABEL: func @not_neutral_on_the_left
func.func @not_neutral_on_the_left(%x: tensor<2xf32>) -> tensor<2xf32> {
  %zero = pi.constant dense<0.0> : tensor<2xf32>
  %one = pi.constant dense<1.0> : tensor<2xf32>
  // CHECK: pi.sub
  %0 = pi.sub %zero, %x : tensor<2xf32>, tensor<2xf32> -> tensor<2xf32>
  // CHECK: pi.div
  %1 = pi.div %one, %0 : tensor<2xf32>, tensor<2xf32> -> tensor<2xf32>
  return %1 : tensor<2xf32>
}

// CHECK-LABEL: func @other_constants
func.func @other_constants(%x: tensor<2xf32>) -> tensor<2xf32> {
  %one = pi.constant dense<1.0> : tensor<f32>
  %zero = pi.constant dense<0.0> : tensor<f32>
  %mixed = pi.constant dense<[0.0, 1.0]> : tensor<2xf32>
  // CHECK: pi.add
  %0 = pi.add %x, %one : tensor<2xf32>, tensor<f32> -> tensor<2xf32>
  // CHECK: pi.sub
  %1 = pi.sub %0, %mixed : tensor<2xf32>, tensor<2xf32> -> tensor<2xf32>
  // CHECK: pi.mul
  %2 = pi.mul %1, %zero : tensor<2xf32>, tensor<f32> -> tensor<2xf32>
  // CHECK: pi.div
  %3 = pi.div %2, %zero : tensor<2xf32>, tensor<f32> -> tensor<2xf32>
  return %3 : tensor<2xf32>
}

// The sum has another shape than x.
// CHECK-LABEL: func @broadcast_by_zero
func.func @broadcast_by_zero(%x: tensor<3xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>) {
  %zero = pi.constant dense<0.0> : tensor<2x3xf32>
  %one = pi.constant dense<1.0> : tensor<2x3xf32>
  // CHECK: pi.add
  %0 = pi.add %x, %zero : tensor<3xf32>, tensor<2x3xf32> -> tensor<2x3xf32>
  // CHECK: pi.mul
  %1 = pi.mul %x, %one : tensor<3xf32>, tensor<2x3xf32> -> tensor<2x3xf32>
  return %0, %1 : tensor<2x3xf32>, tensor<2x3xf32>
}

// The program must not depend on the server's values.
// CHECK-LABEL: func @weights_are_secret
func.func @weights_are_secret(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %zero = pi.weight "zero" dense<0.0> : tensor<3xf32>
  %one = pi.weight "one" dense<1.0> : tensor<3xf32>
  %w = pi.weight "w" dense<1.0> : tensor<3x3xf32>
  // CHECK: pi.add
  %0 = pi.add %x, %zero : tensor<2x3xf32>, tensor<3xf32> -> tensor<2x3xf32>
  // CHECK: pi.mul
  %1 = pi.mul %0, %one : tensor<2x3xf32>, tensor<3xf32> -> tensor<2x3xf32>
  // CHECK: pi.linear {{.*}} bias %zero
  %2 = pi.linear %1, %w bias %zero : tensor<3xf32> : tensor<2x3xf32>, tensor<3x3xf32> -> tensor<2x3xf32>
  return %2 : tensor<2x3xf32>
}

// CHECK-LABEL: func @zero_bias
// CHECK-SAME: (%[[X:.*]]: tensor<2x3xf32>, %[[W:.*]]: tensor<3x4xf32>)
func.func @zero_bias(%x: tensor<2x3xf32>, %w: tensor<3x4xf32>) -> tensor<2x4xf32> {
  %zero = pi.constant dense<0.0> : tensor<4xf32>
  // CHECK-NEXT: pi.linear %[[X]], %[[W]] : tensor<2x3xf32>, tensor<3x4xf32>
  %0 = pi.linear %x, %w bias %zero : tensor<4xf32> : tensor<2x3xf32>, tensor<3x4xf32> -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// CHECK-LABEL: func @other_biases
func.func @other_biases(%x: tensor<2x3xf32>, %w: tensor<3x4xf32>, %b: tensor<4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  %one = pi.constant dense<1.0> : tensor<4xf32>
  // CHECK: pi.linear {{.*}} bias
  %0 = pi.linear %x, %w bias %one : tensor<4xf32> : tensor<2x3xf32>, tensor<3x4xf32> -> tensor<2x4xf32>
  // CHECK: pi.linear {{.*}} bias
  %1 = pi.linear %x, %w bias %b : tensor<4xf32> : tensor<2x3xf32>, tensor<3x4xf32> -> tensor<2x4xf32>
  return %0, %1 : tensor<2x4xf32>, tensor<2x4xf32>
}

// CHECK-LABEL: func @reshape_of_reshape
// CHECK-SAME: (%[[X:.*]]: tensor<2x3xf32>)
func.func @reshape_of_reshape(%x: tensor<2x3xf32>) -> tensor<3x2xf32> {
  %0 = pi.reshape %x : tensor<2x3xf32> -> tensor<6xf32>
  // CHECK-NEXT: pi.reshape %[[X]] : tensor<2x3xf32> -> tensor<3x2xf32>
  %1 = pi.reshape %0 : tensor<6xf32> -> tensor<3x2xf32>
  return %1 : tensor<3x2xf32>
}

// CHECK-LABEL: func @reshape_there_and_back
// CHECK-SAME: (%[[X:.*]]: tensor<2x3xf32>)
func.func @reshape_there_and_back(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = pi.reshape %x : tensor<2x3xf32> -> tensor<6xf32>
  %1 = pi.reshape %0 : tensor<6xf32> -> tensor<2x3xf32>
  // CHECK-NEXT: return %[[X]]
  return %1 : tensor<2x3xf32>
}

// CHECK-LABEL: func @reshape_of_constant
func.func @reshape_of_constant() -> (tensor<4xf32>, tensor<4xi64>) {
  %0 = pi.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %1 = pi.constant dense<7> : tensor<2x2xi64>
  // CHECK-DAG: %[[F:.*]] = pi.constant dense<[1.000000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00]> : tensor<4xf32>
  // CHECK-DAG: %[[I:.*]] = pi.constant dense<7> : tensor<4xi64>
  %2 = pi.reshape %0 : tensor<2x2xf32> -> tensor<4xf32>
  %3 = pi.reshape %1 : tensor<2x2xi64> -> tensor<4xi64>
  // CHECK: return %[[F]], %[[I]]
  return %2, %3 : tensor<4xf32>, tensor<4xi64>
}

// CHECK-LABEL: func @reshape_of_weight
func.func @reshape_of_weight() -> tensor<4xf32> {
  %0 = pi.weight "w" dense<1.0> : tensor<2x2xf32>
  // CHECK: pi.reshape
  %1 = pi.reshape %0 : tensor<2x2xf32> -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// CHECK-LABEL: func @transpose_by_identity
// CHECK-SAME: (%[[X:.*]]: tensor<2x2xf32>)
func.func @transpose_by_identity(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %0 = pi.transpose %x [0, 1] : tensor<2x2xf32> -> tensor<2x2xf32>
  // CHECK-NEXT: return %[[X]]
  return %0 : tensor<2x2xf32>
}

// The types are the same, the values are not.
// CHECK-LABEL: func @transpose_of_square
func.func @transpose_of_square(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  // CHECK: pi.transpose
  %0 = pi.transpose %x [1, 0] : tensor<2x2xf32> -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

// CHECK-LABEL: func @transpose_of_transpose
// CHECK-SAME: (%[[X:.*]]: tensor<2x3x4xf32>)
func.func @transpose_of_transpose(%x: tensor<2x3x4xf32>) -> tensor<4x3x2xf32> {
  %0 = pi.transpose %x [1, 2, 0] : tensor<2x3x4xf32> -> tensor<3x4x2xf32>
  // CHECK-NEXT: pi.transpose %[[X]] [2, 1, 0] : tensor<2x3x4xf32> -> tensor<4x3x2xf32>
  %1 = pi.transpose %0 [1, 0, 2] : tensor<3x4x2xf32> -> tensor<4x3x2xf32>
  return %1 : tensor<4x3x2xf32>
}

// CHECK-LABEL: func @transpose_there_and_back
// CHECK-SAME: (%[[X:.*]]: tensor<2x3x4xf32>)
func.func @transpose_there_and_back(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  %0 = pi.transpose %x [1, 2, 0] : tensor<2x3x4xf32> -> tensor<3x4x2xf32>
  %1 = pi.transpose %0 [2, 0, 1] : tensor<3x4x2xf32> -> tensor<2x3x4xf32>
  // CHECK-NEXT: return %[[X]]
  return %1 : tensor<2x3x4xf32>
}

// CHECK-LABEL: func @slice_of_everything
// CHECK-SAME: (%[[X:.*]]: tensor<2x3xf32>)
func.func @slice_of_everything(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = pi.slice %x axis 1 offset 0 : tensor<2x3xf32> -> tensor<2x3xf32>
  // CHECK-NEXT: return %[[X]]
  return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: func @slice_of_slice
// CHECK-SAME: (%[[X:.*]]: tensor<2x9xf32>)
func.func @slice_of_slice(%x: tensor<2x9xf32>) -> tensor<2x1xf32> {
  %0 = pi.slice %x axis 1 offset 3 : tensor<2x9xf32> -> tensor<2x4xf32>
  // CHECK-NEXT: pi.slice %[[X]] axis 1 offset 5 : tensor<2x9xf32> -> tensor<2x1xf32>
  %1 = pi.slice %0 axis 1 offset 2 : tensor<2x4xf32> -> tensor<2x1xf32>
  return %1 : tensor<2x1xf32>
}

// CHECK-LABEL: func @slice_of_slice_across
func.func @slice_of_slice_across(%x: tensor<2x9xf32>) -> tensor<1x4xf32> {
  // CHECK-COUNT-2: pi.slice
  %0 = pi.slice %x axis 1 offset 3 : tensor<2x9xf32> -> tensor<2x4xf32>
  %1 = pi.slice %0 axis 0 offset 1 : tensor<2x4xf32> -> tensor<1x4xf32>
  return %1 : tensor<1x4xf32>
}

// CHECK-LABEL: func @cast_to_the_same
// CHECK-SAME: (%[[X:.*]]: tensor<2xi64>)
func.func @cast_to_the_same(%x: tensor<2xi64>) -> tensor<2xi64> {
  %0 = pi.cast %x : tensor<2xi64> -> tensor<2xi64>
  // CHECK-NEXT: return %[[X]]
  return %0 : tensor<2xi64>
}

// CHECK-LABEL: func @cast_to_another
func.func @cast_to_another(%x: tensor<2xi64>) -> tensor<2xf32> {
  // CHECK: pi.cast
  %0 = pi.cast %x : tensor<2xi64> -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// CHECK-LABEL: func @broadcast_to_the_same
// CHECK-SAME: (%[[X:.*]]: tensor<2xf32>)
func.func @broadcast_to_the_same(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<1x2xf32>) {
  %0 = pi.broadcast %x : tensor<2xf32> -> tensor<2xf32>
  // CHECK: %[[Y:.*]] = pi.broadcast
  %1 = pi.broadcast %0 : tensor<2xf32> -> tensor<1x2xf32>
  // CHECK: return %[[X]], %[[Y]]
  return %0, %1 : tensor<2xf32>, tensor<1x2xf32>
}

// CHECK-LABEL: func @take_of_a_range
// CHECK-SAME: (%[[X:.*]]: tensor<2x9xf32>)
func.func @take_of_a_range(%x: tensor<2x9xf32>) -> (tensor<2x3xf32>, tensor<2x2xf32>, tensor<2x2xf32>) {
  // CHECK: pi.slice %[[X]] axis 1 offset 4 : tensor<2x9xf32> -> tensor<2x3xf32>
  %0 = pi.take %x axis 1 at [4, 5, 6] : tensor<2x9xf32> -> tensor<2x3xf32>
  // CHECK: pi.take %[[X]] axis 1 at [4, 6]
  %1 = pi.take %x axis 1 at [4, 6] : tensor<2x9xf32> -> tensor<2x2xf32>
  // CHECK: pi.take %[[X]] axis 1 at [1, 0]
  %2 = pi.take %x axis 1 at [1, 0] : tensor<2x9xf32> -> tensor<2x2xf32>
  return %0, %1, %2 : tensor<2x3xf32>, tensor<2x2xf32>, tensor<2x2xf32>
}

// Integers have no float that is neutral.
// CHECK-LABEL: func @positions
func.func @positions(%x: tensor<2xi64>) -> tensor<2xi64> {
  %two = pi.constant dense<2> : tensor<i64>
  // CHECK: pi.add
  %0 = pi.add %x, %two : tensor<2xi64>, tensor<i64> -> tensor<2xi64>
  return %0 : tensor<2xi64>
}
