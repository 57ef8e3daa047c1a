// RUN: aero-opt %s --split-input-file --convert-pi-to-mpc | FileCheck %s

// What pi-fold-scaling leaves: the gain and the bias are in later weights. An
// epsilon of 4 * 1e-5 is 671 units of 2^-24; the secure form takes no less than
// 1024. The logits are never truncated.
// CHECK-LABEL: func.func @without_gain(
// CHECK: %[[X:.*]] = mpc.extend
// CHECK-NEXT: %[[N:.*]] = mpc.normalize %[[X]] centred epsilon 1024 : <8x4, f = 16> -> <8x4, f = 44>
// CHECK-NEXT: mpc.reveal %[[N]] : <8x4, f = 44>
func.func @without_gain(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %1 = pi.layer_norm %0 epsilon 1.0e-5 : tensor<1x8x4xf32>
  return %1 : tensor<1x8x4xf32>
}

// -----

// The bias is added at the scale of the product with the gain. 4 * 0.25 is 2^24
// units.
// CHECK-LABEL: func.func @gain_and_bias(
// CHECK: %[[X:.*]] = mpc.extend
// CHECK-NEXT: %[[N:.*]] = mpc.normalize %[[X]] centred epsilon 16777216 : <8x4, f = 16> -> <8x4, f = 44>
// CHECK-NEXT: %[[T:.*]] = mpc.trunc %[[N]] by 28 : <8x4, f = 44> -> <8x4, f = 16>
// CHECK-NEXT: %[[G:.*]] = mpc.weight "g" {{.*}} : <4, f = 20>
// CHECK-NEXT: %[[P:.*]] = mpc.mul_weight %[[T]], %[[G]] : <8x4, f = 16>, <4, f = 20> -> <8x4, f = 36>
// CHECK-NEXT: %[[B:.*]] = mpc.weight "b" {{.*}} : <4, f = 36>
// CHECK-NEXT: %[[S:.*]] = mpc.add_weight %[[P]], %[[B]] : <8x4, f = 36>
// CHECK-NEXT: mpc.reveal %[[S]]
func.func @gain_and_bias(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %g = pi.weight "g" dense<2.0> : tensor<4xf32>
  %b = pi.weight "b" dense<0.25> : tensor<4xf32>
  %1 = pi.layer_norm %0 gamma %g : tensor<4xf32> beta %b : tensor<4xf32> epsilon 0.25 : tensor<1x8x4xf32>
  return %1 : tensor<1x8x4xf32>
}

// -----

// Without a gain the row is truncated to activations first: no scale is left for a
// bias of 44 fraction bits.
// CHECK-LABEL: func.func @bias_only(
// CHECK: %[[X:.*]] = mpc.extend
// CHECK-NEXT: %[[N:.*]] = mpc.normalize %[[X]] centred
// CHECK-NEXT: %[[T:.*]] = mpc.trunc %[[N]] by 28
// CHECK-NEXT: %[[B:.*]] = mpc.weight "b" {{.*}} : <4, f = 16>
// CHECK-NEXT: mpc.add_weight %[[T]], %[[B]] : <8x4, f = 16>
func.func @bias_only(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %b = pi.weight "b" dense<0.25> : tensor<4xf32>
  %1 = pi.layer_norm %0 beta %b : tensor<4xf32> epsilon 1.0e-5 : tensor<1x8x4xf32>
  return %1 : tensor<1x8x4xf32>
}

// -----

// Not centred; truncated once for both of its uses.
// CHECK-LABEL: func.func @rms_norm(
// CHECK: %[[X:.*]] = mpc.extend
// CHECK-NEXT: %[[N:.*]] = mpc.normalize %[[X]] epsilon 1024 : <8x4, f = 16> -> <8x4, f = 44>
// CHECK-NEXT: %[[T:.*]] = mpc.trunc %[[N]] by 28
// CHECK-NOT: mpc.trunc
// CHECK: mpc.linear %[[T]]
// CHECK-NOT: mpc.trunc
// CHECK: mpc.linear %[[T]]
// CHECK-NOT: mpc.mul_weight
func.func @rms_norm(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %w = pi.weight "w" dense<0.5> : tensor<4x4xf32>
  %v = pi.weight "v" dense<0.5> : tensor<4x4xf32>
  %1 = pi.rms_norm %0 epsilon 1.0e-6 : tensor<1x8x4xf32>
  %2 = pi.linear %1, %w : tensor<1x8x4xf32>, tensor<4x4xf32> -> tensor<1x8x4xf32>
  %3 = pi.linear %1, %v : tensor<1x8x4xf32>, tensor<4x4xf32> -> tensor<1x8x4xf32>
  %4 = pi.add %2, %3 : tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  return %4 : tensor<1x8x4xf32>
}

// -----

// CHECK-LABEL: func.func @rms_norm_gain(
// CHECK: mpc.normalize {{%[0-9]+}} epsilon
// CHECK: mpc.mul_weight {{.*}} : <8x4, f = 16>, <4, f = 20> -> <8x4, f = 36>
// CHECK-NOT: mpc.add_weight
func.func @rms_norm_gain(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %g = pi.weight "g" dense<2.0> : tensor<4xf32>
  %1 = pi.rms_norm %0 gamma %g : tensor<4xf32> epsilon 1.0e-6 : tensor<1x8x4xf32>
  return %1 : tensor<1x8x4xf32>
}
