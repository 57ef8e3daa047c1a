// RUN: aero-opt %s --split-input-file --convert-pi-to-mpc | FileCheck %s

// (x, y) becomes (x cos - y sin, y cos + x sin), locally.
// CHECK-LABEL: func.func @halves(
// CHECK: %[[S:.*]] = mpc.reshape %{{.*}} : <2x8, f = 16> -> <2x2x4, f = 16>
// CHECK-NEXT: %[[H:.*]] = mpc.transpose %[[S]] [1, 0, 2] : <2x2x4, f = 16> -> <2x2x4, f = 16>
// CHECK-NEXT: %[[X:.*]] = mpc.slice %[[H]] axis 2 offset 0 : <2x2x4, f = 16> -> <2x2x2, f = 16>
// CHECK-NEXT: %[[Y:.*]] = mpc.slice %[[H]] axis 2 offset 2 : <2x2x4, f = 16> -> <2x2x2, f = 16>
// CHECK-NEXT: %[[XC:.*]] = mpc.mul_public %[[X]] by dense<{{\[\[}}1048576, 1048576], [524288, 917504]]> : tensor<2x2xi32> f 20 : <2x2x2, f = 16> -> <2x2x2, f = 36>
// CHECK-NEXT: %[[YS:.*]] = mpc.mul_public %[[Y]] by dense<{{\[\[}}0, 0], [-917504, 524288]]> : tensor<2x2xi32> f 20
// CHECK-NEXT: %[[YC:.*]] = mpc.mul_public %[[Y]] by dense<{{\[\[}}1048576, 1048576], [524288, 917504]]> : tensor<2x2xi32> f 20
// CHECK-NEXT: %[[XS:.*]] = mpc.mul_public %[[X]] by dense<{{\[\[}}0, 0], [-917504, 524288]]> : tensor<2x2xi32> f 20
// CHECK-NEXT: %[[L:.*]] = mpc.sub %[[XC]], %[[YS]] : <2x2x2, f = 36>
// CHECK-NEXT: %[[R:.*]] = mpc.add %[[YC]], %[[XS]] : <2x2x2, f = 36>
// CHECK-NEXT: %[[J:.*]] = mpc.concat %[[L]], %[[R]] axis 2 : {{.*}} -> <2x2x4, f = 36>
// CHECK-NEXT: %[[M:.*]] = mpc.transpose %[[J]] [1, 0, 2] : <2x2x4, f = 36> -> <2x2x4, f = 36>
// CHECK-NEXT: mpc.reshape %[[M]] : <2x2x4, f = 36> -> <2x8, f = 36>
func.func @halves(%tokens: tensor<1x2xi64>) -> tensor<1x2x8xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x8xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x8xf32>, tensor<1x2xi64> -> tensor<1x2x8xf32>
  %c = pi.constant dense<[[1.0, 1.0], [0.5, 0.875]]> : tensor<2x2xf32>
  %s = pi.constant dense<[[0.0, 0.0], [-0.875, 0.5]]> : tensor<2x2xf32>
  %1 = pi.rotary_embedding %0 cos %c sin %s heads 2 : tensor<1x2x8xf32>, tensor<2x2xf32>
  return %1 : tensor<1x2x8xf32>
}

// -----

// The columns that stay are multiplied by 1, to get the scale of the others.
// CHECK-LABEL: func.func @partial(
// CHECK: %[[Y:.*]] = mpc.slice %[[H:.*]] axis 2 offset 1 : <2x2x4, f = 16> -> <2x2x1, f = 16>
// CHECK: %[[L:.*]] = mpc.sub {{.*}} : <2x2x1, f = 36>
// CHECK-NEXT: %[[R:.*]] = mpc.add {{.*}} : <2x2x1, f = 36>
// CHECK-NEXT: %[[U:.*]] = mpc.slice %[[H]] axis 2 offset 2 : <2x2x4, f = 16> -> <2x2x2, f = 16>
// CHECK-NEXT: %[[S:.*]] = mpc.mul_public %[[U]] by dense<1048576> : tensor<2xi32> f 20 : <2x2x2, f = 16> -> <2x2x2, f = 36>
// CHECK-NEXT: mpc.concat %[[L]], %[[R]], %[[S]] axis 2 : {{.*}} -> <2x2x4, f = 36>
func.func @partial(%tokens: tensor<1x2xi64>) -> tensor<1x2x8xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x8xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x8xf32>, tensor<1x2xi64> -> tensor<1x2x8xf32>
  %c = pi.constant dense<[[1.0], [0.5]]> : tensor<2x1xf32>
  %s = pi.constant dense<[[0.0], [0.875]]> : tensor<2x1xf32>
  %1 = pi.rotary_embedding %0 cos %c sin %s heads 2 : tensor<1x2x8xf32>, tensor<2x1xf32>
  return %1 : tensor<1x2x8xf32>
}

// -----

// Neighbours are pairs. Tables may have a batch of 1.
// CHECK-LABEL: func.func @interleaved(
// CHECK: %[[S:.*]] = mpc.reshape %{{.*}} : <2x8, f = 16> -> <2x2x4, f = 16>
// CHECK-NEXT: %[[H:.*]] = mpc.transpose %[[S]] [1, 0, 2] : <2x2x4, f = 16> -> <2x2x4, f = 16>
// CHECK-NEXT: %[[F:.*]] = mpc.slice %[[H]] axis 2 offset 0 : <2x2x4, f = 16> -> <2x2x4, f = 16>
// CHECK-NEXT: %[[P:.*]] = mpc.reshape %[[F]] : <2x2x4, f = 16> -> <2x2x2x2, f = 16>
// CHECK-NEXT: %[[X0:.*]] = mpc.slice %[[P]] axis 3 offset 0 : <2x2x2x2, f = 16> -> <2x2x2x1, f = 16>
// CHECK-NEXT: %[[X:.*]] = mpc.reshape %[[X0]]
// CHECK-NEXT: %[[Y0:.*]] = mpc.slice %[[P]] axis 3 offset 1 : <2x2x2x2, f = 16> -> <2x2x2x1, f = 16>
// CHECK-NEXT: %[[Y:.*]] = mpc.reshape %[[Y0]]
// CHECK-NEXT: %[[XC:.*]] = mpc.mul_public %[[X]] by dense<{{\[\[}}1048576, 1048576], [524288, 917504]]> : tensor<2x2xi32> f 20 : <2x2x2, f = 16> -> <2x2x2, f = 36>
// CHECK-NEXT: %[[YS:.*]] = mpc.mul_public %[[Y]] by dense<{{\[\[}}0, 0], [-917504, 524288]]> : tensor<2x2xi32> f 20
// CHECK-NEXT: %[[YC:.*]] = mpc.mul_public %[[Y]] by dense<{{\[\[}}1048576, 1048576], [524288, 917504]]> : tensor<2x2xi32> f 20
// CHECK-NEXT: %[[XS:.*]] = mpc.mul_public %[[X]] by dense<{{\[\[}}0, 0], [-917504, 524288]]> : tensor<2x2xi32> f 20
// CHECK-NEXT: %[[L:.*]] = mpc.sub %[[XC]], %[[YS]] : <2x2x2, f = 36>
// CHECK-NEXT: %[[R:.*]] = mpc.add %[[YC]], %[[XS]] : <2x2x2, f = 36>
// CHECK-NEXT: %[[L1:.*]] = mpc.reshape %[[L]] : <2x2x2, f = 36> -> <2x2x2x1, f = 36>
// CHECK-NEXT: %[[R1:.*]] = mpc.reshape %[[R]]
// CHECK-NEXT: %[[J:.*]] = mpc.concat %[[L1]], %[[R1]] axis 3 : {{.*}} -> <2x2x2x2, f = 36>
// CHECK-NEXT: mpc.reshape %[[J]] : <2x2x2x2, f = 36> -> <2x2x4, f = 36>
func.func @interleaved(%tokens: tensor<1x2xi64>) -> tensor<1x2x8xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x8xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x8xf32>, tensor<1x2xi64> -> tensor<1x2x8xf32>
  %c = pi.constant dense<[[[1.0, 1.0], [0.5, 0.875]]]> : tensor<1x2x2xf32>
  %s = pi.constant dense<[[[0.0, 0.0], [-0.875, 0.5]]]> : tensor<1x2x2xf32>
  %1 = pi.rotary_embedding %0 cos %c sin %s heads 2 interleaved : tensor<1x2x8xf32>, tensor<1x2x2xf32>
  return %1 : tensor<1x2x8xf32>
}
