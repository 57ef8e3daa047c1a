// The stock mlir-opt runs AERO's passes, pipelines and configurations.

// REQUIRES: mlir-opt-plugin

// RUN: mlir-opt %s --load-dialect-plugin=%aero_plugin \
// RUN:   --pass-pipeline='builtin.module(func.func(pi-raise))' \
// RUN:   | FileCheck %s --check-prefixes=CHECK,RAISED
// RUN: mlir-opt %s --load-dialect-plugin=%aero_plugin \
// RUN:   --pass-pipeline='builtin.module(func.func(pi-raise,pi-replace-activation{to=relu},canonicalize))' \
// RUN:   | FileCheck %s --check-prefixes=CHECK,RELU
// RUN: mlir-opt %s --load-dialect-plugin=%aero_plugin \
// RUN:   --pass-pipeline='builtin.module(aero-rewrite{config=as-is})' \
// RUN:   | FileCheck %s --check-prefixes=CHECK,RAISED

// Loaded twice, as a guest that does not know which option it needs would do.
// RUN: mlir-opt %s --load-dialect-plugin=%aero_plugin \
// RUN:   --load-pass-plugin=%aero_plugin \
// RUN:   --pass-pipeline='builtin.module(func.func(pi-raise))' \
// RUN:   | FileCheck %s --check-prefixes=CHECK,RAISED

// RUN: not mlir-opt %s --load-dialect-plugin=%aero_plugin \
// RUN:   --pass-pipeline='builtin.module(aero-rewrite{config=SM+X})' 2>&1 \
// RUN:   | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: unknown configuration 'SM+X'; known are as-is, SM+LN+G

// CHECK-LABEL: func @gelu
// RAISED: pi.gelu
// RELU-NOT: pi.gelu
// RELU: pi.relu
func.func @gelu(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %sqrt2 = pi.constant dense<1.41421354> : tensor<f32>
  %one = pi.constant dense<1.0> : tensor<f32>
  %half = pi.constant dense<0.5> : tensor<f32>
  %d = pi.div %x, %sqrt2 : tensor<1x2x4xf32>, tensor<f32> -> tensor<1x2x4xf32>
  %e = pi.erf %d : tensor<1x2x4xf32>
  %a = pi.add %e, %one : tensor<1x2x4xf32>, tensor<f32> -> tensor<1x2x4xf32>
  %m = pi.mul %x, %a : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  %y = pi.mul %m, %half : tensor<1x2x4xf32>, tensor<f32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}
