// RUN: aero-opt %s --pass-pipeline='builtin.module(func.func(pi-raise))' --split-input-file | FileCheck %s

// The condition says what is kept, and the fill is the lowest float.
// CHECK-LABEL: func @allowed_where
// CHECK-SAME: (%[[Q:.*]]: tensor<1x2x4xf32>, %[[K:.*]]: tensor<1x2x4xf32>, %[[V:.*]]: tensor<1x2x4xf32>)
func.func @allowed_where(%q: tensor<1x2x4xf32>, %k: tensor<1x2x4xf32>, %v: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %qr = pi.reshape %q : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %qh = pi.transpose %qr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %kr = pi.reshape %k : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %kt = pi.transpose %kr [0, 2, 3, 1] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %vr = pi.reshape %v : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %vh = pi.transpose %vr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %s = pi.matmul %qh, %kt : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %c = pi.constant dense<0.5> : tensor<f32>
  %sc = pi.mul %s, %c : tensor<1x2x2x2xf32>, tensor<f32> -> tensor<1x2x2x2xf32>
  %m = pi.constant dense<[[[[true, false], [true, true]]]]> : tensor<1x1x2x2xi1>
  %inf = pi.constant dense<-3.40282347E+38> : tensor<f32>
  %ms = pi.where %m, %sc, %inf : tensor<1x1x2x2xi1>, tensor<1x2x2x2xf32>, tensor<f32> -> tensor<1x2x2x2xf32>
  %p = pi.softmax %ms axis 3 : tensor<1x2x2x2xf32>
  %o = pi.matmul %p, %vh : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %ot = pi.transpose %o [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  // CHECK: %[[Y:.*]] = pi.attention %[[Q]], %[[K]], %[[V]] heads 2 scale 5.000000e-01 causal
  %y = pi.reshape %ot : tensor<1x2x2x2xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

// CHECK-LABEL: func @added_mask
// CHECK-SAME: (%[[Q:.*]]: tensor<1x2x4xf32>, %[[K:.*]]: tensor<1x2x4xf32>, %[[V:.*]]: tensor<1x2x4xf32>)
func.func @added_mask(%q: tensor<1x2x4xf32>, %k: tensor<1x2x4xf32>, %v: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %qr = pi.reshape %q : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %qh = pi.transpose %qr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %kr = pi.reshape %k : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %kt = pi.transpose %kr [0, 2, 3, 1] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %vr = pi.reshape %v : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %vh = pi.transpose %vr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %s = pi.matmul %qh, %kt : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %c = pi.constant dense<0.5> : tensor<f32>
  %sc = pi.mul %s, %c : tensor<1x2x2x2xf32>, tensor<f32> -> tensor<1x2x2x2xf32>
  %m = pi.constant dense<[[0.0, 0xFF800000], [0.0, 0.0]]> : tensor<2x2xf32>
  %ms = pi.add %sc, %m : tensor<1x2x2x2xf32>, tensor<2x2xf32> -> tensor<1x2x2x2xf32>
  %p = pi.softmax %ms axis 3 : tensor<1x2x2x2xf32>
  %o = pi.matmul %p, %vh : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %ot = pi.transpose %o [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  // CHECK: %[[Y:.*]] = pi.attention %[[Q]], %[[K]], %[[V]] heads 2 scale 5.000000e-01 causal
  %y = pi.reshape %ot : tensor<1x2x2x2xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

// Old GPT-2 exports mask with -10000.
// CHECK-LABEL: func @finite_mask
// CHECK-SAME: (%[[Q:.*]]: tensor<1x2x4xf32>, %[[K:.*]]: tensor<1x2x4xf32>, %[[V:.*]]: tensor<1x2x4xf32>)
func.func @finite_mask(%q: tensor<1x2x4xf32>, %k: tensor<1x2x4xf32>, %v: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %qr = pi.reshape %q : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %qh = pi.transpose %qr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %kr = pi.reshape %k : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %kt = pi.transpose %kr [0, 2, 3, 1] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %vr = pi.reshape %v : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %vh = pi.transpose %vr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %s = pi.matmul %qh, %kt : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %c = pi.constant dense<0.5> : tensor<f32>
  %sc = pi.mul %s, %c : tensor<1x2x2x2xf32>, tensor<f32> -> tensor<1x2x2x2xf32>
  %m = pi.constant dense<[[0.0, -1.0e4], [0.0, 0.0]]> : tensor<2x2xf32>
  %ms = pi.add %sc, %m : tensor<1x2x2x2xf32>, tensor<2x2xf32> -> tensor<1x2x2x2xf32>
  %p = pi.softmax %ms axis 3 : tensor<1x2x2x2xf32>
  %o = pi.matmul %p, %vh : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %ot = pi.transpose %o [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  // CHECK: %[[Y:.*]] = pi.attention %[[Q]], %[[K]], %[[V]] heads 2 scale 5.000000e-01 causal
  %y = pi.reshape %ot : tensor<1x2x2x2xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

// A positive number leaves minus infinity alone.
// CHECK-LABEL: func @scaled_after_the_mask
func.func @scaled_after_the_mask(%q: tensor<1x2x4xf32>, %k: tensor<1x2x4xf32>, %v: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %qr = pi.reshape %q : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %qh = pi.transpose %qr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %kr = pi.reshape %k : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %kt = pi.transpose %kr [0, 2, 3, 1] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %vr = pi.reshape %v : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %vh = pi.transpose %vr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %s = pi.matmul %qh, %kt : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %m = pi.constant dense<[[[[false, true], [false, false]]]]> : tensor<1x1x2x2xi1>
  %inf = pi.constant dense<0xFF800000> : tensor<f32>
  %ms = pi.where %m, %inf, %s : tensor<1x1x2x2xi1>, tensor<f32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %c = pi.constant dense<0.5> : tensor<f32>
  %pc = pi.mul %ms, %c : tensor<1x2x2x2xf32>, tensor<f32> -> tensor<1x2x2x2xf32>
  %p = pi.softmax %pc axis 3 : tensor<1x2x2x2xf32>
  %o = pi.matmul %p, %vh : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %ot = pi.transpose %o [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  // CHECK: heads 2 scale 5.000000e-01 causal
  %y = pi.reshape %ot : tensor<1x2x2x2xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

// A token sees the tokens after it instead of those before.
// CHECK-LABEL: func @mask_of_the_past
func.func @mask_of_the_past(%q: tensor<1x2x4xf32>, %k: tensor<1x2x4xf32>, %v: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %qr = pi.reshape %q : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %qh = pi.transpose %qr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %kr = pi.reshape %k : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %kt = pi.transpose %kr [0, 2, 3, 1] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %vr = pi.reshape %v : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %vh = pi.transpose %vr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %s = pi.matmul %qh, %kt : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %c = pi.constant dense<0.5> : tensor<f32>
  %sc = pi.mul %s, %c : tensor<1x2x2x2xf32>, tensor<f32> -> tensor<1x2x2x2xf32>
  %m = pi.constant dense<[[[[false, false], [true, false]]]]> : tensor<1x1x2x2xi1>
  %inf = pi.constant dense<0xFF800000> : tensor<f32>
  %ms = pi.where %m, %inf, %sc : tensor<1x1x2x2xi1>, tensor<f32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %p = pi.softmax %ms axis 3 : tensor<1x2x2x2xf32>
  %o = pi.matmul %p, %vh : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %ot = pi.transpose %o [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  // CHECK-NOT: pi.attention
  // CHECK: pi.softmax
  %y = pi.reshape %ot : tensor<1x2x2x2xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

// CHECK-LABEL: func @mask_with_a_hole
func.func @mask_with_a_hole(%q: tensor<1x2x4xf32>, %k: tensor<1x2x4xf32>, %v: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %qr = pi.reshape %q : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %qh = pi.transpose %qr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %kr = pi.reshape %k : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %kt = pi.transpose %kr [0, 2, 3, 1] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %vr = pi.reshape %v : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %vh = pi.transpose %vr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %s = pi.matmul %qh, %kt : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %c = pi.constant dense<0.5> : tensor<f32>
  %sc = pi.mul %s, %c : tensor<1x2x2x2xf32>, tensor<f32> -> tensor<1x2x2x2xf32>
  %m = pi.constant dense<[[[[false, true], [true, false]]]]> : tensor<1x1x2x2xi1>
  %inf = pi.constant dense<0xFF800000> : tensor<f32>
  %ms = pi.where %m, %inf, %sc : tensor<1x1x2x2xi1>, tensor<f32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %p = pi.softmax %ms axis 3 : tensor<1x2x2x2xf32>
  %o = pi.matmul %p, %vh : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %ot = pi.transpose %o [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  // CHECK-NOT: pi.attention
  // CHECK: pi.softmax
  %y = pi.reshape %ot : tensor<1x2x2x2xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

// A score is replaced by a number that is no minus infinity.
// CHECK-LABEL: func @mask_too_weak
func.func @mask_too_weak(%q: tensor<1x2x4xf32>, %k: tensor<1x2x4xf32>, %v: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %qr = pi.reshape %q : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %qh = pi.transpose %qr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %kr = pi.reshape %k : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %kt = pi.transpose %kr [0, 2, 3, 1] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %vr = pi.reshape %v : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %vh = pi.transpose %vr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %s = pi.matmul %qh, %kt : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %c = pi.constant dense<0.5> : tensor<f32>
  %sc = pi.mul %s, %c : tensor<1x2x2x2xf32>, tensor<f32> -> tensor<1x2x2x2xf32>
  %m = pi.constant dense<[[[[false, true], [false, false]]]]> : tensor<1x1x2x2xi1>
  %inf = pi.constant dense<-5.0> : tensor<f32>
  %ms = pi.where %m, %inf, %sc : tensor<1x1x2x2xi1>, tensor<f32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %p = pi.softmax %ms axis 3 : tensor<1x2x2x2xf32>
  %o = pi.matmul %p, %vh : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %ot = pi.transpose %o [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  // CHECK-NOT: pi.attention
  // CHECK: pi.softmax
  %y = pi.reshape %ot : tensor<1x2x2x2xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

// What is no mask is a bias: here both are in one constant.
// CHECK-LABEL: func @bias_and_mask
func.func @bias_and_mask(%q: tensor<1x2x4xf32>, %k: tensor<1x2x4xf32>, %v: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %qr = pi.reshape %q : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %qh = pi.transpose %qr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %kr = pi.reshape %k : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %kt = pi.transpose %kr [0, 2, 3, 1] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %vr = pi.reshape %v : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %vh = pi.transpose %vr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %s = pi.matmul %qh, %kt : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %c = pi.constant dense<0.5> : tensor<f32>
  %sc = pi.mul %s, %c : tensor<1x2x2x2xf32>, tensor<f32> -> tensor<1x2x2x2xf32>
  %m = pi.constant dense<[[0.0, 0xFF800000], [-0.5, 0.0]]> : tensor<2x2xf32>
  %ms = pi.add %sc, %m : tensor<1x2x2x2xf32>, tensor<2x2xf32> -> tensor<1x2x2x2xf32>
  %p = pi.softmax %ms axis 3 : tensor<1x2x2x2xf32>
  %o = pi.matmul %p, %vh : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %ot = pi.transpose %o [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  // CHECK: %[[B:.*]] = pi.constant dense<{{\[\[}}0.000000e+00, 0.000000e+00], [-5.000000e-01, 0.000000e+00]]> : tensor<2x2xf32>
  // CHECK: pi.attention {{.*}} bias %[[B]] : tensor<2x2xf32> heads 2 scale 5.000000e-01 causal
  %y = pi.reshape %ot : tensor<1x2x2x2xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

// Minus infinity would become plus infinity.
// CHECK-LABEL: func @negative_scale_after_the_mask
func.func @negative_scale_after_the_mask(%q: tensor<1x2x4xf32>, %k: tensor<1x2x4xf32>, %v: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %qr = pi.reshape %q : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %qh = pi.transpose %qr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %kr = pi.reshape %k : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %kt = pi.transpose %kr [0, 2, 3, 1] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %vr = pi.reshape %v : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %vh = pi.transpose %vr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %s = pi.matmul %qh, %kt : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %m = pi.constant dense<[[[[false, true], [false, false]]]]> : tensor<1x1x2x2xi1>
  %inf = pi.constant dense<0xFF800000> : tensor<f32>
  %ms = pi.where %m, %inf, %s : tensor<1x1x2x2xi1>, tensor<f32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %c = pi.constant dense<-0.5> : tensor<f32>
  %pc = pi.mul %ms, %c : tensor<1x2x2x2xf32>, tensor<f32> -> tensor<1x2x2x2xf32>
  %p = pi.softmax %pc axis 3 : tensor<1x2x2x2xf32>
  %o = pi.matmul %p, %vh : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %ot = pi.transpose %o [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  // CHECK-NOT: pi.attention
  // CHECK: pi.softmax
  %y = pi.reshape %ot : tensor<1x2x2x2xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}
