// The stock tools take over after convert-pi-to-linalg, here as a plugin of
// mlir-opt, and run the function. All numbers are such that floats hold them.

// REQUIRES: mlir-opt-plugin, mlir-runner

// RUN: mlir-opt %s --load-dialect-plugin=%aero_plugin \
// RUN:   --pass-pipeline='builtin.module(func.func(convert-pi-to-linalg),%linalg_to_llvm)' \
// RUN:   | mlir-runner -e main --entry-point-result=void --shared-libs=%runner_utils \
// RUN:   | FileCheck %s

func.func private @printMemrefF32(tensor<*xf32>)

func.func @main() {
  // Rows 2 and 0 of a table, times a matrix, plus a bias.
  %ids = pi.constant dense<[[2, 0, 1]]> : tensor<1x3xi64>
  %table = pi.weight "wte" dense_resource<table> : tensor<3x2xf32>
  %w = pi.weight "w" dense<[[1.0, 0.0], [0.0, -1.0]]> : tensor<2x2xf32>
  %b = pi.weight "b" dense<[0.5, 0.25]> : tensor<2xf32>
  %x = pi.embedding %table[%ids] : tensor<3x2xf32>, tensor<1x3xi64> -> tensor<1x3x2xf32>
  %y = pi.linear %x, %w bias %b : tensor<2xf32> : tensor<1x3x2xf32>, tensor<2x2xf32> -> tensor<1x3x2xf32>
  // CHECK: rank = 3 {{.*}} sizes = [1, 3, 2]
  // CHECK-NEXT{LITERAL}: [[[4.5,    -4.75],
  // CHECK-NEXT:            [0.5,    -0.75],
  // CHECK-NEXT:            [2.5,    -2.75]]]
  %c0 = tensor.cast %y : tensor<1x3x2xf32> to tensor<*xf32>
  call @printMemrefF32(%c0) : (tensor<*xf32>) -> ()

  // Queries of 0 weigh the keys that they see alike: means of prefixes.
  %zero = pi.constant dense<0.0> : tensor<1x3x2xf32>
  %mean = pi.attention %zero, %x, %x heads 2 scale 1.0 causal : tensor<1x3x2xf32>, tensor<1x3x2xf32>
  // CHECK: rank = 3
  // CHECK-NEXT{LITERAL}: [[[4,    5],
  // CHECK-NEXT:            [2,    3],
  // CHECK-NEXT:            [2,    3]]]
  %c1 = tensor.cast %mean : tensor<1x3x2xf32> to tensor<*xf32>
  call @printMemrefF32(%c1) : (tensor<*xf32>) -> ()

  // The first token is padding: the first query sees nothing.
  %mask = pi.constant dense<[[0, 1, 1]]> : tensor<1x3xi64>
  %padded = pi.attention %zero, %x, %x mask %mask : tensor<1x3xi64> heads 1 scale 1.0 causal : tensor<1x3x2xf32>, tensor<1x3x2xf32>
  // CHECK: rank = 3
  // CHECK-NEXT{LITERAL}: [[[0,    0],
  // CHECK-NEXT:            [0,    1],
  // CHECK-NEXT:            [1,    2]]]
  %c2 = tensor.cast %padded : tensor<1x3x2xf32> to tensor<*xf32>
  call @printMemrefF32(%c2) : (tensor<*xf32>) -> ()
  return
}

{-#
  dialect_resources: {
    builtin: {
      table: "0x04000000000000000000803F0000004000004040000080400000A040"
    }
  }
#-}
