// RUN: aero-opt %s --pass-pipeline='builtin.module(func.func(pi-raise))' --split-input-file | FileCheck %s

// BERT: 1 for a token, 0 for padding, turned around and scaled.
// CHECK-LABEL: func @padding
func.func @padding(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x4x3xf32>, %v: tensor<2x2x3x4xf32>, %mask: tensor<2x3xi64>) -> tensor<2x2x3x4xf32> {
  %s = pi.matmul %q, %k : tensor<2x2x3x4xf32>, tensor<2x2x4x3xf32> -> tensor<2x2x3x3xf32>
  %one = pi.constant dense<1.0> : tensor<f32>
  %low = pi.constant dense<-3.40282347E+38> : tensor<f32>
  %e = pi.reshape %mask : tensor<2x3xi64> -> tensor<2x1x1x3xi64>
  %f = pi.cast %e : tensor<2x1x1x3xi64> -> tensor<2x1x1x3xf32>
  %i = pi.sub %one, %f : tensor<f32>, tensor<2x1x1x3xf32> -> tensor<2x1x1x3xf32>
  %a = pi.mul %i, %low : tensor<2x1x1x3xf32>, tensor<f32> -> tensor<2x1x1x3xf32>
  %m = pi.add %s, %a : tensor<2x2x3x3xf32>, tensor<2x1x1x3xf32> -> tensor<2x2x3x3xf32>
  %p = pi.softmax %m axis 3 : tensor<2x2x3x3xf32>
  // CHECK-NOT: pi.{{cast|sub|softmax}}
  // CHECK: pi.attention {{.*}} mask %{{.*}} : tensor<2x3xi64> heads 2 scale 1.000000e+00 : tensor<2x3x8xf32>
  %o = pi.matmul %p, %v : tensor<2x2x3x3xf32>, tensor<2x2x3x4xf32> -> tensor<2x2x3x4xf32>
  return %o : tensor<2x2x3x4xf32>
}

// -----

// BERT before 2022.
// CHECK-LABEL: func @padding_of_ten_thousand
func.func @padding_of_ten_thousand(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x4x3xf32>, %v: tensor<2x2x3x4xf32>, %mask: tensor<2x3xi64>) -> tensor<2x2x3x4xf32> {
  %s = pi.matmul %q, %k : tensor<2x2x3x4xf32>, tensor<2x2x4x3xf32> -> tensor<2x2x3x3xf32>
  %one = pi.constant dense<1.0> : tensor<f32>
  %low = pi.constant dense<-1.0e4> : tensor<f32>
  %e = pi.reshape %mask : tensor<2x3xi64> -> tensor<2x1x1x3xi64>
  %f = pi.cast %e : tensor<2x1x1x3xi64> -> tensor<2x1x1x3xf32>
  %i = pi.sub %one, %f : tensor<f32>, tensor<2x1x1x3xf32> -> tensor<2x1x1x3xf32>
  %a = pi.mul %i, %low : tensor<2x1x1x3xf32>, tensor<f32> -> tensor<2x1x1x3xf32>
  %m = pi.add %a, %s : tensor<2x1x1x3xf32>, tensor<2x2x3x3xf32> -> tensor<2x2x3x3xf32>
  %p = pi.softmax %m axis 3 : tensor<2x2x3x3xf32>
  // CHECK: pi.attention {{.*}} mask %{{.*}} : tensor<2x3xi64> heads 2
  %o = pi.matmul %p, %v : tensor<2x2x3x3xf32>, tensor<2x2x3x4xf32> -> tensor<2x2x3x4xf32>
  return %o : tensor<2x2x3x4xf32>
}

// -----

// GPT-2: causal by a condition, then padding by a sum.
// CHECK-LABEL: func @causal_and_padding
func.func @causal_and_padding(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x4x3xf32>, %v: tensor<2x2x3x4xf32>, %mask: tensor<2x3xi64>) -> tensor<2x2x3x4xf32> {
  %s = pi.matmul %q, %k : tensor<2x2x3x4xf32>, tensor<2x2x4x3xf32> -> tensor<2x2x3x3xf32>
  %c = pi.constant dense<[[true, false, false], [true, true, false], [true, true, true]]> : tensor<3x3xi1>
  %inf = pi.constant dense<0xFF800000> : tensor<f32>
  %one = pi.constant dense<1.0> : tensor<f32>
  %low = pi.constant dense<-3.40282347E+38> : tensor<f32>
  %e = pi.reshape %mask : tensor<2x3xi64> -> tensor<2x1x1x3xi64>
  %f = pi.cast %e : tensor<2x1x1x3xi64> -> tensor<2x1x1x3xf32>
  %i = pi.sub %one, %f : tensor<f32>, tensor<2x1x1x3xf32> -> tensor<2x1x1x3xf32>
  %a = pi.mul %i, %low : tensor<2x1x1x3xf32>, tensor<f32> -> tensor<2x1x1x3xf32>
  %w = pi.where %c, %s, %inf : tensor<3x3xi1>, tensor<2x2x3x3xf32>, tensor<f32> -> tensor<2x2x3x3xf32>
  %m = pi.add %w, %a : tensor<2x2x3x3xf32>, tensor<2x1x1x3xf32> -> tensor<2x2x3x3xf32>
  %p = pi.softmax %m axis 3 : tensor<2x2x3x3xf32>
  // CHECK-NOT: pi.where
  // CHECK: pi.attention {{.*}} mask %{{.*}} : tensor<2x3xi64> heads 2 scale 1.000000e+00 causal
  %o = pi.matmul %p, %v : tensor<2x2x3x3xf32>, tensor<2x2x3x4xf32> -> tensor<2x2x3x4xf32>
  return %o : tensor<2x2x3x4xf32>
}

// -----

// Both in one condition, from a mask of truth values.
// CHECK-LABEL: func @causal_and_padding_at_once
func.func @causal_and_padding_at_once(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x4x3xf32>, %v: tensor<2x2x3x4xf32>, %mask: tensor<2x3xi1>) -> tensor<2x2x3x4xf32> {
  %s = pi.matmul %q, %k : tensor<2x2x3x4xf32>, tensor<2x2x4x3xf32> -> tensor<2x2x3x3xf32>
  %c = pi.constant dense<[[true, false, false], [true, true, false], [true, true, true]]> : tensor<3x3xi1>
  %inf = pi.constant dense<0xFF800000> : tensor<f32>
  %e = pi.reshape %mask : tensor<2x3xi1> -> tensor<2x1x1x3xi1>
  %b = pi.and %c, %e : tensor<3x3xi1>, tensor<2x1x1x3xi1> -> tensor<2x1x3x3xi1>
  %z = pi.constant dense<0.0> : tensor<f32>
  %a = pi.where %b, %z, %inf : tensor<2x1x3x3xi1>, tensor<f32>, tensor<f32> -> tensor<2x1x3x3xf32>
  %m = pi.add %s, %a : tensor<2x2x3x3xf32>, tensor<2x1x3x3xf32> -> tensor<2x2x3x3xf32>
  %p = pi.softmax %m axis 3 : tensor<2x2x3x3xf32>
  // CHECK: pi.attention {{.*}} mask %{{.*}} : tensor<2x3xi1> heads 2 scale 1.000000e+00 causal
  %o = pi.matmul %p, %v : tensor<2x2x3x3xf32>, tensor<2x2x3x4xf32> -> tensor<2x2x3x4xf32>
  return %o : tensor<2x2x3x4xf32>
}

// -----

// OPT and LLaMA: the padding is repeated for all queries, filled where it is not 0,
// added to the causal mask, and the sum is kept finite.
// CHECK-LABEL: func @filled_and_clamped
func.func @filled_and_clamped(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x4x3xf32>, %v: tensor<2x2x3x4xf32>, %mask: tensor<2x3xi64>) -> tensor<2x2x3x4xf32> {
  %s = pi.matmul %q, %k : tensor<2x2x3x4xf32>, tensor<2x2x4x3xf32> -> tensor<2x2x3x3xf32>
  %cm = pi.constant dense<[[0.0, -3.40282347E+38, -3.40282347E+38], [0.0, 0.0, -3.40282347E+38], [0.0, 0.0, 0.0]]> : tensor<3x3xf32>
  %one = pi.constant dense<1.0> : tensor<f32>
  %low = pi.constant dense<-3.40282347E+38> : tensor<f32>
  %e = pi.reshape %mask : tensor<2x3xi64> -> tensor<2x1x1x3xi64>
  %b = pi.broadcast %e : tensor<2x1x1x3xi64> -> tensor<2x1x3x3xi64>
  %f = pi.cast %b : tensor<2x1x3x3xi64> -> tensor<2x1x3x3xf32>
  %i = pi.sub %one, %f : tensor<f32>, tensor<2x1x3x3xf32> -> tensor<2x1x3x3xf32>
  %t = pi.cast %i : tensor<2x1x3x3xf32> -> tensor<2x1x3x3xi1>
  %w = pi.where %t, %low, %i : tensor<2x1x3x3xi1>, tensor<f32>, tensor<2x1x3x3xf32> -> tensor<2x1x3x3xf32>
  %a = pi.add %w, %cm : tensor<2x1x3x3xf32>, tensor<3x3xf32> -> tensor<2x1x3x3xf32>
  %x = pi.add %s, %a : tensor<2x2x3x3xf32>, tensor<2x1x3x3xf32> -> tensor<2x2x3x3xf32>
  %m = pi.max %x, %low : tensor<2x2x3x3xf32>, tensor<f32> -> tensor<2x2x3x3xf32>
  %p = pi.softmax %m axis 3 : tensor<2x2x3x3xf32>
  // CHECK-NOT: pi.max
  // CHECK: pi.attention {{.*}} mask %{{.*}} : tensor<2x3xi64> heads 2 scale 1.000000e+00 causal
  %o = pi.matmul %p, %v : tensor<2x2x3x3xf32>, tensor<2x2x3x4xf32> -> tensor<2x2x3x4xf32>
  return %o : tensor<2x2x3x4xf32>
}

// -----

// GPT-2 of 2019: w * b - 1e4 * (1 - b).
// CHECK-LABEL: func @multiplied_mask
func.func @multiplied_mask(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x4x3xf32>, %v: tensor<2x2x3x4xf32>) -> tensor<2x2x3x4xf32> {
  %s = pi.matmul %q, %k : tensor<2x2x3x4xf32>, tensor<2x2x4x3xf32> -> tensor<2x2x3x3xf32>
  %b = pi.constant dense<[[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 1.0, 1.0]]> : tensor<3x3xf32>
  %n = pi.constant dense<[[0.0, 1.0e4, 1.0e4], [0.0, 0.0, 1.0e4], [0.0, 0.0, 0.0]]> : tensor<3x3xf32>
  %x = pi.mul %s, %b : tensor<2x2x3x3xf32>, tensor<3x3xf32> -> tensor<2x2x3x3xf32>
  %m = pi.sub %x, %n : tensor<2x2x3x3xf32>, tensor<3x3xf32> -> tensor<2x2x3x3xf32>
  %p = pi.softmax %m axis 3 : tensor<2x2x3x3xf32>
  // CHECK: pi.attention {{.*}} heads 2 scale 1.000000e+00 causal
  %o = pi.matmul %p, %v : tensor<2x2x3x3xf32>, tensor<2x2x3x4xf32> -> tensor<2x2x3x4xf32>
  return %o : tensor<2x2x3x4xf32>
}

// -----

// ALiBi: a bias for each head and key, and a causal mask.
// CHECK-LABEL: func @alibi
func.func @alibi(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x4x3xf32>, %v: tensor<2x2x3x4xf32>) -> tensor<2x2x3x4xf32> {
  %s = pi.matmul %q, %k : tensor<2x2x3x4xf32>, tensor<2x2x4x3xf32> -> tensor<2x2x3x3xf32>
  %c = pi.constant dense<[[true, false, false], [true, true, false], [true, true, true]]> : tensor<3x3xi1>
  %inf = pi.constant dense<0xFF800000> : tensor<f32>
  %al = pi.constant dense<[[[0.0, 0.5, 1.0]], [[0.0, 0.25, 0.5]]]> : tensor<2x1x3xf32>
  %x = pi.add %s, %al : tensor<2x2x3x3xf32>, tensor<2x1x3xf32> -> tensor<2x2x3x3xf32>
  %m = pi.where %c, %x, %inf : tensor<3x3xi1>, tensor<2x2x3x3xf32>, tensor<f32> -> tensor<2x2x3x3xf32>
  %p = pi.softmax %m axis 3 : tensor<2x2x3x3xf32>
  // CHECK: pi.attention {{.*}} bias %{{.*}} : tensor<2x3x3xf32> heads 2 scale 1.000000e+00 causal
  %o = pi.matmul %p, %v : tensor<2x2x3x3xf32>, tensor<2x2x3x4xf32> -> tensor<2x2x3x4xf32>
  return %o : tensor<2x2x3x4xf32>
}

// -----

// A public bias alone is not copied.
// CHECK-LABEL: func @public_bias
func.func @public_bias(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x4x3xf32>, %v: tensor<2x2x3x4xf32>) -> tensor<2x2x3x4xf32> {
  %s = pi.matmul %q, %k : tensor<2x2x3x4xf32>, tensor<2x2x4x3xf32> -> tensor<2x2x3x3xf32>
  // CHECK: %[[B:.*]] = pi.constant dense<{{.*}}> : tensor<2x1x3xf32>
  %al = pi.constant dense<[[[0.0, 0.5, 1.0]], [[0.0, 0.25, 0.5]]]> : tensor<2x1x3xf32>
  %m = pi.add %s, %al : tensor<2x2x3x3xf32>, tensor<2x1x3xf32> -> tensor<2x2x3x3xf32>
  %p = pi.softmax %m axis 3 : tensor<2x2x3x3xf32>
  // CHECK: pi.attention {{.*}} bias %[[B]] : tensor<2x1x3xf32> heads 2 scale 1.000000e+00 :
  %o = pi.matmul %p, %v : tensor<2x2x3x3xf32>, tensor<2x2x3x4xf32> -> tensor<2x2x3x4xf32>
  return %o : tensor<2x2x3x4xf32>
}

// -----

// A bias that is an input of floats, or a parameter.
// CHECK-LABEL: func @computed_bias
func.func @computed_bias(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x4x3xf32>, %v: tensor<2x2x3x4xf32>, %bias: tensor<3xf32>) -> tensor<2x2x3x4xf32> {
  %s = pi.matmul %q, %k : tensor<2x2x3x4xf32>, tensor<2x2x4x3xf32> -> tensor<2x2x3x3xf32>
  %c = pi.constant dense<[[true, false, false], [true, true, false], [true, true, true]]> : tensor<3x3xi1>
  %inf = pi.constant dense<0xFF800000> : tensor<f32>
  %w = pi.weight "relative" dense<0.1> : tensor<2x3x3xf32>
  %x = pi.add %s, %w : tensor<2x2x3x3xf32>, tensor<2x3x3xf32> -> tensor<2x2x3x3xf32>
  %y = pi.sub %x, %bias : tensor<2x2x3x3xf32>, tensor<3xf32> -> tensor<2x2x3x3xf32>
  %m = pi.where %c, %y, %inf : tensor<3x3xi1>, tensor<2x2x3x3xf32>, tensor<f32> -> tensor<2x2x3x3xf32>
  %p = pi.softmax %m axis 3 : tensor<2x2x3x3xf32>
  // CHECK: %[[N:.*]] = pi.mul %{{.*}}, %{{.*}} : tensor<3xf32>, tensor<f32>
  // CHECK: %[[B:.*]] = pi.add %relative, %[[N]]
  // CHECK: pi.attention {{.*}} bias %[[B]] : tensor<2x3x3xf32> heads 2 scale 1.000000e+00 causal
  %o = pi.matmul %p, %v : tensor<2x2x3x3xf32>, tensor<2x2x3x4xf32> -> tensor<2x2x3x4xf32>
  return %o : tensor<2x2x3x4xf32>
}

// -----

// What the ONNX operator adds is a mask too.
// CHECK-LABEL: func @mask_in_a_bias
// CHECK-SAME: %[[M:[^ ]*]]: tensor<1x3xi1>)
func.func @mask_in_a_bias(%x: tensor<1x3x4xf32>, %mask: tensor<1x3xi1>) -> tensor<1x3x4xf32> {
  %z = pi.constant dense<0.0> : tensor<f32>
  %inf = pi.constant dense<0xFF800000> : tensor<f32>
  %e = pi.reshape %mask : tensor<1x3xi1> -> tensor<1x1x1x3xi1>
  %b = pi.where %e, %z, %inf : tensor<1x1x1x3xi1>, tensor<f32>, tensor<f32> -> tensor<1x1x1x3xf32>
  // CHECK: pi.attention {{.*}} mask %[[M]] : tensor<1x3xi1> heads 2 scale 5.000000e-01 causal
  %y = pi.attention %x, %x, %x bias %b : tensor<1x1x1x3xf32> heads 2 scale 0.5 causal : tensor<1x3x4xf32>, tensor<1x3x4xf32>
  return %y : tensor<1x3x4xf32>
}

// -----

// A query that sees no key has NaN in float arithmetic, and 0 in pi.attention.
// CHECK-LABEL: func @guarded
func.func @guarded(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x4x3xf32>, %v: tensor<2x2x3x4xf32>) -> (tensor<2x2x3x4xf32>, tensor<2x2x3x4xf32>) {
  %zero = pi.constant dense<0.0> : tensor<f32>
  %s = pi.matmul %q, %k : tensor<2x2x3x4xf32>, tensor<2x2x4x3xf32> -> tensor<2x2x3x3xf32>
  %p = pi.softmax %s axis 3 : tensor<2x2x3x3xf32>
  %e = pi.compare eq %p, %p : tensor<2x2x3x3xf32>, tensor<2x2x3x3xf32> -> tensor<2x2x3x3xi1>
  %n = pi.not %e : tensor<2x2x3x3xi1>
  %g = pi.where %n, %zero, %p : tensor<2x2x3x3xi1>, tensor<f32>, tensor<2x2x3x3xf32> -> tensor<2x2x3x3xf32>
  // CHECK-NOT: pi.{{compare|not|where}}
  // CHECK: pi.attention
  %o = pi.matmul %g, %v : tensor<2x2x3x3xf32>, tensor<2x2x3x4xf32> -> tensor<2x2x3x4xf32>
  %p1 = pi.softmax %s axis 3 : tensor<2x2x3x3xf32>
  %e1 = pi.compare eq %p1, %p1 : tensor<2x2x3x3xf32>, tensor<2x2x3x3xf32> -> tensor<2x2x3x3xi1>
  %g1 = pi.where %e1, %p1, %zero : tensor<2x2x3x3xi1>, tensor<2x2x3x3xf32>, tensor<f32> -> tensor<2x2x3x3xf32>
  // CHECK: pi.attention
  %o1 = pi.matmul %g1, %v : tensor<2x2x3x3xf32>, tensor<2x2x3x4xf32> -> tensor<2x2x3x4xf32>
  return %o, %o1 : tensor<2x2x3x4xf32>, tensor<2x2x3x4xf32>
}

// -----

// 1 for padding: not what the operand means.
// CHECK-LABEL: func @inverted_padding
func.func @inverted_padding(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x4x3xf32>, %v: tensor<2x2x3x4xf32>, %mask: tensor<2x3xi64>) -> tensor<2x2x3x4xf32> {
  %s = pi.matmul %q, %k : tensor<2x2x3x4xf32>, tensor<2x2x4x3xf32> -> tensor<2x2x3x3xf32>
  %low = pi.constant dense<-3.40282347E+38> : tensor<f32>
  %e = pi.reshape %mask : tensor<2x3xi64> -> tensor<2x1x1x3xi64>
  %f = pi.cast %e : tensor<2x1x1x3xi64> -> tensor<2x1x1x3xf32>
  %a = pi.mul %f, %low : tensor<2x1x1x3xf32>, tensor<f32> -> tensor<2x1x1x3xf32>
  %m = pi.add %s, %a : tensor<2x2x3x3xf32>, tensor<2x1x1x3xf32> -> tensor<2x2x3x3xf32>
  %p = pi.softmax %m axis 3 : tensor<2x2x3x3xf32>
  // CHECK-NOT: pi.attention
  // CHECK: pi.softmax
  %o = pi.matmul %p, %v : tensor<2x2x3x3xf32>, tensor<2x2x3x4xf32> -> tensor<2x2x3x4xf32>
  return %o : tensor<2x2x3x4xf32>
}

// -----

// Padding that queries have, not keys.
// CHECK-LABEL: func @padding_of_queries
func.func @padding_of_queries(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x4x3xf32>, %v: tensor<2x2x3x4xf32>, %mask: tensor<2x3xi64>) -> tensor<2x2x3x4xf32> {
  %s = pi.matmul %q, %k : tensor<2x2x3x4xf32>, tensor<2x2x4x3xf32> -> tensor<2x2x3x3xf32>
  %one = pi.constant dense<1.0> : tensor<f32>
  %low = pi.constant dense<-3.40282347E+38> : tensor<f32>
  %e = pi.reshape %mask : tensor<2x3xi64> -> tensor<2x1x3x1xi64>
  %f = pi.cast %e : tensor<2x1x3x1xi64> -> tensor<2x1x3x1xf32>
  %i = pi.sub %one, %f : tensor<f32>, tensor<2x1x3x1xf32> -> tensor<2x1x3x1xf32>
  %a = pi.mul %i, %low : tensor<2x1x3x1xf32>, tensor<f32> -> tensor<2x1x3x1xf32>
  %m = pi.add %s, %a : tensor<2x2x3x3xf32>, tensor<2x1x3x1xf32> -> tensor<2x2x3x3xf32>
  %p = pi.softmax %m axis 3 : tensor<2x2x3x3xf32>
  // CHECK-NOT: pi.attention
  // CHECK: pi.softmax
  %o = pi.matmul %p, %v : tensor<2x2x3x3xf32>, tensor<2x2x3x4xf32> -> tensor<2x2x3x4xf32>
  return %o : tensor<2x2x3x4xf32>
}

// -----

// The product of two elements of a mask hides a pair.
// CHECK-LABEL: func @padding_of_pairs
func.func @padding_of_pairs(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x4x3xf32>, %v: tensor<2x2x3x4xf32>, %mask: tensor<2x3xi64>) -> tensor<2x2x3x4xf32> {
  %s = pi.matmul %q, %k : tensor<2x2x3x4xf32>, tensor<2x2x4x3xf32> -> tensor<2x2x3x3xf32>
  %inf = pi.constant dense<0xFF800000> : tensor<f32>
  %e = pi.reshape %mask : tensor<2x3xi64> -> tensor<2x1x1x3xi64>
  %f = pi.reshape %mask : tensor<2x3xi64> -> tensor<2x1x3x1xi64>
  %g = pi.mul %e, %f : tensor<2x1x1x3xi64>, tensor<2x1x3x1xi64> -> tensor<2x1x3x3xi64>
  %b = pi.cast %g : tensor<2x1x3x3xi64> -> tensor<2x1x3x3xi1>
  %m = pi.where %b, %s, %inf : tensor<2x1x3x3xi1>, tensor<2x2x3x3xf32>, tensor<f32> -> tensor<2x2x3x3xf32>
  %p = pi.softmax %m axis 3 : tensor<2x2x3x3xf32>
  // CHECK-NOT: pi.attention
  // CHECK: pi.softmax
  %o = pi.matmul %p, %v : tensor<2x2x3x3xf32>, tensor<2x2x3x4xf32> -> tensor<2x2x3x4xf32>
  return %o : tensor<2x2x3x4xf32>
}

// -----

// Token ids are not 0 or 1.
// CHECK-LABEL: func @mask_of_tokens
func.func @mask_of_tokens(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x4x3xf32>, %v: tensor<2x2x3x4xf32>, %mask: tensor<2x3xi64>) -> (tensor<2x2x3x4xf32>, tensor<2x3x12xf32>) {
  %s = pi.matmul %q, %k : tensor<2x2x3x4xf32>, tensor<2x2x4x3xf32> -> tensor<2x2x3x3xf32>
  %inf = pi.constant dense<0xFF800000> : tensor<f32>
  %t = pi.weight "t" dense<0.1> : tensor<9x12xf32>
  %x = pi.embedding %t[%mask] : tensor<9x12xf32>, tensor<2x3xi64> -> tensor<2x3x12xf32>
  %two = pi.constant dense<2> : tensor<i64>
  %l = pi.compare le %two, %mask : tensor<i64>, tensor<2x3xi64> -> tensor<2x3xi1>
  %b = pi.reshape %l : tensor<2x3xi1> -> tensor<2x1x1x3xi1>
  %m = pi.where %b, %s, %inf : tensor<2x1x1x3xi1>, tensor<2x2x3x3xf32>, tensor<f32> -> tensor<2x2x3x3xf32>
  %p = pi.softmax %m axis 3 : tensor<2x2x3x3xf32>
  // CHECK-NOT: pi.attention
  // CHECK: pi.softmax
  %o = pi.matmul %p, %v : tensor<2x2x3x3xf32>, tensor<2x2x3x4xf32> -> tensor<2x2x3x4xf32>
  return %o, %x : tensor<2x2x3x4xf32>, tensor<2x3x12xf32>
}

// -----

// Scores kept above a number that they may reach.
// CHECK-LABEL: func @clamped_scores
func.func @clamped_scores(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x4x3xf32>, %v: tensor<2x2x3x4xf32>) -> tensor<2x2x3x4xf32> {
  %s = pi.matmul %q, %k : tensor<2x2x3x4xf32>, tensor<2x2x4x3xf32> -> tensor<2x2x3x3xf32>
  %least = pi.constant dense<-8.0> : tensor<f32>
  %m = pi.max %s, %least : tensor<2x2x3x3xf32>, tensor<f32> -> tensor<2x2x3x3xf32>
  %p = pi.softmax %m axis 3 : tensor<2x2x3x3xf32>
  // CHECK-NOT: pi.attention
  // CHECK: pi.softmax
  %o = pi.matmul %p, %v : tensor<2x2x3x3xf32>, tensor<2x2x3x4xf32> -> tensor<2x2x3x4xf32>
  return %o : tensor<2x2x3x4xf32>
}

// -----

// Exporters store the mask, and what it is filled with, as initializers.
// CHECK-LABEL: func @stored_mask
func.func @stored_mask(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x4x3xf32>, %v: tensor<2x2x3x4xf32>, %mask: tensor<2x3xi64>) -> tensor<2x2x3x4xf32> {
  %b = pi.weight "bias" dense<[[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 1.0, 1.0]]> : tensor<3x3xf32>
  %zero = pi.weight "zero" dense<0.0> : tensor<f32>
  %inf = pi.weight "inf" dense<0xFF800000> : tensor<f32>
  %s = pi.matmul %q, %k : tensor<2x2x3x4xf32>, tensor<2x2x4x3xf32> -> tensor<2x2x3x3xf32>
  %e = pi.reshape %mask : tensor<2x3xi64> -> tensor<2x1x1x3xi64>
  %c = pi.cast %e : tensor<2x1x1x3xi64> -> tensor<2x1x1x3xi1>
  %a = pi.where %c, %zero, %inf : tensor<2x1x1x3xi1>, tensor<f32>, tensor<f32> -> tensor<2x1x1x3xf32>
  %x = pi.add %s, %a : tensor<2x2x3x3xf32>, tensor<2x1x1x3xf32> -> tensor<2x2x3x3xf32>
  %l = pi.compare eq %b, %zero : tensor<3x3xf32>, tensor<f32> -> tensor<3x3xi1>
  %m = pi.where %l, %inf, %x : tensor<3x3xi1>, tensor<f32>, tensor<2x2x3x3xf32> -> tensor<2x2x3x3xf32>
  %p = pi.softmax %m axis 3 : tensor<2x2x3x3xf32>
  // CHECK: pi.attention {{.*}} mask %{{.*}} : tensor<2x3xi64> heads 2 scale 1.000000e+00 causal
  %o = pi.matmul %p, %v : tensor<2x2x3x3xf32>, tensor<2x2x3x4xf32> -> tensor<2x2x3x4xf32>
  return %o : tensor<2x2x3x4xf32>
}
