// RUN: aero-opt %s --pass-pipeline='builtin.module(func.func(convert-pi-to-linalg,canonicalize))' | FileCheck %s
// RUN: aero-opt %s --pass-pipeline='builtin.module(func.func(convert-pi-to-linalg))' | aero-opt | FileCheck %s --check-prefix=NOPI

// NOPI-NOT: pi.

// CHECK-DAG: #[[$ROW:.+]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-DAG: #[[$LHS:.+]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>
// CHECK-DAG: #[[$RHS:.+]] = affine_map<(d0, d1, d2, d3) -> (d3, d2)>
// CHECK-DAG: #[[$RESULT:.+]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>

// The name of a weight is the key of its resource.
// CHECK-LABEL: func @weights
// CHECK-NEXT: %[[W:.+]] = arith.constant dense_resource<h.0.w> : tensor<2x2xf32>
// CHECK-NEXT: %[[C:.+]] = arith.constant dense<2> : tensor<3xi64>
// CHECK-NEXT: return %[[W]], %[[C]]
func.func @weights() -> (tensor<2x2xf32>, tensor<3xi64>) {
  %w = pi.weight "h.0.w" dense_resource<blob> : tensor<2x2xf32>
  %c = pi.constant dense<2> : tensor<3xi64>
  return %w, %c : tensor<2x2xf32>, tensor<3xi64>
}

// What was elided when the text was printed keeps the name too.
// CHECK-LABEL: func @elided
// CHECK-NEXT: arith.constant dense_resource<h.1.w> : tensor<2x2xf32>
func.func @elided() -> tensor<2x2xf32> {
  %w = pi.weight "h.1.w" dense_resource<__elided__> : tensor<2x2xf32>
  return %w : tensor<2x2xf32>
}

// A small weight becomes a resource as well: nothing can fold it into others,
// nor make one of two that are equal. The same weight twice is one resource. One
// of rank 0 is a row of one element, as memref-to-llvm has no such resource.
// CHECK-LABEL: func @inline_weights
// CHECK-DAG: %[[AROW:.+]] = arith.constant dense_resource<a> : tensor<1xf32>
// CHECK-DAG: %[[BROW:.+]] = arith.constant dense_resource<b> : tensor<1xf32>
// CHECK-DAG: %[[A:.+]] = tensor.collapse_shape %[[AROW]] [] : tensor<1xf32> into tensor<f32>
// CHECK-DAG: %[[B:.+]] = tensor.collapse_shape %[[BROW]] []
// CHECK-DAG: %[[I:.+]] = arith.constant dense<2> : tensor<i64>
// CHECK: return %[[A]], %[[B]], %{{.+}}, %[[I]]
func.func @inline_weights() -> (tensor<f32>, tensor<f32>, tensor<f32>, tensor<i64>) {
  %a = pi.weight "a" dense<0.5> : tensor<f32>
  %b = pi.weight "b" dense<0.5> : tensor<f32>
  %c = pi.weight "a" dense<0.5> : tensor<f32>
  %i = pi.weight "i" dense<2> : tensor<i64>
  return %a, %b, %c, %i : tensor<f32>, tensor<f32>, tensor<f32>, tensor<i64>
}

// [example] --pass-pipeline='builtin.module(func.func(convert-pi-to-linalg,canonicalize))'
// CHECK-LABEL: func @linear_bias
// CHECK-SAME: (%[[X:.+]]: tensor<2x3xf32>, %[[W:.+]]: tensor<3x4xf32>, %[[B:.+]]: tensor<4xf32>)
// CHECK-NEXT: %[[E:.+]] = tensor.empty() : tensor<2x4xf32>
// CHECK-NEXT: %[[I:.+]] = linalg.broadcast ins(%[[B]] : tensor<4xf32>) outs(%[[E]] : tensor<2x4xf32>) dimensions = [0]
// CHECK-NEXT: %[[Y:.+]] = linalg.matmul ins(%[[X]], %[[W]] : tensor<2x3xf32>, tensor<3x4xf32>) outs(%[[I]] : tensor<2x4xf32>)
// CHECK-NEXT: return %[[Y]]
func.func @linear_bias(%x: tensor<2x3xf32>, %w: tensor<3x4xf32>, %b: tensor<4xf32>) -> tensor<2x4xf32> {
  %y = pi.linear %x, %w bias %b : tensor<4xf32> : tensor<2x3xf32>, tensor<3x4xf32> -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}
// [end of example]

// Without a bias it starts at 0; tokens of all prompts are rows of one matrix.
// CHECK-LABEL: func @linear_batch
// CHECK: %[[ZERO:.+]] = arith.constant 0.000000e+00 : f32
// CHECK: %[[I:.+]] = linalg.fill ins(%[[ZERO]] : f32)
// CHECK: %[[X:.+]] = tensor.collapse_shape %{{.+}} {{\[\[}}0, 1], [2]] : tensor<2x5x3xf32> into tensor<10x3xf32>
// CHECK: %[[Y:.+]] = linalg.matmul ins(%[[X]], %{{.+}} : tensor<10x3xf32>, tensor<3x4xf32>) outs(%[[I]] : tensor<10x4xf32>)
// CHECK: tensor.expand_shape %[[Y]] {{\[\[}}0, 1], [2]] output_shape [2, 5, 4]
func.func @linear_batch(%x: tensor<2x5x3xf32>, %w: tensor<3x4xf32>) -> tensor<2x5x4xf32> {
  %y = pi.linear %x, %w : tensor<2x5x3xf32>, tensor<3x4xf32> -> tensor<2x5x4xf32>
  return %y : tensor<2x5x4xf32>
}

// CHECK-LABEL: func @embedding
// CHECK-SAME: (%[[TABLE:.+]]: tensor<7x4xf32>, %[[IDS:.+]]: tensor<1x3xi64>)
// CHECK: linalg.generic {indexing_maps = [#[[$ROW]], #{{.+}}]
// CHECK-SAME: ins(%[[IDS]] : tensor<1x3xi64>) outs(%{{.+}} : tensor<1x3x4xf32>)
// CHECK-NEXT: ^bb0(%[[ID:.+]]: i64, %{{.+}}: f32):
// CHECK-NEXT: %[[I:.+]] = arith.index_cast %[[ID]] : i64 to index
// CHECK-NEXT: %[[J:.+]] = linalg.index 2 : index
// CHECK-NEXT: %[[E:.+]] = tensor.extract %[[TABLE]][%[[I]], %[[J]]]
// CHECK-NEXT: linalg.yield %[[E]]
func.func @embedding(%t: tensor<7x4xf32>, %i: tensor<1x3xi64>) -> tensor<1x3x4xf32> {
  %y = pi.embedding %t[%i] : tensor<7x4xf32>, tensor<1x3xi64> -> tensor<1x3x4xf32>
  return %y : tensor<1x3x4xf32>
}

// CHECK-LABEL: func @matrices
// CHECK: linalg.matmul ins(%{{.+}}, %{{.+}} : tensor<2x3xf32>, tensor<3x4xf32>)
func.func @matrices(%a: tensor<2x3xf32>, %b: tensor<3x4xf32>) -> tensor<2x4xf32> {
  %y = pi.matmul %a, %b : tensor<2x3xf32>, tensor<3x4xf32> -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// One right side for the whole batch loses its dimension of size 1.
// CHECK-LABEL: func @repeated
// CHECK: %[[B:.+]] = tensor.collapse_shape %{{.+}} {{\[\[}}0, 1], [2]] : tensor<1x3x4xf32> into tensor<3x4xf32>
// CHECK: linalg.generic {indexing_maps = [#[[$LHS]], #[[$RHS]], #[[$RESULT]]], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
// CHECK-SAME: ins(%{{.+}}, %[[B]] : tensor<5x2x3xf32>, tensor<3x4xf32>)
// CHECK: arith.mulf
// CHECK-NEXT: arith.addf
func.func @repeated(%a: tensor<5x2x3xf32>, %b: tensor<1x3x4xf32>) -> tensor<5x2x4xf32> {
  %y = pi.matmul %a, %b : tensor<5x2x3xf32>, tensor<1x3x4xf32> -> tensor<5x2x4xf32>
  return %y : tensor<5x2x4xf32>
}

{-#
  dialect_resources: {
    builtin: {
      blob: "0x040000000000803F000000400000404000008040"
    }
  }
#-}
