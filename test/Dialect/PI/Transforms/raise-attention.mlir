// RUN: aero-opt %s --pass-pipeline='builtin.module(func.func(pi-raise))' --split-input-file | FileCheck %s

// As torch.onnx.export writes GPT-2: scaled, then masked where key > query.
// CHECK-LABEL: func @causal_where
// CHECK-SAME: (%[[Q:.*]]: tensor<1x2x4xf32>, %[[K:.*]]: tensor<1x2x4xf32>, %[[V:.*]]: tensor<1x2x4xf32>)
func.func @causal_where(%q: tensor<1x2x4xf32>, %k: tensor<1x2x4xf32>, %v: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
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
  %inf = pi.constant dense<0xFF800000> : tensor<f32>
  %ms = pi.where %m, %inf, %sc : tensor<1x1x2x2xi1>, tensor<f32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %p = pi.softmax %ms axis 3 : tensor<1x2x2x2xf32>
  %o = pi.matmul %p, %vh : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %ot = pi.transpose %o [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  // CHECK-NOT: pi.{{matmul|softmax|where|transpose|reshape}}
  // CHECK: %[[Y:.*]] = pi.attention %[[Q]], %[[K]], %[[V]] heads 2 scale 5.000000e-01 causal
  // CHECK-NEXT: return %[[Y]]
  %y = pi.reshape %ot : tensor<1x2x2x2xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

// CHECK-LABEL: func @no_mask
// CHECK-SAME: (%[[Q:.*]]: tensor<1x2x4xf32>, %[[K:.*]]: tensor<1x2x4xf32>, %[[V:.*]]: tensor<1x2x4xf32>)
func.func @no_mask(%q: tensor<1x2x4xf32>, %k: tensor<1x2x4xf32>, %v: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %qr = pi.reshape %q : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %qh = pi.transpose %qr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %kr = pi.reshape %k : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %kt = pi.transpose %kr [0, 2, 3, 1] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %vr = pi.reshape %v : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %vh = pi.transpose %vr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %s = pi.matmul %qh, %kt : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %c = pi.constant dense<0.5> : tensor<f32>
  %sc = pi.mul %s, %c : tensor<1x2x2x2xf32>, tensor<f32> -> tensor<1x2x2x2xf32>
  %p = pi.softmax %sc axis 3 : tensor<1x2x2x2xf32>
  %o = pi.matmul %p, %vh : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %ot = pi.transpose %o [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  // CHECK: pi.attention %[[Q]], %[[K]], %[[V]] heads 2 scale 5.000000e-01 :
  %y = pi.reshape %ot : tensor<1x2x2x2xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

// CHECK-LABEL: func @divided_scores
func.func @divided_scores(%q: tensor<1x2x4xf32>, %k: tensor<1x2x4xf32>, %v: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %qr = pi.reshape %q : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %qh = pi.transpose %qr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %kr = pi.reshape %k : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %kt = pi.transpose %kr [0, 2, 3, 1] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %vr = pi.reshape %v : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %vh = pi.transpose %vr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %s = pi.matmul %qh, %kt : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %c = pi.constant dense<4.0> : tensor<f32>
  %sc = pi.div %s, %c : tensor<1x2x2x2xf32>, tensor<f32> -> tensor<1x2x2x2xf32>
  %m = pi.constant dense<[[[[false, true], [false, false]]]]> : tensor<1x1x2x2xi1>
  %inf = pi.constant dense<0xFF800000> : tensor<f32>
  %ms = pi.where %m, %inf, %sc : tensor<1x1x2x2xi1>, tensor<f32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %p = pi.softmax %ms axis 3 : tensor<1x2x2x2xf32>
  %o = pi.matmul %p, %vh : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %ot = pi.transpose %o [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  // CHECK: heads 2 scale 2.500000e-01 causal
  %y = pi.reshape %ot : tensor<1x2x2x2xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

// As scaled_dot_product_attention is exported: the root of the scale on both sides.
// CHECK-LABEL: func @scaled_query_and_key
// CHECK-SAME: (%[[Q:.*]]: tensor<1x2x4xf32>, %[[K:.*]]: tensor<1x2x4xf32>, %[[V:.*]]: tensor<1x2x4xf32>)
func.func @scaled_query_and_key(%q: tensor<1x2x4xf32>, %k: tensor<1x2x4xf32>, %v: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %qr = pi.reshape %q : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %qh = pi.transpose %qr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %kr = pi.reshape %k : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %kt = pi.transpose %kr [0, 2, 3, 1] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %vr = pi.reshape %v : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %vh = pi.transpose %vr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %c = pi.constant dense<0.5> : tensor<f32>
  %qs = pi.mul %qh, %c : tensor<1x2x2x2xf32>, tensor<f32> -> tensor<1x2x2x2xf32>
  %ks = pi.mul %kt, %c : tensor<1x2x2x2xf32>, tensor<f32> -> tensor<1x2x2x2xf32>
  %s = pi.matmul %qs, %ks : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %m = pi.constant dense<[[[[false, true], [false, false]]]]> : tensor<1x1x2x2xi1>
  %inf = pi.constant dense<0xFF800000> : tensor<f32>
  %ms = pi.where %m, %inf, %s : tensor<1x1x2x2xi1>, tensor<f32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %p = pi.softmax %ms axis 3 : tensor<1x2x2x2xf32>
  %o = pi.matmul %p, %vh : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %ot = pi.transpose %o [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  // CHECK: pi.attention %[[Q]], %[[K]], %[[V]] heads 2 scale 2.500000e-01 causal
  %y = pi.reshape %ot : tensor<1x2x2x2xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

// CHECK-LABEL: func @unscaled
func.func @unscaled(%q: tensor<1x2x4xf32>, %k: tensor<1x2x4xf32>, %v: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
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
  %p = pi.softmax %ms axis 3 : tensor<1x2x2x2xf32>
  %o = pi.matmul %p, %vh : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %ot = pi.transpose %o [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  // CHECK: heads 2 scale 1.000000e+00 causal
  %y = pi.reshape %ot : tensor<1x2x2x2xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

// CHECK-LABEL: func @key_transposed_twice
// CHECK-SAME: (%[[Q:.*]]: tensor<1x2x4xf32>, %[[K:.*]]: tensor<1x2x4xf32>, %[[V:.*]]: tensor<1x2x4xf32>)
func.func @key_transposed_twice(%q: tensor<1x2x4xf32>, %k: tensor<1x2x4xf32>, %v: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %qr = pi.reshape %q : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %qh = pi.transpose %qr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %kr = pi.reshape %k : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %kh = pi.transpose %kr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %kt = pi.transpose %kh [0, 1, 3, 2] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %vr = pi.reshape %v : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %vh = pi.transpose %vr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %s = pi.matmul %qh, %kt : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %c = pi.constant dense<0.5> : tensor<f32>
  %sc = pi.mul %s, %c : tensor<1x2x2x2xf32>, tensor<f32> -> tensor<1x2x2x2xf32>
  %m = pi.constant dense<[[[[false, true], [false, false]]]]> : tensor<1x1x2x2xi1>
  %inf = pi.constant dense<0xFF800000> : tensor<f32>
  %ms = pi.where %m, %inf, %sc : tensor<1x1x2x2xi1>, tensor<f32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %p = pi.softmax %ms axis 3 : tensor<1x2x2x2xf32>
  %o = pi.matmul %p, %vh : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %ot = pi.transpose %o [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  // CHECK: %[[Y:.*]] = pi.attention %[[Q]], %[[K]], %[[V]] heads 2 scale 5.000000e-01 causal
  %y = pi.reshape %ot : tensor<1x2x2x2xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

// A learned temperature is the server's and goes to the query.
// CHECK-LABEL: func @private_scale
// CHECK-SAME: (%[[Q:.*]]: tensor<1x2x4xf32>, %[[K:.*]]: tensor<1x2x4xf32>, %[[V:.*]]: tensor<1x2x4xf32>)
func.func @private_scale(%q: tensor<1x2x4xf32>, %k: tensor<1x2x4xf32>, %v: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %qr = pi.reshape %q : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %qh = pi.transpose %qr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %kr = pi.reshape %k : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %kt = pi.transpose %kr [0, 2, 3, 1] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %vr = pi.reshape %v : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %vh = pi.transpose %vr [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %s = pi.matmul %qh, %kt : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %c = pi.weight "temperature" dense<0.5> : tensor<f32>
  %sc = pi.mul %s, %c : tensor<1x2x2x2xf32>, tensor<f32> -> tensor<1x2x2x2xf32>
  %m = pi.constant dense<[[[[false, true], [false, false]]]]> : tensor<1x1x2x2xi1>
  %inf = pi.constant dense<0xFF800000> : tensor<f32>
  %ms = pi.where %m, %inf, %sc : tensor<1x1x2x2xi1>, tensor<f32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %p = pi.softmax %ms axis 3 : tensor<1x2x2x2xf32>
  %o = pi.matmul %p, %vh : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %ot = pi.transpose %o [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  // CHECK: %[[S:.*]] = pi.mul %[[Q]], %temperature
  // CHECK: pi.attention %[[S]], %[[K]], %[[V]] heads 2 scale 1.000000e+00 causal
  %y = pi.reshape %ot : tensor<1x2x2x2xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

// CHECK-LABEL: func @softmax_over_queries
func.func @softmax_over_queries(%q: tensor<1x2x4xf32>, %k: tensor<1x2x4xf32>, %v: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
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
  %inf = pi.constant dense<0xFF800000> : tensor<f32>
  %ms = pi.where %m, %inf, %sc : tensor<1x1x2x2xi1>, tensor<f32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %p = pi.softmax %ms axis 2 : tensor<1x2x2x2xf32>
  %o = pi.matmul %p, %vh : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %ot = pi.transpose %o [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  // CHECK-NOT: pi.attention
  // CHECK: pi.softmax
  %y = pi.reshape %ot : tensor<1x2x2x2xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

// CHECK-LABEL: func @probabilities_read_twice
func.func @probabilities_read_twice(%q: tensor<1x2x4xf32>, %k: tensor<1x2x4xf32>, %v: tensor<1x2x4xf32>) -> (tensor<1x2x4xf32>, tensor<1x2x2x2xf32>) {
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
  %inf = pi.constant dense<0xFF800000> : tensor<f32>
  %ms = pi.where %m, %inf, %sc : tensor<1x1x2x2xi1>, tensor<f32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %p = pi.softmax %ms axis 3 : tensor<1x2x2x2xf32>
  %o = pi.matmul %p, %vh : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %ot = pi.transpose %o [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  // CHECK-NOT: pi.attention
  // CHECK: pi.softmax
  %y = pi.reshape %ot : tensor<1x2x2x2xf32> -> tensor<1x2x4xf32>
  return %y, %p : tensor<1x2x4xf32>, tensor<1x2x2x2xf32>
}
