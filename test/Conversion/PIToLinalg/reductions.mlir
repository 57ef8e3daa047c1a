// RUN: aero-opt %s --pass-pipeline='builtin.module(func.func(convert-pi-to-linalg,canonicalize))' | FileCheck %s

// CHECK-LABEL: func @sum
// CHECK: linalg.reduce ins(%{{.+}} : tensor<2x3xf32>) outs(%{{.+}} : tensor<2xf32>) dimensions = [1]
// CHECK: arith.addf
// CHECK-NOT: linalg.generic
func.func @sum(%x: tensor<2x3xf32>) -> tensor<2xf32> {
  %r = pi.reduce_sum %x axes [1] : tensor<2x3xf32> -> tensor<2xf32>
  return %r : tensor<2xf32>
}

// CHECK-LABEL: func @mean
// CHECK: %[[S:.+]] = linalg.reduce ins(%{{.+}} : tensor<2x3xf32>) outs(%{{.+}} : tensor<f32>) dimensions = [0, 1]
// CHECK: linalg.generic {{.+}} ins(%[[S]] : tensor<f32>)
// CHECK: tensor.expand_shape %{{.+}} [] output_shape [1, 1]
func.func @mean(%x: tensor<2x3xf32>) -> tensor<1x1xf32> {
  %r = pi.reduce_mean %x axes [1, 0] keepdims : tensor<2x3xf32> -> tensor<1x1xf32>
  return %r : tensor<1x1xf32>
}

// CHECK-LABEL: func @cumsum
// CHECK: linalg.generic {{.+}} iterator_types = ["parallel", "parallel", "reduction"]
// CHECK: arith.cmpi sle
// CHECK-NEXT: arith.select
// CHECK-NEXT: arith.addi
func.func @cumsum(%x: tensor<2x3xi64>) -> tensor<2x3xi64> {
  %r = pi.cumsum %x axis 1 : tensor<2x3xi64>
  return %r : tensor<2x3xi64>
}

// CHECK-LABEL: func @layer_norm
// CHECK-SAME: (%[[X:.+]]: tensor<2x3xf32>, %[[G:.+]]: tensor<3xf32>, %[[B:.+]]: tensor<3xf32>)
// CHECK: %[[S:.+]] = linalg.reduce ins(%[[X]]
// CHECK: %[[C:.+]] = linalg.generic {{.+}} ins(%[[X]], %[[S]]
// CHECK: arith.subf
// CHECK: %[[V:.+]] = linalg.reduce ins(%[[C]]
// CHECK: arith.mulf
// CHECK: linalg.generic {{.+}} ins(%[[C]], %[[V]], %[[G]], %[[B]]
// CHECK: math.sqrt
// CHECK-NEXT: arith.divf
// CHECK-NEXT: arith.mulf
// CHECK-NEXT: arith.addf
func.func @layer_norm(%x: tensor<2x3xf32>, %g: tensor<3xf32>, %b: tensor<3xf32>) -> tensor<2x3xf32> {
  %r = pi.layer_norm %x gamma %g : tensor<3xf32> beta %b : tensor<3xf32> epsilon 1.0e-5 : tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}

// CHECK-LABEL: func @layer_norm_bare
// CHECK: math.sqrt
// CHECK-NEXT: arith.divf
// CHECK-NEXT: linalg.yield
func.func @layer_norm_bare(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %r = pi.layer_norm %x epsilon 1.0e-5 : tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}

// CHECK-LABEL: func @rms_norm
// CHECK-NOT: arith.subf
// CHECK: linalg.reduce
// CHECK: math.sqrt
// CHECK-NEXT: arith.divf
// CHECK-NEXT: arith.mulf
// CHECK-NEXT: linalg.yield
func.func @rms_norm(%x: tensor<2x3xf32>, %g: tensor<3xf32>) -> tensor<2x3xf32> {
  %r = pi.rms_norm %x gamma %g : tensor<3xf32> epsilon 1.0e-6 : tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}

// CHECK-LABEL: func @softmax
// CHECK: linalg.reduce {{.+}} dimensions = [0]
// CHECK: arith.maximumf
// CHECK: math.exp
// CHECK: linalg.reduce {{.+}} dimensions = [0]
// CHECK: arith.divf
func.func @softmax(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %r = pi.softmax %x axis 0 : tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}
