//===- LinalgToPI.td - The way back from linalg to pi ------*- tablegen -*-===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_CONVERSION_LINALGTOPI_LINALGTOPI_TD
#define AERO_CONVERSION_LINALGTOPI_LINALGTOPI_TD

include "mlir/Pass/PassBase.td"

def ConvertLinalgToPI : Pass<"convert-linalg-to-pi", "::mlir::func::FuncOp"> {
  let summary = "Takes a network back from compilers of tensor programs";
  let description = [{
    A network that was handed over by `convert-pi-to-linalg` can come back when
    the other compiler has worked on it, and one that another front end wrote in
    `linalg` can come in.

    *Input contract*: a function of one block whose arguments and results are
    tensors of f32, i64 or i1 with a static shape, made of ops on tensors:
      - `linalg`: any op that reads its operands through projected permutations
        (by name, `linalg.generic`, `linalg.map`, `linalg.reduce`, ...) and is
        element-wise, a sum, or a sum of products; `linalg.softmax`;
      - `tensor`: `cast`, `collapse_shape`, `concat`, `empty`, `expand_shape`,
        `extract`, `extract_slice`, `from_elements`, `gather` of rows,
        `insert_slice` along one dimension, `splat`;
      - `arith` and `math`, in these bodies, on scalars or on tensors, as far as
        `pi` has the function;
      - `arith.constant` and `ml_program.global_load_const`;
      - `pi`, which stays.

    *Output contract*: the function has the same signature and computes the
    same, up to float rounding. All of it is low-level `pi`, as the ONNX
    importer makes it: `pi-raise` comes next.
      - A constant that is a resource is a `pi.weight` under the resource's key:
        that is where `convert-pi-to-linalg` leaves the name. So is an immutable
        `ml_program.global`, by its symbol. An inline f32 constant with
        different elements is a weight called `<function>.constant.<n>`: what
        may be the server's is never made public. Single numbers, splats and
        integers are `pi.constant`.
      - A maximum along a dimension is known only as a part of softmax, which
        may be in any number of ops. A sum times 1 / n is a mean. Sigmoid and
        the kinds of ReLU are found in their arithmetic, as `pi-raise` expects
        them.

    What has no form is an error that names the op and says why; all of them
    are reported, and the function is unchanged: sums of integers, products or
    maxima along a dimension, windows (convolutions), lookups other than rows
    by token ids, other element types, dynamic shapes, calls, loops, and
    functions that `pi` does not have. Arguments are inputs of the client: a
    weight has to be a constant. `arith.maxnumf` and `arith.minnumf` differ from
    `pi.max` and `pi.min` for NaN, and are refused outside of softmax.

    Before:
    ```mlir
    %w = arith.constant dense_resource<h.0.w> : tensor<3x4xf32>
    %zero = arith.constant 0.000000e+00 : f32
    %0 = tensor.empty() : tensor<2x4xf32>
    %1 = linalg.fill ins(%zero : f32) outs(%0 : tensor<2x4xf32>) -> tensor<2x4xf32>
    %2 = linalg.matmul ins(%x, %w : tensor<2x3xf32>, tensor<3x4xf32>) outs(%1 : tensor<2x4xf32>) -> tensor<2x4xf32>
    ```
    After:
    ```mlir
    %w = pi.weight "h.0.w" dense_resource<h.0.w> : tensor<3x4xf32>
    %2 = pi.matmul %x, %w : tensor<2x3xf32>, tensor<3x4xf32> -> tensor<2x4xf32>
    ```
  }];
  let dependentDialects = ["::aero::pi::PIDialect"];
}

#endif // AERO_CONVERSION_LINALGTOPI_LINALGTOPI_TD
