// One block of the baseline, as every configuration that it can become.

// RUN: aero-opt %s --aero-rewrite=config=as-is | FileCheck %s --check-prefixes=CHECK,LNG
// RUN: aero-opt %s --aero-rewrite=config=SM+LN+G | FileCheck %s --check-prefixes=CHECK,LNG
// RUN: aero-opt %s --aero-rewrite=config=SM+LN+R | FileCheck %s --check-prefixes=CHECK,LNR
// RUN: aero-opt %s --aero-rewrite=config=SM+LN | FileCheck %s --check-prefixes=CHECK,LN
// RUN: aero-opt %s --aero-rewrite=config=SM+G | FileCheck %s --check-prefixes=CHECK,G
// RUN: aero-opt %s --aero-rewrite=config=SM+R | FileCheck %s --check-prefixes=CHECK,R
// RUN: aero-opt %s --aero-rewrite=config=SM | FileCheck %s --check-prefixes=CHECK,SM
// RUN: aero-opt %s --aero-rewrite=config=SM+ScFFN | FileCheck %s --check-prefixes=CHECK,SM
// RUN: aero-opt %s --aero-rewrite=config=SM+ScFFN | FileCheck %s --check-prefixes=CHECK,SCALED
// RUN: aero-opt %s --aero-rewrite=config=SM+ScFuFFN | FileCheck %s --check-prefixes=CHECK,FUSED
// RUN: aero-opt %s --aero-rewrite=config=sm+scfuffn | FileCheck %s --check-prefixes=CHECK,FUSED
// RUN: aero-opt %s --aero-rewrite='config=SM+ScFuFFN_i(1)' | FileCheck %s --check-prefixes=CHECK,PRUNED
// RUN: aero-opt %s --aero-rewrite='config=SM(t)' | FileCheck %s --check-prefixes=CHECK,TEMPERATURE
// RUN: aero-opt %s --aero-rewrite='config=SM(t)' | FileCheck %s --check-prefixes=CHECK,SM
// RUN: aero-opt %s --aero-rewrite='config=SM(t)+ScFFN' | FileCheck %s --check-prefixes=CHECK,TEMPERATURE
// RUN: aero-opt %s --aero-rewrite='config=SM(t)+ScFuFFN' | FileCheck %s --check-prefixes=CHECK,TEMPERATURE
// RUN: aero-opt %s --aero-rewrite='config=SM(t)+ScFuFFN' | FileCheck %s --check-prefixes=CHECK,FUSED
// RUN: aero-opt %s --aero-rewrite='config=sm(T)+scfuffn_I(1)' | FileCheck %s --check-prefixes=CHECK,PRUNED
// RUN: aero-opt %s --aero-rewrite='config={SOTA SM+ScFFN}' | FileCheck %s --check-prefixes=CHECK,SOTA,SOTA-TWO
// RUN: aero-opt %s --aero-rewrite='config={SOTA SM+ScFuFFN}' | FileCheck %s --check-prefixes=CHECK,SOTA,SOTA-ONE
// RUN: aero-opt %s --aero-rewrite='config={SOTA SM+ScFuFFN_i(1)}' | FileCheck %s --check-prefixes=CHECK,SOTA,SOTA-NONE
// RUN: aero-opt %s --aero-rewrite | FileCheck %s --check-prefixes=CHECK,LNG

// CHECK-LABEL: func @main
// LNG-NOT: pi.relu
// LNG: pi.layer_norm
// LNG: pi.attention
// LNG-NOT: pi.relu
// LNG: pi.layer_norm
// LNG: pi.linear
// LNG: pi.gelu
// LNG: pi.linear
// LNG-NOT: pi.relu
// LNG: pi.layer_norm
// LNG-NOT: pi.relu
// LNR-NOT: pi.gelu
// LNR: pi.layer_norm
// LNR: pi.attention
// LNR-NOT: pi.gelu
// LNR: pi.layer_norm
// LNR: pi.linear
// LNR: pi.relu
// LNR: pi.linear
// LNR-NOT: pi.gelu
// LNR: pi.layer_norm
// LNR-NOT: pi.gelu
// LN-NOT: {{pi.gelu|pi.relu}}
// LN: pi.layer_norm
// LN: pi.attention
// LN-NOT: {{pi.gelu|pi.relu}}
// LN: pi.layer_norm
// LN: pi.linear
// LN: pi.linear
// LN-NOT: {{pi.gelu|pi.relu}}
// LN: pi.layer_norm
// LN-NOT: {{pi.gelu|pi.relu}}
// G-NOT: {{norm|pi.relu}}
// G: pi.attention
// G: pi.linear
// G: pi.add
// G: pi.linear
// G: pi.gelu
// G: pi.linear
// G-NOT: {{norm|pi.relu}}
// R-NOT: {{norm|pi.gelu}}
// R: pi.attention
// R: pi.linear
// R: pi.add
// R: pi.linear
// R: pi.relu
// R: pi.linear
// R-NOT: {{norm|pi.gelu}}
// SM-NOT: {{norm|pi.gelu|pi.relu}}
// SM: pi.attention
// SM: pi.linear
// SM: pi.add
// SM: pi.linear
// SM: pi.linear
// SM: pi.add
// SM: pi.linear
// SM-NOT: {{norm|pi.gelu|pi.relu}}
// SCALED-DAG: pi.weight "aero.scale_ffn.0.beta" dense<1.000000e+00>
// SCALED-DAG: pi.weight "aero.scale_ffn.0.alpha" dense<1.000000e+00>
// TEMPERATURE-DAG: %[[T:.*]] = pi.weight "aero.temperature.0" dense<1.000000e+00> : tensor<2x8xf32>
// TEMPERATURE-DAG: pi.attention {{.*}} temperature %[[T]] {{.*}} entropy_thresholds [5.000000e-01, 5.000000e-01]
// FUSED-NOT: {{norm|pi.gelu}}
// FUSED-DAG: %[[W:.*]] = pi.weight "h.0.mlp.c_fc.weight+h.0.mlp.c_proj.weight" {{.*}} : tensor<4x4xf32>
// FUSED-DAG: %[[BETA:.*]] = pi.weight "aero.scale_ffn.0.beta"
// FUSED-DAG: %[[ALPHA:.*]] = pi.weight "aero.scale_ffn.0.alpha"
// FUSED-DAG: %[[Y:.*]] = pi.add
// FUSED-DAG: %[[F:.*]] = pi.linear %[[Y]], %[[W]]
// FUSED-DAG: %[[S:.*]] = pi.mul %[[Y]], %[[BETA]]
// FUSED-DAG: %[[V:.*]] = pi.div %[[F]], %[[ALPHA]]
// FUSED: %[[Z:.*]] = pi.add %[[S]], %[[V]]
// FUSED-NEXT: pi.linear %[[Z]]
// PRUNED-NOT: {{norm|mlp|aero.scale_ffn}}
// PRUNED: pi.attention
// PRUNED: %[[Y:.*]] = pi.add
// PRUNED-NEXT: pi.linear %[[Y]]
// SOTA: %[[W:.*]] = pi.weight "h.0.attn.c_attn.weight" {{.*}} : tensor<4x8xf32>
// SOTA: %[[X:.*]] = pi.embedding
// SOTA: %[[A:.*]] = pi.attention %{{.*}}, %{{.*}}, %[[X]]
// SOTA-NEXT: %[[Y:.*]] = pi.add %[[X]], %[[A]]
// SOTA-TWO: pi.linear %[[Y]], %{{.*}} : tensor<1x8x4xf32>, tensor<4x16xf32>
// SOTA-TWO: pi.linear %{{.*}} : tensor<1x8x16xf32>, tensor<16x4xf32>
// SOTA-ONE: pi.linear %[[Y]], %{{.*}} : tensor<1x8x4xf32>, tensor<4x4xf32>
// SOTA-NONE-NEXT: pi.layer_norm %[[Y]]
// SOTA-ONE: pi.layer_norm
// SOTA-TWO: pi.layer_norm
// CHECK: return
func.func @main(%tokens: tensor<1x8xi64>) -> tensor<1x8x16xf32> {
  %wte = pi.weight "wte.weight" dense<0.5> : tensor<16x4xf32>
  %head = pi.weight "head.weight" dense<0.5> : tensor<4x16xf32>
  %wqkv = pi.weight "h.0.attn.c_attn.weight" dense<0.5> : tensor<4x12xf32>
  %bqkv = pi.weight "h.0.attn.c_attn.bias" dense<0.5> : tensor<12xf32>
  %wo = pi.weight "h.0.attn.c_proj.weight" dense<0.5> : tensor<4x4xf32>
  %w1 = pi.weight "h.0.mlp.c_fc.weight" dense<0.5> : tensor<4x16xf32>
  %w2 = pi.weight "h.0.mlp.c_proj.weight" dense<0.5> : tensor<16x4xf32>
  %x = pi.embedding %wte[%tokens] : tensor<16x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %n1 = pi.layer_norm %x epsilon 1.000000e-05 : tensor<1x8x4xf32> loc("/h.0/ln_1")
  %p = pi.linear %n1, %wqkv bias %bqkv : tensor<12xf32> : tensor<1x8x4xf32>, tensor<4x12xf32> -> tensor<1x8x12xf32>
  %q = pi.slice %p axis 2 offset 0 : tensor<1x8x12xf32> -> tensor<1x8x4xf32>
  %k = pi.slice %p axis 2 offset 4 : tensor<1x8x12xf32> -> tensor<1x8x4xf32>
  %v = pi.slice %p axis 2 offset 8 : tensor<1x8x12xf32> -> tensor<1x8x4xf32>
  %a = pi.attention %q, %k, %v heads 2 scale 0.707106769 causal : tensor<1x8x4xf32>, tensor<1x8x4xf32>
  %o = pi.linear %a, %wo : tensor<1x8x4xf32>, tensor<4x4xf32> -> tensor<1x8x4xf32>
  %y = pi.add %x, %o : tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  %n2 = pi.layer_norm %y epsilon 1.000000e-05 : tensor<1x8x4xf32> loc("/h.0/ln_2")
  %h = pi.linear %n2, %w1 : tensor<1x8x4xf32>, tensor<4x16xf32> -> tensor<1x8x16xf32>
  %g = pi.gelu %h : tensor<1x8x16xf32> loc("/h.0/mlp/act")
  %f = pi.linear %g, %w2 : tensor<1x8x16xf32>, tensor<16x4xf32> -> tensor<1x8x4xf32>
  %z = pi.add %y, %f : tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  %n3 = pi.layer_norm %z epsilon 1.000000e-05 : tensor<1x8x4xf32> loc("/ln_f")
  %l = pi.linear %n3, %head : tensor<1x8x4xf32>, tensor<4x16xf32> -> tensor<1x8x16xf32>
  return %l : tensor<1x8x16xf32>
}
