// RUN: aero-opt %s -allow-unregistered-dialect -split-input-file -verify-diagnostics --pass-pipeline='builtin.module(func.func(convert-pi-to-linalg))'

// All of them are reported, with their nodes; what has a form stays untouched.
func.func @floats_to_integers(%x: tensor<2xf32>) -> (tensor<2xi64>, tensor<2xi64>) {
  %0 = pi.relu %x : tensor<2xf32>
  // expected-error @below {{no linalg form of pi.cast of floats to integers}}
  %1 = pi.cast %0 : tensor<2xf32> -> tensor<2xi64>
  // expected-error @below {{no linalg form of pi.cast of floats to integers}}
  %2 = pi.cast %x : tensor<2xf32> -> tensor<2xi64>
  return %1, %2 : tensor<2xi64>, tensor<2xi64>
}

// -----

func.func @no_elements(%x: tensor<0x3xf32>) -> (tensor<3x0xf32>, tensor<0xi64>) {
  // Nothing is computed from a constant.
  %0 = pi.constant dense<> : tensor<0xi64>
  // expected-error @below {{no linalg form of pi.transpose of a tensor without elements}}
  %1 = pi.transpose %x [1, 0] : tensor<0x3xf32> -> tensor<3x0xf32>
  return %1, %0 : tensor<3x0xf32>, tensor<0xi64>
}

// -----

// Other dialects are none of its business.
func.func @other(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = "test.op"(%x) : (tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}
