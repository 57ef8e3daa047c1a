// RUN: aero-opt %s --pass-pipeline='builtin.module(func.func(pi-raise))' --split-input-file | FileCheck %s

// The query's heads are not where the key's are: they are brought there.
// CHECK-LABEL: func @heads_and_tokens_swapped
func.func @heads_and_tokens_swapped(%q: tensor<1x2x4xf32>, %k: tensor<1x2x4xf32>, %v: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %qr = pi.reshape %q : tensor<1x2x4xf32> -> tensor<1x2x2x2xf32>
  %qh = pi.transpose %qr [0, 1, 2, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
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
  // CHECK: %[[R:.*]] = pi.reshape
  // CHECK: %[[T:.*]] = pi.transpose %[[R]] [0, 2, 1, 3]
  // CHECK: %[[Q:.*]] = pi.reshape %[[T]]
  // CHECK: pi.attention %[[Q]], %{{.*}}, %{{.*}} heads 2
  %y = pi.reshape %ot : tensor<1x2x2x2xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

// OPT: batch and heads are one dimension of the products, the query is scaled
// before its heads are cut, and the scores are reshaped for their mask.
// CHECK-LABEL: func @batched_heads
// CHECK-SAME: (%[[Q:.*]]: tensor<2x3x8xf32>, %[[K:.*]]: tensor<2x3x8xf32>, %[[V:.*]]: tensor<2x3x8xf32>)
func.func @batched_heads(%q: tensor<2x3x8xf32>, %k: tensor<2x3x8xf32>, %v: tensor<2x3x8xf32>) -> tensor<2x3x8xf32> {
  %half = pi.constant dense<0.5> : tensor<f32>
  %mask = pi.constant dense<[[[[0.0, 0xFF800000, 0xFF800000], [0.0, 0.0, 0xFF800000], [0.0, 0.0, 0.0]]]]> : tensor<1x1x3x3xf32>
  %qs = pi.mul %q, %half : tensor<2x3x8xf32>, tensor<f32> -> tensor<2x3x8xf32>
  %q4 = pi.reshape %qs : tensor<2x3x8xf32> -> tensor<2x3x4x2xf32>
  %qt = pi.transpose %q4 [0, 2, 1, 3] : tensor<2x3x4x2xf32> -> tensor<2x4x3x2xf32>
  %q3 = pi.reshape %qt : tensor<2x4x3x2xf32> -> tensor<8x3x2xf32>
  %k4 = pi.reshape %k : tensor<2x3x8xf32> -> tensor<2x3x4x2xf32>
  %kt = pi.transpose %k4 [0, 2, 1, 3] : tensor<2x3x4x2xf32> -> tensor<2x4x3x2xf32>
  %k3 = pi.reshape %kt : tensor<2x4x3x2xf32> -> tensor<8x3x2xf32>
  %v4 = pi.reshape %v : tensor<2x3x8xf32> -> tensor<2x3x4x2xf32>
  %vt = pi.transpose %v4 [0, 2, 1, 3] : tensor<2x3x4x2xf32> -> tensor<2x4x3x2xf32>
  %v3 = pi.reshape %vt : tensor<2x4x3x2xf32> -> tensor<8x3x2xf32>
  %kk = pi.transpose %k3 [0, 2, 1] : tensor<8x3x2xf32> -> tensor<8x2x3xf32>
  %s = pi.matmul %q3, %kk : tensor<8x3x2xf32>, tensor<8x2x3xf32> -> tensor<8x3x3xf32>
  %s4 = pi.reshape %s : tensor<8x3x3xf32> -> tensor<2x4x3x3xf32>
  %m = pi.add %s4, %mask : tensor<2x4x3x3xf32>, tensor<1x1x3x3xf32> -> tensor<2x4x3x3xf32>
  %s3 = pi.reshape %m : tensor<2x4x3x3xf32> -> tensor<8x3x3xf32>
  %p = pi.softmax %s3 axis 2 : tensor<8x3x3xf32>
  %o = pi.matmul %p, %v3 : tensor<8x3x3xf32>, tensor<8x3x2xf32> -> tensor<8x3x2xf32>
  %o4 = pi.reshape %o : tensor<8x3x2xf32> -> tensor<2x4x3x2xf32>
  %ot = pi.transpose %o4 [0, 2, 1, 3] : tensor<2x4x3x2xf32> -> tensor<2x3x4x2xf32>
  // CHECK-NEXT: %[[Y:.*]] = pi.attention %[[Q]], %[[K]], %[[V]] heads 4 scale 5.000000e-01 causal
  // CHECK-NEXT: return %[[Y]]
  %y = pi.reshape %ot : tensor<2x3x4x2xf32> -> tensor<2x3x8xf32>
  return %y : tensor<2x3x8xf32>
}

// -----

// Heads that nobody has apart are as many sequences with one head each; a mask
// of (batch * heads, queries, keys) is read as that.
// CHECK-LABEL: func @unknown_heads
func.func @unknown_heads(%q: tensor<8x3x2xf32>, %k: tensor<8x2x3xf32>, %v: tensor<8x3x2xf32>) -> tensor<8x3x2xf32> {
  %bias = pi.constant dense<0.25> : tensor<8x1x3xf32>
  %s = pi.matmul %q, %k : tensor<8x3x2xf32>, tensor<8x2x3xf32> -> tensor<8x3x3xf32>
  %m = pi.add %s, %bias : tensor<8x3x3xf32>, tensor<8x1x3xf32> -> tensor<8x3x3xf32>
  %p = pi.softmax %m axis 2 : tensor<8x3x3xf32>
  // CHECK: pi.attention %{{.*}} bias %{{.*}} heads 1 scale 1.000000e+00 : tensor<8x3x2xf32>
  %o = pi.matmul %p, %v : tensor<8x3x3xf32>, tensor<8x3x2xf32> -> tensor<8x3x2xf32>
  return %o : tensor<8x3x2xf32>
}

// -----

// GPT-NeoX: heads are cut before query, key and value.
// CHECK-LABEL: func @fused_by_head
// CHECK-SAME: (%[[X:.*]]: tensor<1x3x24xf32>)
func.func @fused_by_head(%x: tensor<1x3x24xf32>) -> tensor<1x3x8xf32> {
  %r = pi.reshape %x : tensor<1x3x24xf32> -> tensor<1x3x2x12xf32>
  // CHECK: %[[R:.*]] = pi.reshape %[[X]]
  // CHECK-DAG: %[[Q4:.*]] = pi.slice %[[R]] axis 3 offset 0
  // CHECK-DAG: %[[Q:.*]] = pi.reshape %[[Q4]] : tensor<1x3x2x4xf32> -> tensor<1x3x8xf32>
  // CHECK-DAG: %[[K4:.*]] = pi.slice %[[R]] axis 3 offset 4
  // CHECK-DAG: %[[K:.*]] = pi.reshape %[[K4]]
  // CHECK-DAG: %[[V4:.*]] = pi.slice %[[R]] axis 3 offset 8
  // CHECK-DAG: %[[V:.*]] = pi.reshape %[[V4]]
  // Here the slices come before the transpose ...
  %qs = pi.slice %r axis 3 offset 0 : tensor<1x3x2x12xf32> -> tensor<1x3x2x4xf32>
  %q = pi.transpose %qs [0, 2, 1, 3] : tensor<1x3x2x4xf32> -> tensor<1x2x3x4xf32>
  // ... and here after it.
  %t = pi.transpose %r [0, 2, 1, 3] : tensor<1x3x2x12xf32> -> tensor<1x2x3x12xf32>
  %k = pi.slice %t axis 3 offset 4 : tensor<1x2x3x12xf32> -> tensor<1x2x3x4xf32>
  %v = pi.slice %t axis 3 offset 8 : tensor<1x2x3x12xf32> -> tensor<1x2x3x4xf32>
  %kt = pi.transpose %k [0, 1, 3, 2] : tensor<1x2x3x4xf32> -> tensor<1x2x4x3xf32>
  %s = pi.matmul %q, %kt : tensor<1x2x3x4xf32>, tensor<1x2x4x3xf32> -> tensor<1x2x3x3xf32>
  %p = pi.softmax %s axis 3 : tensor<1x2x3x3xf32>
  %o = pi.matmul %p, %v : tensor<1x2x3x3xf32>, tensor<1x2x3x4xf32> -> tensor<1x2x3x4xf32>
  %ot = pi.transpose %o [0, 2, 1, 3] : tensor<1x2x3x4xf32> -> tensor<1x3x2x4xf32>
  // CHECK-NOT: pi.transpose
  // CHECK: %[[Y:.*]] = pi.attention %[[Q]], %[[K]], %[[V]] heads 2
  // CHECK-NEXT: return %[[Y]]
  %y = pi.reshape %ot : tensor<1x3x2x4xf32> -> tensor<1x3x8xf32>
  return %y : tensor<1x3x8xf32>
}

// -----

// Four heads share two of keys, repeated as LLaMA does; the values come with the
// tokens before the heads.
// CHECK-LABEL: func @grouped
// CHECK-SAME: (%[[Q:.*]]: tensor<1x3x8xf32>, %[[K:.*]]: tensor<1x3x4xf32>, %[[V:.*]]: tensor<1x3x4xf32>)
func.func @grouped(%q: tensor<1x3x8xf32>, %k: tensor<1x3x4xf32>, %v: tensor<1x3x4xf32>) -> tensor<1x3x8xf32> {
  %q4 = pi.reshape %q : tensor<1x3x8xf32> -> tensor<1x3x4x2xf32>
  %qt = pi.transpose %q4 [0, 2, 1, 3] : tensor<1x3x4x2xf32> -> tensor<1x4x3x2xf32>
  %k4 = pi.reshape %k : tensor<1x3x4xf32> -> tensor<1x3x2x2xf32>
  %kt = pi.transpose %k4 [0, 2, 1, 3] : tensor<1x3x2x2xf32> -> tensor<1x2x3x2xf32>
  %k5 = pi.reshape %kt : tensor<1x2x3x2xf32> -> tensor<1x2x1x3x2xf32>
  %kb = pi.broadcast %k5 : tensor<1x2x1x3x2xf32> -> tensor<1x2x2x3x2xf32>
  %kr = pi.reshape %kb : tensor<1x2x2x3x2xf32> -> tensor<1x4x3x2xf32>
  %kk = pi.transpose %kr [0, 1, 3, 2] : tensor<1x4x3x2xf32> -> tensor<1x4x2x3xf32>
  %v5 = pi.reshape %v : tensor<1x3x4xf32> -> tensor<1x3x2x1x2xf32>
  %vb = pi.broadcast %v5 : tensor<1x3x2x1x2xf32> -> tensor<1x3x2x2x2xf32>
  %vr = pi.reshape %vb : tensor<1x3x2x2x2xf32> -> tensor<1x3x4x2xf32>
  %vt = pi.transpose %vr [0, 2, 1, 3] : tensor<1x3x4x2xf32> -> tensor<1x4x3x2xf32>
  %s = pi.matmul %qt, %kk : tensor<1x4x3x2xf32>, tensor<1x4x2x3xf32> -> tensor<1x4x3x3xf32>
  %p = pi.softmax %s axis 3 : tensor<1x4x3x3xf32>
  %o = pi.matmul %p, %vt : tensor<1x4x3x3xf32>, tensor<1x4x3x2xf32> -> tensor<1x4x3x2xf32>
  %ot = pi.transpose %o [0, 2, 1, 3] : tensor<1x4x3x2xf32> -> tensor<1x3x4x2xf32>
  // CHECK-NEXT: %[[Y:.*]] = pi.attention %[[Q]], %[[K]], %[[V]] heads 4 key_heads 2 scale
  // CHECK-NEXT: return %[[Y]]
  %y = pi.reshape %ot : tensor<1x3x4x2xf32> -> tensor<1x3x8xf32>
  return %y : tensor<1x3x8xf32>
}

// -----

// One head of keys for all: repeated by the product, and by a broadcast.
// CHECK-LABEL: func @one_key_head
// CHECK-SAME: (%[[Q:.*]]: tensor<1x4x3x2xf32>, %[[K:.*]]: tensor<1x1x2x3xf32>, %[[V:.*]]: tensor<1x1x3x2xf32>)
func.func @one_key_head(%q: tensor<1x4x3x2xf32>, %k: tensor<1x1x2x3xf32>, %v: tensor<1x1x3x2xf32>) -> tensor<1x4x3x2xf32> {
  %vb = pi.broadcast %v : tensor<1x1x3x2xf32> -> tensor<1x4x3x2xf32>
  %s = pi.matmul %q, %k : tensor<1x4x3x2xf32>, tensor<1x1x2x3xf32> -> tensor<1x4x3x3xf32>
  %p = pi.softmax %s axis 3 : tensor<1x4x3x3xf32>
  // CHECK-NOT: pi.broadcast
  // CHECK: pi.attention {{.*}} heads 4 key_heads 1 scale 1.000000e+00 : tensor<1x3x8xf32>, tensor<1x3x2xf32>
  %o = pi.matmul %p, %vb : tensor<1x4x3x3xf32>, tensor<1x4x3x2xf32> -> tensor<1x4x3x2xf32>
  return %o : tensor<1x4x3x2xf32>
}

// -----

// Repeated the other way, h h h instead of h0 h0 h1 h1: not what key_heads means.
// CHECK-LABEL: func @repeated_in_turns
func.func @repeated_in_turns(%q: tensor<1x4x3x2xf32>, %k: tensor<1x2x2x3xf32>, %v: tensor<1x2x3x2xf32>) -> tensor<1x4x3x2xf32> {
  %k5 = pi.reshape %k : tensor<1x2x2x3xf32> -> tensor<1x1x2x2x3xf32>
  // CHECK: pi.broadcast
  %kb = pi.broadcast %k5 : tensor<1x1x2x2x3xf32> -> tensor<1x2x2x2x3xf32>
  %kr = pi.reshape %kb : tensor<1x2x2x2x3xf32> -> tensor<1x4x2x3xf32>
  %v5 = pi.reshape %v : tensor<1x2x3x2xf32> -> tensor<1x1x2x3x2xf32>
  %vb = pi.broadcast %v5 : tensor<1x1x2x3x2xf32> -> tensor<1x2x2x3x2xf32>
  %vr = pi.reshape %vb : tensor<1x2x2x3x2xf32> -> tensor<1x4x3x2xf32>
  %s = pi.matmul %q, %kr : tensor<1x4x3x2xf32>, tensor<1x4x2x3xf32> -> tensor<1x4x3x3xf32>
  %p = pi.softmax %s axis 3 : tensor<1x4x3x3xf32>
  // CHECK: pi.attention {{.*}} heads 4 scale
  %o = pi.matmul %p, %vr : tensor<1x4x3x3xf32>, tensor<1x4x3x2xf32> -> tensor<1x4x3x2xf32>
  return %o : tensor<1x4x3x2xf32>
}

// -----

// Two earlier tokens: three queries see five keys, the last three causally.
// CHECK-LABEL: func @past
// CHECK-SAME: (%[[Q:.*]]: tensor<1x3x4xf32>, %[[K:.*]]: tensor<1x3x4xf32>, %[[V:.*]]: tensor<1x3x4xf32>, %[[PK:.*]]: tensor<1x2x2x2xf32>, %[[PV:.*]]: tensor<1x2x2x2xf32>)
func.func @past(%q: tensor<1x3x4xf32>, %k: tensor<1x3x4xf32>, %v: tensor<1x3x4xf32>, %pk: tensor<1x2x2x2xf32>, %pv: tensor<1x2x2x2xf32>) -> (tensor<1x3x4xf32>, tensor<1x2x5x2xf32>) {
  %q4 = pi.reshape %q : tensor<1x3x4xf32> -> tensor<1x3x2x2xf32>
  %qt = pi.transpose %q4 [0, 2, 1, 3] : tensor<1x3x2x2xf32> -> tensor<1x2x3x2xf32>
  %k4 = pi.reshape %k : tensor<1x3x4xf32> -> tensor<1x3x2x2xf32>
  %kt = pi.transpose %k4 [0, 2, 1, 3] : tensor<1x3x2x2xf32> -> tensor<1x2x3x2xf32>
  // CHECK: %[[KC:.*]] = pi.concat %[[PK]], %{{.*}} axis 2
  %kc = pi.concat %pk, %kt axis 2 : tensor<1x2x2x2xf32>, tensor<1x2x3x2xf32> -> tensor<1x2x5x2xf32>
  %v4 = pi.reshape %v : tensor<1x3x4xf32> -> tensor<1x3x2x2xf32>
  %vt = pi.transpose %v4 [0, 2, 1, 3] : tensor<1x3x2x2xf32> -> tensor<1x2x3x2xf32>
  %vc = pi.concat %pv, %vt axis 2 : tensor<1x2x2x2xf32>, tensor<1x2x3x2xf32> -> tensor<1x2x5x2xf32>
  %kk = pi.transpose %kc [0, 1, 3, 2] : tensor<1x2x5x2xf32> -> tensor<1x2x2x5xf32>
  %s = pi.matmul %qt, %kk : tensor<1x2x3x2xf32>, tensor<1x2x2x5xf32> -> tensor<1x2x3x5xf32>
  %m = pi.constant dense<[[true, true, true, false, false], [true, true, true, true, false], [true, true, true, true, true]]> : tensor<3x5xi1>
  %inf = pi.constant dense<0xFF800000> : tensor<f32>
  %w = pi.where %m, %s, %inf : tensor<3x5xi1>, tensor<1x2x3x5xf32>, tensor<f32> -> tensor<1x2x3x5xf32>
  %p = pi.softmax %w axis 3 : tensor<1x2x3x5xf32>
  %o = pi.matmul %p, %vc : tensor<1x2x3x5xf32>, tensor<1x2x5x2xf32> -> tensor<1x2x3x2xf32>
  %ot = pi.transpose %o [0, 2, 1, 3] : tensor<1x2x3x2xf32> -> tensor<1x3x2x2xf32>
  // CHECK: %[[Y:.*]] = pi.attention %[[Q]], %{{.*}}, %{{.*}} heads 2 scale 1.000000e+00 causal : tensor<1x3x4xf32>, tensor<1x5x4xf32>
  // CHECK: return %[[Y]], %[[KC]]
  %y = pi.reshape %ot : tensor<1x3x2x2xf32> -> tensor<1x3x4xf32>
  return %y, %kc : tensor<1x3x4xf32>, tensor<1x2x5x2xf32>
}

// -----

// Causal from the first key on, though there is a past: query 0 does not see keys
// of earlier tokens.
// CHECK-LABEL: func @past_not_seen
func.func @past_not_seen(%q: tensor<1x2x3x2xf32>, %k: tensor<1x2x2x5xf32>, %v: tensor<1x2x5x2xf32>) -> tensor<1x2x3x2xf32> {
  %s = pi.matmul %q, %k : tensor<1x2x3x2xf32>, tensor<1x2x2x5xf32> -> tensor<1x2x3x5xf32>
  %m = pi.constant dense<[[true, false, false, false, false], [true, true, false, false, false], [true, true, true, false, false]]> : tensor<3x5xi1>
  %inf = pi.constant dense<0xFF800000> : tensor<f32>
  %w = pi.where %m, %s, %inf : tensor<3x5xi1>, tensor<1x2x3x5xf32>, tensor<f32> -> tensor<1x2x3x5xf32>
  // CHECK-NOT: pi.attention
  // CHECK: pi.softmax
  %p = pi.softmax %w axis 3 : tensor<1x2x3x5xf32>
  %o = pi.matmul %p, %v : tensor<1x2x3x5xf32>, tensor<1x2x5x2xf32> -> tensor<1x2x3x2xf32>
  return %o : tensor<1x2x3x2xf32>
}

// -----

// Values of another width than keys.
// CHECK-LABEL: func @wider_values
func.func @wider_values(%q: tensor<1x2x3x2xf32>, %k: tensor<1x2x2x3xf32>, %v: tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32> {
  %s = pi.matmul %q, %k : tensor<1x2x3x2xf32>, tensor<1x2x2x3xf32> -> tensor<1x2x3x3xf32>
  // CHECK-NOT: pi.attention
  // CHECK: pi.softmax
  %p = pi.softmax %s axis 3 : tensor<1x2x3x3xf32>
  %o = pi.matmul %p, %v : tensor<1x2x3x3xf32>, tensor<1x2x3x4xf32> -> tensor<1x2x3x4xf32>
  return %o : tensor<1x2x3x4xf32>
}

// -----

// One token: all transposes are reshapes.
// CHECK-LABEL: func @one_token
// CHECK-SAME: (%[[Q:.*]]: tensor<1x1x4xf32>, %[[K:.*]]: tensor<1x5x4xf32>)
func.func @one_token(%q: tensor<1x1x4xf32>, %k: tensor<1x5x4xf32>) -> tensor<1x1x4xf32> {
  %q4 = pi.reshape %q : tensor<1x1x4xf32> -> tensor<1x1x2x2xf32>
  %qt = pi.transpose %q4 [0, 2, 1, 3] : tensor<1x1x2x2xf32> -> tensor<1x2x1x2xf32>
  %k4 = pi.reshape %k : tensor<1x5x4xf32> -> tensor<1x5x2x2xf32>
  %kt = pi.transpose %k4 [0, 2, 3, 1] : tensor<1x5x2x2xf32> -> tensor<1x2x2x5xf32>
  %vt = pi.transpose %k4 [0, 2, 1, 3] : tensor<1x5x2x2xf32> -> tensor<1x2x5x2xf32>
  %s = pi.matmul %qt, %kt : tensor<1x2x1x2xf32>, tensor<1x2x2x5xf32> -> tensor<1x2x1x5xf32>
  %p = pi.softmax %s axis 3 : tensor<1x2x1x5xf32>
  %o = pi.matmul %p, %vt : tensor<1x2x1x5xf32>, tensor<1x2x5x2xf32> -> tensor<1x2x1x2xf32>
  %ot = pi.transpose %o [0, 2, 1, 3] : tensor<1x2x1x2xf32> -> tensor<1x1x2x2xf32>
  // CHECK-NEXT: %[[Y:.*]] = pi.attention %[[Q]], %[[K]], %[[K]] heads 2
  // CHECK-NEXT: return %[[Y]]
  %y = pi.reshape %ot : tensor<1x1x2x2xf32> -> tensor<1x1x4xf32>
  return %y : tensor<1x1x4xf32>
}

// -----

// GPT-NeoX by baddbmm: scores of three dimensions, context of four.
// CHECK-LABEL: func @reshaped_scores
func.func @reshaped_scores(%q: tensor<2x4x3x2xf32>, %k: tensor<2x4x3x2xf32>, %v: tensor<2x4x3x2xf32>) -> tensor<2x4x3x2xf32> {
  %half = pi.constant dense<0.5> : tensor<f32>
  %q3 = pi.reshape %q : tensor<2x4x3x2xf32> -> tensor<8x3x2xf32>
  %k3 = pi.reshape %k : tensor<2x4x3x2xf32> -> tensor<8x3x2xf32>
  %kt = pi.transpose %k3 [0, 2, 1] : tensor<8x3x2xf32> -> tensor<8x2x3xf32>
  %s = pi.matmul %q3, %kt : tensor<8x3x2xf32>, tensor<8x2x3xf32> -> tensor<8x3x3xf32>
  %h = pi.mul %s, %half : tensor<8x3x3xf32>, tensor<f32> -> tensor<8x3x3xf32>
  %s4 = pi.reshape %h : tensor<8x3x3xf32> -> tensor<2x4x3x3xf32>
  %p = pi.softmax %s4 axis 3 : tensor<2x4x3x3xf32>
  // CHECK: pi.attention {{.*}} heads 4 scale 5.000000e-01 : tensor<2x3x8xf32>
  %o = pi.matmul %p, %v : tensor<2x4x3x3xf32>, tensor<2x4x3x2xf32> -> tensor<2x4x3x2xf32>
  return %o : tensor<2x4x3x2xf32>
}
