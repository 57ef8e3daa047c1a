// RUN: aero-opt %s --pass-pipeline='builtin.module(func.func(pi-raise))' --split-input-file | FileCheck %s

// CHECK-LABEL: func @layer_norm
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x4xf32>)
func.func @layer_norm(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  // CHECK-DAG: %[[G:.*]] = pi.weight "gamma"
  // CHECK-DAG: %[[B:.*]] = pi.weight "beta"
  %g = pi.weight "gamma" dense<1.5> : tensor<4xf32>
  %b = pi.weight "beta" dense<0.5> : tensor<4xf32>
  %two = pi.constant dense<2.0> : tensor<f32>
  %eps = pi.constant dense<1.0e-3> : tensor<f32>
  %m = pi.reduce_mean %x axes [2] keepdims : tensor<1x2x4xf32> -> tensor<1x2x1xf32>
  %c = pi.sub %x, %m : tensor<1x2x4xf32>, tensor<1x2x1xf32> -> tensor<1x2x4xf32>
  %s = pi.pow %c, %two : tensor<1x2x4xf32>, tensor<f32> -> tensor<1x2x4xf32>
  %v = pi.reduce_mean %s axes [2] keepdims : tensor<1x2x4xf32> -> tensor<1x2x1xf32>
  %e = pi.add %v, %eps : tensor<1x2x1xf32>, tensor<f32> -> tensor<1x2x1xf32>
  %r = pi.sqrt %e : tensor<1x2x1xf32>
  %d = pi.div %c, %r : tensor<1x2x4xf32>, tensor<1x2x1xf32> -> tensor<1x2x4xf32>
  %n = pi.mul %d, %g : tensor<1x2x4xf32>, tensor<4xf32> -> tensor<1x2x4xf32>
  // CHECK-NOT: pi.{{sub|div|sqrt|pow|mul|add|reduce_mean}}
  // CHECK: %[[Y:.*]] = pi.layer_norm %[[X]] gamma %[[G]] : tensor<4xf32> beta %[[B]] : tensor<4xf32> epsilon 1.000000e-03
  %y = pi.add %n, %b : tensor<1x2x4xf32>, tensor<4xf32> -> tensor<1x2x4xf32>
  // CHECK: return %[[Y]]
  return %y : tensor<1x2x4xf32>
}

// -----

// The square as a product, the centring twice, operands the other way round.
// CHECK-LABEL: func @other_order
func.func @other_order(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %g = pi.weight "gamma" dense<1.5> : tensor<4xf32>
  %b = pi.weight "beta" dense<0.5> : tensor<4xf32>
  %eps = pi.constant dense<1.0e-3> : tensor<f32>
  %m = pi.reduce_mean %x axes [2] keepdims : tensor<1x2x4xf32> -> tensor<1x2x1xf32>
  %c = pi.sub %x, %m : tensor<1x2x4xf32>, tensor<1x2x1xf32> -> tensor<1x2x4xf32>
  %c2 = pi.sub %x, %m : tensor<1x2x4xf32>, tensor<1x2x1xf32> -> tensor<1x2x4xf32>
  %s = pi.mul %c, %c : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  %v = pi.reduce_mean %s axes [2] keepdims : tensor<1x2x4xf32> -> tensor<1x2x1xf32>
  %e = pi.add %eps, %v : tensor<f32>, tensor<1x2x1xf32> -> tensor<1x2x1xf32>
  %r = pi.sqrt %e : tensor<1x2x1xf32>
  %d = pi.div %c2, %r : tensor<1x2x4xf32>, tensor<1x2x1xf32> -> tensor<1x2x4xf32>
  %n = pi.mul %g, %d : tensor<4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  // CHECK: pi.layer_norm %{{.*}} gamma %{{.*}} beta
  // CHECK-NEXT: return
  %y = pi.add %b, %n : tensor<4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

// CHECK-LABEL: func @no_gamma_and_beta
func.func @no_gamma_and_beta(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %two = pi.constant dense<2.0> : tensor<f32>
  %eps = pi.constant dense<0.0> : tensor<1xf32>
  %m = pi.reduce_mean %x axes [1] keepdims : tensor<2x4xf32> -> tensor<2x1xf32>
  %c = pi.sub %x, %m : tensor<2x4xf32>, tensor<2x1xf32> -> tensor<2x4xf32>
  %s = pi.pow %c, %two : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  %v = pi.reduce_mean %s axes [1] keepdims : tensor<2x4xf32> -> tensor<2x1xf32>
  %tiny = pi.constant dense<1.0e-5> : tensor<1xf32>
  %e = pi.add %v, %tiny : tensor<2x1xf32>, tensor<1xf32> -> tensor<2x1xf32>
  %r = pi.sqrt %e : tensor<2x1xf32>
  // CHECK: %[[Y:.*]] = pi.layer_norm %{{[^ ]*}} epsilon
  // CHECK-NEXT: return %[[Y]]
  %y = pi.div %c, %r : tensor<2x4xf32>, tensor<2x1xf32> -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// A norm that somebody else reads as well must stay what it is.
// CHECK-LABEL: func @scaled_norm_used_twice
func.func @scaled_norm_used_twice(%x: tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  %g = pi.weight "gamma" dense<1.5> : tensor<4xf32>
  // CHECK: %[[N:.*]] = pi.layer_norm %{{[^ ]*}} epsilon
  %n = pi.layer_norm %x epsilon 1.0e-5 : tensor<2x4xf32>
  // CHECK: %[[Y:.*]] = pi.mul %[[N]]
  %y = pi.mul %n, %g : tensor<2x4xf32>, tensor<4xf32> -> tensor<2x4xf32>
  // CHECK: return %[[N]], %[[Y]]
  return %n, %y : tensor<2x4xf32>, tensor<2x4xf32>
}

// -----

// A learned scalar is no gamma.
// CHECK-LABEL: func @scalar_scale
func.func @scalar_scale(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %g = pi.weight "beta_l" dense<1.5> : tensor<f32>
  %n = pi.layer_norm %x epsilon 1.0e-5 : tensor<2x4xf32>
  // CHECK: pi.mul
  %y = pi.mul %n, %g : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// Shifted first, scaled afterwards: gamma would scale the shift too.
// CHECK-LABEL: func @shift_before_scale
func.func @shift_before_scale(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %g = pi.weight "gamma" dense<1.5> : tensor<4xf32>
  %b = pi.weight "beta" dense<0.5> : tensor<4xf32>
  %n = pi.layer_norm %x epsilon 1.0e-5 : tensor<2x4xf32>
  // CHECK: %[[N:.*]] = pi.layer_norm %{{[^ ]*}} beta
  %s = pi.add %n, %b : tensor<2x4xf32>, tensor<4xf32> -> tensor<2x4xf32>
  // CHECK: pi.mul %[[N]]
  %y = pi.mul %s, %g : tensor<2x4xf32>, tensor<4xf32> -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: func @mean_over_another_dimension
func.func @mean_over_another_dimension(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %two = pi.constant dense<2.0> : tensor<f32>
  %eps = pi.constant dense<1.0e-5> : tensor<f32>
  %m = pi.reduce_mean %x axes [0] keepdims : tensor<2x4xf32> -> tensor<1x4xf32>
  %c = pi.sub %x, %m : tensor<2x4xf32>, tensor<1x4xf32> -> tensor<2x4xf32>
  %s = pi.pow %c, %two : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  %v = pi.reduce_mean %s axes [0] keepdims : tensor<2x4xf32> -> tensor<1x4xf32>
  %e = pi.add %v, %eps : tensor<1x4xf32>, tensor<f32> -> tensor<1x4xf32>
  %r = pi.sqrt %e : tensor<1x4xf32>
  // CHECK-NOT: _norm
  // CHECK: pi.div
  %y = pi.div %c, %r : tensor<2x4xf32>, tensor<1x4xf32> -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: func @cube_instead_of_square
func.func @cube_instead_of_square(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %three = pi.constant dense<3.0> : tensor<f32>
  %eps = pi.constant dense<1.0e-5> : tensor<f32>
  %m = pi.reduce_mean %x axes [1] keepdims : tensor<2x4xf32> -> tensor<2x1xf32>
  %c = pi.sub %x, %m : tensor<2x4xf32>, tensor<2x1xf32> -> tensor<2x4xf32>
  %s = pi.pow %c, %three : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  %v = pi.reduce_mean %s axes [1] keepdims : tensor<2x4xf32> -> tensor<2x1xf32>
  %e = pi.add %v, %eps : tensor<2x1xf32>, tensor<f32> -> tensor<2x1xf32>
  %r = pi.sqrt %e : tensor<2x1xf32>
  // CHECK-NOT: _norm
  // CHECK: pi.div
  %y = pi.div %c, %r : tensor<2x4xf32>, tensor<2x1xf32> -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// Divided is something else than what the variance is of.
// CHECK-LABEL: func @variance_of_another_value
func.func @variance_of_another_value(%x: tensor<2x4xf32>, %z: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %two = pi.constant dense<2.0> : tensor<f32>
  %eps = pi.constant dense<1.0e-5> : tensor<f32>
  %m = pi.reduce_mean %x axes [1] keepdims : tensor<2x4xf32> -> tensor<2x1xf32>
  %c = pi.sub %x, %m : tensor<2x4xf32>, tensor<2x1xf32> -> tensor<2x4xf32>
  %s = pi.pow %c, %two : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  %v = pi.reduce_mean %s axes [1] keepdims : tensor<2x4xf32> -> tensor<2x1xf32>
  %e = pi.add %v, %eps : tensor<2x1xf32>, tensor<f32> -> tensor<2x1xf32>
  %r = pi.sqrt %e : tensor<2x1xf32>
  // CHECK-NOT: _norm
  // CHECK: pi.div
  %y = pi.div %z, %r : tensor<2x4xf32>, tensor<2x1xf32> -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// Nothing is subtracted: RMSNorm.
// CHECK-LABEL: func @rms_norm
// CHECK-SAME: (%[[X:.*]]: tensor<2x4xf32>)
func.func @rms_norm(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK: %[[G:.*]] = pi.weight "gamma"
  %g = pi.weight "gamma" dense<1.5> : tensor<4xf32>
  %two = pi.constant dense<2.0> : tensor<f32>
  %eps = pi.constant dense<1.0e-3> : tensor<f32>
  %s = pi.pow %x, %two : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  %v = pi.reduce_mean %s axes [1] keepdims : tensor<2x4xf32> -> tensor<2x1xf32>
  %e = pi.add %v, %eps : tensor<2x1xf32>, tensor<f32> -> tensor<2x1xf32>
  %r = pi.sqrt %e : tensor<2x1xf32>
  %d = pi.div %x, %r : tensor<2x4xf32>, tensor<2x1xf32> -> tensor<2x4xf32>
  // CHECK: pi.rms_norm %[[X]] gamma %[[G]] : tensor<4xf32> epsilon 1.000000e-03
  // CHECK-NEXT: return
  %y = pi.mul %d, %g : tensor<2x4xf32>, tensor<4xf32> -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}
