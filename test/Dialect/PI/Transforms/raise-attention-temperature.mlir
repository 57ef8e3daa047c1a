// RUN: aero-opt %s --pass-pipeline='builtin.module(func.func(pi-raise))' --split-input-file | FileCheck %s

// One number for each head and query, whose parameter has its own shape.
// CHECK-LABEL: func @heads_and_positions
// CHECK: %[[T:.*]] = pi.weight "t" {{.*}} : tensor<2x2xf32>
// CHECK-NOT: pi.div
// CHECK: pi.attention %{{.*}} temperature %[[T]] : tensor<2x2xf32> heads 2 scale 5.000000e-01 causal
func.func @heads_and_positions(%q: tensor<1x2x4xf32>, %k: tensor<1x2x4xf32>, %v: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %qr = pi.reshape %q : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %qh = pi.transpose %qr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %kr = pi.reshape %k : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %kt = pi.transpose %kr [0, 2, 3, 1] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %vr = pi.reshape %v : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %vh = pi.transpose %vr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %c = pi.constant dense<0.5> : tensor<f32>
  %m = pi.constant dense<[[[[false, true], [false, false]]]]> : tensor<1x1x2x2xi1>
  %inf = pi.constant dense<0xFF800000> : tensor<f32>
  %s = pi.matmul %qh, %kt : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %t = pi.weight "t" dense<[[2.0, 1.0], [4.0, 0.5]]> : tensor<2x2xf32>
  %t4 = pi.reshape %t : tensor<2x2xf32> -> tensor<1x2x2x1xf32>
  %sc = pi.mul %s, %c : tensor<1x2x2x2xf32>, tensor<f32> -> tensor<1x2x2x2xf32>
  %st = pi.div %sc, %t4 : tensor<1x2x2x2xf32>, tensor<1x2x2x1xf32> -> tensor<1x2x2x2xf32>
  %ms = pi.where %m, %inf, %st : tensor<1x1x2x2xi1>, tensor<f32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %p = pi.softmax %ms axis 3 : tensor<1x2x2x2xf32>
  %o = pi.matmul %p, %vh : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %ot = pi.transpose %o [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %y = pi.reshape %ot : tensor<1x2x2x2xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

// The thresholds of a softmax become those of the attention.
// CHECK-LABEL: func @thresholds
// CHECK: %[[T:.*]] = pi.weight "t" {{.*}} : tensor<2x2xf32>
// CHECK-NOT: pi.div
// CHECK: pi.attention %{{.*}} temperature %[[T]] : tensor<2x2xf32> heads 2 scale 5.000000e-01 causal entropy_thresholds [2.500000e-01, 1.000000e+00]
func.func @thresholds(%q: tensor<1x2x4xf32>, %k: tensor<1x2x4xf32>, %v: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %qr = pi.reshape %q : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %qh = pi.transpose %qr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %kr = pi.reshape %k : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %kt = pi.transpose %kr [0, 2, 3, 1] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %vr = pi.reshape %v : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %vh = pi.transpose %vr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %c = pi.constant dense<0.5> : tensor<f32>
  %m = pi.constant dense<[[[[false, true], [false, false]]]]> : tensor<1x1x2x2xi1>
  %inf = pi.constant dense<0xFF800000> : tensor<f32>
  %s = pi.matmul %qh, %kt : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %t = pi.weight "t" dense<[[2.0, 1.0], [4.0, 0.5]]> : tensor<2x2xf32>
  %t4 = pi.reshape %t : tensor<2x2xf32> -> tensor<1x2x2x1xf32>
  %sc = pi.mul %s, %c : tensor<1x2x2x2xf32>, tensor<f32> -> tensor<1x2x2x2xf32>
  %st = pi.div %sc, %t4 : tensor<1x2x2x2xf32>, tensor<1x2x2x1xf32> -> tensor<1x2x2x2xf32>
  %ms = pi.where %m, %inf, %st : tensor<1x1x2x2xi1>, tensor<f32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %p = pi.softmax %ms axis 3 entropy_thresholds [0.25, 1.0] : tensor<1x2x2x2xf32>
  %o = pi.matmul %p, %vh : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %ot = pi.transpose %o [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %y = pi.reshape %ot : tensor<1x2x2x2xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

// One number for each head, before the scale.
// CHECK-LABEL: func @heads
// CHECK: %[[T:.*]] = pi.weight "t" {{.*}} : tensor<2x1x1xf32>
// CHECK: %[[R:.*]] = pi.reshape %[[T]] : tensor<2x1x1xf32> -> tensor<2x1xf32>
// CHECK: pi.attention %{{.*}} temperature %[[R]] : tensor<2x1xf32> heads 2 scale 5.000000e-01 causal
func.func @heads(%q: tensor<1x2x4xf32>, %k: tensor<1x2x4xf32>, %v: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %qr = pi.reshape %q : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %qh = pi.transpose %qr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %kr = pi.reshape %k : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %kt = pi.transpose %kr [0, 2, 3, 1] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %vr = pi.reshape %v : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %vh = pi.transpose %vr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %c = pi.constant dense<0.5> : tensor<f32>
  %m = pi.constant dense<[[[[false, true], [false, false]]]]> : tensor<1x1x2x2xi1>
  %inf = pi.constant dense<0xFF800000> : tensor<f32>
  %s = pi.matmul %qh, %kt : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %t = pi.weight "t" dense<[[[2.0]], [[4.0]]]> : tensor<2x1x1xf32>
  %st = pi.div %s, %t : tensor<1x2x2x2xf32>, tensor<2x1x1xf32> -> tensor<1x2x2x2xf32>
  %sc = pi.mul %st, %c : tensor<1x2x2x2xf32>, tensor<f32> -> tensor<1x2x2x2xf32>
  %ms = pi.where %m, %inf, %sc : tensor<1x1x2x2xi1>, tensor<f32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %p = pi.softmax %ms axis 3 : tensor<1x2x2x2xf32>
  %o = pi.matmul %p, %vh : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %ot = pi.transpose %o [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %y = pi.reshape %ot : tensor<1x2x2x2xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

// A bias would be divided as well.
// CHECK-LABEL: func @divided_bias
// CHECK: pi.div
// CHECK: pi.softmax
func.func @divided_bias(%q: tensor<1x2x4xf32>, %k: tensor<1x2x4xf32>, %v: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %qr = pi.reshape %q : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %qh = pi.transpose %qr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %kr = pi.reshape %k : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %kt = pi.transpose %kr [0, 2, 3, 1] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %vr = pi.reshape %v : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %vh = pi.transpose %vr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %c = pi.constant dense<0.5> : tensor<f32>
  %m = pi.constant dense<[[[[false, true], [false, false]]]]> : tensor<1x1x2x2xi1>
  %inf = pi.constant dense<0xFF800000> : tensor<f32>
  %s = pi.matmul %qh, %kt : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %t = pi.weight "t" dense<0.5> : tensor<1x2x2x1xf32>
  %b = pi.weight "b" dense<0.25> : tensor<1x2x2x2xf32>
  %sb = pi.add %s, %b : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %st = pi.div %sb, %t : tensor<1x2x2x2xf32>, tensor<1x2x2x1xf32> -> tensor<1x2x2x2xf32>
  %ms = pi.where %m, %inf, %st : tensor<1x1x2x2xi1>, tensor<f32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %p = pi.softmax %ms axis 3 : tensor<1x2x2x2xf32>
  %o = pi.matmul %p, %vh : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %ot = pi.transpose %o [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %y = pi.reshape %ot : tensor<1x2x2x2xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

// A number for each key is no temperature of the query.
// CHECK-LABEL: func @keys
// CHECK: pi.div
// CHECK: pi.softmax
func.func @keys(%q: tensor<1x2x4xf32>, %k: tensor<1x2x4xf32>, %v: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %qr = pi.reshape %q : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %qh = pi.transpose %qr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %kr = pi.reshape %k : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %kt = pi.transpose %kr [0, 2, 3, 1] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %vr = pi.reshape %v : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %vh = pi.transpose %vr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %c = pi.constant dense<0.5> : tensor<f32>
  %m = pi.constant dense<[[[[false, true], [false, false]]]]> : tensor<1x1x2x2xi1>
  %inf = pi.constant dense<0xFF800000> : tensor<f32>
  %s = pi.matmul %qh, %kt : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %t = pi.weight "t" dense<0.5> : tensor<1x2x1x2xf32>
  %st = pi.div %s, %t : tensor<1x2x2x2xf32>, tensor<1x2x1x2xf32> -> tensor<1x2x2x2xf32>
  %ms = pi.where %m, %inf, %st : tensor<1x1x2x2xi1>, tensor<f32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %p = pi.softmax %ms axis 3 : tensor<1x2x2x2xf32>
  %o = pi.matmul %p, %vh : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %ot = pi.transpose %o [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %y = pi.reshape %ot : tensor<1x2x2x2xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}
