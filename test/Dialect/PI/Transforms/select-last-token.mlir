// RUN: aero-opt %s --pi-select-last-token -split-input-file | FileCheck %s
// RUN: aero-opt %s --pi-select-last-token=function=main -split-input-file | FileCheck %s

// [example] --pi-select-last-token
// Through the vocabulary projection.
// CHECK-LABEL: func @main
// CHECK-SAME: (%[[X:.*]]: tensor<1x8x4xf32>, %[[P:.*]]: tensor<i64>) -> tensor<1x1x16xf32>
// CHECK: %[[W:.*]] = pi.weight "w"
// CHECK: %[[T:.*]] = pi.select_token %[[X]] at %[[P]] : tensor<1x8x4xf32>, tensor<i64> -> tensor<1x1x4xf32>
// CHECK: %[[Y:.*]] = pi.linear %[[T]], %[[W]] : tensor<1x1x4xf32>, tensor<4x16xf32> -> tensor<1x1x16xf32>
// CHECK: return %[[Y]] : tensor<1x1x16xf32>
func.func @main(%x: tensor<1x8x4xf32>) -> tensor<1x8x16xf32> {
  %w = pi.weight "w" dense<0.5> : tensor<4x16xf32>
  %y = pi.linear %x, %w : tensor<1x8x4xf32>, tensor<4x16xf32> -> tensor<1x8x16xf32>
  return %y : tensor<1x8x16xf32>
}
// [end of example]

// -----

// A block: through the FFN and both residual sums, but not through attention,
// nor through what its keys need. Each value is selected once.
// CHECK-LABEL: func @main
// CHECK-SAME: (%[[X:.*]]: tensor<1x8x4xf32>, %[[P:.*]]: tensor<i64>)
// CHECK: %[[A:.*]] = pi.attention %[[X]], %[[X]], %[[X]] {{.*}} tensor<1x8x4xf32>
// CHECK: %[[TA:.*]] = pi.select_token %[[A]] at %[[P]]
// CHECK: %[[O:.*]] = pi.linear %[[TA]]
// CHECK: %[[TX:.*]] = pi.select_token %[[X]] at %[[P]]
// CHECK: %[[Y:.*]] = pi.add %[[TX]], %[[O]]
// CHECK: %[[F:.*]] = pi.linear %[[Y]]
// CHECK: %[[G:.*]] = pi.gelu %[[F]]
// CHECK: %[[Z:.*]] = pi.add %[[Y]], %[[G]]
// CHECK: %[[N:.*]] = pi.layer_norm %[[Z]]
// CHECK-NOT: pi.select_token
// CHECK: return %[[N]] : tensor<1x1x4xf32>
func.func @main(%x: tensor<1x8x4xf32>) -> tensor<1x8x4xf32> {
  %w = pi.weight "w" dense<0.5> : tensor<4x4xf32>
  %a = pi.attention %x, %x, %x heads 2 scale 5.000000e-01 causal : tensor<1x8x4xf32>, tensor<1x8x4xf32>
  %o = pi.linear %a, %w : tensor<1x8x4xf32>, tensor<4x4xf32> -> tensor<1x8x4xf32>
  %y = pi.add %x, %o : tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  %f = pi.linear %y, %w : tensor<1x8x4xf32>, tensor<4x4xf32> -> tensor<1x8x4xf32>
  %g = pi.gelu %f : tensor<1x8x4xf32>
  %z = pi.add %y, %g : tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  %n = pi.layer_norm %z epsilon 1.000000e-05 : tensor<1x8x4xf32>
  return %n : tensor<1x8x4xf32>
}

// -----

// Through a slice of the width, and past operands that are the same for all
// tokens; a position table of rank 3 is selected from as well.
// CHECK-LABEL: func @main
// CHECK-SAME: (%[[X:.*]]: tensor<1x8x4xf32>, %[[P:.*]]: tensor<i64>)
// CHECK-DAG: %[[B:.*]] = pi.weight "b"
// CHECK-DAG: %[[T:.*]] = pi.weight "table"
// CHECK: %[[TX:.*]] = pi.select_token %[[X]]
// CHECK: %[[TT:.*]] = pi.select_token %[[T]]
// CHECK: %[[S:.*]] = pi.add %[[TX]], %[[TT]]
// CHECK: %[[M:.*]] = pi.mul %[[S]], %[[B]]
// CHECK: pi.slice %[[M]] axis 2 offset 1 : tensor<1x1x4xf32> -> tensor<1x1x2xf32>
func.func @main(%x: tensor<1x8x4xf32>) -> tensor<1x8x2xf32> {
  %b = pi.weight "b" dense<0.5> : tensor<4xf32>
  %t = pi.weight "table" dense<0.5> : tensor<1x8x4xf32>
  %s = pi.add %x, %t : tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  %m = pi.mul %s, %b : tensor<1x8x4xf32>, tensor<4xf32> -> tensor<1x8x4xf32>
  %y = pi.slice %m axis 2 offset 1 : tensor<1x8x4xf32> -> tensor<1x8x2xf32>
  return %y : tensor<1x8x2xf32>
}

// -----

// Not through a slice of the tokens, a reshape or a table without a batch.
// CHECK-LABEL: func @main
// CHECK: pi.add {{.*}} -> tensor<1x8x4xf32>
// CHECK: pi.slice {{.*}} -> tensor<1x6x4xf32>
// CHECK: pi.reshape
// CHECK: pi.select_token
// CHECK-NEXT: return
func.func @main(%x: tensor<1x8x4xf32>) -> tensor<1x12x2xf32> {
  %t = pi.weight "table" dense<0.5> : tensor<8x4xf32>
  %a = pi.add %x, %t : tensor<1x8x4xf32>, tensor<8x4xf32> -> tensor<1x8x4xf32>
  %s = pi.slice %a axis 1 offset 1 : tensor<1x8x4xf32> -> tensor<1x6x4xf32>
  %y = pi.reshape %s : tensor<1x6x4xf32> -> tensor<1x12x2xf32>
  return %y : tensor<1x12x2xf32>
}

// -----

// A value that is read as a matrix is needed whole.
// CHECK-LABEL: func @main
// CHECK: %[[G:.*]] = pi.gelu %arg0 : tensor<1x4x4xf32>
// CHECK: %[[M:.*]] = pi.reshape %[[G]]
// CHECK: %[[T:.*]] = pi.select_token %[[G]]
// CHECK: pi.linear %[[T]], %[[M]]
func.func @main(%x: tensor<1x4x4xf32>) -> tensor<1x4x4xf32> {
  %g = pi.gelu %x : tensor<1x4x4xf32>
  %m = pi.reshape %g : tensor<1x4x4xf32> -> tensor<4x4xf32>
  %y = pi.linear %g, %m : tensor<1x4x4xf32>, tensor<4x4xf32> -> tensor<1x4x4xf32>
  return %y : tensor<1x4x4xf32>
}
