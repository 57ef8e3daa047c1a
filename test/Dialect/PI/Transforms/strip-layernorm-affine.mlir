// RUN: aero-opt %s --pi-strip-layernorm=mode=affine | FileCheck %s

// CHECK-LABEL: func @layer_norm
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x4xf32>, %[[G:.*]]: tensor<4xf32>, %[[B:.*]]: tensor<4xf32>)
// CHECK-NEXT: %[[M:.*]] = pi.mul %[[X]], %[[G]] : tensor<1x2x4xf32>, tensor<4xf32> -> tensor<1x2x4xf32>
// CHECK-NEXT: %[[Y:.*]] = pi.add %[[M]], %[[B]]
// CHECK-NEXT: return %[[Y]]
func.func @layer_norm(%x: tensor<1x2x4xf32>, %g: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<1x2x4xf32> {
  %n = pi.layer_norm %x gamma %g : tensor<4xf32> beta %b : tensor<4xf32> epsilon 1.000000e-05 : tensor<1x2x4xf32>
  return %n : tensor<1x2x4xf32>
}

// CHECK-LABEL: func @rms_norm
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x4xf32>, %[[G:.*]]: tensor<4xf32>)
// CHECK-NEXT: %[[M:.*]] = pi.mul %[[X]], %[[G]]
// CHECK-NEXT: return %[[M]]
func.func @rms_norm(%x: tensor<1x2x4xf32>, %g: tensor<4xf32>) -> tensor<1x2x4xf32> {
  %n = pi.rms_norm %x gamma %g : tensor<4xf32> epsilon 1.000000e-05 : tensor<1x2x4xf32>
  return %n : tensor<1x2x4xf32>
}

// Nothing is left of a norm without parameters.
// CHECK-LABEL: func @plain
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x4xf32>)
// CHECK-NEXT: return %[[X]]
func.func @plain(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %n = pi.layer_norm %x epsilon 1.000000e-05 : tensor<1x2x4xf32>
  return %n : tensor<1x2x4xf32>
}
