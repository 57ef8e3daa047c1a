// RUN: aero-opt %s --pi-scale-ffn | FileCheck %s --check-prefixes=CHECK,ALL
// RUN: aero-opt %s --pi-scale-ffn='alpha=4 beta=0.5 layers=1' | FileCheck %s --check-prefixes=CHECK,ONE

// [example] --pi-scale-ffn
// CHECK-LABEL: func @two_layers
// CHECK: %[[Y:.*]] = pi.add
// CHECK: %[[F:.*]] = pi.linear %{{.*}} : tensor<1x2x8xf32>, tensor<8x4xf32>
// ALL-NEXT: %[[BETA:.*]] = pi.weight "aero.scale_ffn.0.beta" dense<1.000000e+00> : tensor<f32>
// ALL-NEXT: %[[S:.*]] = pi.mul %[[Y]], %[[BETA]]
// ALL-NEXT: %[[ALPHA:.*]] = pi.weight "aero.scale_ffn.0.alpha" dense<1.000000e+00> : tensor<f32>
// ALL-NEXT: %[[T:.*]] = pi.div %[[F]], %[[ALPHA]]
// ALL-NEXT: pi.add %[[S]], %[[T]]
// ALL: "aero.scale_ffn.1.beta"
// ALL: "aero.scale_ffn.1.alpha"
// ONE-NEXT: pi.add %[[Y]], %[[F]]
// ONE: pi.weight "aero.scale_ffn.1.beta" dense<5.000000e-01> : tensor<f32>
// ONE: pi.weight "aero.scale_ffn.1.alpha" dense<4.000000e+00> : tensor<f32>
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
// [end of example]

// One that is scaled already, on either side, stays.
// CHECK-LABEL: func @scaled
// CHECK-NOT: aero.scale_ffn
// CHECK: return
func.func @scaled(%x: tensor<1x2x4xf32>, %w: tensor<4x4xf32>) -> tensor<1x2x4xf32> {
  %alpha = pi.weight "alpha" dense<2.0> : tensor<f32>
  %a = pi.attention %x, %x, %x heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  %y = pi.add %x, %a : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  %f = pi.linear %y, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  %t = pi.div %f, %alpha : tensor<1x2x4xf32>, tensor<f32> -> tensor<1x2x4xf32>
  %z = pi.add %y, %t : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  %b = pi.attention %z, %z, %z heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  %r = pi.add %z, %b : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  return %r : tensor<1x2x4xf32>
}
