// RUN: aero-opt %s --pi-simplify-block | FileCheck %s
// RUN: aero-opt %s --pi-simplify-block --remarks-filter=pi-simplify-block 2>&1 | FileCheck %s --check-prefix=REMARK

// [example] --pi-simplify-block
// Both projections go, with their biases.
// CHECK-LABEL: func @example
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x4xf32>, %[[Q:.*]]: tensor<1x2x4xf32>, %[[K:.*]]: tensor<1x2x4xf32>
// CHECK-NEXT: %[[O:.*]] = pi.attention %[[Q]], %[[K]], %[[X]] heads 2
// CHECK-NEXT: return %[[O]]
func.func @example(%x: tensor<1x2x4xf32>, %q: tensor<1x2x4xf32>, %k: tensor<1x2x4xf32>, %wv: tensor<4x4xf32>, %wo: tensor<4x4xf32>, %b: tensor<4xf32>) -> tensor<1x2x4xf32> {
  %v = pi.linear %x, %wv bias %b : tensor<4xf32> : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  %a = pi.attention %q, %k, %v heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  %o = pi.linear %a, %wo bias %b : tensor<4xf32> : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  return %o : tensor<1x2x4xf32>
}
// [end of example]

// The columns of the values are cut out of a fused projection.
// CHECK-LABEL: func @fused
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x4xf32>, %[[WO:.*]]: tensor<4x4xf32>)
// CHECK-DAG: %[[W:.*]] = pi.weight "qkv" {{.*}} : tensor<4x8xf32>
// CHECK-DAG: %[[B:.*]] = pi.weight "bias" {{.*}} : tensor<8xf32>
// CHECK: %[[P:.*]] = pi.linear %[[X]], %[[W]] bias %[[B]]
// CHECK-DAG: %[[Q:.*]] = pi.slice %[[P]] axis 2 offset 0 : tensor<1x2x8xf32> -> tensor<1x2x4xf32>
// CHECK-DAG: %[[K:.*]] = pi.slice %[[P]] axis 2 offset 4 : tensor<1x2x8xf32> -> tensor<1x2x4xf32>
// CHECK: pi.attention %[[Q]], %[[K]], %[[X]]
func.func @fused(%x: tensor<1x2x4xf32>, %wo: tensor<4x4xf32>) -> tensor<1x2x4xf32> {
  %w = pi.weight "qkv" dense<0.5> : tensor<4x12xf32>
  %b = pi.weight "bias" dense<0.5> : tensor<12xf32>
  %p = pi.linear %x, %w bias %b : tensor<12xf32> : tensor<1x2x4xf32>, tensor<4x12xf32> -> tensor<1x2x12xf32>
  %q = pi.slice %p axis 2 offset 0 : tensor<1x2x12xf32> -> tensor<1x2x4xf32>
  %v = pi.slice %p axis 2 offset 4 : tensor<1x2x12xf32> -> tensor<1x2x4xf32>
  %k = pi.slice %p axis 2 offset 8 : tensor<1x2x12xf32> -> tensor<1x2x4xf32>
  %a = pi.attention %q, %k, %v heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  %o = pi.linear %a, %wo : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  return %o : tensor<1x2x4xf32>
}

// A matrix that the file holds the other way round stays so.
// CHECK-LABEL: func @fused_transposed
// CHECK: %[[W:.*]] = pi.weight "qkv" {{.*}} : tensor<8x4xf32>
// CHECK: %[[T:.*]] = pi.transpose %[[W]] [1, 0]
// CHECK: pi.linear %{{.*}}, %[[T]]
func.func @fused_transposed(%x: tensor<1x2x4xf32>, %wo: tensor<4x4xf32>) -> tensor<1x2x4xf32> {
  %s = pi.weight "qkv" dense<0.5> : tensor<12x4xf32>
  %w = pi.transpose %s [1, 0] : tensor<12x4xf32> -> tensor<4x12xf32>
  %p = pi.linear %x, %w : tensor<1x2x4xf32>, tensor<4x12xf32> -> tensor<1x2x12xf32>
  %q = pi.slice %p axis 2 offset 0 : tensor<1x2x12xf32> -> tensor<1x2x4xf32>
  %k = pi.slice %p axis 2 offset 4 : tensor<1x2x12xf32> -> tensor<1x2x4xf32>
  %v = pi.slice %p axis 2 offset 8 : tensor<1x2x12xf32> -> tensor<1x2x4xf32>
  %a = pi.attention %q, %k, %v heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  %o = pi.linear %a, %wo : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  return %o : tensor<1x2x4xf32>
}

// Values that are the keys too: only what nothing else reads goes.
// CHECK-LABEL: func @shared_key
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x4xf32>, %[[W:.*]]: tensor<4x4xf32>)
// CHECK-NEXT: %[[K:.*]] = pi.linear %[[X]], %[[W]]
// CHECK-NEXT: pi.attention %[[X]], %[[K]], %[[X]]
func.func @shared_key(%x: tensor<1x2x4xf32>, %w: tensor<4x4xf32>) -> tensor<1x2x4xf32> {
  %k = pi.linear %x, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  %a = pi.attention %x, %k, %k heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  %o = pi.linear %a, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  return %o : tensor<1x2x4xf32>
}

// Shared key heads have narrower values than the stream.
// CHECK-LABEL: func @grouped
// CHECK: pi.attention %{{.*}} key_heads 1
// CHECK-NEXT: pi.linear
// REMARK: remark: {{.*}}pi.attention keeps its projections: its values have another shape than what they are made of
func.func @grouped(%x: tensor<1x2x4xf32>, %k: tensor<1x2x2xf32>, %w: tensor<4x2xf32>, %wo: tensor<4x4xf32>) -> tensor<1x2x4xf32> {
  %v = pi.linear %x, %w : tensor<1x2x4xf32>, tensor<4x2xf32> -> tensor<1x2x2xf32>
  %a = pi.attention %x, %k, %v heads 2 key_heads 1 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x2xf32>
  %o = pi.linear %a, %wo : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  return %o : tensor<1x2x4xf32>
}

// CHECK-LABEL: func @no_projection
// CHECK-NEXT: pi.attention
// CHECK-NEXT: pi.linear
// REMARK: remark: {{.*}}keeps its projections: its values are not made by a linear map
func.func @no_projection(%x: tensor<1x2x4xf32>, %wo: tensor<4x4xf32>) -> tensor<1x2x4xf32> {
  %a = pi.attention %x, %x, %x heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  %o = pi.linear %a, %wo : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  return %o : tensor<1x2x4xf32>
}

// CHECK-LABEL: func @wider_output
// CHECK: pi.linear
// CHECK: pi.attention
// CHECK: pi.linear
// REMARK: remark: {{.*}}keeps its projections: its output projection changes the width
func.func @wider_output(%x: tensor<1x2x4xf32>, %w: tensor<4x4xf32>, %wo: tensor<4x8xf32>) -> tensor<1x2x8xf32> {
  %v = pi.linear %x, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  %a = pi.attention %x, %x, %v heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  %o = pi.linear %a, %wo : tensor<1x2x4xf32>, tensor<4x8xf32> -> tensor<1x2x8xf32>
  return %o : tensor<1x2x8xf32>
}
