// RUN: aero-opt %s --pi-fold-scaling | FileCheck %s

// gamma goes into the rows of the matrix, beta times the matrix into the bias.
// CHECK-LABEL: func @layer_norm
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x4xf32>)
// CHECK-DAG: %[[W:.*]] = pi.weight "w+gamma"
// CHECK-DAG: %[[B:.*]] = pi.weight "b+w+beta"
// CHECK: %[[N:.*]] = pi.layer_norm %[[X]] epsilon
// CHECK: pi.linear %[[N]], %[[W]] bias %[[B]]
func.func @layer_norm(%x: tensor<1x2x4xf32>) -> tensor<1x2x3xf32> {
  %g = pi.weight "gamma" dense<0.5> : tensor<4xf32>
  %c = pi.weight "beta" dense<0.5> : tensor<4xf32>
  %w = pi.weight "w" dense<0.5> : tensor<4x3xf32>
  %b = pi.weight "b" dense<0.5> : tensor<3xf32>
  %n = pi.layer_norm %x gamma %g : tensor<4xf32> beta %c : tensor<4xf32> epsilon 1.000000e-05 : tensor<1x2x4xf32>
  %y = pi.linear %n, %w bias %b : tensor<3xf32> : tensor<1x2x4xf32>, tensor<4x3xf32> -> tensor<1x2x3xf32>
  return %y : tensor<1x2x3xf32>
}

// A linear map without a bias gets one for beta.
// CHECK-LABEL: func @new_bias
// CHECK: %[[B:.*]] = pi.weight "w+beta"
// CHECK: pi.linear %{{[^ ]*}}, %{{[^ ]*}} bias %[[B]]
func.func @new_bias(%x: tensor<1x2x4xf32>) -> tensor<1x2x3xf32> {
  %g = pi.weight "gamma" dense<0.5> : tensor<4xf32>
  %c = pi.weight "beta" dense<0.5> : tensor<4xf32>
  %w = pi.weight "w" dense<0.5> : tensor<4x3xf32>
  %n = pi.layer_norm %x gamma %g : tensor<4xf32> beta %c : tensor<4xf32> epsilon 1.000000e-05 : tensor<1x2x4xf32>
  %y = pi.linear %n, %w : tensor<1x2x4xf32>, tensor<4x3xf32> -> tensor<1x2x3xf32>
  return %y : tensor<1x2x3xf32>
}

// Every reader takes its part; a selected token is read like the norm itself.
// CHECK-LABEL: func @rms_norm_of_two_readers
// CHECK-DAG: pi.weight "w+gamma"
// CHECK-DAG: pi.weight "v+gamma"
// CHECK: pi.rms_norm %arg0 epsilon
func.func @rms_norm_of_two_readers(%x: tensor<1x2x4xf32>, %p: tensor<i64>) -> (tensor<1x2x3xf32>, tensor<1x1x3xf32>) {
  %g = pi.weight "gamma" dense<0.5> : tensor<4xf32>
  %w = pi.weight "w" dense<0.5> : tensor<4x3xf32>
  %v = pi.weight "v" dense<0.5> : tensor<4x3xf32>
  %n = pi.rms_norm %x gamma %g : tensor<4xf32> epsilon 1.000000e-05 : tensor<1x2x4xf32>
  %y = pi.linear %n, %w : tensor<1x2x4xf32>, tensor<4x3xf32> -> tensor<1x2x3xf32>
  %s = pi.select_token %n at %p : tensor<1x2x4xf32>, tensor<i64> -> tensor<1x1x4xf32>
  %z = pi.linear %s, %v : tensor<1x1x4xf32>, tensor<4x3xf32> -> tensor<1x1x3xf32>
  return %y, %z : tensor<1x2x3xf32>, tensor<1x1x3xf32>
}

// One reader that is no linear map needs gamma, so it stays for all.
// CHECK-LABEL: func @other_reader_stays
// CHECK: pi.layer_norm %{{[^ ]*}} gamma
// CHECK: pi.linear %{{[^ ]*}}, %w :
func.func @other_reader_stays(%x: tensor<1x2x4xf32>) -> (tensor<1x2x3xf32>, tensor<1x2x4xf32>) {
  %g = pi.weight "gamma" dense<0.5> : tensor<4xf32>
  %w = pi.weight "w" dense<0.5> : tensor<4x3xf32>
  %n = pi.layer_norm %x gamma %g : tensor<4xf32> epsilon 1.000000e-05 : tensor<1x2x4xf32>
  %y = pi.linear %n, %w : tensor<1x2x4xf32>, tensor<4x3xf32> -> tensor<1x2x3xf32>
  %z = pi.gelu %n : tensor<1x2x4xf32>
  return %y, %z : tensor<1x2x3xf32>, tensor<1x2x4xf32>
}

// gamma is an argument.
// CHECK-LABEL: func @unknown_gamma_stays
// CHECK: pi.layer_norm %{{[^ ]*}} gamma
func.func @unknown_gamma_stays(%x: tensor<1x2x4xf32>, %g: tensor<4xf32>) -> tensor<1x2x3xf32> {
  %w = pi.weight "w" dense<0.5> : tensor<4x3xf32>
  %n = pi.layer_norm %x gamma %g : tensor<4xf32> epsilon 1.000000e-05 : tensor<1x2x4xf32>
  %y = pi.linear %n, %w : tensor<1x2x4xf32>, tensor<4x3xf32> -> tensor<1x2x3xf32>
  return %y : tensor<1x2x3xf32>
}

// The norm without parameters is left alone, and so is its reader.
// CHECK-LABEL: func @nothing_to_fold
// CHECK: pi.weight "w" dense<5
// CHECK: pi.layer_norm %arg0 epsilon
func.func @nothing_to_fold(%x: tensor<1x2x4xf32>) -> tensor<1x2x3xf32> {
  %w = pi.weight "w" dense<0.5> : tensor<4x3xf32>
  %n = pi.layer_norm %x epsilon 1.000000e-05 : tensor<1x2x4xf32>
  %y = pi.linear %n, %w : tensor<1x2x4xf32>, tensor<4x3xf32> -> tensor<1x2x3xf32>
  return %y : tensor<1x2x3xf32>
}
