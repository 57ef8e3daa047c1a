// RUN: aero-opt %s --pass-pipeline='builtin.module(func.func(convert-pi-to-linalg,canonicalize))' | FileCheck %s

// CHECK-LABEL: func @split
// CHECK: tensor.expand_shape %{{.+}} {{\[\[}}0], [1, 2]] output_shape [2, 2, 3]
func.func @split(%x: tensor<2x6xf32>) -> tensor<2x2x3xf32> {
  %r = pi.reshape %x : tensor<2x6xf32> -> tensor<2x2x3xf32>
  return %r : tensor<2x2x3xf32>
}

// CHECK-LABEL: func @join
// CHECK: tensor.collapse_shape %{{.+}} {{\[\[}}0, 1], [2]]
func.func @join(%x: tensor<2x2x3xi64>) -> tensor<4x3xi64> {
  %r = pi.reshape %x : tensor<2x2x3xi64> -> tensor<4x3xi64>
  return %r : tensor<4x3xi64>
}

// CHECK-LABEL: func @both
// CHECK: %[[FLAT:.+]] = tensor.collapse_shape %{{.+}} {{\[\[}}0, 1]] : tensor<2x3xf32> into tensor<6xf32>
// CHECK: tensor.expand_shape %[[FLAT]] {{\[\[}}0, 1]] output_shape [3, 2]
func.func @both(%x: tensor<2x3xf32>) -> tensor<3x2xf32> {
  %r = pi.reshape %x : tensor<2x3xf32> -> tensor<3x2xf32>
  return %r : tensor<3x2xf32>
}

// CHECK-LABEL: func @scalar
// CHECK: tensor.collapse_shape %{{.+}} [] : tensor<1x1xf32> into tensor<f32>
func.func @scalar(%x: tensor<1x1xf32>) -> tensor<f32> {
  %r = pi.reshape %x : tensor<1x1xf32> -> tensor<f32>
  return %r : tensor<f32>
}

// CHECK-LABEL: func @transpose
// CHECK: linalg.transpose ins(%{{.+}} : tensor<2x3x4xf32>) outs(%{{.+}} : tensor<4x2x3xf32>) permutation = [2, 0, 1]
func.func @transpose(%x: tensor<2x3x4xf32>) -> tensor<4x2x3xf32> {
  %r = pi.transpose %x [2, 0, 1] : tensor<2x3x4xf32> -> tensor<4x2x3xf32>
  return %r : tensor<4x2x3xf32>
}

// CHECK-LABEL: func @slice
// CHECK: tensor.extract_slice %{{.+}}[0, 2] [2, 3] [1, 1]
func.func @slice(%x: tensor<2x6xf32>) -> tensor<2x3xf32> {
  %r = pi.slice %x axis 1 offset 2 : tensor<2x6xf32> -> tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}

// CHECK-LABEL: func @take
// CHECK-SAME: (%[[X:.+]]: tensor<2x6xf32>)
// CHECK: %[[AT:.+]] = arith.constant dense<[5, 0, 3]> : tensor<3xi64>
// CHECK: linalg.generic {{.+}} ins(%[[AT]] : tensor<3xi64>)
// CHECK: %[[I:.+]] = linalg.index 0
// CHECK: %[[J:.+]] = arith.index_cast
// CHECK-NEXT: tensor.extract %[[X]][%[[I]], %[[J]]]
func.func @take(%x: tensor<2x6xf32>) -> tensor<2x3xf32> {
  %r = pi.take %x axis 1 at [5, 0, 3] : tensor<2x6xf32> -> tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}

// CHECK-LABEL: func @broadcast
// CHECK: linalg.generic
// CHECK-NEXT: ^bb0(%[[IN:.+]]: f32, %{{.+}}: f32):
// CHECK-NEXT: linalg.yield %[[IN]]
func.func @broadcast(%x: tensor<2x1xf32>) -> tensor<2x3xf32> {
  %r = pi.broadcast %x : tensor<2x1xf32> -> tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}

// CHECK-LABEL: func @concat
// CHECK-SAME: (%[[X:.+]]: tensor<2x3xf32>, %[[Y:.+]]: tensor<2x1xf32>)
// CHECK: %[[A:.+]] = tensor.insert_slice %[[X]] into %{{.+}}[0, 0] [2, 3] [1, 1]
// CHECK-NEXT: tensor.insert_slice %[[Y]] into %[[A]][0, 3] [2, 1] [1, 1]
func.func @concat(%x: tensor<2x3xf32>, %y: tensor<2x1xf32>) -> tensor<2x4xf32> {
  %r = pi.concat %x, %y axis 1 : tensor<2x3xf32>, tensor<2x1xf32> -> tensor<2x4xf32>
  return %r : tensor<2x4xf32>
}

// CHECK-LABEL: func @select_token
// CHECK-SAME: (%[[X:.+]]: tensor<1x5x4xf32>, %[[P:.+]]: tensor<i64>)
// CHECK-NEXT: %[[AT:.+]] = tensor.extract %[[P]][]
// CHECK-NEXT: %[[I:.+]] = arith.index_cast %[[AT]] : i64 to index
// CHECK-NEXT: tensor.extract_slice %[[X]][0, %[[I]], 0] [1, 1, 4] [1, 1, 1]
func.func @select_token(%x: tensor<1x5x4xf32>, %p: tensor<i64>) -> tensor<1x1x4xf32> {
  %r = pi.select_token %x at %p : tensor<1x5x4xf32>, tensor<i64> -> tensor<1x1x4xf32>
  return %r : tensor<1x1x4xf32>
}
