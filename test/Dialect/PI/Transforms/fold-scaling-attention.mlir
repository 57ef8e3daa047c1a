// RUN: aero-opt %s --pi-fold-scaling | FileCheck %s --check-prefixes=CHECK,BASE_E
// RUN: aero-opt %s --pi-fold-scaling=base2=true | FileCheck %s --check-prefixes=CHECK,BASE2

// [example] --pi-fold-scaling=base2=true
// The scale goes into the query's matrix, the factor into the output's.
// CHECK-LABEL: func @example
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x4xf32>, %[[K:.*]]: tensor<1x2x4xf32>, %[[V:.*]]: tensor<1x2x4xf32>)
// CHECK-DAG: %[[WQ:.*]] = pi.weight "wq" dense_resource
// CHECK-DAG: %[[WO:.*]] = pi.weight "wo+alpha" dense_resource
// CHECK: %[[Q:.*]] = pi.linear %[[X]], %[[WQ]]
// BASE_E: %[[A:.*]] = pi.attention %[[Q]], %[[K]], %[[V]] heads 1 scale 1.000000e+00 causal
// BASE2: %[[A:.*]] = pi.attention %[[Q]], %[[K]], %[[V]] heads 1 scale 0.693147182 causal
// CHECK: %[[Y:.*]] = pi.linear %[[A]], %[[WO]]
// CHECK-NEXT: return %[[Y]]
func.func @example(%x: tensor<1x2x4xf32>, %k: tensor<1x2x4xf32>, %v: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %wq = pi.weight "wq" dense<0.5> : tensor<4x4xf32>
  %wo = pi.weight "wo" dense<0.5> : tensor<4x4xf32>
  %alpha = pi.weight "alpha" dense<3.0> : tensor<f32>
  %q = pi.linear %x, %wq : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  %a = pi.attention %q, %k, %v heads 1 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  %s = pi.div %a, %alpha : tensor<1x2x4xf32>, tensor<f32> -> tensor<1x2x4xf32>
  %y = pi.linear %s, %wo : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}
// [end of example]

// Of a fused projection, the query's columns of matrix and bias.
// CHECK-LABEL: func @fused_qkv
// CHECK-DAG: %[[W:.*]] = pi.weight "c_attn.weight" dense_resource
// CHECK-DAG: %[[B:.*]] = pi.weight "c_attn.bias" dense_resource
// CHECK: pi.linear %{{[^ ]*}}, %[[W]] bias %[[B]]
// BASE_E: scale 1.000000e+00
// BASE2: scale 0.693147182
func.func @fused_qkv(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %w = pi.weight "c_attn.weight" dense<0.5> : tensor<4x12xf32>
  %b = pi.weight "c_attn.bias" dense<0.5> : tensor<12xf32>
  %p = pi.linear %x, %w bias %b : tensor<12xf32> : tensor<1x2x4xf32>, tensor<4x12xf32> -> tensor<1x2x12xf32>
  %q = pi.slice %p axis 2 offset 0 : tensor<1x2x12xf32> -> tensor<1x2x4xf32>
  %k = pi.slice %p axis 2 offset 4 : tensor<1x2x12xf32> -> tensor<1x2x4xf32>
  %v = pi.slice %p axis 2 offset 8 : tensor<1x2x12xf32> -> tensor<1x2x4xf32>
  %a = pi.attention %q, %k, %v heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  return %a : tensor<1x2x4xf32>
}

// The key absorbs the scale if the query cannot.
// CHECK-LABEL: func @key
// BASE_E: scale 1.000000e+00
// BASE2: scale 0.693147182
func.func @key(%q: tensor<1x2x4xf32>, %x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %w = pi.weight "w" dense<0.5> : tensor<4x4xf32>
  %k = pi.linear %x, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  %a = pi.attention %q, %k, %x heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  return %a : tensor<1x2x4xf32>
}

// A value behind an attention passes a factor on to its matrix.
// CHECK-LABEL: func @through_value
// CHECK: pi.weight "wv+alpha"
// CHECK-NOT: pi.div
// CHECK: return
func.func @through_value(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %wv = pi.weight "wv" dense<0.5> : tensor<4x4xf32>
  %wk = pi.weight "wk" dense<0.5> : tensor<4x4xf32>
  %alpha = pi.weight "alpha" dense<3.0> : tensor<f32>
  %k = pi.linear %x, %wk : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  %v = pi.linear %x, %wv : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  %a = pi.attention %x, %k, %v heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  %s = pi.div %a, %alpha : tensor<1x2x4xf32>, tensor<f32> -> tensor<1x2x4xf32>
  return %s : tensor<1x2x4xf32>
}

// A factor of the query goes into the scale, and from there into the matrix of
// the key.
// CHECK-LABEL: func @factor_of_query
// CHECK-NOT: pi.mul
// CHECK: pi.weight "w" dense_resource
// BASE_E: pi.attention %arg0, %{{.*}} scale 1.000000e+00
// BASE2: pi.attention %arg0, %{{.*}} scale 0.693147182
func.func @factor_of_query(%q: tensor<1x2x4xf32>, %x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %w = pi.weight "w" dense<0.5> : tensor<4x4xf32>
  %c = pi.constant dense<3.0> : tensor<f32>
  %k = pi.linear %x, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  %s = pi.mul %q, %c : tensor<1x2x4xf32>, tensor<f32> -> tensor<1x2x4xf32>
  %a = pi.attention %s, %k, %x heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  return %a : tensor<1x2x4xf32>
}

// Query and key are arguments: nobody can absorb the scale.
// CHECK-LABEL: func @arguments_stay
// CHECK: scale 5.000000e-01
func.func @arguments_stay(%q: tensor<1x2x4xf32>, %k: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %a = pi.attention %q, %k, %k heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  return %a : tensor<1x2x4xf32>
}

// One projection is query and key: scaling it would scale the scores twice.
// CHECK-LABEL: func @shared_query_key_stays
// CHECK: scale 5.000000e-01
func.func @shared_query_key_stays(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %w = pi.weight "w" dense<0.5> : tensor<4x4xf32>
  %q = pi.linear %x, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  %a = pi.attention %q, %q, %x heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  return %a : tensor<1x2x4xf32>
}

// Query and key share columns of the projection.
// CHECK-LABEL: func @overlapping_slices_stay
// CHECK: scale 5.000000e-01
func.func @overlapping_slices_stay(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %w = pi.weight "w" dense<0.5> : tensor<4x6xf32>
  %p = pi.linear %x, %w : tensor<1x2x4xf32>, tensor<4x6xf32> -> tensor<1x2x6xf32>
  %q = pi.slice %p axis 2 offset 0 : tensor<1x2x6xf32> -> tensor<1x2x4xf32>
  %k = pi.slice %p axis 2 offset 2 : tensor<1x2x6xf32> -> tensor<1x2x4xf32>
  %a = pi.attention %q, %k, %x heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  return %a : tensor<1x2x4xf32>
}

// Another reader of the projection sees all of its columns.
// CHECK-LABEL: func @other_reader_of_columns_stays
// CHECK: scale 5.000000e-01
func.func @other_reader_of_columns_stays(%x: tensor<1x2x4xf32>) -> (tensor<1x2x4xf32>, tensor<1x2x8xf32>) {
  %w = pi.weight "w" dense<0.5> : tensor<4x8xf32>
  %p = pi.linear %x, %w : tensor<1x2x4xf32>, tensor<4x8xf32> -> tensor<1x2x8xf32>
  %q = pi.slice %p axis 2 offset 0 : tensor<1x2x8xf32> -> tensor<1x2x4xf32>
  %k = pi.slice %p axis 2 offset 4 : tensor<1x2x8xf32> -> tensor<1x2x4xf32>
  %a = pi.attention %q, %k, %x heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  return %a, %p : tensor<1x2x4xf32>, tensor<1x2x8xf32>
}
