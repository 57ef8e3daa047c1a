// RUN: aero-opt %s --pi-fold-scaling | FileCheck %s

// What is left of a norm: all of its readers absorb it.
// CHECK-LABEL: func @affine
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x4xf32>)
// CHECK-DAG: %[[W:.*]] = pi.weight "w+g"
// CHECK-DAG: %[[B:.*]] = pi.weight "w+b"
// CHECK-NOT: {{pi.mul|pi.add}}
// CHECK: pi.linear %[[X]], %[[W]] bias %[[B]]
// CHECK: pi.linear %[[X]]
func.func @affine(%x: tensor<1x2x4xf32>) -> (tensor<1x2x4xf32>, tensor<1x2x4xf32>) {
  %g = pi.weight "g" dense<0.5> : tensor<4xf32>
  %b = pi.weight "b" dense<0.25> : tensor<4xf32>
  %w = pi.weight "w" dense<0.5> : tensor<4x4xf32>
  %v = pi.weight "v" dense<0.5> : tensor<4x4xf32>
  %m = pi.mul %x, %g : tensor<1x2x4xf32>, tensor<4xf32> -> tensor<1x2x4xf32>
  %n = pi.add %m, %b : tensor<1x2x4xf32>, tensor<4xf32> -> tensor<1x2x4xf32>
  %y = pi.linear %n, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  %z = pi.linear %n, %v : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  return %y, %z : tensor<1x2x4xf32>, tensor<1x2x4xf32>
}

// The vector may stand first, and alone.
// CHECK-LABEL: func @vector_first
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x4xf32>)
// CHECK: pi.linear %[[X]], %{{.*}} : tensor<1x2x4xf32>, tensor<4x4xf32>
func.func @vector_first(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %g = pi.weight "g" dense<0.5> : tensor<4xf32>
  %w = pi.weight "w" dense<0.5> : tensor<4x4xf32>
  %m = pi.mul %g, %x : tensor<4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  %y = pi.linear %m, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// A reader that is no linear map needs it.
// CHECK-LABEL: func @other_reader
// CHECK: pi.mul
// CHECK: pi.linear
func.func @other_reader(%x: tensor<1x2x4xf32>) -> (tensor<1x2x4xf32>, tensor<1x2x4xf32>) {
  %g = pi.weight "g" dense<0.5> : tensor<4xf32>
  %w = pi.weight "w" dense<0.5> : tensor<4x4xf32>
  %m = pi.mul %x, %g : tensor<1x2x4xf32>, tensor<4xf32> -> tensor<1x2x4xf32>
  %y = pi.linear %m, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  return %y, %m : tensor<1x2x4xf32>, tensor<1x2x4xf32>
}

// One number a token is not in a matrix.
// CHECK-LABEL: func @rows
// CHECK: pi.mul
func.func @rows(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %g = pi.weight "g" dense<0.5> : tensor<2x1xf32>
  %w = pi.weight "w" dense<0.5> : tensor<4x4xf32>
  %m = pi.mul %x, %g : tensor<1x2x4xf32>, tensor<2x1xf32> -> tensor<1x2x4xf32>
  %y = pi.linear %m, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}
