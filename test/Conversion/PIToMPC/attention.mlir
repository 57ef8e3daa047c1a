// RUN: aero-opt %s --split-input-file --convert-pi-to-mpc | FileCheck %s

// No causal mask: whole rows.
// CHECK-LABEL: func.func @bidirectional(
// CHECK: %[[P:.*]] = mpc.matmul %{{.*}}, %{{.*}} transpose_rhs : <2x8x2, f = 16>, <2x8x2, f = 16> -> <2x8x8, f = 32>
// CHECK-NEXT: %[[S:.*]] = mpc.trunc %[[P]] by 16
// CHECK-NEXT: %[[M:.*]] = mpc.max_row %[[S]] bits 8 range <{{2.25.*e\+01}}, proved> : <2x8x8, f = 16> -> <2x8, f = 0, bits = 8>
// CHECK-NEXT: %[[E:.*]] = mpc.exp2 %[[S]], %[[M]] : <2x8x8, f = 16>, <2x8, f = 0, bits = 8> -> <2x8x8, f = 20>
// CHECK-NEXT: %[[U:.*]] = mpc.sum_row %[[E]] : <2x8x8, f = 20> -> <2x8, f = 20>
// CHECK-NEXT: mpc.recip %[[U]] below 32
// CHECK-NEXT: mpc.matmul %[[E]], %{{.*}} : <2x8x8, f = 20>, <2x8x2, f = 16> -> <2x8x2, f = 36>
// CHECK-NOT: causal
func.func @bidirectional(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %1 = pi.attention %0, %0, %0 heads 2 scale 0.693147182 : tensor<1x8x4xf32>, tensor<1x8x4xf32>
  return %1 : tensor<1x8x4xf32>
}

// -----

// Heads 0 and 1 share key head 0, heads 2 and 3 key head 1.
// CHECK-LABEL: func.func @grouped_queries(
// CHECK: %[[K:.*]] = mpc.transpose %{{.*}} : <8x2x2, f = 16> -> <2x8x2, f = 16>
// CHECK: %[[V:.*]] = mpc.transpose %{{.*}} : <8x2x2, f = 16> -> <2x8x2, f = 16>
// CHECK-NEXT: %[[KR:.*]] = mpc.repeat %[[K]] axis 0 times 2 : <2x8x2, f = 16> -> <4x8x2, f = 16>
// CHECK-NEXT: %[[VR:.*]] = mpc.repeat %[[V]] axis 0 times 2 : <2x8x2, f = 16> -> <4x8x2, f = 16>
// CHECK-NEXT: mpc.causal_scores %{{.*}}, %[[KR]] : <4x8x2, f = 16>, <4x8x2, f = 16> -> <4x36, f = 32>
// CHECK: mpc.causal_context %{{.*}}, %[[VR]] : <4x36, f = 20>, <4x8x2, f = 16> -> <4x8x2, f = 36>
func.func @grouped_queries(%tokens: tensor<1x8xi64>) -> tensor<1x8x8xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x8xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x8xf32>, tensor<1x8xi64> -> tensor<1x8x8xf32>
  %k = pi.slice %0 axis 2 offset 0 : tensor<1x8x8xf32> -> tensor<1x8x4xf32>
  %v = pi.slice %0 axis 2 offset 4 : tensor<1x8x8xf32> -> tensor<1x8x4xf32>
  %1 = pi.attention %0, %k, %v heads 4 key_heads 2 scale 0.693147182 causal : tensor<1x8x8xf32>, tensor<1x8x4xf32>
  return %1 : tensor<1x8x8xf32>
}

// -----

// Query rows over their temperatures: 2, 1, 1/2 and 1/4 as float32. Nothing bounds
// the scores but their truncation.
// CHECK-LABEL: func.func @temperature_of_positions(
// CHECK: %[[T:.*]] = mpc.weight "temperature^-1" dense_resource<[[KEY:.*]]> : tensor<2x2xf32> : <2x2, f = 20>
// CHECK-NEXT: %[[P:.*]] = mpc.mul_weight %{{.*}}, %[[T]] rows : <2x2x2, f = 16>, <2x2, f = 20> -> <2x2x2, f = 36>
// CHECK-NEXT: %[[Q:.*]] = mpc.trunc %[[P]] by 20
// CHECK-NEXT: mpc.causal_scores %[[Q]], %{{.*}}
// CHECK: mpc.max_row %{{.*}} causal bits 32 range <1073741824.0, proved>
// CHECK: [[KEY]]: "0x10000000000000400000803F0000003F0000803E"
func.func @temperature_of_positions(%tokens: tensor<1x2xi64>) -> tensor<1x2x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x2xi64> -> tensor<1x2x4xf32>
  %h = pi.weight "temperature" dense<[[0.5, 1.0], [2.0, 4.0]]> : tensor<2x2xf32>
  %1 = pi.attention %0, %0, %0 temperature %h : tensor<2x2xf32> heads 2 scale 0.693147182 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  return %1 : tensor<1x2x4xf32>
}

// -----

// pi-fold-scaling folds these, but need not have run: one for all of a head's rows.
// CHECK-LABEL: func.func @temperature_of_heads(
// CHECK: mpc.weight "temperature^-1" dense_resource<[[KEY:.*]]> : tensor<2x2xf32> : <2x2, f = 20>
// CHECK: mpc.mul_weight %{{.*}}, %{{.*}} rows
// CHECK: [[KEY]]: "0x1000000000000040000000400000003F0000003F"
func.func @temperature_of_heads(%tokens: tensor<1x2xi64>) -> tensor<1x2x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x2xi64> -> tensor<1x2x4xf32>
  %h = pi.weight "temperature" dense<[[0.5], [2.0]]> : tensor<2x1xf32>
  %1 = pi.attention %0, %0, %0 temperature %h : tensor<2x1xf32> heads 2 scale 0.693147182 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  return %1 : tensor<1x2x4xf32>
}

// -----

// A scale that pi-fold-scaling had to leave is a public factor of the queries:
// 0.5 / ln 2 at scale 20.
// CHECK-LABEL: func.func @scale(
// CHECK: %[[Q:.*]] = mpc.mul_public %{{.*}} by dense<756388> : tensor<4xi32> f 20 : <2x2x4, f = 16> -> <2x2x4, f = 36>
// CHECK: %[[T:.*]] = mpc.trunc %[[Q]] by 20
// CHECK: mpc.causal_scores %[[T]], %{{.*}}
func.func @scale(%tokens: tensor<1x2xi64>) -> tensor<1x2x8xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x8xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x8xf32>, tensor<1x2xi64> -> tensor<1x2x8xf32>
  %1 = pi.attention %0, %0, %0 heads 2 scale 0.5 causal : tensor<1x2x8xf32>, tensor<1x2x8xf32>
  return %1 : tensor<1x2x8xf32>
}
