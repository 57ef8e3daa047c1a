// The node and the layer are in the message.

// RUN: not aero-opt %s --pass-pipeline='builtin.module(func.func(convert-pi-to-linalg))' 2>&1 | FileCheck %s

// CHECK: no linalg form of pi.cast of floats to integers: node '/h.0/Cast'
func.func @main(%x: tensor<2xf32>) -> tensor<2xi64> {
  %0 = pi.cast %x : tensor<2xf32> -> tensor<2xi64> loc("/h.0/Cast")
  return %0 : tensor<2xi64>
}
