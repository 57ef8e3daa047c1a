// RUN: aero-opt %s --pass-pipeline='builtin.module(func.func(convert-linalg-to-pi))' | FileCheck %s
// RUN: aero-opt %s --mlir-print-debuginfo --pass-pipeline='builtin.module(func.func(convert-linalg-to-pi))' | FileCheck %s --check-prefix=SUFFIX

ml_program.global private @"h.0.w"(dense<0.5> : tensor<2xf32>) : tensor<2xf32>

// The name of a resource is that of the weight.
// CHECK-LABEL: func @resource
// CHECK-NEXT: pi.weight "h.0.b" dense_resource<h.0.b> : tensor<2xf32>
func.func @resource() -> tensor<2xf32> {
  %0 = arith.constant dense_resource<h.0.b> : tensor<2xf32>
  return %0 : tensor<2xf32>
}

// A key that was taken has a suffix; the location still says the name. One that
// says something else does not count.
// SUFFIX-LABEL: func @suffix
// SUFFIX: pi.weight "h.0.b" dense_resource<h.0.b_1>
// SUFFIX: pi.weight "h.0.b_1" dense_resource<h.0.b_1>
func.func @suffix() -> (tensor<2xf32>, tensor<2xf32>) {
  %0 = arith.constant dense_resource<h.0.b_1> : tensor<2xf32> loc("h.0.b")
  %1 = arith.constant dense_resource<h.0.b_1> : tensor<2xf32> loc("h.0")
  return %0, %1 : tensor<2xf32>, tensor<2xf32>
}

// A weight of rank 0 left pi as a row of one element.
// CHECK-LABEL: func @rank_0
// CHECK-NEXT: %[[A:.+]] = pi.weight "h.0.alpha" dense_resource<h.0.alpha> : tensor<f32>
// CHECK-NEXT: return %[[A]]
func.func @rank_0() -> tensor<f32> {
  %0 = arith.constant dense_resource<h.0.alpha> : tensor<1xf32>
  %1 = tensor.collapse_shape %0 [] : tensor<1xf32> into tensor<f32>
  return %1 : tensor<f32>
}

// CHECK-LABEL: func @global
// CHECK-NEXT: pi.weight "h.0.w" dense<5.000000e-01> : tensor<2xf32>
func.func @global() -> tensor<2xf32> {
  %0 = ml_program.global_load_const @"h.0.w" : tensor<2xf32>
  return %0 : tensor<2xf32>
}

// Different floats may be the server's. They are numbered in their order.
// CHECK-LABEL: func @inline
// CHECK-NEXT: pi.weight "inline.constant.0" dense<[1.000000e+00, 2.000000e+00]>
// CHECK-NEXT: pi.weight "inline.constant.1" dense<[3.000000e+00, 4.000000e+00]>
func.func @inline() -> (tensor<2xf32>, tensor<2xf32>) {
  %0 = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %1 = arith.constant dense<[3.0, 4.0]> : tensor<2xf32>
  return %0, %1 : tensor<2xf32>, tensor<2xf32>
}

// Splats, single numbers, integers and truth values are architecture.
// CHECK-LABEL: func @public
// CHECK-NOT: pi.weight
// CHECK-COUNT-4: pi.constant
// CHECK-NOT: pi.weight
// CHECK: return
func.func @public() -> (tensor<2xf32>, tensor<f32>, tensor<2xi64>, tensor<2xi1>) {
  %0 = arith.constant dense<1.0> : tensor<2xf32>
  %1 = arith.constant dense<2.0> : tensor<f32>
  %2 = arith.constant dense<[1, 2]> : tensor<2xi64>
  %3 = arith.constant dense<[true, false]> : tensor<2xi1>
  return %0, %1, %2, %3 : tensor<2xf32>, tensor<f32>, tensor<2xi64>, tensor<2xi1>
}

// What is pi stays.
// CHECK-LABEL: func @mixed
// CHECK-NEXT: %[[W:.+]] = pi.weight "v" dense<1.000000e+00> : tensor<2xf32>
// CHECK-NEXT: %[[A:.+]] = pi.add %{{.+}}, %[[W]]
// CHECK-NEXT: pi.gelu %[[A]]
func.func @mixed(%x: tensor<2xf32>) -> tensor<2xf32> {
  %w = pi.weight "v" dense<1.0> : tensor<2xf32>
  %0 = arith.addf %x, %w : tensor<2xf32>
  %1 = pi.gelu %0 : tensor<2xf32>
  return %1 : tensor<2xf32>
}

// A declaration has nothing to take back.
// CHECK: func.func private @elsewhere(tensor<?xf16>)
func.func private @elsewhere(tensor<?xf16>)

{-#
  dialect_resources: {
    builtin: {
      h.0.alpha: "0x100000000000803F",
      h.0.b: "0x100000000000803F00000040",
      h.0.b_1: "0x100000000000803F00000040"
    }
  }
#-}
