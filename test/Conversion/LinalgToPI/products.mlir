// RUN: aero-opt %s --pass-pipeline='builtin.module(func.func(convert-linalg-to-pi))' | FileCheck %s

// [example] --pass-pipeline='builtin.module(func.func(convert-linalg-to-pi))'
// A product that starts at 0.
// CHECK-LABEL: func @matmul
// CHECK-SAME: (%[[X:.+]]: tensor<2x3xf32>, %[[W:.+]]: tensor<3x4xf32>)
// CHECK-NEXT: %[[Y:.+]] = pi.matmul %[[X]], %[[W]] : tensor<2x3xf32>, tensor<3x4xf32> -> tensor<2x4xf32>
// CHECK-NEXT: return %[[Y]]
func.func @matmul(%x: tensor<2x3xf32>, %w: tensor<3x4xf32>) -> tensor<2x4xf32> {
  %zero = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<2x4xf32>
  %1 = linalg.fill ins(%zero : f32) outs(%0 : tensor<2x4xf32>) -> tensor<2x4xf32>
  %2 = linalg.matmul ins(%x, %w : tensor<2x3xf32>, tensor<3x4xf32>) outs(%1 : tensor<2x4xf32>) -> tensor<2x4xf32>
  return %2 : tensor<2x4xf32>
}
// [end of example]

// One that starts at a bias. It is added as the vector that it was.
// CHECK-LABEL: func @bias
// CHECK-SAME: (%[[X:.+]]: tensor<2x3xf32>, %[[W:.+]]: tensor<3x4xf32>, %[[B:.+]]: tensor<4xf32>)
// CHECK-NEXT: %[[P:.+]] = pi.matmul %[[X]], %[[W]]
// CHECK-NEXT: %[[Y:.+]] = pi.add %[[P]], %[[B]] : tensor<2x4xf32>, tensor<4xf32> -> tensor<2x4xf32>
// CHECK-NEXT: return %[[Y]]
func.func @bias(%x: tensor<2x3xf32>, %w: tensor<3x4xf32>, %b: tensor<4xf32>) -> tensor<2x4xf32> {
  %0 = tensor.empty() : tensor<2x4xf32>
  %1 = linalg.broadcast ins(%b : tensor<4xf32>) outs(%0 : tensor<2x4xf32>) dimensions = [0]
  %2 = linalg.matmul ins(%x, %w : tensor<2x3xf32>, tensor<3x4xf32>) outs(%1 : tensor<2x4xf32>) -> tensor<2x4xf32>
  return %2 : tensor<2x4xf32>
}

// A matrix that is read the other way round.
// CHECK-LABEL: func @transposed
// CHECK: %[[T:.+]] = pi.transpose %{{.+}} [1, 0] : tensor<4x3xf32> -> tensor<3x4xf32>
// CHECK-NEXT: pi.matmul %{{.+}}, %[[T]]
func.func @transposed(%x: tensor<2x3xf32>, %w: tensor<4x3xf32>, %start: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = linalg.matmul indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1)>] ins(%x, %w : tensor<2x3xf32>, tensor<4x3xf32>) outs(%start : tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// CHECK-LABEL: func @batch
// CHECK: pi.matmul %{{.+}}, %{{.+}} : tensor<5x2x3xf32>, tensor<5x3x4xf32> -> tensor<5x2x4xf32>
func.func @batch(%x: tensor<5x2x3xf32>, %y: tensor<5x3x4xf32>, %start: tensor<5x2x4xf32>) -> tensor<5x2x4xf32> {
  %0 = linalg.batch_matmul ins(%x, %y : tensor<5x2x3xf32>, tensor<5x3x4xf32>) outs(%start : tensor<5x2x4xf32>) -> tensor<5x2x4xf32>
  return %0 : tensor<5x2x4xf32>
}

// A vector is a matrix of one row.
// CHECK-LABEL: func @vector
// CHECK-SAME: (%[[X:.+]]: tensor<3xf32>, %[[W:.+]]: tensor<3x4xf32>, %[[S:.+]]: tensor<4xf32>)
// CHECK-NEXT: %[[ROW:.+]] = pi.reshape %[[X]] : tensor<3xf32> -> tensor<1x3xf32>
// CHECK-NEXT: %[[P:.+]] = pi.matmul %[[ROW]], %[[W]]
// CHECK-NEXT: %[[V:.+]] = pi.reshape %[[P]] : tensor<1x4xf32> -> tensor<4xf32>
// CHECK-NEXT: pi.add %[[V]], %[[S]]
func.func @vector(%x: tensor<3xf32>, %w: tensor<3x4xf32>, %start: tensor<4xf32>) -> tensor<4xf32> {
  %0 = linalg.vecmat ins(%x, %w : tensor<3xf32>, tensor<3x4xf32>) outs(%start : tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// Rows of several dimensions stay apart, as in an ONNX MatMul.
// CHECK-LABEL: func @rows
// CHECK: pi.matmul %{{.+}}, %{{.+}} : tensor<5x2x3xf32>, tensor<3x4xf32> -> tensor<5x2x4xf32>
func.func @rows(%x: tensor<5x2x3xf32>, %w: tensor<3x4xf32>, %start: tensor<5x2x4xf32>) -> tensor<5x2x4xf32> {
  %0 = linalg.contract indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (k, n)>, affine_map<(b, m, n, k) -> (b, m, n)>] ins(%x, %w : tensor<5x2x3xf32>, tensor<3x4xf32>) outs(%start : tensor<5x2x4xf32>) -> tensor<5x2x4xf32>
  return %0 : tensor<5x2x4xf32>
}

#q = affine_map<(b, h, t, s, c) -> (b, t, h, c)>
#k = affine_map<(b, h, t, s, c) -> (b, s, h, c)>
#scores = affine_map<(b, h, t, s, c) -> (b, h, t, s)>
// Scores of attention: loops name the dimensions, wherever they are.
// CHECK-LABEL: func @scores
// CHECK-DAG: %[[Q:.+]] = pi.transpose %{{.+}} [0, 2, 1, 3] : tensor<1x4x2x3xf32> -> tensor<1x2x4x3xf32>
// CHECK-DAG: %[[K:.+]] = pi.transpose %{{.+}} [0, 2, 3, 1] : tensor<1x5x2x3xf32> -> tensor<1x2x3x5xf32>
// CHECK: pi.matmul %[[Q]], %[[K]]
func.func @scores(%q: tensor<1x4x2x3xf32>, %k: tensor<1x5x2x3xf32>, %start: tensor<1x2x4x5xf32>) -> tensor<1x2x4x5xf32> {
  %0 = linalg.generic {indexing_maps = [#q, #k, #scores], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]} ins(%q, %k : tensor<1x4x2x3xf32>, tensor<1x5x2x3xf32>) outs(%start : tensor<1x2x4x5xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %m = arith.mulf %a, %b : f32
    %s = arith.addf %c, %m : f32
    linalg.yield %s : f32
  } -> tensor<1x2x4x5xf32>
  return %0 : tensor<1x2x4x5xf32>
}

#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (k, n)>
#out = affine_map<(m, n, k) -> (m, n)>
// What upstream has fused into a product is computed before it.
// CHECK-LABEL: func @fused
// CHECK-SAME: (%[[X:.+]]: tensor<2x3xf32>, %[[Y:.+]]: tensor<2x3xf32>, %[[W:.+]]: tensor<3x4xf32>
// CHECK: %[[A:.+]] = pi.add %[[X]], %[[Y]]
// CHECK-NEXT: pi.matmul %[[A]], %[[W]]
func.func @fused(%x: tensor<2x3xf32>, %y: tensor<2x3xf32>, %w: tensor<3x4xf32>, %start: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = linalg.generic {indexing_maps = [#lhs, #lhs, #rhs, #out], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x, %y, %w : tensor<2x3xf32>, tensor<2x3xf32>, tensor<3x4xf32>) outs(%start : tensor<2x4xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32, %d: f32):
    %t = arith.addf %a, %b : f32
    %m = arith.mulf %t, %c : f32
    %s = arith.addf %d, %m : f32
    linalg.yield %s : f32
  } -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

#x = affine_map<(i, j) -> (i, j)>
#sum = affine_map<(i, j) -> (i)>
// Not a product of matrices: both factors have the same dimensions.
// CHECK-LABEL: func @squares
// CHECK-NOT: pi.matmul
// CHECK: %[[M:.+]] = pi.mul %[[X:.+]], %[[X]]
// CHECK-NEXT: pi.reduce_sum %[[M]] axes [1]
// CHECK-NOT: pi.matmul
func.func @squares(%x: tensor<2x3xf32>, %start: tensor<2xf32>) -> tensor<2xf32> {
  %0 = linalg.generic {indexing_maps = [#x, #sum], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<2x3xf32>) outs(%start : tensor<2xf32>) {
  ^bb0(%a: f32, %c: f32):
    %m = arith.mulf %a, %a : f32
    %s = arith.addf %c, %m : f32
    linalg.yield %s : f32
  } -> tensor<2xf32>
  return %0 : tensor<2xf32>
}
