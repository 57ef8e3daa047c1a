// RUN: aero-opt %s --pi-replace-activation=gate=drop | FileCheck %s --check-prefixes=CHECK,DROP
// RUN: aero-opt %s --pi-replace-activation=gate=keep | FileCheck %s --check-prefixes=CHECK,KEEP
// RUN: aero-opt %s --pi-replace-activation=to=relu | FileCheck %s --check-prefixes=CHECK,RELU

// The gate of LLaMA: silu(y U) times y V. Dropped, y V alone goes on.
// CHECK-LABEL: func @gated
// CHECK-SAME: %[[X:[^:]*]]: tensor<1x2x4xf32>, %[[U:[^:]*]]: tensor<4x8xf32>, %[[V:[^:]*]]: tensor<4x8xf32>, %[[D:[^:]*]]: tensor<8x4xf32>
// CHECK: %[[Y:.*]] = pi.add %[[X]]
// DROP-NEXT: %[[L:.*]] = pi.linear %[[Y]], %[[V]]
// DROP-NEXT: pi.linear %[[L]], %[[D]]
// KEEP-NEXT: %[[G:.*]] = pi.linear %[[Y]], %[[U]]
// KEEP-NEXT: %[[L:.*]] = pi.linear %[[Y]], %[[V]]
// KEEP-NEXT: %[[P:.*]] = pi.mul %[[G]], %[[L]]
// KEEP-NEXT: pi.linear %[[P]], %[[D]]
// RELU-NEXT: %[[G:.*]] = pi.linear %[[Y]], %[[U]]
// RELU-NEXT: %[[R:.*]] = pi.relu %[[G]]
// RELU-NEXT: %[[L:.*]] = pi.linear %[[Y]], %[[V]]
// RELU-NEXT: %[[P:.*]] = pi.mul %[[R]], %[[L]]
func.func @gated(%x: tensor<1x2x4xf32>, %u: tensor<4x8xf32>, %v: tensor<4x8xf32>, %d: tensor<8x4xf32>) -> tensor<1x2x4xf32> {
  %a = pi.attention %x, %x, %x heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  %y = pi.add %x, %a : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  %g = pi.linear %y, %u : tensor<1x2x4xf32>, tensor<4x8xf32> -> tensor<1x2x8xf32>
  %s = pi.silu %g : tensor<1x2x8xf32> loc("/act")
  %l = pi.linear %y, %v : tensor<1x2x4xf32>, tensor<4x8xf32> -> tensor<1x2x8xf32>
  %p = pi.mul %s, %l : tensor<1x2x8xf32>, tensor<1x2x8xf32> -> tensor<1x2x8xf32>
  %f = pi.linear %p, %d : tensor<1x2x8xf32>, tensor<8x4xf32> -> tensor<1x2x4xf32>
  %z = pi.add %y, %f : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  return %z : tensor<1x2x4xf32>
}
