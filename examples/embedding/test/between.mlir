// The pass between AERO's: before two matrices are merged, and after.

// RUN: my-opt %s --pass-pipeline='builtin.module(aero-rewrite{config=as-is},func.func(my-count-linear,pi-merge-linear,canonicalize,my-count-linear,convert-pi-to-linalg))' \
// RUN:   | FileCheck %s
// RUN: my-opt %s --pass-pipeline='builtin.module(aero-rewrite{config=as-is},func.func(my-count-linear,pi-merge-linear,canonicalize,my-count-linear,convert-pi-to-linalg))' \
// RUN:   --remarks-filter=my-count-linear -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// REMARK: 2 pi.linear with 64 multiply-adds
// REMARK: 1 pi.linear with 32 multiply-adds
// CHECK-LABEL: func @main
// CHECK: linalg.matmul
// CHECK-NOT: linalg.matmul
func.func @main(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %w = pi.weight "w" dense<0.5> : tensor<4x4xf32>
  %v = pi.weight "v" dense<2.0> : tensor<4x4xf32>
  %0 = pi.linear %x, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  %1 = pi.linear %0, %v : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  return %1 : tensor<1x2x4xf32>
}
