// RUN: aero-opt %s --convert-pi-to-mpc | FileCheck %s

// What is a term of a sum is cut from the product, and truncated with the sum;
// so is what lies beside it, or it would be truncated twice.
// CHECK-LABEL: func.func @term(
// CHECK: %[[P:.*]] = mpc.linear {{.*}} -> <8x8, f = 36>
// CHECK: %[[T:.*]] = mpc.slice %[[P]] axis 1 offset 0 : <8x8, f = 36> -> <8x4, f = 36>
// CHECK: %[[Q:.*]] = mpc.slice %[[P]] axis 1 offset 4 : <8x8, f = 36> -> <8x4, f = 36>
// CHECK: %[[A:.*]] = mpc.trunc %[[Q]] by 20
// CHECK: %[[L:.*]] = mpc.linear %[[A]]
// CHECK: %[[S:.*]] = mpc.add %[[T]], %[[L]] : <8x4, f = 36>
// CHECK: mpc.reveal %[[S]] : <8x4, f = 36>
// CHECK-NOT: mpc.trunc
func.func @term(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %w = pi.weight "w" dense<0.5> : tensor<4x8xf32>
  %v = pi.weight "v" dense<0.5> : tensor<4x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %1 = pi.linear %0, %w : tensor<1x8x4xf32>, tensor<4x8xf32> -> tensor<1x8x8xf32>
  %2 = pi.slice %1 axis 2 offset 0 : tensor<1x8x8xf32> -> tensor<1x8x4xf32>
  %3 = pi.slice %1 axis 2 offset 4 : tensor<1x8x8xf32> -> tensor<1x8x4xf32>
  %4 = pi.linear %3, %v : tensor<1x8x4xf32>, tensor<4x4xf32> -> tensor<1x8x4xf32>
  %5 = pi.add %2, %4 : tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  return %5 : tensor<1x8x4xf32>
}

// Slices that are all multiplied: the product is truncated in one instruction.
// CHECK-LABEL: func.func @factors(
// CHECK: %[[P:.*]] = mpc.linear {{.*}} -> <8x8, f = 36>
// CHECK: %[[A:.*]] = mpc.trunc %[[P]] by 20
// CHECK: mpc.slice %[[A]] axis 1 offset 0 : <8x8, f = 16> -> <8x4, f = 16>
// CHECK: mpc.slice %[[A]] axis 1 offset 4 : <8x8, f = 16> -> <8x4, f = 16>
// CHECK-NOT: mpc.trunc
func.func @factors(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %w = pi.weight "w" dense<0.5> : tensor<4x8xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %1 = pi.linear %0, %w : tensor<1x8x4xf32>, tensor<4x8xf32> -> tensor<1x8x8xf32>
  %2 = pi.slice %1 axis 2 offset 0 : tensor<1x8x8xf32> -> tensor<1x8x4xf32>
  %3 = pi.slice %1 axis 2 offset 4 : tensor<1x8x8xf32> -> tensor<1x8x4xf32>
  %4 = pi.mul %2, %3 : tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  return %4 : tensor<1x8x4xf32>
}

// The product itself is read, too: its slices are of the truncated value.
// CHECK-LABEL: func.func @whole(
// CHECK: %[[P:.*]] = mpc.linear {{.*}} -> <8x8, f = 36>
// CHECK: %[[A:.*]] = mpc.trunc %[[P]] by 20
// CHECK: mpc.slice %[[A]] axis 1 offset 0
func.func @whole(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %w = pi.weight "w" dense<0.5> : tensor<4x8xf32>
  %v = pi.weight "v" dense<0.5> : tensor<8x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %1 = pi.linear %0, %w : tensor<1x8x4xf32>, tensor<4x8xf32> -> tensor<1x8x8xf32>
  %2 = pi.slice %1 axis 2 offset 0 : tensor<1x8x8xf32> -> tensor<1x8x4xf32>
  %3 = pi.linear %1, %v : tensor<1x8x8xf32>, tensor<8x4xf32> -> tensor<1x8x4xf32>
  %4 = pi.add %2, %3 : tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  return %4 : tensor<1x8x4xf32>
}
