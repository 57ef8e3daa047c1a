// RUN: aero-opt %s --pass-pipeline='builtin.module(func.func(convert-linalg-to-pi))' | FileCheck %s

// CHECK-LABEL: func @reshapes
// CHECK: pi.reshape %{{.+}} : tensor<2x6xf32> -> tensor<12xf32>
// CHECK: pi.reshape %{{.+}} : tensor<2x6xf32> -> tensor<2x3x2xf32>
func.func @reshapes(%x: tensor<2x6xf32>) -> (tensor<12xf32>, tensor<2x3x2xf32>) {
  %0 = tensor.collapse_shape %x [[0, 1]] : tensor<2x6xf32> into tensor<12xf32>
  %1 = tensor.expand_shape %x [[0], [1, 2]] output_shape [2, 3, 2] : tensor<2x6xf32> into tensor<2x3x2xf32>
  return %0, %1 : tensor<12xf32>, tensor<2x3x2xf32>
}

// CHECK-LABEL: func @transpose
// CHECK-NEXT: pi.transpose %{{.+}} [2, 0, 1] : tensor<2x3x4xf32> -> tensor<4x2x3xf32>
func.func @transpose(%x: tensor<2x3x4xf32>) -> tensor<4x2x3xf32> {
  %e = tensor.empty() : tensor<4x2x3xf32>
  %0 = linalg.transpose ins(%x : tensor<2x3x4xf32>) outs(%e : tensor<4x2x3xf32>) permutation = [2, 0, 1]
  return %0 : tensor<4x2x3xf32>
}

// CHECK-LABEL: func @broadcast
// CHECK-NEXT: %[[R:.+]] = pi.reshape %{{.+}} : tensor<2xf32> -> tensor<2x1xf32>
// CHECK-NEXT: pi.broadcast %[[R]] : tensor<2x1xf32> -> tensor<2x3xf32>
func.func @broadcast(%x: tensor<2xf32>) -> tensor<2x3xf32> {
  %e = tensor.empty() : tensor<2x3xf32>
  %0 = linalg.broadcast ins(%x : tensor<2xf32>) outs(%e : tensor<2x3xf32>) dimensions = [1]
  return %0 : tensor<2x3xf32>
}

// A box of two dimensions, one of which is dropped; every second column.
// CHECK-LABEL: func @slices
// CHECK-SAME: (%[[X:.+]]: tensor<4x6xf32>)
// CHECK: %[[A:.+]] = pi.slice %[[X]] axis 0 offset 2 : tensor<4x6xf32> -> tensor<1x6xf32>
// CHECK-NEXT: %[[B:.+]] = pi.slice %[[A]] axis 1 offset 1 : tensor<1x6xf32> -> tensor<1x3xf32>
// CHECK-NEXT: %[[C:.+]] = pi.reshape %[[B]] : tensor<1x3xf32> -> tensor<3xf32>
// CHECK-NEXT: %[[D:.+]] = pi.take %[[X]] axis 1 at [1, 3, 5]
// CHECK-NEXT: return %[[C]], %[[D]]
func.func @slices(%x: tensor<4x6xf32>) -> (tensor<3xf32>, tensor<4x3xf32>) {
  %0 = tensor.extract_slice %x[2, 1] [1, 3] [1, 1] : tensor<4x6xf32> to tensor<3xf32>
  %1 = tensor.extract_slice %x[0, 1] [4, 3] [1, 2] : tensor<4x6xf32> to tensor<4x3xf32>
  return %0, %1 : tensor<3xf32>, tensor<4x3xf32>
}

// CHECK-LABEL: func @select_token
// CHECK-SAME: (%[[X:.+]]: tensor<1x4x6xf32>, %[[P:.+]]: tensor<i64>)
// CHECK-NEXT: pi.select_token %[[X]] at %[[P]] : tensor<1x4x6xf32>, tensor<i64> -> tensor<1x1x6xf32>
func.func @select_token(%x: tensor<1x4x6xf32>, %p: tensor<i64>) -> tensor<1x1x6xf32> {
  %0 = tensor.extract %p[] : tensor<i64>
  %1 = arith.index_cast %0 : i64 to index
  %2 = tensor.extract_slice %x[0, %1, 0] [1, 1, 6] [1, 1, 1] : tensor<1x4x6xf32> to tensor<1x1x6xf32>
  return %2 : tensor<1x1x6xf32>
}

// CHECK-LABEL: func @concat
// CHECK-SAME: (%[[X:.+]]: tensor<2x3xf32>, %[[Y:.+]]: tensor<2x1xf32>)
// CHECK-NEXT: pi.concat %[[X]], %[[Y]] axis 1
func.func @concat(%x: tensor<2x3xf32>, %y: tensor<2x1xf32>) -> tensor<2x4xf32> {
  %0 = tensor.concat dim(1) %x, %y : (tensor<2x3xf32>, tensor<2x1xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// One after the other into a tensor that nobody has written, in any order.
// CHECK-LABEL: func @fill_up
// CHECK-SAME: (%[[X:.+]]: tensor<2x3xf32>, %[[Y:.+]]: tensor<2xf32>)
// CHECK-NEXT: %[[C:.+]] = pi.reshape %[[Y]] : tensor<2xf32> -> tensor<2x1xf32>
// CHECK-NEXT: pi.concat %[[X]], %[[C]] axis 1
func.func @fill_up(%x: tensor<2x3xf32>, %y: tensor<2xf32>) -> tensor<2x4xf32> {
  %e = tensor.empty() : tensor<2x4xf32>
  %0 = tensor.insert_slice %y into %e[0, 3] [2, 1] [1, 1] : tensor<2xf32> into tensor<2x4xf32>
  %1 = tensor.insert_slice %x into %0[0, 0] [2, 3] [1, 1] : tensor<2x3xf32> into tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// Into a tensor with elements: what is before and behind stays.
// CHECK-LABEL: func @replace
// CHECK-SAME: (%[[X:.+]]: tensor<2x2xf32>, %[[Y:.+]]: tensor<2x5xf32>)
// CHECK-NEXT: %[[A:.+]] = pi.slice %[[Y]] axis 1 offset 0 : tensor<2x5xf32> -> tensor<2x1xf32>
// CHECK-NEXT: %[[B:.+]] = pi.slice %[[Y]] axis 1 offset 3 : tensor<2x5xf32> -> tensor<2x2xf32>
// CHECK-NEXT: pi.concat %[[A]], %[[X]], %[[B]] axis 1
func.func @replace(%x: tensor<2x2xf32>, %y: tensor<2x5xf32>) -> tensor<2x5xf32> {
  %0 = tensor.insert_slice %x into %y[0, 1] [2, 2] [1, 1] : tensor<2x2xf32> into tensor<2x5xf32>
  return %0 : tensor<2x5xf32>
}

// Every second column is replaced.
// CHECK-LABEL: func @interleave
// CHECK-SAME: (%[[X:.+]]: tensor<2x2xf32>, %[[Y:.+]]: tensor<2x4xf32>)
// CHECK-NEXT: %[[C:.+]] = pi.concat %[[Y]], %[[X]] axis 1
// CHECK-NEXT: pi.take %[[C]] axis 1 at [0, 4, 2, 5]
func.func @interleave(%x: tensor<2x2xf32>, %y: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = tensor.insert_slice %x into %y[0, 1] [2, 2] [1, 2] : tensor<2x2xf32> into tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// CHECK-LABEL: func @numbers
// CHECK-SAME: (%[[P:.+]]: tensor<f32>)
// CHECK-NEXT: %[[S:.+]] = pi.broadcast %[[P]] : tensor<f32> -> tensor<2x3xf32>
// CHECK-NEXT: %[[A:.+]] = pi.reshape %[[P]] : tensor<f32> -> tensor<1xf32>
// CHECK: %[[C:.+]] = pi.concat %[[A]], %{{.+}} axis 0
// CHECK-NEXT: return %[[S]], %[[C]], %[[P]]
func.func @numbers(%p: tensor<f32>) -> (tensor<2x3xf32>, tensor<2xf32>, tensor<f32>) {
  %0 = tensor.extract %p[] : tensor<f32>
  %1 = tensor.splat %0 : tensor<2x3xf32>
  %2 = tensor.from_elements %0, %0 : tensor<2xf32>
  %3 = tensor.cast %p : tensor<f32> to tensor<f32>
  return %1, %2, %3 : tensor<2x3xf32>, tensor<2xf32>, tensor<f32>
}

// CHECK-LABEL: func @gather
// CHECK-SAME: (%[[T:.+]]: tensor<7x4xf32>, %[[I:.+]]: tensor<1x3x1xi64>)
// CHECK-NEXT: %[[IDS:.+]] = pi.reshape %[[I]] : tensor<1x3x1xi64> -> tensor<1x3xi64>
// CHECK-NEXT: pi.embedding %[[T]][%[[IDS]]] : tensor<7x4xf32>, tensor<1x3xi64> -> tensor<1x3x4xf32>
func.func @gather(%t: tensor<7x4xf32>, %i: tensor<1x3x1xi64>) -> tensor<1x3x4xf32> {
  %0 = tensor.gather %t[%i] gather_dims([0]) : (tensor<7x4xf32>, tensor<1x3x1xi64>) -> tensor<1x3x4xf32>
  return %0 : tensor<1x3x4xf32>
}

#ids = affine_map<(b, t, c) -> (b, t)>
#all = affine_map<(b, t, c) -> (b, t, c)>
#places = affine_map<(b, t, c) -> (t)>
// CHECK-LABEL: func @lookup
// CHECK-SAME: (%[[T:.+]]: tensor<7x4xf32>, %[[I:.+]]: tensor<1x3xi64>)
// CHECK: pi.embedding %[[T]][%[[I]]] : tensor<7x4xf32>, tensor<1x3xi64> -> tensor<1x3x4xf32>
func.func @lookup(%t: tensor<7x4xf32>, %i: tensor<1x3xi64>) -> tensor<1x3x4xf32> {
  %e = tensor.empty() : tensor<1x3x4xf32>
  %0 = linalg.generic {indexing_maps = [#ids, #all], iterator_types = ["parallel", "parallel", "parallel"]} ins(%i : tensor<1x3xi64>) outs(%e : tensor<1x3x4xf32>) {
  ^bb0(%id: i64, %o: f32):
    %row = arith.index_cast %id : i64 to index
    %column = linalg.index 2 : index
    %1 = tensor.extract %t[%row, %column] : tensor<7x4xf32>
    linalg.yield %1 : f32
  } -> tensor<1x3x4xf32>
  return %0 : tensor<1x3x4xf32>
}

// CHECK-LABEL: func @take
// CHECK: pi.take %{{.+}} axis 1 at [2, 0, 2] : tensor<1x5x4xf32> -> tensor<1x3x4xf32>
func.func @take(%x: tensor<1x5x4xf32>) -> tensor<1x3x4xf32> {
  %places = arith.constant dense<[2, 0, 2]> : tensor<3xi64>
  %e = tensor.empty() : tensor<1x3x4xf32>
  %0 = linalg.generic {indexing_maps = [#places, #all], iterator_types = ["parallel", "parallel", "parallel"]} ins(%places : tensor<3xi64>) outs(%e : tensor<1x3x4xf32>) {
  ^bb0(%p: i64, %o: f32):
    %i = linalg.index 0 : index
    %j = arith.index_cast %p : i64 to index
    %k = linalg.index 2 : index
    %1 = tensor.extract %x[%i, %j, %k] : tensor<1x5x4xf32>
    linalg.yield %1 : f32
  } -> tensor<1x3x4xf32>
  return %0 : tensor<1x3x4xf32>
}
