//===- PIToMPC.td - Lowering of pi to mpc ------------------*- tablegen -*-===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_CONVERSION_PITOMPC_PITOMPC_TD
#define AERO_CONVERSION_PITOMPC_PITOMPC_TD

include "mlir/Pass/PassBase.td"

def ConvertPIToMPC : Pass<"convert-pi-to-mpc", "::mlir::ModuleOp"> {
  let summary = "Lowers a transformer to fixed-point shares";
  let description = [{
    Chooses scales and rings, truncates every product once, and takes attention
    apart into the instructions of the secure engine. The exact lowering and the
    argument that no value leaves its ring are in docs/rationale/mpc.md.

    Input contract: a module with one function,

    ```mlir
    func.func @main(%tokens: tensor<1xTxi64>, %position: tensor<i64>)
    ```

    (the position is optional), which returns one value. Its body holds only
    - pi.weight, pi.embedding of the tokens, pi.linear, pi.select_token;
    - pi.add, pi.sub, pi.mul of private values of one shape, pi.add and pi.mul of
      one with a weight that ends its shape;
    - pi.slice, pi.reshape, pi.transpose, pi.concat of private values;
    - pi.layer_norm and pi.rms_norm of rows of at most 8192 elements, pi.relu,
      pi.leaky_relu, pi.prelu, pi.gelu, pi.silu;
    - pi.rotary_embedding by constants;
    - pi.attention without a padding mask or bias, of as many queries as keys and
      at most 1024. A scale of ln 2 as a float, i.e. scores that count powers of
      two, is free: pi-fold-scaling arranges that. Another one multiplies the
      queries.

    Every other op is an error that names its node, and all of them are reported.
    Norms need 13 to 24 fraction bits of activations, GELU 12 to 20, SiLU 12 to
    16. An epsilon of a norm below 2^-14 / N becomes that.

    Output contract: the same function on !mpc.tokens and !mpc.position, ending in
    mpc.reveal, without the batch dimension and without a schedule. Weights keep
    their float values and their resources. Every op has the location of the pi
    op that it came from.

    ```mlir
    %0 = pi.linear %x, %w bias %b : tensor<64xf32> : tensor<1x8x64xf32>, tensor<64x64xf32> -> tensor<1x8x64xf32>
    ```

    becomes

    ```mlir
    %w = mpc.weight "w" dense_resource<w> : tensor<64x64xf32> : !mpc.server<64x64, f = 20>
    %b = mpc.weight "b" dense_resource<b> : tensor<64xf32> : !mpc.server<64, f = 36>
    %0 = mpc.linear %x, %w bias %b : !mpc.server<64, f = 36> : !mpc.share<8x64, f = 16>, !mpc.server<64x64, f = 20> -> !mpc.share<8x64, f = 36>
    %1 = mpc.trunc %0 by 20 : !mpc.share<8x64, f = 36> -> !mpc.share<8x64, f = 16>
    ```
  }];
  let options = [
    Option<"activationFrac", "activation-frac", "unsigned", "16",
           "Fraction bits of activations, 8 to 24">,
    Option<"weightFrac", "weight-frac", "unsigned", "20",
           "Fraction bits of weights, 8 to 28">,
    Option<"compareBits", "compare-bits", "unsigned", "0",
           "Bits in which attention scores are compared, a multiple of 4, at "
           "least 64 - 2 * activation-frac; 0: as many as the range takes that "
           "is proved from the weights">,
    Option<"provedRanges", "proved-ranges", "bool", "true",
           "Compare in as few bits as ranges take that are proved from the "
           "weights; without, the program tells nothing of their size">,
    Option<"revealToken", "reveal-token", "bool", "false",
           "Reveal the column of the largest logit of each row, not the logits">
  ];
  let dependentDialects = ["::aero::mpc::MPCDialect"];
}

#endif // AERO_CONVERSION_PITOMPC_PITOMPC_TD
