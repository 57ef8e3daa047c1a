// What the options of a configuration's passes change.

// RUN: aero-opt %s --aero-rewrite='config=SM+ScFFN initial-alpha=2 initial-beta=0.25' | FileCheck %s --check-prefix=SCALES
// RUN: aero-opt %s --aero-rewrite='config=SM(t) initial-temperature=0.125 initial-threshold=0.75' | FileCheck %s --check-prefix=TEMPER
// RUN: aero-opt %s --aero-rewrite='config=SM(t) temperature-shape=head' | FileCheck %s --check-prefix=HEAD
// RUN: aero-opt %s --aero-rewrite='config=SM+R initial-slope=0.0625' | FileCheck %s --check-prefix=SLOPE
// RUN: aero-opt %s --aero-rewrite='config=SM+LN+R initial-slope=0.0625' | FileCheck %s --check-prefix=SLOPE
// RUN: aero-opt %s --aero-rewrite='config=SM norm-mode=affine' | FileCheck %s --check-prefix=AFFINE
// RUN: aero-opt %s --aero-rewrite='config=SM norm-mode=remove' | FileCheck %s --check-prefix=REMOVE
// RUN: aero-opt %s --aero-rewrite='config=SM' | FileCheck %s --check-prefix=REMOVE

// SCALES-DAG: pi.weight "aero.scale_ffn.0.alpha" dense<2.000000e+00>
// SCALES-DAG: pi.weight "aero.scale_ffn.0.beta" dense<2.500000e-01>
// TEMPER: pi.weight "aero.temperature.0" dense<1.250000e-01> : tensor<2x8xf32>
// TEMPER: entropy_thresholds [7.500000e-01, 7.500000e-01]
// HEAD: pi.weight "aero.temperature.0" dense<1.000000e+00> : tensor<2x1xf32>
// HEAD: entropy_thresholds [5.000000e-01, 5.000000e-01]
// SLOPE-NOT: pi.relu
// SLOPE: %[[SLOPE:[^ ]*]] = pi.weight "aero.leaky_slope.0" dense<6.250000e-02> : tensor<f32>
// SLOPE: pi.prelu %{{.*}} slope %[[SLOPE]]
// AFFINE-NOT: pi.layer_norm
// AFFINE: pi.weight "ln.weight"
// AFFINE: pi.mul
// REMOVE-NOT: {{pi.layer_norm|ln.weight}}
func.func @main(%tokens: tensor<1x8xi64>) -> tensor<1x8x16xf32> {
  %wte = pi.weight "wte.weight" dense<0.5> : tensor<16x4xf32>
  %head = pi.weight "head.weight" dense<0.5> : tensor<4x16xf32>
  %gamma = pi.weight "ln.weight" dense<0.5> : tensor<4xf32>
  %w1 = pi.weight "h.0.mlp.c_fc.weight" dense<0.5> : tensor<4x16xf32>
  %w2 = pi.weight "h.0.mlp.c_proj.weight" dense<0.5> : tensor<16x4xf32>
  %x = pi.embedding %wte[%tokens] : tensor<16x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %n = pi.layer_norm %x gamma %gamma : tensor<4xf32> epsilon 1.0e-05 : tensor<1x8x4xf32>
  %a = pi.attention %n, %n, %n heads 2 scale 0.707106769 causal : tensor<1x8x4xf32>, tensor<1x8x4xf32>
  %y = pi.add %x, %a : tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  %h = pi.linear %y, %w1 : tensor<1x8x4xf32>, tensor<4x16xf32> -> tensor<1x8x16xf32>
  %g = pi.gelu %h : tensor<1x8x16xf32>
  %f = pi.linear %g, %w2 : tensor<1x8x16xf32>, tensor<16x4xf32> -> tensor<1x8x4xf32>
  %z = pi.add %y, %f : tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  %l = pi.linear %z, %head : tensor<1x8x4xf32>, tensor<4x16xf32> -> tensor<1x8x16xf32>
  return %l : tensor<1x8x16xf32>
}
