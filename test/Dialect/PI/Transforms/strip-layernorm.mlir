// RUN: aero-opt %s --pi-strip-layernorm | FileCheck %s --check-prefixes=CHECK,ALL
// RUN: aero-opt %s --pi-strip-layernorm='mode=remove which=all' | FileCheck %s --check-prefixes=CHECK,ALL
// RUN: aero-opt %s --pi-strip-layernorm=which=block | FileCheck %s --check-prefixes=CHECK,BLOCK
// RUN: aero-opt %s --pi-strip-layernorm=which=final | FileCheck %s --check-prefixes=CHECK,FINAL

// [example] --pi-strip-layernorm
// A norm before the last matrix.
// CHECK-LABEL: func @example
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x4xf32>, %[[W:.*]]: tensor<4x4xf32>
// BLOCK: pi.layer_norm
// ALL-NOT: pi.layer_norm
// ALL: pi.linear %[[X]], %[[W]]
// FINAL-NOT: pi.layer_norm
// FINAL: pi.linear %[[X]], %[[W]]
func.func @example(%x: tensor<1x2x4xf32>, %w: tensor<4x4xf32>, %g: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<1x2x4xf32> {
  %n = pi.layer_norm %x gamma %g : tensor<4xf32> beta %b : tensor<4xf32> epsilon 1.000000e-05 : tensor<1x2x4xf32>
  %y = pi.linear %n, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}
// [end of example]

// A bias that is a weight does not make the last norm a block norm.
// CHECK-LABEL: func @final_norm_with_bias
// BLOCK: pi.rms_norm
// ALL-NOT: pi.rms_norm
// FINAL-NOT: pi.rms_norm
// CHECK: return
func.func @final_norm_with_bias(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %b = pi.weight "b" dense<1.0> : tensor<4xf32>
  %n = pi.rms_norm %x epsilon 1.000000e-05 : tensor<1x2x4xf32>
  %y = pi.add %n, %b : tensor<1x2x4xf32>, tensor<4xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// The norm before an FFN joins the residual stream again.
// CHECK-LABEL: func @ffn_norm
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x4xf32>
// ALL: %[[F:.*]] = pi.linear %[[X]]
// ALL: pi.add %[[X]], %[[F]]
// BLOCK: %[[F:.*]] = pi.linear %[[X]]
// BLOCK: pi.add %[[X]], %[[F]]
// FINAL: pi.rms_norm
func.func @ffn_norm(%x: tensor<1x2x4xf32>, %w: tensor<4x4xf32>) -> tensor<1x2x4xf32> {
  %n = pi.rms_norm %x epsilon 1.000000e-05 : tensor<1x2x4xf32>
  %f = pi.linear %n, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  %y = pi.add %x, %f : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// The norm before an attention is a block norm even without a residual stream.
// CHECK-LABEL: func @attention_norm
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x4xf32>
// ALL: pi.attention %[[X]], %[[X]], %[[X]]
// BLOCK: pi.attention %[[X]], %[[X]], %[[X]]
// FINAL: pi.layer_norm
func.func @attention_norm(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %n = pi.layer_norm %x epsilon 1.000000e-05 : tensor<1x2x4xf32>
  %a = pi.attention %n, %n, %n heads 2 scale 1.0 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  return %a : tensor<1x2x4xf32>
}

// Nothing else is touched.
// CHECK-LABEL: func @no_norm
// CHECK: pi.gelu
func.func @no_norm(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %y = pi.gelu %x : tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}
