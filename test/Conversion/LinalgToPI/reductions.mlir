// RUN: aero-opt %s --pass-pipeline='builtin.module(func.func(convert-linalg-to-pi))' | FileCheck %s

#i = affine_map<(d0, d1) -> (d0, d1)>
#column = affine_map<(d0, d1) -> (d0)>

// CHECK-LABEL: func @sum
// CHECK: pi.reduce_sum %{{.+}} axes [0, 2] : tensor<2x3x4xf32> -> tensor<3xf32>
// CHECK-NEXT: return
func.func @sum(%x: tensor<2x3x4xf32>) -> tensor<3xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<3xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<3xf32>) -> tensor<3xf32>
  %0 = linalg.reduce { arith.addf } ins(%x : tensor<2x3x4xf32>) outs(%f : tensor<3xf32>) dimensions = [0, 2]
  return %0 : tensor<3xf32>
}

// What the sum starts at is added.
// CHECK-LABEL: func @sum_onto
// CHECK-SAME: (%[[X:.+]]: tensor<2x3xf32>, %[[S:.+]]: tensor<2xf32>)
// CHECK-NEXT: %[[R:.+]] = pi.reduce_sum %[[X]] axes [1]
// CHECK-NEXT: pi.add %[[R]], %[[S]]
func.func @sum_onto(%x: tensor<2x3xf32>, %s: tensor<2xf32>) -> tensor<2xf32> {
  %0 = linalg.reduce { arith.addf } ins(%x : tensor<2x3xf32>) outs(%s : tensor<2xf32>) dimensions = [1]
  return %0 : tensor<2xf32>
}

// A sum times 1 / 4, or divided by 4, is a mean; the dimension comes back with
// the op that reads it.
// CHECK-LABEL: func @mean
// CHECK-SAME: (%[[X:.+]]: tensor<2x4xf32>)
// CHECK-DAG: %[[M:.+]] = pi.reduce_mean %[[X]] axes [1] keepdims : tensor<2x4xf32> -> tensor<2x1xf32>
// CHECK-DAG: %[[C:.+]] = pi.sub %[[X]], %[[M]]
// CHECK-DAG: %[[N:.+]] = pi.reduce_mean %[[X]] axes [0] : tensor<2x4xf32> -> tensor<4xf32>
// CHECK: return %[[C]], %[[N]]
func.func @mean(%x: tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<4xf32>) {
  %zero = arith.constant 0.0 : f32
  %quarter = arith.constant 0.25 : f32
  %two = arith.constant dense<2.0> : tensor<4xf32>
  %e = tensor.empty() : tensor<2xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2xf32>) -> tensor<2xf32>
  %0 = linalg.reduce { arith.addf } ins(%x : tensor<2x4xf32>) outs(%f : tensor<2xf32>) dimensions = [1]
  %g = tensor.empty() : tensor<2x4xf32>
  %1 = linalg.generic {indexing_maps = [#i, #column, #i], iterator_types = ["parallel", "parallel"]} ins(%x, %0 : tensor<2x4xf32>, tensor<2xf32>) outs(%g : tensor<2x4xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %m = arith.mulf %b, %quarter : f32
    %s = arith.subf %a, %m : f32
    linalg.yield %s : f32
  } -> tensor<2x4xf32>
  %h = tensor.splat %zero : tensor<4xf32>
  %2 = linalg.reduce { arith.addf } ins(%x : tensor<2x4xf32>) outs(%h : tensor<4xf32>) dimensions = [0]
  %3 = arith.divf %2, %two : tensor<4xf32>
  return %1, %3 : tensor<2x4xf32>, tensor<4xf32>
}

// Not a mean: divided by another number.
// CHECK-LABEL: func @no_mean
// CHECK: pi.reduce_sum
// CHECK: pi.div
// CHECK-NOT: pi.reduce_mean
// CHECK: return
func.func @no_mean(%x: tensor<2x4xf32>, %s: tensor<2xf32>) -> tensor<2xf32> {
  %zero = arith.constant 0.0 : f32
  %three = arith.constant dense<3.0> : tensor<2xf32>
  %f = tensor.splat %zero : tensor<2xf32>
  %0 = linalg.reduce { arith.addf } ins(%x : tensor<2x4xf32>) outs(%f : tensor<2xf32>) dimensions = [1]
  %1 = arith.divf %0, %three : tensor<2xf32>
  return %1 : tensor<2xf32>
}

// CHECK-LABEL: func @softmax
// CHECK-NEXT: pi.softmax %{{.+}} axis 0 : tensor<2x4xf32>
func.func @softmax(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %e = tensor.empty() : tensor<2x4xf32>
  %0 = linalg.softmax dimension(0) ins(%x : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// In parts, as linalg.softmax is decomposed.
// CHECK-LABEL: func @decomposed_softmax
// CHECK-SAME: (%[[X:.+]]: tensor<2x4xf32>)
// CHECK: %[[S:.+]] = pi.softmax %[[X]] axis 1 : tensor<2x4xf32>
// CHECK-NEXT: return %[[S]]
func.func @decomposed_softmax(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %zero = arith.constant 0.0 : f32
  %low = arith.constant 0xFF800000 : f32
  %e = tensor.empty() : tensor<2xf32>
  %g = tensor.empty() : tensor<2x4xf32>
  %f = linalg.fill ins(%low : f32) outs(%e : tensor<2xf32>) -> tensor<2xf32>
  %m = linalg.reduce { arith.maxnumf } ins(%x : tensor<2x4xf32>) outs(%f : tensor<2xf32>) dimensions = [1]
  %0 = linalg.generic {indexing_maps = [#i, #column, #i], iterator_types = ["parallel", "parallel"]} ins(%x, %m : tensor<2x4xf32>, tensor<2xf32>) outs(%g : tensor<2x4xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %s = arith.subf %a, %b : f32
    %t = math.exp %s : f32
    linalg.yield %t : f32
  } -> tensor<2x4xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2xf32>) -> tensor<2xf32>
  %1 = linalg.reduce { arith.addf } ins(%0 : tensor<2x4xf32>) outs(%z : tensor<2xf32>) dimensions = [1]
  %2 = linalg.generic {indexing_maps = [#i, #column, #i], iterator_types = ["parallel", "parallel"]} ins(%0, %1 : tensor<2x4xf32>, tensor<2xf32>) outs(%g : tensor<2x4xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %s = arith.divf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<2x4xf32>
  return %2 : tensor<2x4xf32>
}

// Upstream computes the exponentials twice to save a tensor, and guards the sum
// against rows that see nothing.
// CHECK-LABEL: func @fused_softmax
// CHECK-SAME: (%[[X:.+]]: tensor<2x4xf32>)
// CHECK: pi.softmax %[[X]] axis 1 : tensor<2x4xf32>
// CHECK-NOT: pi.exp
// CHECK: return
func.func @fused_softmax(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %low = arith.constant -3.40282347E+38 : f32
  %e = tensor.empty() : tensor<2xf32>
  %g = tensor.empty() : tensor<2x4xf32>
  %f = linalg.fill ins(%low : f32) outs(%e : tensor<2xf32>) -> tensor<2xf32>
  %m = linalg.reduce { arith.maximumf } ins(%x : tensor<2x4xf32>) outs(%f : tensor<2xf32>) dimensions = [1]
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2xf32>) -> tensor<2xf32>
  %0 = linalg.generic {indexing_maps = [#i, #column, #column], iterator_types = ["parallel", "reduction"]} ins(%x, %m : tensor<2x4xf32>, tensor<2xf32>) outs(%z : tensor<2xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %s = arith.subf %a, %b : f32
    %t = math.exp %s : f32
    %u = arith.addf %t, %o : f32
    linalg.yield %u : f32
  } -> tensor<2xf32>
  %1 = linalg.generic {indexing_maps = [#i, #column, #column, #i], iterator_types = ["parallel", "parallel"]} ins(%x, %m, %0 : tensor<2x4xf32>, tensor<2xf32>, tensor<2xf32>) outs(%g : tensor<2x4xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32, %o: f32):
    %s = arith.subf %a, %b : f32
    %t = math.exp %s : f32
    %u = arith.maximumf %c, %one : f32
    %v = arith.divf %t, %u : f32
    linalg.yield %v : f32
  } -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

#at = affine_map<(d0, d1, d2) -> (d0, d2)>
#to = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-LABEL: func @cumsum
// CHECK-NEXT: pi.cumsum %{{.+}} axis 1 : tensor<2x4xi64>
func.func @cumsum(%x: tensor<2x4xi64>) -> tensor<2x4xi64> {
  %zero = arith.constant 0 : i64
  %e = tensor.empty() : tensor<2x4xi64>
  %f = linalg.fill ins(%zero : i64) outs(%e : tensor<2x4xi64>) -> tensor<2x4xi64>
  %0 = linalg.generic {indexing_maps = [#at, #to], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x : tensor<2x4xi64>) outs(%f : tensor<2x4xi64>) {
  ^bb0(%a: i64, %o: i64):
    %j = linalg.index 2 : index
    %i = linalg.index 1 : index
    %c = arith.cmpi sle, %j, %i : index
    %nothing = arith.constant 0 : i64
    %t = arith.select %c, %a, %nothing : i64
    %s = arith.addi %o, %t : i64
    linalg.yield %s : i64
  } -> tensor<2x4xi64>
  return %0 : tensor<2x4xi64>
}
