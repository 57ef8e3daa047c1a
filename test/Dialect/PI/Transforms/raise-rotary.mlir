// RUN: aero-opt %s --pass-pipeline='builtin.module(func.func(pi-raise))' --split-input-file | FileCheck %s

// As PyTorch writes rotate_half, with angles that are stored twice. The head
// split cancels, so that the rotation reads the projection.
// CHECK-LABEL: func @halves
// CHECK-SAME: (%[[X:.*]]: tensor<1x3x8xf32>)
func.func @halves(%x: tensor<1x3x8xf32>) -> tensor<1x3x8xf32> {
  // CHECK-DAG: %[[C:.*]] = pi.constant dense<{{\[\[}}1.000000e+00, 1.000000e+00], [5.000000e-01, 7.500000e-01], [-5.000000e-01, 8.000000e-01]]> : tensor<3x2xf32>
  // CHECK-DAG: %[[S:.*]] = pi.constant dense<{{\[\[}}0.000000e+00, 0.000000e+00], [8.000000e-01, 1.000000e-01], [7.500000e-01, 2.000000e-01]]> : tensor<3x2xf32>
  %cos = pi.constant dense<[[[[1.0, 1.0, 1.0, 1.0], [0.5, 0.75, 0.5, 0.75], [-0.5, 0.8, -0.5, 0.8]]]]> : tensor<1x1x3x4xf32>
  %sin = pi.constant dense<[[[[0.0, 0.0, 0.0, 0.0], [0.8, 0.1, 0.8, 0.1], [0.75, 0.2, 0.75, 0.2]]]]> : tensor<1x1x3x4xf32>
  %minus = pi.constant dense<-1.0> : tensor<f32>
  %r = pi.reshape %x : tensor<1x3x8xf32> -> tensor<1x3x2x4xf32>
  %h = pi.transpose %r [0, 2, 1, 3] : tensor<1x3x2x4xf32> -> tensor<1x2x3x4xf32>
  %0 = pi.mul %h, %cos : tensor<1x2x3x4xf32>, tensor<1x1x3x4xf32> -> tensor<1x2x3x4xf32>
  %1 = pi.slice %h axis 3 offset 0 : tensor<1x2x3x4xf32> -> tensor<1x2x3x2xf32>
  %2 = pi.slice %h axis 3 offset 2 : tensor<1x2x3x4xf32> -> tensor<1x2x3x2xf32>
  %3 = pi.mul %2, %minus : tensor<1x2x3x2xf32>, tensor<f32> -> tensor<1x2x3x2xf32>
  %4 = pi.concat %3, %1 axis 3 : tensor<1x2x3x2xf32>, tensor<1x2x3x2xf32> -> tensor<1x2x3x4xf32>
  %5 = pi.mul %4, %sin : tensor<1x2x3x4xf32>, tensor<1x1x3x4xf32> -> tensor<1x2x3x4xf32>
  // CHECK: %[[Y:.*]] = pi.rotary_embedding %[[X]] cos %[[C]] sin %[[S]] heads 2 : tensor<1x3x8xf32>, tensor<3x2xf32>
  // CHECK-NEXT: return %[[Y]]
  %6 = pi.add %0, %5 : tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32> -> tensor<1x2x3x4xf32>
  %7 = pi.transpose %6 [0, 2, 1, 3] : tensor<1x2x3x4xf32> -> tensor<1x3x2x4xf32>
  %8 = pi.reshape %7 : tensor<1x3x2x4xf32> -> tensor<1x3x8xf32>
  return %8 : tensor<1x3x8xf32>
}

// -----

// Before the heads and the tokens change places.
// CHECK-LABEL: func @tokens_first
// CHECK-SAME: (%[[X:.*]]: tensor<1x3x4xf32>)
func.func @tokens_first(%x: tensor<1x3x4xf32>) -> tensor<1x3x4xf32> {
  %cos = pi.constant dense<[[[0.1, 0.1]], [[0.2, 0.2]], [[0.3, 0.3]]]> : tensor<3x1x2xf32>
  %sin = pi.constant dense<[[[0.4, 0.4]], [[0.5, 0.5]], [[0.6, 0.6]]]> : tensor<3x1x2xf32>
  %minus = pi.constant dense<-1.0> : tensor<f32>
  %h = pi.reshape %x : tensor<1x3x4xf32> -> tensor<1x3x2x2xf32>
  %0 = pi.mul %cos, %h : tensor<3x1x2xf32>, tensor<1x3x2x2xf32> -> tensor<1x3x2x2xf32>
  %1 = pi.slice %h axis 3 offset 0 : tensor<1x3x2x2xf32> -> tensor<1x3x2x1xf32>
  %2 = pi.slice %h axis 3 offset 1 : tensor<1x3x2x2xf32> -> tensor<1x3x2x1xf32>
  %3 = pi.mul %minus, %2 : tensor<f32>, tensor<1x3x2x1xf32> -> tensor<1x3x2x1xf32>
  %4 = pi.concat %3, %1 axis 3 : tensor<1x3x2x1xf32>, tensor<1x3x2x1xf32> -> tensor<1x3x2x2xf32>
  %5 = pi.mul %4, %sin : tensor<1x3x2x2xf32>, tensor<3x1x2xf32> -> tensor<1x3x2x2xf32>
  // CHECK: pi.rotary_embedding %[[X]] cos %{{.*}} sin %{{.*}} heads 2 : tensor<1x3x4xf32>, tensor<3x1xf32>
  // CHECK-NEXT: return
  %6 = pi.add %5, %0 : tensor<1x3x2x2xf32>, tensor<1x3x2x2xf32> -> tensor<1x3x2x2xf32>
  %7 = pi.reshape %6 : tensor<1x3x2x2xf32> -> tensor<1x3x4xf32>
  return %7 : tensor<1x3x4xf32>
}

// -----

// GPT-NeoX: the first two of six columns, cut from a fused projection whose heads
// hold query, key and value side by side.
// CHECK-LABEL: func @partial
// CHECK-SAME: (%[[X:.*]]: tensor<1x3x36xf32>)
func.func @partial(%x: tensor<1x3x36xf32>) -> tensor<1x2x3x6xf32> {
  %cos = pi.constant dense<0.6> : tensor<1x1x3x2xf32>
  %sin = pi.constant dense<0.8> : tensor<1x1x3x2xf32>
  %minus = pi.constant dense<-1.0> : tensor<f32>
  %r = pi.reshape %x : tensor<1x3x36xf32> -> tensor<1x3x2x18xf32>
  %h = pi.transpose %r [0, 2, 1, 3] : tensor<1x3x2x18xf32> -> tensor<1x2x3x18xf32>
  %k = pi.slice %h axis 3 offset 6 : tensor<1x2x3x18xf32> -> tensor<1x2x3x6xf32>
  %t = pi.slice %k axis 3 offset 0 : tensor<1x2x3x6xf32> -> tensor<1x2x3x2xf32>
  %p = pi.slice %k axis 3 offset 2 : tensor<1x2x3x6xf32> -> tensor<1x2x3x4xf32>
  %0 = pi.mul %t, %cos : tensor<1x2x3x2xf32>, tensor<1x1x3x2xf32> -> tensor<1x2x3x2xf32>
  %1 = pi.slice %t axis 3 offset 0 : tensor<1x2x3x2xf32> -> tensor<1x2x3x1xf32>
  %2 = pi.slice %t axis 3 offset 1 : tensor<1x2x3x2xf32> -> tensor<1x2x3x1xf32>
  %3 = pi.mul %2, %minus : tensor<1x2x3x1xf32>, tensor<f32> -> tensor<1x2x3x1xf32>
  %4 = pi.concat %3, %1 axis 3 : tensor<1x2x3x1xf32>, tensor<1x2x3x1xf32> -> tensor<1x2x3x2xf32>
  %5 = pi.mul %4, %sin : tensor<1x2x3x2xf32>, tensor<1x1x3x2xf32> -> tensor<1x2x3x2xf32>
  %6 = pi.add %0, %5 : tensor<1x2x3x2xf32>, tensor<1x2x3x2xf32> -> tensor<1x2x3x2xf32>
  // CHECK: %[[R:.*]] = pi.reshape %[[X]] : tensor<1x3x36xf32> -> tensor<1x3x2x18xf32>
  // CHECK: %[[K:.*]] = pi.slice %[[R]] axis 3 offset 6 : tensor<1x3x2x18xf32> -> tensor<1x3x2x6xf32>
  // CHECK: %[[M:.*]] = pi.reshape %[[K]] : tensor<1x3x2x6xf32> -> tensor<1x3x12xf32>
  // CHECK: pi.rotary_embedding %[[M]] cos %{{.*}} sin %{{.*}} heads 2 : tensor<1x3x12xf32>, tensor<3x1xf32>
  // CHECK-NOT: pi.concat
  %7 = pi.concat %6, %p axis 3 : tensor<1x2x3x2xf32>, tensor<1x2x3x4xf32> -> tensor<1x2x3x6xf32>
  return %7 : tensor<1x2x3x6xf32>
}

// -----

// Neighbours are pairs: even and odd columns, stacked and flattened again.
// CHECK-LABEL: func @interleaved
// CHECK-SAME: (%[[H:.*]]: tensor<2x2x3x4xf32>)
func.func @interleaved(%h: tensor<2x2x3x4xf32>) -> tensor<2x2x3x4xf32> {
  // CHECK-DAG: pi.constant dense<{{\[\[}}1.000000e-01, 2.000000e-01], [3.000000e-01, 4.000000e-01], [5.000000e-01, 6.000000e-01]]> : tensor<3x2xf32>
  %cos = pi.constant dense<[[0.1, 0.1, 0.2, 0.2], [0.3, 0.3, 0.4, 0.4], [0.5, 0.5, 0.6, 0.6]]> : tensor<3x4xf32>
  %sin = pi.constant dense<0.5> : tensor<3x4xf32>
  %minus = pi.constant dense<-1.0> : tensor<f32>
  %0 = pi.mul %h, %cos : tensor<2x2x3x4xf32>, tensor<3x4xf32> -> tensor<2x2x3x4xf32>
  %e = pi.take %h axis 3 at [0, 2] : tensor<2x2x3x4xf32> -> tensor<2x2x3x2xf32>
  %o = pi.take %h axis 3 at [1, 3] : tensor<2x2x3x4xf32> -> tensor<2x2x3x2xf32>
  %n = pi.mul %o, %minus : tensor<2x2x3x2xf32>, tensor<f32> -> tensor<2x2x3x2xf32>
  %n1 = pi.reshape %n : tensor<2x2x3x2xf32> -> tensor<2x2x3x2x1xf32>
  %e1 = pi.reshape %e : tensor<2x2x3x2xf32> -> tensor<2x2x3x2x1xf32>
  %s = pi.concat %n1, %e1 axis 4 : tensor<2x2x3x2x1xf32>, tensor<2x2x3x2x1xf32> -> tensor<2x2x3x2x2xf32>
  %f = pi.reshape %s : tensor<2x2x3x2x2xf32> -> tensor<2x2x3x4xf32>
  %5 = pi.mul %f, %sin : tensor<2x2x3x4xf32>, tensor<3x4xf32> -> tensor<2x2x3x4xf32>
  // CHECK: pi.rotary_embedding %{{.*}} cos %{{.*}} sin %{{.*}} heads 2 interleaved : tensor<2x3x8xf32>, tensor<3x2xf32>
  %6 = pi.add %0, %5 : tensor<2x2x3x4xf32>, tensor<2x2x3x4xf32> -> tensor<2x2x3x4xf32>
  return %6 : tensor<2x2x3x4xf32>
}

// -----

// Pairs by a reshape, rotated apart, with one angle for each pair.
// CHECK-LABEL: func @pairs_apart
func.func @pairs_apart(%h: tensor<2x2x3x4xf32>) -> tensor<2x2x3x4xf32> {
  %cos = pi.constant dense<0.6> : tensor<3x2xf32>
  %sin = pi.constant dense<0.8> : tensor<3x2xf32>
  %p = pi.reshape %h : tensor<2x2x3x4xf32> -> tensor<2x2x3x2x2xf32>
  %es = pi.slice %p axis 4 offset 0 : tensor<2x2x3x2x2xf32> -> tensor<2x2x3x2x1xf32>
  %e = pi.reshape %es : tensor<2x2x3x2x1xf32> -> tensor<2x2x3x2xf32>
  %os = pi.slice %p axis 4 offset 1 : tensor<2x2x3x2x2xf32> -> tensor<2x2x3x2x1xf32>
  %o = pi.reshape %os : tensor<2x2x3x2x1xf32> -> tensor<2x2x3x2xf32>
  %ec = pi.mul %e, %cos : tensor<2x2x3x2xf32>, tensor<3x2xf32> -> tensor<2x2x3x2xf32>
  %os2 = pi.mul %o, %sin : tensor<2x2x3x2xf32>, tensor<3x2xf32> -> tensor<2x2x3x2xf32>
  %es2 = pi.mul %e, %sin : tensor<2x2x3x2xf32>, tensor<3x2xf32> -> tensor<2x2x3x2xf32>
  %oc = pi.mul %o, %cos : tensor<2x2x3x2xf32>, tensor<3x2xf32> -> tensor<2x2x3x2xf32>
  %a = pi.sub %ec, %os2 : tensor<2x2x3x2xf32>, tensor<2x2x3x2xf32> -> tensor<2x2x3x2xf32>
  %b = pi.add %es2, %oc : tensor<2x2x3x2xf32>, tensor<2x2x3x2xf32> -> tensor<2x2x3x2xf32>
  %a1 = pi.reshape %a : tensor<2x2x3x2xf32> -> tensor<2x2x3x2x1xf32>
  %b1 = pi.reshape %b : tensor<2x2x3x2xf32> -> tensor<2x2x3x2x1xf32>
  %s = pi.concat %a1, %b1 axis 4 : tensor<2x2x3x2x1xf32>, tensor<2x2x3x2x1xf32> -> tensor<2x2x3x2x2xf32>
  // CHECK: pi.rotary_embedding %{{.*}} heads 2 interleaved : tensor<2x3x8xf32>, tensor<3x2xf32>
  // CHECK-NOT: pi.concat
  %f = pi.reshape %s : tensor<2x2x3x2x2xf32> -> tensor<2x2x3x4xf32>
  return %f : tensor<2x2x3x4xf32>
}

// -----

// Halves apart.
// CHECK-LABEL: func @halves_apart
func.func @halves_apart(%h: tensor<2x2x3x4xf32>) -> tensor<2x2x3x4xf32> {
  %cos = pi.constant dense<0.6> : tensor<3x2xf32>
  %sin = pi.constant dense<0.8> : tensor<3x2xf32>
  %x = pi.slice %h axis 3 offset 0 : tensor<2x2x3x4xf32> -> tensor<2x2x3x2xf32>
  %y = pi.slice %h axis 3 offset 2 : tensor<2x2x3x4xf32> -> tensor<2x2x3x2xf32>
  %xc = pi.mul %x, %cos : tensor<2x2x3x2xf32>, tensor<3x2xf32> -> tensor<2x2x3x2xf32>
  %ys = pi.mul %y, %sin : tensor<2x2x3x2xf32>, tensor<3x2xf32> -> tensor<2x2x3x2xf32>
  %yc = pi.mul %y, %cos : tensor<2x2x3x2xf32>, tensor<3x2xf32> -> tensor<2x2x3x2xf32>
  %xs = pi.mul %x, %sin : tensor<2x2x3x2xf32>, tensor<3x2xf32> -> tensor<2x2x3x2xf32>
  %a = pi.sub %xc, %ys : tensor<2x2x3x2xf32>, tensor<2x2x3x2xf32> -> tensor<2x2x3x2xf32>
  %b = pi.add %yc, %xs : tensor<2x2x3x2xf32>, tensor<2x2x3x2xf32> -> tensor<2x2x3x2xf32>
  // CHECK: pi.rotary_embedding %{{.*}} heads 2 : tensor<2x3x8xf32>, tensor<3x2xf32>
  // CHECK-NOT: pi.concat
  %f = pi.concat %a, %b axis 3 : tensor<2x2x3x2xf32>, tensor<2x2x3x2xf32> -> tensor<2x2x3x4xf32>
  return %f : tensor<2x2x3x4xf32>
}

// -----

// Positions are an input. Half of the angles is computed, once for each pair.
// CHECK-LABEL: func @runtime_angles
// CHECK-SAME: (%[[H:.*]]: tensor<2x2x3x4xf32>, %[[P:.*]]: tensor<2x3xi64>)
func.func @runtime_angles(%h: tensor<2x2x3x4xf32>, %p: tensor<2x3xi64>) -> tensor<2x2x3x4xf32> {
  %inv = pi.constant dense<[0.5, 0.25]> : tensor<2xf32>
  %minus = pi.constant dense<-1.0> : tensor<f32>
  // CHECK: %[[F:.*]] = pi.cast %[[P]]
  %f = pi.cast %p : tensor<2x3xi64> -> tensor<2x3xf32>
  %f1 = pi.reshape %f : tensor<2x3xf32> -> tensor<2x3x1xf32>
  // CHECK: %[[A:.*]] = pi.mul
  %a = pi.mul %f1, %inv : tensor<2x3x1xf32>, tensor<2xf32> -> tensor<2x3x2xf32>
  %aa = pi.concat %a, %a axis 2 : tensor<2x3x2xf32>, tensor<2x3x2xf32> -> tensor<2x3x4xf32>
  %c = pi.cos %aa : tensor<2x3x4xf32>
  %s = pi.sin %aa : tensor<2x3x4xf32>
  %cos = pi.reshape %c : tensor<2x3x4xf32> -> tensor<2x1x3x4xf32>
  %sin = pi.reshape %s : tensor<2x3x4xf32> -> tensor<2x1x3x4xf32>
  %0 = pi.mul %h, %cos : tensor<2x2x3x4xf32>, tensor<2x1x3x4xf32> -> tensor<2x2x3x4xf32>
  %1 = pi.slice %h axis 3 offset 0 : tensor<2x2x3x4xf32> -> tensor<2x2x3x2xf32>
  %2 = pi.slice %h axis 3 offset 2 : tensor<2x2x3x4xf32> -> tensor<2x2x3x2xf32>
  %3 = pi.mul %2, %minus : tensor<2x2x3x2xf32>, tensor<f32> -> tensor<2x2x3x2xf32>
  %4 = pi.concat %3, %1 axis 3 : tensor<2x2x3x2xf32>, tensor<2x2x3x2xf32> -> tensor<2x2x3x4xf32>
  %5 = pi.mul %4, %sin : tensor<2x2x3x4xf32>, tensor<2x1x3x4xf32> -> tensor<2x2x3x4xf32>
  // CHECK-NOT: pi.concat
  // CHECK-DAG: %[[C:.*]] = pi.cos %[[A]] : tensor<2x3x2xf32>
  // CHECK-DAG: %[[S:.*]] = pi.sin %[[A]] : tensor<2x3x2xf32>
  // CHECK: pi.rotary_embedding %{{.*}} cos %[[C]] sin %[[S]] heads 2 : tensor<2x3x8xf32>, tensor<2x3x2xf32>
  %6 = pi.add %0, %5 : tensor<2x2x3x4xf32>, tensor<2x2x3x4xf32> -> tensor<2x2x3x4xf32>
  return %6 : tensor<2x2x3x4xf32>
}

// -----

// Rows of a cached table, chosen by an input.
// CHECK-LABEL: func @cached_angles
func.func @cached_angles(%h: tensor<2x2x3x2xf32>, %p: tensor<2x3xi64>) -> tensor<2x2x3x2xf32> {
  %ct = pi.constant dense<[[0.1, 0.1], [0.2, 0.2], [0.3, 0.3], [0.4, 0.4]]> : tensor<4x2xf32>
  %st = pi.constant dense<[[0.5, 0.5], [0.6, 0.6], [0.7, 0.7], [0.8, 0.8]]> : tensor<4x2xf32>
  %minus = pi.constant dense<-1.0> : tensor<f32>
  // CHECK-DAG: %[[C:.*]] = pi.embedding %{{.*}}[%{{.*}}] : tensor<4x1xf32>, tensor<2x3xi64> -> tensor<2x3x1xf32>
  %c = pi.embedding %ct[%p] : tensor<4x2xf32>, tensor<2x3xi64> -> tensor<2x3x2xf32>
  %s = pi.embedding %st[%p] : tensor<4x2xf32>, tensor<2x3xi64> -> tensor<2x3x2xf32>
  %cos = pi.reshape %c : tensor<2x3x2xf32> -> tensor<2x1x3x2xf32>
  %sin = pi.reshape %s : tensor<2x3x2xf32> -> tensor<2x1x3x2xf32>
  %0 = pi.mul %h, %cos : tensor<2x2x3x2xf32>, tensor<2x1x3x2xf32> -> tensor<2x2x3x2xf32>
  %1 = pi.slice %h axis 3 offset 0 : tensor<2x2x3x2xf32> -> tensor<2x2x3x1xf32>
  %2 = pi.slice %h axis 3 offset 1 : tensor<2x2x3x2xf32> -> tensor<2x2x3x1xf32>
  %3 = pi.mul %2, %minus : tensor<2x2x3x1xf32>, tensor<f32> -> tensor<2x2x3x1xf32>
  %4 = pi.concat %3, %1 axis 3 : tensor<2x2x3x1xf32>, tensor<2x2x3x1xf32> -> tensor<2x2x3x2xf32>
  %5 = pi.mul %4, %sin : tensor<2x2x3x2xf32>, tensor<2x1x3x2xf32> -> tensor<2x2x3x2xf32>
  // CHECK: pi.rotary_embedding %{{.*}} cos %[[C]] sin %{{.*}} heads 2 : tensor<2x3x4xf32>, tensor<2x3x1xf32>
  %6 = pi.add %0, %5 : tensor<2x2x3x2xf32>, tensor<2x2x3x2xf32> -> tensor<2x2x3x2xf32>
  return %6 : tensor<2x2x3x2xf32>
}

// -----

// The columns of a pair are turned by different angles: no rotation.
// CHECK-LABEL: func @other_angles
func.func @other_angles(%h: tensor<1x2x3x2xf32>) -> tensor<1x2x3x2xf32> {
  %cos = pi.constant dense<[[0.1, 0.1], [0.2, 0.2], [0.3, 0.4]]> : tensor<3x2xf32>
  %sin = pi.constant dense<0.5> : tensor<3x2xf32>
  %minus = pi.constant dense<-1.0> : tensor<f32>
  %0 = pi.mul %h, %cos : tensor<1x2x3x2xf32>, tensor<3x2xf32> -> tensor<1x2x3x2xf32>
  %1 = pi.slice %h axis 3 offset 0 : tensor<1x2x3x2xf32> -> tensor<1x2x3x1xf32>
  %2 = pi.slice %h axis 3 offset 1 : tensor<1x2x3x2xf32> -> tensor<1x2x3x1xf32>
  %3 = pi.mul %2, %minus : tensor<1x2x3x1xf32>, tensor<f32> -> tensor<1x2x3x1xf32>
  %4 = pi.concat %3, %1 axis 3 : tensor<1x2x3x1xf32>, tensor<1x2x3x1xf32> -> tensor<1x2x3x2xf32>
  %5 = pi.mul %4, %sin : tensor<1x2x3x2xf32>, tensor<3x2xf32> -> tensor<1x2x3x2xf32>
  // CHECK-NOT: pi.rotary_embedding
  // CHECK: pi.concat
  %6 = pi.add %0, %5 : tensor<1x2x3x2xf32>, tensor<1x2x3x2xf32> -> tensor<1x2x3x2xf32>
  return %6 : tensor<1x2x3x2xf32>
}

// -----

// Nothing is negated: no rotation.
// CHECK-LABEL: func @no_sign
func.func @no_sign(%h: tensor<1x2x3x2xf32>) -> tensor<1x2x3x2xf32> {
  %cos = pi.constant dense<0.6> : tensor<3x2xf32>
  %sin = pi.constant dense<0.8> : tensor<3x2xf32>
  %0 = pi.mul %h, %cos : tensor<1x2x3x2xf32>, tensor<3x2xf32> -> tensor<1x2x3x2xf32>
  %1 = pi.slice %h axis 3 offset 0 : tensor<1x2x3x2xf32> -> tensor<1x2x3x1xf32>
  %2 = pi.slice %h axis 3 offset 1 : tensor<1x2x3x2xf32> -> tensor<1x2x3x1xf32>
  %4 = pi.concat %2, %1 axis 3 : tensor<1x2x3x1xf32>, tensor<1x2x3x1xf32> -> tensor<1x2x3x2xf32>
  %5 = pi.mul %4, %sin : tensor<1x2x3x2xf32>, tensor<3x2xf32> -> tensor<1x2x3x2xf32>
  // CHECK-NOT: pi.rotary_embedding
  // CHECK: pi.concat
  %6 = pi.add %0, %5 : tensor<1x2x3x2xf32>, tensor<1x2x3x2xf32> -> tensor<1x2x3x2xf32>
  return %6 : tensor<1x2x3x2xf32>
}

// -----

// Angles that differ from head to head are not those of positions.
// CHECK-LABEL: func @angles_of_heads
func.func @angles_of_heads(%h: tensor<1x2x3x2xf32>) -> tensor<1x2x3x2xf32> {
  %cos = pi.constant dense<0.6> : tensor<2x1x2xf32>
  %sin = pi.constant dense<0.8> : tensor<2x1x2xf32>
  %minus = pi.constant dense<-1.0> : tensor<f32>
  %0 = pi.mul %h, %cos : tensor<1x2x3x2xf32>, tensor<2x1x2xf32> -> tensor<1x2x3x2xf32>
  %1 = pi.slice %h axis 3 offset 0 : tensor<1x2x3x2xf32> -> tensor<1x2x3x1xf32>
  %2 = pi.slice %h axis 3 offset 1 : tensor<1x2x3x2xf32> -> tensor<1x2x3x1xf32>
  %3 = pi.mul %2, %minus : tensor<1x2x3x1xf32>, tensor<f32> -> tensor<1x2x3x1xf32>
  %4 = pi.concat %3, %1 axis 3 : tensor<1x2x3x1xf32>, tensor<1x2x3x1xf32> -> tensor<1x2x3x2xf32>
  %5 = pi.mul %4, %sin : tensor<1x2x3x2xf32>, tensor<2x1x2xf32> -> tensor<1x2x3x2xf32>
  // One angle for each place in the second dimension: these are tokens, and the
  // third dimension is heads.
  // CHECK: pi.rotary_embedding %{{.*}} heads 3 : tensor<1x2x6xf32>, tensor<2x1xf32>
  %6 = pi.add %0, %5 : tensor<1x2x3x2xf32>, tensor<1x2x3x2xf32> -> tensor<1x2x3x2xf32>
  return %6 : tensor<1x2x3x2xf32>
}

// -----

// Columns joined without a rotation.
// CHECK-LABEL: func @only_joined
func.func @only_joined(%h: tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32> {
  %1 = pi.slice %h axis 3 offset 0 : tensor<1x2x3x4xf32> -> tensor<1x2x3x2xf32>
  %2 = pi.slice %h axis 3 offset 2 : tensor<1x2x3x4xf32> -> tensor<1x2x3x2xf32>
  // CHECK-NOT: pi.rotary_embedding
  // CHECK: pi.concat
  %4 = pi.concat %2, %1 axis 3 : tensor<1x2x3x2xf32>, tensor<1x2x3x2xf32> -> tensor<1x2x3x4xf32>
  return %4 : tensor<1x2x3x4xf32>
}

// -----

// GPT-NeoX stores its angles as initializers. They are public: cosines and sines.
// CHECK-LABEL: func @stored_angles
func.func @stored_angles(%h: tensor<1x2x3x2xf32>) -> tensor<1x2x3x2xf32> {
  %cos = pi.weight "cos_cached" dense<[[[[1.0, 1.0], [0.6, 0.6], [0.0, 0.0]]]]> : tensor<1x1x3x2xf32>
  %sin = pi.weight "sin_cached" dense<[[[[0.0, 0.0], [0.8, 0.8], [1.0, 1.0]]]]> : tensor<1x1x3x2xf32>
  %minus = pi.constant dense<-1.0> : tensor<f32>
  %0 = pi.mul %h, %cos : tensor<1x2x3x2xf32>, tensor<1x1x3x2xf32> -> tensor<1x2x3x2xf32>
  %1 = pi.slice %h axis 3 offset 0 : tensor<1x2x3x2xf32> -> tensor<1x2x3x1xf32>
  %2 = pi.slice %h axis 3 offset 1 : tensor<1x2x3x2xf32> -> tensor<1x2x3x1xf32>
  %3 = pi.mul %2, %minus : tensor<1x2x3x1xf32>, tensor<f32> -> tensor<1x2x3x1xf32>
  %4 = pi.concat %3, %1 axis 3 : tensor<1x2x3x1xf32>, tensor<1x2x3x1xf32> -> tensor<1x2x3x2xf32>
  %5 = pi.mul %4, %sin : tensor<1x2x3x2xf32>, tensor<1x1x3x2xf32> -> tensor<1x2x3x2xf32>
  // CHECK-NOT: pi.weight
  // CHECK-DAG: %[[C:.*]] = pi.constant dense<{{\[\[}}1.000000e+00], [6.000000e-01], [0.000000e+00]]> : tensor<3x1xf32>
  // CHECK: pi.rotary_embedding %{{.*}} cos %[[C]]
  %6 = pi.add %0, %5 : tensor<1x2x3x2xf32>, tensor<1x2x3x2xf32> -> tensor<1x2x3x2xf32>
  return %6 : tensor<1x2x3x2xf32>
}

// -----

// Parameters that are no cosines and sines stay the server's.
// CHECK-LABEL: func @learned_tables
func.func @learned_tables(%h: tensor<1x2x3x2xf32>) -> tensor<1x2x3x2xf32> {
  %cos = pi.weight "cos_cached" dense<0.6> : tensor<1x1x3x2xf32>
  %sin = pi.weight "sin_cached" dense<[[[[0.8, 0.8], [0.8, 0.8], [0.7, 0.7]]]]> : tensor<1x1x3x2xf32>
  %minus = pi.constant dense<-1.0> : tensor<f32>
  %0 = pi.mul %h, %cos : tensor<1x2x3x2xf32>, tensor<1x1x3x2xf32> -> tensor<1x2x3x2xf32>
  %1 = pi.slice %h axis 3 offset 0 : tensor<1x2x3x2xf32> -> tensor<1x2x3x1xf32>
  %2 = pi.slice %h axis 3 offset 1 : tensor<1x2x3x2xf32> -> tensor<1x2x3x1xf32>
  %3 = pi.mul %2, %minus : tensor<1x2x3x1xf32>, tensor<f32> -> tensor<1x2x3x1xf32>
  %4 = pi.concat %3, %1 axis 3 : tensor<1x2x3x1xf32>, tensor<1x2x3x1xf32> -> tensor<1x2x3x2xf32>
  %5 = pi.mul %4, %sin : tensor<1x2x3x2xf32>, tensor<1x1x3x2xf32> -> tensor<1x2x3x2xf32>
  // CHECK-NOT: pi.rotary_embedding
  // CHECK: pi.concat
  %6 = pi.add %0, %5 : tensor<1x2x3x2xf32>, tensor<1x2x3x2xf32> -> tensor<1x2x3x2xf32>
  return %6 : tensor<1x2x3x2xf32>
}
