//===- PIToLinalg.td - Lowering of pi to linalg ------------*- tablegen -*-===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_CONVERSION_PITOLINALG_PITOLINALG_TD
#define AERO_CONVERSION_PITOLINALG_PITOLINALG_TD

include "mlir/Pass/PassBase.td"

def ConvertPIToLinalg : Pass<"convert-pi-to-linalg", "::mlir::func::FuncOp"> {
  let summary = "Hands a network over to compilers of tensor programs";
  let description = [{
    For what runs in the clear: pipelines that start at `linalg` on tensors take
    the network from here, with `mlir-opt` and `mlir-runner` as the nearest.

    *Input contract*: any `pi`; raised `pi` has the better result, because a
    `pi.attention` then is a handful of ops.

    *Output contract*: no `pi` op is left. The function has the same signature
    and computes the same, in float32 throughout, with ops of `arith`, `linalg`,
    `math` and `tensor`:
      - products are `linalg.matmul`, or one `linalg.generic` if they have a
        batch or heads; biases are what products are accumulated on;
      - everything element by element is a `linalg.generic` that broadcasts in
        its indexing maps, reductions are `linalg.reduce`;
      - a row of attention scores without a visible key has the result 0, as
        `pi` has it, not NaN: `linalg.softmax` is therefore not used;
      - lookups are `tensor.extract` in a `linalg.generic`. Token ids and
        positions are not checked: whoever calls the function has to;
      - `pi.weight` is an `arith.constant` of a resource whose key is the
        weight's name (with a suffix if the context has that key for something
        else), so that `convert-linalg-to-pi` finds it, and nothing folds its
        elements into other constants. Large weights are not copied; one of
        rank 0 is a row of one element.
        `pi.constant`, and a weight of integers, is an `arith.constant` of the
        same attribute.
    A `pi.cast` of floats to integers has no form, nor has an op on a tensor
    without elements. All of them are reported, and then the function is
    unchanged.

    Before:
    ```mlir
    %y = pi.linear %x, %w bias %b : tensor<4xf32> : tensor<2x3xf32>, tensor<3x4xf32> -> tensor<2x4xf32>
    ```
    After:
    ```mlir
    %0 = tensor.empty() : tensor<2x4xf32>
    %1 = linalg.broadcast ins(%b : tensor<4xf32>) outs(%0 : tensor<2x4xf32>) dimensions = [0]
    %2 = linalg.matmul ins(%x, %w : tensor<2x3xf32>, tensor<3x4xf32>) outs(%1 : tensor<2x4xf32>) -> tensor<2x4xf32>
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect"
  ];
}

#endif // AERO_CONVERSION_PITOLINALG_PITOLINALG_TD
