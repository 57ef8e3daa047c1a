// RUN: aero-opt %s --pi-join-linear | FileCheck %s

// [example] --pi-join-linear
// Queries and keys that were projected one by one. The first has a bias, the second has not.
// CHECK-LABEL: func @example
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x2xf32>)
// CHECK-DAG: %[[W:.*]] = pi.weight "wq+wk" dense_resource<"wq+wk"> : tensor<2x5xf32>
// CHECK-DAG: %[[B:.*]] = pi.weight "bq" dense_resource<{{.*}}> : tensor<5xf32>
// CHECK: %[[J:.*]] = pi.linear %[[X]], %[[W]] bias %[[B]]
// CHECK: %[[Q:.*]] = pi.slice %[[J]] axis 2 offset 0 : tensor<1x2x5xf32> -> tensor<1x2x2xf32>
// CHECK: %[[K:.*]] = pi.slice %[[J]] axis 2 offset 2 : tensor<1x2x5xf32> -> tensor<1x2x3xf32>
// CHECK: return %[[Q]], %[[K]]
func.func @example(%x: tensor<1x2x2xf32>) -> (tensor<1x2x2xf32>, tensor<1x2x3xf32>) {
  %wq = pi.weight "wq" dense<0.5> : tensor<2x2xf32>
  %bq = pi.weight "bq" dense<1.0> : tensor<2xf32>
  %q = pi.linear %x, %wq bias %bq : tensor<2xf32> : tensor<1x2x2xf32>, tensor<2x2xf32> -> tensor<1x2x2xf32>
  %wk = pi.weight "wk" dense<0.25> : tensor<2x3xf32>
  %k = pi.linear %x, %wk : tensor<1x2x2xf32>, tensor<2x3xf32> -> tensor<1x2x3xf32>
  return %q, %k : tensor<1x2x2xf32>, tensor<1x2x3xf32>
}
// [end of example]

// A bias of a later map alone; a transposed matrix.
// CHECK-LABEL: func @later_bias
// CHECK-DAG: pi.weight "w+t"
// CHECK-DAG: pi.weight "b"
// CHECK: pi.linear %{{.*}} bias
// CHECK-NOT: pi.linear
// CHECK: return
func.func @later_bias(%x: tensor<2x2xf32>) -> (tensor<2x2xf32>, tensor<2x3xf32>) {
  %w = pi.weight "w" dense<0.5> : tensor<2x2xf32>
  %y = pi.linear %x, %w : tensor<2x2xf32>, tensor<2x2xf32> -> tensor<2x2xf32>
  %t = pi.weight "t" dense<0.25> : tensor<3x2xf32>
  %tt = pi.transpose %t [1, 0] : tensor<3x2xf32> -> tensor<2x3xf32>
  %b = pi.weight "b" dense<0.25> : tensor<3xf32>
  %z = pi.linear %x, %tt bias %b : tensor<3xf32> : tensor<2x2xf32>, tensor<2x3xf32> -> tensor<2x3xf32>
  return %y, %z : tensor<2x2xf32>, tensor<2x3xf32>
}

// Must not fire: other inputs, and a matrix that is no weight.
// CHECK-LABEL: func @apart
// CHECK-COUNT-3: pi.linear
// CHECK-NOT: pi.slice
// CHECK: return
func.func @apart(%x: tensor<2x2xf32>, %y: tensor<2x2xf32>, %u: tensor<2x2xf32>) -> (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>) {
  %w = pi.weight "w" dense<0.5> : tensor<2x2xf32>
  %0 = pi.linear %x, %w : tensor<2x2xf32>, tensor<2x2xf32> -> tensor<2x2xf32>
  %1 = pi.linear %y, %w : tensor<2x2xf32>, tensor<2x2xf32> -> tensor<2x2xf32>
  %2 = pi.linear %x, %u : tensor<2x2xf32>, tensor<2x2xf32> -> tensor<2x2xf32>
  return %0, %1, %2 : tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>
}
