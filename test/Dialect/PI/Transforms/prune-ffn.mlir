// RUN: aero-opt %s --pi-prune-ffn=deepest=1 | FileCheck %s --check-prefixes=CHECK,DEEP
// RUN: aero-opt %s --pi-prune-ffn=layers=0 | FileCheck %s --check-prefixes=CHECK,FIRST
// RUN: aero-opt %s --pi-prune-ffn='deepest=1 configuration=SM+ScFuFFN_i(1)' | FileCheck %s --check-prefixes=CHECK,DEEP

// [example] --pi-prune-ffn=deepest=1
// The only layer is the deepest.
// CHECK-LABEL: func @example
// CHECK: %[[Y:.*]] = pi.add
// CHECK-NEXT: return %[[Y]]
func.func @example(%x: tensor<1x2x4xf32>, %w: tensor<4x4xf32>, %u: tensor<4x8xf32>, %d: tensor<8x4xf32>) -> tensor<1x2x4xf32> {
  %a0 = pi.attention %x, %x, %x heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  %y0 = pi.add %x, %a0 : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  %f0 = pi.linear %y0, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  %z0 = pi.add %y0, %f0 : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  return %z0 : tensor<1x2x4xf32>
}
// [end of example]

// The residual stream goes on where the network was.
// CHECK-LABEL: func @two_layers
// CHECK-SAME: (%[[X:[^:]*]]: tensor<1x2x4xf32>
// DEEP: %[[A0:.*]] = pi.attention
// DEEP: %[[Y0:.*]] = pi.add %[[X]], %[[A0]]
// DEEP: pi.gelu
// DEEP: %[[F0:.*]] = pi.linear
// DEEP: %[[Z0:.*]] = pi.add %[[Y0]], %[[F0]]
// DEEP: %[[A1:.*]] = pi.attention %[[Z0]]
// DEEP: %[[Y1:.*]] = pi.add %[[Z0]], %[[A1]]
// DEEP-NEXT: return %[[Y1]]
// FIRST: %[[A0:.*]] = pi.attention
// FIRST: %[[Y0:.*]] = pi.add %[[X]], %[[A0]]
// FIRST-NEXT: %[[A1:.*]] = pi.attention %[[Y0]]
// FIRST-NEXT: %[[Y1:.*]] = pi.add %[[Y0]], %[[A1]]
// FIRST: pi.gelu
// FIRST: pi.add %[[Y1]]
func.func @two_layers(%x: tensor<1x2x4xf32>, %w: tensor<4x4xf32>, %u: tensor<4x8xf32>, %d: tensor<8x4xf32>) -> tensor<1x2x4xf32> {
  %a0 = pi.attention %x, %x, %x heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  %y0 = pi.add %x, %a0 : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  %h0 = pi.linear %y0, %u : tensor<1x2x4xf32>, tensor<4x8xf32> -> tensor<1x2x8xf32>
  %g0 = pi.gelu %h0 : tensor<1x2x8xf32>
  %f0 = pi.linear %g0, %d : tensor<1x2x8xf32>, tensor<8x4xf32> -> tensor<1x2x4xf32>
  %z0 = pi.add %y0, %f0 : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  %a1 = pi.attention %z0, %z0, %z0 heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  %y1 = pi.add %z0, %a1 : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  %h1 = pi.linear %y1, %u : tensor<1x2x4xf32>, tensor<4x8xf32> -> tensor<1x2x8xf32>
  %g1 = pi.gelu %h1 : tensor<1x2x8xf32>
  %f1 = pi.linear %g1, %d : tensor<1x2x8xf32>, tensor<8x4xf32> -> tensor<1x2x4xf32>
  %z1 = pi.add %y1, %f1 : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  return %z1 : tensor<1x2x4xf32>
}

// The scales of a network go with it.
// CHECK-LABEL: func @scaled
// CHECK: %[[Y:.*]] = pi.add
// CHECK-NOT: pi.mul
// CHECK: return %[[Y]]
func.func @scaled(%x: tensor<1x2x4xf32>, %w: tensor<4x4xf32>) -> tensor<1x2x4xf32> {
  %alpha = pi.weight "alpha" dense<2.0> : tensor<f32>
  %beta = pi.weight "beta" dense<0.5> : tensor<f32>
  %a = pi.attention %x, %x, %x heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  %y = pi.add %x, %a : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  %f = pi.linear %y, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  %s = pi.mul %beta, %y : tensor<f32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  %t = pi.div %f, %alpha : tensor<1x2x4xf32>, tensor<f32> -> tensor<1x2x4xf32>
  %z = pi.add %t, %s : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  return %z : tensor<1x2x4xf32>
}

// A network beside attention (GPT-NeoX) is one all the same.
// CHECK-LABEL: func @parallel
// CHECK-SAME: (%[[X:[^:]*]]: tensor<1x2x4xf32>
// CHECK: %[[A:.*]] = pi.attention
// CHECK-NEXT: %[[Z:.*]] = pi.add %[[A]], %[[X]]
// CHECK-NEXT: return %[[Z]]
func.func @parallel(%x: tensor<1x2x4xf32>, %w: tensor<4x4xf32>) -> tensor<1x2x4xf32> {
  %a = pi.attention %x, %x, %x heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  %f = pi.linear %x, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  %s = pi.add %a, %f : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  %z = pi.add %s, %x : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  return %z : tensor<1x2x4xf32>
}

// Something else reads what the network computes.
// CHECK-LABEL: func @other_reader
// CHECK: %[[Y:.*]] = pi.add
// CHECK: %[[F:.*]] = pi.linear
// CHECK: pi.add %[[Y]], %[[F]]
func.func @other_reader(%x: tensor<1x2x4xf32>, %w: tensor<4x4xf32>) -> (tensor<1x2x4xf32>, tensor<1x2x4xf32>) {
  %a = pi.attention %x, %x, %x heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  %y = pi.add %x, %a : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  %f = pi.linear %y, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  %z = pi.add %y, %f : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  return %z, %f : tensor<1x2x4xf32>, tensor<1x2x4xf32>
}
