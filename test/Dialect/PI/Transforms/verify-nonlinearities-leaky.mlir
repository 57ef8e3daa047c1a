// A leaky ReLU is promised with a slope that is fixed or learnable, and is no
// ReLU.

// RUN: aero-opt %s --pi-verify-nonlinearities='configuration=SM+R activation=leaky_relu' -o /dev/null
// RUN: not aero-opt %s --pi-verify-nonlinearities='configuration=SM+R activation=relu' -split-input-file 2>&1 | FileCheck %s

// CHECK: error: 'pi.leaky_relu' op is not part of configuration 'SM+R'
func.func @fixed(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %y = pi.leaky_relu %x slope 1.000000e-01 : tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// CHECK: error: 'pi.prelu' op is not part of configuration 'SM+R'
func.func @learnable(%x: tensor<1x2x4xf32>, %s: tensor<f32>) -> tensor<1x2x4xf32> {
  %y = pi.prelu %x slope %s : tensor<f32> : tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}
