// RUN: aero-opt %s --pi-replace-activation | FileCheck %s --check-prefixes=CHECK,IDENTITY
// RUN: aero-opt %s --pi-replace-activation=to=relu | FileCheck %s --check-prefixes=CHECK,RELU
// RUN: aero-opt %s --pi-replace-activation='to=leaky_relu slope=0.25' | FileCheck %s --check-prefixes=CHECK,LEAKY
// RUN: aero-opt %s --pi-replace-activation=to=leaky_relu | FileCheck %s --check-prefix=SLOPE

// [example] --pi-replace-activation=to=relu
// CHECK-LABEL: func @gelu
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x4xf32>)
// IDENTITY-NEXT: return %[[X]]
// RELU-NEXT: %[[Y:.*]] = pi.relu %[[X]]
// RELU-NEXT: return %[[Y]]
// LEAKY-NEXT: pi.leaky_relu %[[X]] slope 2.500000e-01
// SLOPE: pi.leaky_relu {{.*}} slope 0.00999999977
func.func @gelu(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %y = pi.gelu %x : tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}
// [end of example]

// CHECK-LABEL: func @gelu_tanh
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x4xf32>)
// IDENTITY-NEXT: return %[[X]]
// RELU-NEXT: pi.relu %[[X]]
// LEAKY-NEXT: pi.leaky_relu %[[X]]
func.func @gelu_tanh(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %y = pi.gelu %x approximation tanh : tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// CHECK-LABEL: func @silu
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x4xf32>)
// IDENTITY-NEXT: return %[[X]]
// RELU-NEXT: pi.relu %[[X]]
// LEAKY-NEXT: pi.leaky_relu %[[X]]
func.func @silu(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %y = pi.silu %x : tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// CHECK-LABEL: func @relu
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x4xf32>)
// IDENTITY-NEXT: return %[[X]]
// RELU-NEXT: pi.relu %[[X]]
// LEAKY-NEXT: pi.leaky_relu %[[X]] slope 2.500000e-01
func.func @relu(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %y = pi.relu %x : tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// A leaky ReLU keeps the slope that it was trained with.
// CHECK-LABEL: func @leaky_relu
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x4xf32>)
// IDENTITY-NEXT: return %[[X]]
// RELU-NEXT: pi.relu %[[X]]
// LEAKY-NEXT: pi.leaky_relu %[[X]] slope 5.000000e-01
func.func @leaky_relu(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %y = pi.leaky_relu %x slope 5.000000e-01 : tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// Softmax is not an activation of a feed-forward network, nor is a tanh that
// pi-raise found no GELU around.
// CHECK-LABEL: func @others
// CHECK: pi.softmax
// CHECK: pi.tanh
func.func @others(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %s = pi.softmax %x axis 2 : tensor<1x2x4xf32>
  %y = pi.tanh %s : tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}
