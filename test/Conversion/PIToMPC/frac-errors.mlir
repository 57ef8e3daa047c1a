// RUN: aero-opt %s --split-input-file --verify-diagnostics --convert-pi-to-mpc=activation-frac=12
// RUN: not aero-opt %s --split-input-file --convert-pi-to-mpc=activation-frac=20 2>&1 | FileCheck %s
// RUN: not aero-opt %s --split-input-file --convert-pi-to-mpc=activation-frac=24 2>&1 | FileCheck %s --check-prefixes=CHECK,WIDE

// Scales that the protocols behind norms and smooth activations do not have.

func.func @norm(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  // expected-error @below {{pi.layer_norm needs an activation-frac of 13 to 24, not 12}}
  %1 = pi.layer_norm %0 epsilon 1.0e-5 : tensor<1x8x4xf32>
  return %1 : tensor<1x8x4xf32>
}

// -----

// CHECK-NOT: pi.layer_norm
// WIDE: pi.gelu needs an activation-frac of 12 to 20, not 24
func.func @gelu(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %1 = pi.gelu %0 : tensor<1x8x4xf32>
  return %1 : tensor<1x8x4xf32>
}

// -----

// CHECK: pi.silu needs an activation-frac of 12 to 16, not {{20|24}}
func.func @silu(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %1 = pi.silu %0 : tensor<1x8x4xf32>
  return %1 : tensor<1x8x4xf32>
}
