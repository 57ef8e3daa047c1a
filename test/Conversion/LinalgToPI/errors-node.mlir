// The node and the layer are in the message.

// RUN: not aero-opt %s --pass-pipeline='builtin.module(func.func(convert-linalg-to-pi))' 2>&1 | FileCheck %s

// CHECK: no pi form of math.log: pi has no such function (node '/h.0/Log')
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = math.log %x : tensor<2xf32> loc("/h.0/Log")
  return %0 : tensor<2xf32>
}
