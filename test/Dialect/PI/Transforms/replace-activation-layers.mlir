// RUN: aero-opt %s --pi-replace-activation='to=relu layers=1' | FileCheck %s --check-prefixes=CHECK,ONE
// RUN: aero-opt %s --pi-replace-activation='to=relu layers=0-1' | FileCheck %s --check-prefixes=CHECK,BOTH
// RUN: aero-opt %s --pi-replace-activation='to=leaky_relu slope=0.25 learnable=true layers=0,1' | FileCheck %s --check-prefixes=CHECK,LEARN
// RUN: aero-opt %s --pi-replace-activation='layers=2' | FileCheck %s --check-prefixes=CHECK,NONE

// The third layer is never chosen, or has its activation removed alone.
// CHECK-LABEL: func @three_layers
// ONE: pi.gelu
// ONE: pi.relu
// ONE: pi.gelu
// BOTH: pi.relu
// BOTH: pi.relu
// BOTH: pi.gelu
// LEARN: %[[S0:.*]] = pi.weight "aero.leaky_slope.0" dense<2.500000e-01> : tensor<f32>
// LEARN: pi.prelu %{{.*}} slope %[[S0]] : tensor<f32> : tensor<1x2x8xf32>
// LEARN: %[[S1:.*]] = pi.weight "aero.leaky_slope.1" dense<2.500000e-01> : tensor<f32>
// LEARN: pi.prelu %{{.*}} slope %[[S1]]
// LEARN: pi.gelu
// NONE: pi.gelu
// NONE: pi.gelu
// NONE-NOT: pi.gelu
// CHECK: return
func.func @three_layers(%x: tensor<1x2x4xf32>, %w: tensor<4x4xf32>, %u: tensor<4x8xf32>, %d: tensor<8x4xf32>) -> tensor<1x2x4xf32> {
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
  %a2 = pi.attention %z1, %z1, %z1 heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  %y2 = pi.add %z1, %a2 : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  %h2 = pi.linear %y2, %u : tensor<1x2x4xf32>, tensor<4x8xf32> -> tensor<1x2x8xf32>
  %g2 = pi.gelu %h2 : tensor<1x2x8xf32>
  %f2 = pi.linear %g2, %d : tensor<1x2x8xf32>, tensor<8x4xf32> -> tensor<1x2x4xf32>
  %z2 = pi.add %y2, %f2 : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  return %z2 : tensor<1x2x4xf32>
}

// A slope that was trained is where the learnable one starts; one that is
// learnable already stays.
// CHECK-LABEL: func @trained_slopes
// LEARN: %[[S:.*]] = pi.weight "aero.leaky_slope.0" dense<5.000000e-01>
// LEARN: pi.prelu %{{.*}} slope %[[S]]
// LEARN: pi.prelu %{{.*}} slope %arg
// CHECK: return
func.func @trained_slopes(%x: tensor<1x2x4xf32>, %w: tensor<4x4xf32>, %u: tensor<4x8xf32>, %d: tensor<8x4xf32>, %s: tensor<f32>) -> tensor<1x2x4xf32> {
  %a0 = pi.attention %x, %x, %x heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  %y0 = pi.add %x, %a0 : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  %h0 = pi.linear %y0, %u : tensor<1x2x4xf32>, tensor<4x8xf32> -> tensor<1x2x8xf32>
  %g0 = pi.leaky_relu %h0 slope 0.5 : tensor<1x2x8xf32>
  %f0 = pi.linear %g0, %d : tensor<1x2x8xf32>, tensor<8x4xf32> -> tensor<1x2x4xf32>
  %z0 = pi.add %y0, %f0 : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  %a1 = pi.attention %z0, %z0, %z0 heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  %y1 = pi.add %z0, %a1 : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  %h1 = pi.linear %y1, %u : tensor<1x2x4xf32>, tensor<4x8xf32> -> tensor<1x2x8xf32>
  %g1 = pi.prelu %h1 slope %s : tensor<f32> : tensor<1x2x8xf32>
  %f1 = pi.linear %g1, %d : tensor<1x2x8xf32>, tensor<8x4xf32> -> tensor<1x2x4xf32>
  %z1 = pi.add %y1, %f1 : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  %a2 = pi.attention %z1, %z1, %z1 heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  %y2 = pi.add %z1, %a2 : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  %h2 = pi.linear %y2, %u : tensor<1x2x4xf32>, tensor<4x8xf32> -> tensor<1x2x8xf32>
  %g2 = pi.relu %h2 : tensor<1x2x8xf32>
  %f2 = pi.linear %g2, %d : tensor<1x2x8xf32>, tensor<8x4xf32> -> tensor<1x2x4xf32>
  %z2 = pi.add %y2, %f2 : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  return %z2 : tensor<1x2x4xf32>
}
