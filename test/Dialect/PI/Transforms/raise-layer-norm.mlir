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

// -----

// LLaMA: times the reciprocal of the root, gamma on the left.
// CHECK-LABEL: func @rms_by_reciprocal
// CHECK-SAME: (%[[X:.*]]: tensor<2x4xf32>)
func.func @rms_by_reciprocal(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %eps = pi.constant dense<1.0e-5> : tensor<f32>
  %g = pi.weight "g" dense<0.5> : tensor<4xf32>
  %x2 = pi.mul %x, %x : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %v = pi.reduce_mean %x2 axes [1] keepdims : tensor<2x4xf32> -> tensor<2x1xf32>
  %e = pi.add %eps, %v : tensor<f32>, tensor<2x1xf32> -> tensor<2x1xf32>
  %one = pi.constant dense<1.0> : tensor<f32>
  %s = pi.sqrt %e : tensor<2x1xf32>
  %r = pi.div %one, %s : tensor<f32>, tensor<2x1xf32> -> tensor<2x1xf32>
  %n = pi.mul %x, %r : tensor<2x4xf32>, tensor<2x1xf32> -> tensor<2x4xf32>
  // CHECK: %[[Y:.*]] = pi.rms_norm %[[X]] gamma %g : tensor<4xf32> epsilon
  // CHECK-NEXT: return %[[Y]]
  %y = pi.mul %g, %n : tensor<4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// Times a negative power, with gamma before it.
// CHECK-LABEL: func @rms_by_power
// CHECK-SAME: (%[[X:.*]]: tensor<2x4xf32>)
func.func @rms_by_power(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %eps = pi.constant dense<1.0e-5> : tensor<f32>
  %g = pi.weight "g" dense<0.5> : tensor<4xf32>
  %x2 = pi.mul %x, %x : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %v = pi.reduce_mean %x2 axes [1] keepdims : tensor<2x4xf32> -> tensor<2x1xf32>
  %e = pi.add %eps, %v : tensor<f32>, tensor<2x1xf32> -> tensor<2x1xf32>
  %p = pi.constant dense<-0.5> : tensor<f32>
  %r = pi.pow %e, %p : tensor<2x1xf32>, tensor<f32> -> tensor<2x1xf32>
  %n = pi.mul %g, %x : tensor<4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  // CHECK: %[[Y:.*]] = pi.rms_norm %[[X]] gamma %g : tensor<4xf32> epsilon
  // CHECK-NEXT: return %[[Y]]
  %y = pi.mul %r, %n : tensor<2x1xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// Gamma multiplies the reciprocal, a root by a power.
// CHECK-LABEL: func @rms_with_gamma_in_the_factor
// CHECK-SAME: (%[[X:.*]]: tensor<2x4xf32>)
func.func @rms_with_gamma_in_the_factor(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %eps = pi.constant dense<1.0e-5> : tensor<f32>
  %g = pi.weight "g" dense<0.5> : tensor<4xf32>
  %x2 = pi.mul %x, %x : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %v = pi.reduce_mean %x2 axes [1] keepdims : tensor<2x4xf32> -> tensor<2x1xf32>
  %e = pi.add %eps, %v : tensor<f32>, tensor<2x1xf32> -> tensor<2x1xf32>
  %one = pi.constant dense<1.0> : tensor<f32>
  %p = pi.constant dense<0.5> : tensor<f32>
  %s = pi.pow %e, %p : tensor<2x1xf32>, tensor<f32> -> tensor<2x1xf32>
  %r = pi.div %one, %s : tensor<f32>, tensor<2x1xf32> -> tensor<2x1xf32>
  %rg = pi.mul %r, %g : tensor<2x1xf32>, tensor<4xf32> -> tensor<2x4xf32>
  // CHECK: %[[Y:.*]] = pi.rms_norm %[[X]] gamma %g : tensor<4xf32> epsilon
  // CHECK-NEXT: return %[[Y]]
  %y = pi.mul %x, %rg : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// Gamma first, then the quotient.
// CHECK-LABEL: func @divided_after_gamma
// CHECK-SAME: (%[[X:.*]]: tensor<2x4xf32>)
func.func @divided_after_gamma(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %eps = pi.constant dense<1.0e-5> : tensor<f32>
  %g = pi.weight "g" dense<0.5> : tensor<4xf32>
  %x2 = pi.mul %x, %x : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %v = pi.reduce_mean %x2 axes [1] keepdims : tensor<2x4xf32> -> tensor<2x1xf32>
  %e = pi.add %eps, %v : tensor<f32>, tensor<2x1xf32> -> tensor<2x1xf32>
  %s = pi.sqrt %e : tensor<2x1xf32>
  %n = pi.mul %x, %g : tensor<2x4xf32>, tensor<4xf32> -> tensor<2x4xf32>
  // CHECK: %[[Y:.*]] = pi.rms_norm %[[X]] gamma %g : tensor<4xf32> epsilon
  // CHECK-NEXT: return %[[Y]]
  %y = pi.div %n, %s : tensor<2x4xf32>, tensor<2x1xf32> -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// LayerNorm with the reciprocal.
// CHECK-LABEL: func @layer_norm_by_reciprocal
// CHECK-SAME: (%[[X:.*]]: tensor<2x4xf32>)
func.func @layer_norm_by_reciprocal(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %one = pi.constant dense<1.0> : tensor<f32>
  %eps = pi.constant dense<1.0e-5> : tensor<f32>
  %m = pi.reduce_mean %x axes [1] keepdims : tensor<2x4xf32> -> tensor<2x1xf32>
  %c = pi.sub %x, %m : tensor<2x4xf32>, tensor<2x1xf32> -> tensor<2x4xf32>
  %c2 = pi.mul %c, %c : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %v = pi.reduce_mean %c2 axes [1] keepdims : tensor<2x4xf32> -> tensor<2x1xf32>
  %e = pi.add %v, %eps : tensor<2x1xf32>, tensor<f32> -> tensor<2x1xf32>
  %s = pi.sqrt %e : tensor<2x1xf32>
  %r = pi.div %one, %s : tensor<f32>, tensor<2x1xf32> -> tensor<2x1xf32>
  // CHECK: %[[Y:.*]] = pi.layer_norm %[[X]] epsilon
  // CHECK-NEXT: return %[[Y]]
  %y = pi.mul %c, %r : tensor<2x4xf32>, tensor<2x1xf32> -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// Twice the reciprocal is no norm: its factor is no gamma.
// CHECK-LABEL: func @reciprocal_of_two
// CHECK-SAME: (%[[X:.*]]: tensor<2x4xf32>)
func.func @reciprocal_of_two(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %eps = pi.constant dense<1.0e-5> : tensor<f32>
  %g = pi.weight "g" dense<0.5> : tensor<4xf32>
  %x2 = pi.mul %x, %x : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %v = pi.reduce_mean %x2 axes [1] keepdims : tensor<2x4xf32> -> tensor<2x1xf32>
  %e = pi.add %eps, %v : tensor<f32>, tensor<2x1xf32> -> tensor<2x1xf32>
  %two = pi.constant dense<2.0> : tensor<f32>
  %s = pi.sqrt %e : tensor<2x1xf32>
  %r = pi.div %two, %s : tensor<f32>, tensor<2x1xf32> -> tensor<2x1xf32>
  // CHECK-NOT: pi.rms_norm
  // CHECK: pi.sqrt
  %y = pi.mul %x, %r : tensor<2x4xf32>, tensor<2x1xf32> -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// Times the root instead of its reciprocal.
// CHECK-LABEL: func @product_with_the_root
// CHECK-SAME: (%[[X:.*]]: tensor<2x4xf32>)
func.func @product_with_the_root(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %eps = pi.constant dense<1.0e-5> : tensor<f32>
  %g = pi.weight "g" dense<0.5> : tensor<4xf32>
  %x2 = pi.mul %x, %x : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %v = pi.reduce_mean %x2 axes [1] keepdims : tensor<2x4xf32> -> tensor<2x1xf32>
  %e = pi.add %eps, %v : tensor<f32>, tensor<2x1xf32> -> tensor<2x1xf32>
  %s = pi.sqrt %e : tensor<2x1xf32>
  // CHECK-NOT: pi.rms_norm
  // CHECK: pi.sqrt
  %y = pi.mul %x, %s : tensor<2x4xf32>, tensor<2x1xf32> -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}
