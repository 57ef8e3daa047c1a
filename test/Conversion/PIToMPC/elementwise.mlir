// RUN: aero-opt %s --split-input-file --convert-pi-to-mpc | FileCheck %s

// Either operand may be the weight.
// CHECK-LABEL: func.func @mul_by_weight(
// CHECK: %[[W:.*]] = mpc.weight "w" {{.*}} : <4, f = 20>
// CHECK-NEXT: mpc.mul_weight %{{.*}}, %[[W]] : <8x4, f = 16>, <4, f = 20> -> <8x4, f = 36>
func.func @mul_by_weight(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %w = pi.weight "w" dense<0.5> : tensor<4xf32>
  %1 = pi.mul %w, %0 : tensor<4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  return %1 : tensor<1x8x4xf32>
}

// -----

// One number is a row of it.
// CHECK-LABEL: func.func @mul_by_scalar(
// CHECK: %[[W:.*]] = mpc.weight "w" {{.*}} : tensor<4xf32> : <4, f = 20>
// CHECK-NEXT: mpc.mul_weight %{{.*}}, %[[W]] : <8x4, f = 16>, <4, f = 20> -> <8x4, f = 36>
func.func @mul_by_scalar(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %w = pi.weight "w" dense<0.5> : tensor<f32>
  %1 = pi.mul %0, %w : tensor<1x8x4xf32>, tensor<f32> -> tensor<1x8x4xf32>
  return %1 : tensor<1x8x4xf32>
}

// -----

// Broadcasting ignores leading dimensions of 1.
// CHECK-LABEL: func.func @mul_by_leading_ones(
// CHECK: %[[W:.*]] = mpc.weight "w" {{.*}} : tensor<8x4xf32> : <8x4, f = 20>
// CHECK-NEXT: mpc.mul_weight %{{.*}}, %[[W]] : <8x4, f = 16>, <8x4, f = 20> -> <8x4, f = 36>
func.func @mul_by_leading_ones(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %w = pi.weight "w" dense<0.5> : tensor<1x8x4xf32>
  %1 = pi.mul %0, %w : tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  return %1 : tensor<1x8x4xf32>
}

// -----

// A matrix keeps the dimension that an element-wise factor drops.
// CHECK-LABEL: func.func @one_weight_in_two_products(
// CHECK: %[[M:.*]] = mpc.weight "w" {{.*}} : tensor<1x4xf32> : <1x4, f = 20>
// CHECK-NEXT: %[[L:.*]] = mpc.linear %{{.*}}, %[[M]]
// CHECK: %[[W:.*]] = mpc.weight "w" {{.*}} : tensor<4xf32> : <4, f = 20>
// CHECK-NEXT: mpc.mul_weight %{{.*}}, %[[W]]
func.func @one_weight_in_two_products(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x1xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x1xf32>, tensor<1x8xi64> -> tensor<1x8x1xf32>
  %w = pi.weight "w" dense<0.5> : tensor<1x4xf32>
  %1 = pi.linear %0, %w : tensor<1x8x1xf32>, tensor<1x4xf32> -> tensor<1x8x4xf32>
  %2 = pi.mul %1, %w : tensor<1x8x4xf32>, tensor<1x4xf32> -> tensor<1x8x4xf32>
  return %2 : tensor<1x8x4xf32>
}

// -----

// A gate: both factors are activations, and the product is truncated by their scale.
// CHECK-LABEL: func.func @private_product(
// CHECK: %[[L:.*]] = mpc.linear
// CHECK: %[[T:.*]] = mpc.trunc %[[L]] by 20
// CHECK-NEXT: %[[P:.*]] = mpc.mul %[[T]], %{{.*}} : <8x4, f = 16>, <8x4, f = 16> -> <8x4, f = 32>
// CHECK-NEXT: %[[U:.*]] = mpc.trunc %[[P]] by 16 : <8x4, f = 32> -> <8x4, f = 16>
// CHECK-NEXT: mpc.linear %[[U]]
// CHECK-NOT: mpc.mul_weight
func.func @private_product(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %w = pi.weight "w" dense<0.5> : tensor<4x4xf32>
  %1 = pi.linear %0, %w : tensor<1x8x4xf32>, tensor<4x4xf32> -> tensor<1x8x4xf32>
  %2 = pi.mul %1, %0 : tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  %3 = pi.linear %2, %w : tensor<1x8x4xf32>, tensor<4x4xf32> -> tensor<1x8x4xf32>
  return %3 : tensor<1x8x4xf32>
}

// -----

// At the scale that both have, or that of activations.
// CHECK-LABEL: func.func @sub(
// CHECK: %[[L:.*]] = mpc.linear
// CHECK-NEXT: mpc.sub %[[L]], %[[L]] : <8x4, f = 36>
// CHECK: %[[T:.*]] = mpc.trunc %[[L]] by 20
// CHECK-NEXT: mpc.sub %[[T]], %{{.*}} : <8x4, f = 16>
func.func @sub(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %w = pi.weight "w" dense<0.5> : tensor<4x4xf32>
  %1 = pi.linear %0, %w : tensor<1x8x4xf32>, tensor<4x4xf32> -> tensor<1x8x4xf32>
  %2 = pi.sub %1, %1 : tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  %3 = pi.sub %1, %0 : tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  return %3 : tensor<1x8x4xf32>
}

// -----

// Parts have one scale, that of activations.
// CHECK-LABEL: func.func @concat(
// CHECK: %[[L:.*]] = mpc.linear
// CHECK-NEXT: %[[T:.*]] = mpc.trunc %[[L]] by 20
// CHECK-NEXT: mpc.concat %[[T]], %{{.*}} axis 1 : !mpc.share<8x4, f = 16>, !mpc.share<8x4, f = 16> -> <8x8, f = 16>
func.func @concat(%tokens: tensor<1x8xi64>) -> tensor<1x8x8xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %w = pi.weight "w" dense<0.5> : tensor<4x4xf32>
  %1 = pi.linear %0, %w : tensor<1x8x4xf32>, tensor<4x4xf32> -> tensor<1x8x4xf32>
  %2 = pi.concat %1, %0 axis 2 : tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x8xf32>
  return %2 : tensor<1x8x8xf32>
}

// -----

// At any scale; the batch of 1 is no dimension.
// CHECK-LABEL: func.func @transpose(
// CHECK: %[[L:.*]] = mpc.linear
// CHECK-NEXT: mpc.transpose %[[L]] [1, 0] : <8x4, f = 36> -> <4x8, f = 36>
func.func @transpose(%tokens: tensor<1x8xi64>) -> tensor<1x4x8xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %w = pi.weight "w" dense<0.5> : tensor<4x4xf32>
  %1 = pi.linear %0, %w : tensor<1x8x4xf32>, tensor<4x4xf32> -> tensor<1x8x4xf32>
  %2 = pi.transpose %1 [0, 2, 1] : tensor<1x8x4xf32> -> tensor<1x4x8xf32>
  return %2 : tensor<1x4x8xf32>
}
