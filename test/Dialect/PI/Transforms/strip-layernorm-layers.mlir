// RUN: aero-opt %s --pi-strip-layernorm=layers=0 | FileCheck %s --check-prefixes=CHECK,FIRST
// RUN: aero-opt %s --pi-strip-layernorm='layers=1 which=block mode=affine' | FileCheck %s --check-prefixes=CHECK,SECOND

// A list of layers leaves the final norm, which is of none.
// CHECK-LABEL: func @blocks
// FIRST-NOT: norm
// FIRST: pi.attention
// FIRST-NOT: norm
// FIRST: %[[N:.*]] = pi.layer_norm
// FIRST: pi.attention %[[N]]
// FIRST: pi.layer_norm
// FIRST: return
// SECOND: pi.layer_norm
// SECOND: pi.attention
// SECOND: pi.rms_norm
// SECOND: %[[Z:.*]] = pi.add
// SECOND-NEXT: pi.attention %[[Z]], %[[Z]], %[[Z]]
// SECOND: pi.layer_norm
// SECOND: return
func.func @blocks(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %w = pi.weight "w" dense<0.5> : tensor<4x4xf32>
  %n0 = pi.layer_norm %x epsilon 1.000000e-05 : tensor<1x2x4xf32>
  %a0 = pi.attention %n0, %n0, %n0 heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  %y0 = pi.add %x, %a0 : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  %m0 = pi.rms_norm %y0 epsilon 1.000000e-05 : tensor<1x2x4xf32>
  %f0 = pi.linear %m0, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  %z0 = pi.add %y0, %f0 : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  %n1 = pi.layer_norm %z0 epsilon 1.000000e-05 : tensor<1x2x4xf32>
  %a1 = pi.attention %n1, %n1, %n1 heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  %y1 = pi.add %z0, %a1 : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  %l = pi.layer_norm %y1 epsilon 1.000000e-05 : tensor<1x2x4xf32> loc("/ln_f")
  %o = pi.linear %l, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  return %o : tensor<1x2x4xf32>
}
