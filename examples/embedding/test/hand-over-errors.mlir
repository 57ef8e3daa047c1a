// RUN: not my-opt %s --pass-pipeline='builtin.module(func.func(convert-linalg-to-pi))' 2>&1 \
// RUN:   | FileCheck %s

// What another compiler made of a network may be more than pi can say.
// CHECK: [[@LINE+2]]:8: error: no pi form of math.log1p: pi has no such function
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = math.log1p %x : tensor<2xf32>
  return %0 : tensor<2xf32>
}
