// RUN: aero-opt %s --pi-collapse-linear | FileCheck %s --check-prefixes=CHECK,FREE
// RUN: aero-opt %s --pi-collapse-linear=growth=1.8 | FileCheck %s --check-prefixes=CHECK,GROW

// [example] --pi-collapse-linear
// The output projection of attention, the residual sum, and the matrix behind it. 16 + 16 multiply-adds a token, as before.
// CHECK-LABEL: func @example
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x4xf32>, %[[C:.*]]: tensor<1x2x4xf32>)
// CHECK-DAG: %[[W2:.*]] = pi.weight "w2"
// CHECK-DAG: %[[W:.*]] = pi.weight "w1+w2"
// CHECK-DAG: %[[B:.*]] = pi.weight "b1+w2+b2"
// CHECK: %[[T0:.*]] = pi.linear %[[X]], %[[W2]] bias %[[B]]
// CHECK: %[[T1:.*]] = pi.linear %[[C]], %[[W]] : tensor<1x2x4xf32>
// CHECK: %[[Y:.*]] = pi.add %[[T0]], %[[T1]]
// CHECK-NEXT: return %[[Y]]
func.func @example(%x: tensor<1x2x4xf32>, %c: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %w1 = pi.weight "w1" dense<0.5> : tensor<4x4xf32>
  %b1 = pi.weight "b1" dense<1.0> : tensor<4xf32>
  %w2 = pi.weight "w2" dense<0.25> : tensor<4x4xf32>
  %b2 = pi.weight "b2" dense<2.0> : tensor<4xf32>
  %a = pi.linear %c, %w1 bias %b1 : tensor<4xf32> : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  %s = pi.add %x, %a : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  %y = pi.linear %s, %w2 bias %b2 : tensor<4xf32> : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}
// [end of example]

// Three terms, one of which is no linear map and one of which is added last.
// CHECK-LABEL: func @terms
// CHECK-SAME: (%[[X:.*]]: tensor<2x4xf32>, %[[Y:.*]]: tensor<2x4xf32>, %[[C:.*]]: tensor<2x4xf32>, %[[D:.*]]: tensor<2x4xf32>)
// CHECK: %[[REST:.*]] = pi.add %[[Y]], %[[X]]
// CHECK: pi.linear %[[REST]], %{{.*}} : tensor
// CHECK: pi.linear %[[C]], %{{.*}} : tensor
// CHECK: pi.linear %[[D]], %{{.*}} : tensor
// CHECK-COUNT-2: pi.add
// CHECK-NEXT: return
func.func @terms(%x: tensor<2x4xf32>, %y: tensor<2x4xf32>, %c: tensor<2x4xf32>, %d: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %w1 = pi.weight "w1" dense<0.5> : tensor<4x4xf32>
  %w2 = pi.weight "w2" dense<0.5> : tensor<4x4xf32>
  %w3 = pi.weight "w3" dense<0.5> : tensor<4x4xf32>
  %a = pi.linear %c, %w1 : tensor<2x4xf32>, tensor<4x4xf32> -> tensor<2x4xf32>
  %b = pi.linear %d, %w2 : tensor<2x4xf32>, tensor<4x4xf32> -> tensor<2x4xf32>
  %0 = pi.add %x, %a : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %1 = pi.add %0, %b : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %2 = pi.add %y, %1 : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %3 = pi.linear %2, %w3 : tensor<2x4xf32>, tensor<4x4xf32> -> tensor<2x4xf32>
  return %3 : tensor<2x4xf32>
}

// The sum is read by the next layer's projection and by the residual sum. To
// collapse it takes 32 + 96 multiply-adds a token instead of 32 + 48.
// CHECK-LABEL: func @shared
// CHECK-SAME: (%[[X:.*]]: tensor<2x4xf32>, %[[C:.*]]: tensor<2x4xf32>)
// CHECK: %[[A:.*]] = pi.linear %[[X]]
// CHECK: %[[B:.*]] = pi.linear %[[C]]
// CHECK: %[[Z:.*]] = pi.add %[[A]], %[[B]]
// FREE: %[[Q:.*]] = pi.linear %[[Z]], %{{.*}} : tensor<2x4xf32>, tensor<4x12xf32>
// GROW-DAG: %[[D:.*]] = pi.linear %[[X]], %{{.*}} : tensor<2x4xf32>, tensor<4x12xf32>
// GROW-DAG: %[[E:.*]] = pi.linear %[[C]], %{{.*}} : tensor<2x4xf32>, tensor<4x12xf32>
// GROW: %[[Q:.*]] = pi.add %[[D]], %[[E]]
// CHECK: return %[[Z]], %[[Q]]
func.func @shared(%x: tensor<2x4xf32>, %c: tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x12xf32>) {
  %w1 = pi.weight "w1" dense<0.5> : tensor<4x4xf32>
  %w2 = pi.weight "w2" dense<0.5> : tensor<4x4xf32>
  %w3 = pi.weight "w3" dense<0.5> : tensor<4x12xf32>
  %a = pi.linear %c, %w1 : tensor<2x4xf32>, tensor<4x4xf32> -> tensor<2x4xf32>
  %s = pi.add %x, %a : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %z = pi.linear %s, %w2 : tensor<2x4xf32>, tensor<4x4xf32> -> tensor<2x4xf32>
  %q = pi.linear %z, %w3 : tensor<2x4xf32>, tensor<4x12xf32> -> tensor<2x12xf32>
  return %z, %q : tensor<2x4xf32>, tensor<2x12xf32>
}

// A value that is read twice is a term of its own, though it is a sum of maps:
// the second sum does not reach back to %x and %c.
// CHECK-LABEL: func @no_further_back
// CHECK-SAME: (%[[X:.*]]: tensor<2x4xf32>, %[[C:.*]]: tensor<2x4xf32>, %[[D:.*]]: tensor<2x4xf32>)
// CHECK: %[[Z:.*]] = pi.add
// CHECK: pi.linear %[[Z]], %{{.*}}
// CHECK-NEXT: pi.linear %[[D]], %{{.*}}
// CHECK-NEXT: pi.add
// CHECK-NEXT: return
func.func @no_further_back(%x: tensor<2x4xf32>, %c: tensor<2x4xf32>, %d: tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  %w1 = pi.weight "w1" dense<0.5> : tensor<4x4xf32>
  %w2 = pi.weight "w2" dense<0.5> : tensor<4x4xf32>
  %w3 = pi.weight "w3" dense<0.5> : tensor<4x4xf32>
  %w4 = pi.weight "w4" dense<0.5> : tensor<4x4xf32>
  %a = pi.linear %c, %w1 : tensor<2x4xf32>, tensor<4x4xf32> -> tensor<2x4xf32>
  %s = pi.add %x, %a : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %z = pi.linear %s, %w2 : tensor<2x4xf32>, tensor<4x4xf32> -> tensor<2x4xf32>
  %b = pi.linear %d, %w3 : tensor<2x4xf32>, tensor<4x4xf32> -> tensor<2x4xf32>
  %t = pi.add %z, %b : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %y = pi.linear %t, %w4 : tensor<2x4xf32>, tensor<4x4xf32> -> tensor<2x4xf32>
  return %z, %y : tensor<2x4xf32>, tensor<2x4xf32>
}

// Must not fire: a chain without a sum is what the configuration keeps apart.
// CHECK-LABEL: func @chain
// CHECK: pi.linear %{{.*}} tensor<4x16xf32>
// CHECK: pi.linear %{{.*}} tensor<16x4xf32>
func.func @chain(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %w1 = pi.weight "w1" dense<0.5> : tensor<4x16xf32>
  %w2 = pi.weight "w2" dense<0.5> : tensor<16x4xf32>
  %h = pi.linear %x, %w1 : tensor<2x4xf32>, tensor<4x16xf32> -> tensor<2x16xf32>
  %y = pi.linear %h, %w2 : tensor<2x16xf32>, tensor<16x4xf32> -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// Must not fire: 2 * 400 multiply-adds instead of 16 + 400, also with growth.
// CHECK-LABEL: func @vocabulary
// CHECK: pi.linear %{{.*}} tensor<4x4xf32>
// CHECK: pi.add
// CHECK: pi.linear %{{.*}} tensor<4x100xf32>
func.func @vocabulary(%x: tensor<1x4xf32>, %c: tensor<1x4xf32>) -> tensor<1x100xf32> {
  %w1 = pi.weight "w1" dense<0.5> : tensor<4x4xf32>
  %w2 = pi.weight "w2" dense<0.5> : tensor<4x100xf32>
  %a = pi.linear %c, %w1 : tensor<1x4xf32>, tensor<4x4xf32> -> tensor<1x4xf32>
  %s = pi.add %x, %a : tensor<1x4xf32>, tensor<1x4xf32> -> tensor<1x4xf32>
  %y = pi.linear %s, %w2 : tensor<1x4xf32>, tensor<4x100xf32> -> tensor<1x100xf32>
  return %y : tensor<1x100xf32>
}

// Must not fire: no term is a linear map with known weights.
// CHECK-LABEL: func @no_map
// CHECK: pi.linear
// CHECK: pi.add
// CHECK: pi.add
// CHECK: pi.linear
func.func @no_map(%x: tensor<2x4xf32>, %u: tensor<4x4xf32>) -> tensor<2x4xf32> {
  %p = pi.weight "p" dense<0.5> : tensor<2x4xf32>
  %w = pi.weight "w" dense<0.5> : tensor<4x4xf32>
  %a = pi.linear %x, %u : tensor<2x4xf32>, tensor<4x4xf32> -> tensor<2x4xf32>
  %0 = pi.add %x, %p : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %1 = pi.add %0, %a : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %2 = pi.linear %1, %w : tensor<2x4xf32>, tensor<4x4xf32> -> tensor<2x4xf32>
  return %2 : tensor<2x4xf32>
}

// Must not fire: a nonlinear operation stands in between.
// CHECK-LABEL: func @norm
// CHECK: pi.add
// CHECK-NEXT: pi.layer_norm
// CHECK-NEXT: pi.linear
func.func @norm(%x: tensor<2x4xf32>, %c: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %w1 = pi.weight "w1" dense<0.5> : tensor<4x4xf32>
  %w2 = pi.weight "w2" dense<0.5> : tensor<4x4xf32>
  %a = pi.linear %c, %w1 : tensor<2x4xf32>, tensor<4x4xf32> -> tensor<2x4xf32>
  %s = pi.add %x, %a : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %n = pi.layer_norm %s epsilon 1.0e-05 : tensor<2x4xf32>
  %y = pi.linear %n, %w2 : tensor<2x4xf32>, tensor<4x4xf32> -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}
