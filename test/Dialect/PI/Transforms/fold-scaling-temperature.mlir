// RUN: aero-opt %s --pi-fold-scaling | FileCheck %s
// RUN: aero-opt %s --pi-fold-scaling --remarks-filter=pi-fold-scaling 2>&1 | FileCheck %s --check-prefix=REMARK

// One temperature a head: the columns of each head's query are divided by it.
// CHECK-LABEL: func @per_head
// CHECK: %[[W:.*]] = pi.weight "wq+t"
// CHECK: %[[Q:.*]] = pi.linear %{{.*}}, %[[W]]
// CHECK: pi.attention %[[Q]]
// CHECK-NOT: temperature
// CHECK-SAME: scale 1.000000e+00
// REMARK: remark: {{.*}}folded the temperature of pi.attention into pi.linear
func.func @per_head(%x: tensor<1x6x8xf32>) -> tensor<1x6x8xf32> {
  %wq = pi.weight "wq" dense<0.5> : tensor<8x8xf32>
  %s = pi.weight "t" dense<[[[2.0]], [[4.0]]]> : tensor<2x1x1xf32>
  %t = pi.reshape %s : tensor<2x1x1xf32> -> tensor<2x1xf32>
  %q = pi.linear %x, %wq : tensor<1x6x8xf32>, tensor<8x8xf32> -> tensor<1x6x8xf32>
  %a = pi.attention %q, %x, %x temperature %t : tensor<2x1xf32> heads 2 scale 5.000000e-01 causal : tensor<1x6x8xf32>, tensor<1x6x8xf32>
  return %a : tensor<1x6x8xf32>
}

// Likewise if it is the same at all positions, and in a fused projection.
// CHECK-LABEL: func @same_for_all_positions
// CHECK: pi.weight "wqk+t"
// CHECK: pi.attention
// CHECK-NOT: temperature
// CHECK: return
func.func @same_for_all_positions(%x: tensor<1x6x8xf32>) -> tensor<1x6x8xf32> {
  %w = pi.weight "wqk" dense<0.5> : tensor<8x16xf32>
  %t = pi.weight "t" dense<2.0> : tensor<2x6xf32>
  %p = pi.linear %x, %w : tensor<1x6x8xf32>, tensor<8x16xf32> -> tensor<1x6x16xf32>
  %q = pi.slice %p axis 2 offset 0 : tensor<1x6x16xf32> -> tensor<1x6x8xf32>
  %k = pi.slice %p axis 2 offset 8 : tensor<1x6x16xf32> -> tensor<1x6x8xf32>
  %a = pi.attention %q, %k, %x temperature %t : tensor<2x6xf32> heads 2 scale 1.0 causal : tensor<1x6x8xf32>, tensor<1x6x8xf32>
  return %a : tensor<1x6x8xf32>
}

// A matrix is the same for all positions: one that differs has to stay.
// CHECK-LABEL: func @per_position
// CHECK: temperature
// REMARK: remark: {{.*}}the temperature of pi.attention stays: it differs between the positions of a head
func.func @per_position(%x: tensor<1x2x8xf32>) -> tensor<1x2x8xf32> {
  %w = pi.weight "w" dense<0.5> : tensor<8x8xf32>
  %t = pi.weight "t" dense<[[2.0, 1.0], [1.0, 1.0]]> : tensor<2x2xf32>
  %q = pi.linear %x, %w : tensor<1x2x8xf32>, tensor<8x8xf32> -> tensor<1x2x8xf32>
  %a = pi.attention %q, %x, %x temperature %t : tensor<2x2xf32> heads 2 scale 1.0 causal : tensor<1x2x8xf32>, tensor<1x2x8xf32>
  return %a : tensor<1x2x8xf32>
}

// The key would change too.
// CHECK-LABEL: func @query_is_key
// CHECK: temperature
// REMARK: remark: {{.*}}the temperature of pi.attention stays: the query has another reader
func.func @query_is_key(%x: tensor<1x6x8xf32>) -> tensor<1x6x8xf32> {
  %w = pi.weight "w" dense<0.5> : tensor<8x8xf32>
  %t = pi.weight "t" dense<2.0> : tensor<2x1xf32>
  %q = pi.linear %x, %w : tensor<1x6x8xf32>, tensor<8x8xf32> -> tensor<1x6x8xf32>
  %a = pi.attention %q, %q, %x temperature %t : tensor<2x1xf32> heads 2 scale 1.0 causal : tensor<1x6x8xf32>, tensor<1x6x8xf32>
  return %a : tensor<1x6x8xf32>
}

// CHECK-LABEL: func @no_projection
// CHECK: temperature
// REMARK: remark: {{.*}}the temperature of pi.attention stays: the query is not made by a weight
func.func @no_projection(%q: tensor<1x6x8xf32>, %x: tensor<1x6x8xf32>) -> tensor<1x6x8xf32> {
  %t = pi.weight "t" dense<2.0> : tensor<2x1xf32>
  %a = pi.attention %q, %x, %x temperature %t : tensor<2x1xf32> heads 2 scale 1.0 causal : tensor<1x6x8xf32>, tensor<1x6x8xf32>
  return %a : tensor<1x6x8xf32>
}
