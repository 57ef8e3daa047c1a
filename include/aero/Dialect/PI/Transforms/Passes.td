//===- Passes.td - Passes over the pi dialect --------------*- tablegen -*-===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_DIALECT_PI_TRANSFORMS_PASSES_TD
#define AERO_DIALECT_PI_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"
include "aero/Dialect/PI/Transforms/NetworkPasses.td"

//===----------------------------------------------------------------------===//
// From an imported graph to transformer operations
//===----------------------------------------------------------------------===//

def RaisePass : Pass<"pi-raise", "::mlir::func::FuncOp"> {
  let summary = "Finds the operations of transformers in ONNX arithmetic";
  let description = [{
    Exporters write LayerNorm, GELU and attention as arithmetic. The passes that
    rewrite networks and the lowering to `mpc` want them whole.

    *Input contract*: what the ONNX importer writes.

    *Output contract*: these forms have become one op each. Whatever differs
    from them stays as it is; `pi-verify-raised` names it and says why.
      - LayerNorm and RMSNorm over the last dimension, by a quotient or a
        product with the reciprocal, by roots or powers, with gamma before or
        after: `pi.layer_norm`, `pi.rms_norm`;
      - GELU by erf or by tanh, in any order of its factors; x sigmoid(x);
        max(x, 0): `pi.gelu`, `pi.silu`, `pi.relu`;
      - a product with a weight matrix, or with the transpose of one, and the
        sum with a bias: `pi.linear`. Nothing is copied: the matrix stays the
        `pi.transpose` of its `pi.weight`, under its own name;
      - a softmax between two products: `pi.attention`. Where heads are cut and
        in which order dimensions come does not matter: transposes and reshapes
        to (batch, tokens, width) are inserted and fold away in the usual case.
        Repeated heads of keys become `key_heads`, scalars on queries, keys or
        scores the scale (or, if they are parameters, factors of the query);
      - what is between scores and softmax is evaluated, element by element, for
        a padding mask of 0 and of 1. It becomes `causal`, the `mask` and the
        `bias` of the attention. Numbers of -1e4 or less count as minus
        infinity;
      - a rotation of pairs of columns by angles of the position, by halves or
        neighbours, of a whole head or a part: `pi.rotary_embedding`, with the
        angle of each pair once;
      - position rows: a `pi.weight` with `[0:16]` after its name.
    A weight with one number for each head and query, or for each head, that
    divides the scores before they are masked is the attention's `temperature`.
    Masks and angles that are stored as initializers are read, and only they: a
    `pi.weight` of nothing but 0, 1 and numbers beyond 1e4, and two tables whose
    squares have one sum everywhere.
    The location of every op holds its transformer layer (see `getLayer`).

    The function is the same, up to float rounding, except for a query that sees
    no key: its result is 0, where float arithmetic has NaN. There are no
    errors. A weight that holds no data is not read, so that forms which depend
    on its elements stay.

    Before:
    ```mlir
    %d = pi.div %x, %sqrt2 : tensor<1x2x4xf32>, tensor<f32> -> tensor<1x2x4xf32>
    %e = pi.erf %d : tensor<1x2x4xf32>
    %a = pi.add %e, %one : tensor<1x2x4xf32>, tensor<f32> -> tensor<1x2x4xf32>
    %m = pi.mul %x, %a : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
    %y = pi.mul %m, %half : tensor<1x2x4xf32>, tensor<f32> -> tensor<1x2x4xf32>
    ```
    After:
    ```mlir
    %y = pi.gelu %x : tensor<1x2x4xf32>
    ```
  }];
  let dependentDialects = ["::aero::pi::PIDialect"];
}

def VerifyRaisedPass : Pass<"pi-verify-raised", "::mlir::func::FuncOp"> {
  let summary = "Checks that pi-raise has left no low-level op";
  let description = [{
    The boundary between the importer and everything behind it. Changes nothing;
    every op that is not part of a known transformer operation is an error that
    names its ONNX node and says what keeps `pi-raise` from recognising it.

    Data movement is free and always known; so is arithmetic that numbers
    positions, i.e. ends as an index of a table or an angle. A product of two
    activations is known as the gate of a feed-forward network, a lone `pi.tanh`
    as an activation.

    *Input contract*: `pi` after `pi-raise`.

    ```mlir
    // error: 'pi.softmax' op (ONNX node '/h.0/attn/Softmax') is not part of a
    // known transformer operation: no attention: the mask is not causal: ...
    ```
  }];
}

//===----------------------------------------------------------------------===//
// Passes that keep the function (exact up to float rounding)
//===----------------------------------------------------------------------===//

def MergeLinearPass : Pass<"pi-merge-linear", "::mlir::func::FuncOp"> {
  let summary = "Multiplies consecutive linear maps into one";
  let description = [{
    Without an activation between them, the two matrices of a feed-forward
    network are one d x d matrix, with an eighth of the multiply-adds.

    *Input contract*: raised `pi`; matrices and biases are `pi.weight` or
    `pi.constant`.

    *Output contract*: the function is the same, up to float rounding (products
    are accumulated in double precision and rounded once). No pair
    `linear(linear(x, W1, b1), W2, b2)` is left for which all of this holds: the
    inner result has no other use, and K*N2 < K*N1 + N1*N2, where W1 is
    (K, N1) and W2 (N1, N2). Scalar factors between the two are merged too. A
    merged weight carries the names of all it was made of, joined by `+`.

    With `residual`, `c1 * y + c2 * linear(y, W, b)` becomes
    `linear(y, c1 I + c2 W, c2 b)` for scalar weights and constants c1, c2: the
    scaled feed-forward network `beta * y + ffn(y) / alpha` is one matrix.

    Remarks of the category `pi-merge-linear` say what was merged, and for each
    pair that was not, why; one for the function counts the pairs by reason.

    *Errors*: weights that cannot be read, as they were elided when the IR was
    printed. The choice of pairs depends on shapes, never on values.

    Before:
    ```mlir
    %h = pi.linear %x, %w1 bias %b1 : tensor<8xf32> : tensor<1x2x4xf32>, tensor<4x8xf32> -> tensor<1x2x8xf32>
    %y = pi.linear %h, %w2 bias %b2 : tensor<4xf32> : tensor<1x2x8xf32>, tensor<8x4xf32> -> tensor<1x2x4xf32>
    ```
    After:
    ```mlir
    %w = pi.weight "w1+w2" dense_resource<"w1+w2"> : tensor<4x4xf32>
    %b = pi.weight "b1+w2+b2" dense_resource<"b1+w2+b2"> : tensor<4xf32>
    %y = pi.linear %x, %w bias %b : tensor<4xf32> : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
    ```
  }];
  let dependentDialects = ["::aero::pi::PIDialect"];
  let options = [
    Option<"chain", "chain", "bool", /*default=*/"true",
      "Merge linear(linear(x))">,
    Option<"residual", "residual", "bool", /*default=*/"false",
      "Merge c1 * y + c2 * linear(y) as well">
  ];
}

def CollapseLinearPass : Pass<"pi-collapse-linear", "::mlir::func::FuncOp"> {
  let summary = "Multiplies through sums of linear maps";
  let description = [{
    A linear map of a sum is the sum of linear maps. In a network without norms
    and activations, the output projection of attention goes into the matrix
    behind the residual sum: one secure product, one truncation and their
    exchanges less, with as many multiply-adds as before.

    *Input contract*: raised `pi`; matrices and biases are `pi.weight` or
    `pi.constant`.

    *Output contract*: the function is the same, up to float rounding (products
    are accumulated in double precision and rounded once). The input of a linear
    map is taken apart into the terms of a sum. If one of them at least is a
    linear map itself, each of these is multiplied with the outer matrix, and
    what is left of the sum with the outer matrix alone, provided that it takes
    no more than `growth` times the multiply-adds of all maps before.

    A value that several ops read stays a value of its own, and its maps are
    still computed and counted. With `growth` above 1, the matrix of a reader of
    it, e.g. of the next queries, keys and values, is multiplied all the same:
    everything between two softmaxes is one product then. It pays where messages
    take longer than products; `aero ... --optimize-for NETWORK` finds out.

    A linear map whose input is nothing but another one is left to
    `pi-merge-linear`. The choice depends on shapes, never on values. Remarks of
    the category `pi-collapse-linear` say what was collapsed, and what was not.

    *Errors*: `growth` below 1; weights that cannot be read, as they were elided
    when the IR was printed.

    Before:
    ```mlir
    %a = pi.linear %c, %w1 : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
    %s = pi.add %x, %a : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
    %y = pi.linear %s, %w2 : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
    ```
    After:
    ```mlir
    %w = pi.weight "w1+w2" dense_resource<"w1+w2"> : tensor<4x4xf32>
    %0 = pi.linear %x, %w2 : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
    %1 = pi.linear %c, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
    %y = pi.add %0, %1 : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
    ```
  }];
  let dependentDialects = ["::aero::pi::PIDialect"];
  let options = [
    Option<"growth", "growth", "double", /*default=*/"1.0",
      "How many times the multiply-adds a collapsed sum may take">
  ];
}

def JoinLinearPass : Pass<"pi-join-linear", "::mlir::func::FuncOp"> {
  let summary = "Multiplies one input by all its matrices at once";
  let description = [{
    A secure product sends its input under a mask. Queries, keys and values that
    an exporter projected one by one, or a gate and what it gates, are one
    product, which sends it once.

    *Input contract*: raised `pi`.

    *Output contract*: the function is the same, bit for bit. No two linear maps
    with known weights (`pi.weight`, `pi.constant` or the transpose of one) read
    the same value in the same block: they are one map, whose matrix has theirs
    side by side in program order, and slices of it. A map without a bias has
    zeros there if another one has one.

    Remarks of the category `pi-join-linear` say what was joined.

    *Errors*: weights that cannot be read, as they were elided when the IR was
    printed.

    Before:
    ```mlir
    %q = pi.linear %x, %wq : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
    %k = pi.linear %x, %wk : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
    ```
    After:
    ```mlir
    %w = pi.weight "wq+wk" dense_resource<"wq+wk"> : tensor<4x8xf32>
    %0 = pi.linear %x, %w : tensor<1x2x4xf32>, tensor<4x8xf32> -> tensor<1x2x8xf32>
    %q = pi.slice %0 axis 2 offset 0 : tensor<1x2x8xf32> -> tensor<1x2x4xf32>
    %k = pi.slice %0 axis 2 offset 4 : tensor<1x2x8xf32> -> tensor<1x2x4xf32>
    ```
  }];
  let dependentDialects = ["::aero::pi::PIDialect"];
}

def FoldScalingPass : Pass<"pi-fold-scaling", "::mlir::func::FuncOp"> {
  let summary = "Folds every constant factor into a neighbouring weight";
  let description = [{
    Under secure computation a multiplication by a constant costs a truncation
    of every element; inside a weight that the server multiplies by anyway it
    costs nothing.

    *Input contract*: raised `pi`; matrices, biases and factors are `pi.weight`
    or `pi.constant`.

    *Output contract*: the function is the same, up to float rounding. Where the
    neighbourhood allows it:

    1. `pi.mul` and `pi.div` by a scalar are gone. The factor moves forwards to
       the ops that read the product or backwards to those that produce the
       multiplicand, through sums, slices, reshapes and the values of an
       attention, until a matrix, an embedding table or a normalisation absorbs
       it on every path.
    2. `pi.attention` has the scale 1, or ln 2 with `base2`: the matrix that
       produces the query (only the columns of its slice) absorbs the rest. With
       the scale ln 2, exp(ln 2 * s) = 2^s, so that the scores are in base 2,
       for which there is a cheap secure exponential.
    3. `pi.layer_norm` and `pi.rms_norm` have no gamma and no beta: the matrices
       that read the norm absorb them. Likewise a vector that multiplies what
       they read, and one that is added then: what `pi-strip-layernorm` leaves.
    4. `pi.attention` has no `temperature` that is the same for all positions of
       a head: the columns of that head's query absorb it.

    Nothing is folded that would change what another op reads: a factor is left
    where it is if one of the values that would have to be rescaled is an input
    or a result of the function, passes through a nonlinearity, or belongs to a
    linear op whose matrix is not a weight. Remarks of the category
    `pi-fold-scaling` name the op that stood in the way.

    *Errors*: weights that cannot be read, as they were elided when the IR was
    printed.

    Before:
    ```mlir
    %q = pi.linear %x, %wq : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
    %a = pi.attention %q, %k, %v heads 1 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
    %s = pi.div %a, %alpha : tensor<1x2x4xf32>, tensor<f32> -> tensor<1x2x4xf32>
    %y = pi.linear %s, %wo : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
    ```
    After, with `%wq2` = 0.5 / ln 2 * `%wq` and `%wo2` = `%wo` / alpha:
    ```mlir
    %q = pi.linear %x, %wq2 : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
    %a = pi.attention %q, %k, %v heads 1 scale 0.693147182 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
    %y = pi.linear %a, %wo2 : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
    ```
  }];
  let dependentDialects = ["::aero::pi::PIDialect"];
  let options = [
    Option<"base2", "base2", "bool", /*default=*/"false",
      "Leave attention with the scale ln 2 instead of 1">
  ];
}

def SelectLastTokenPass
    : Pass<"pi-select-last-token", "::mlir::ModuleOp"> {
  let summary = "Computes the logits of one token only";
  let description = [{
    To continue a prompt, the client needs the logits after its last token. The
    vocabulary projection is by far the widest matrix, so computing one row of
    it instead of T saves most of its cost. The position is public.

    *Input contract*: raised `pi`; the function named by `function` returns one
    tensor (batch, tokens, width).

    *Output contract*: the function has one more argument, a tensor<i64> with
    the position of the last token, from 0, and returns row (batch, 1, width) of
    what it returned before. `pi.select_token` stands before the first op that
    works row by row all the way to the result: linear maps, sums, activations,
    norms and slices of the width. Attention is not passed: its keys and values
    need all rows.

    *Errors*: no function of that name with a body, or one that returns anything
    else.

    Before:
    ```mlir
    func.func @main(%x: tensor<1x8x4xf32>) -> tensor<1x8x16xf32> {
      %y = pi.linear %x, %w : tensor<1x8x4xf32>, tensor<4x16xf32> -> tensor<1x8x16xf32>
      return %y : tensor<1x8x16xf32>
    }
    ```
    After:
    ```mlir
    func.func @main(%x: tensor<1x8x4xf32>, %position: tensor<i64>) -> tensor<1x1x16xf32> {
      %t = pi.select_token %x at %position : tensor<1x8x4xf32>, tensor<i64> -> tensor<1x1x4xf32>
      %y = pi.linear %t, %w : tensor<1x1x4xf32>, tensor<4x16xf32> -> tensor<1x1x16xf32>
      return %y : tensor<1x1x16xf32>
    }
    ```
  }];
  let dependentDialects = ["::aero::pi::PIDialect"];
  let options = [
    Option<"function", "function", "std::string", /*default=*/"\"main\"",
      "The function to change">
  ];
}

def VerifyNonlinearitiesPass
    : Pass<"pi-verify-nonlinearities", "::mlir::func::FuncOp"> {
  let summary = "Checks that the network has the promised nonlinearities";
  let description = [{
    The end of each configuration's pipeline: `SM+LN+G` promises LayerNorm and
    GELU, `SM` neither. Changes nothing; a difference is an error that names the
    first op in question, or what is missing.

    *Input contract*: raised `pi`.

    ```mlir
    // pi-verify-nonlinearities{norm=absent}
    // error: 'pi.layer_norm' op is not part of configuration 'SM'
    ```
  }];
  let options = [
    Option<"configuration", "configuration", "std::string", /*default=*/"",
      "The name of the configuration, for messages">,
    Option<"norm", "norm", "::aero::pi::Presence",
      /*default=*/"::aero::pi::Presence::Any",
      "layer_norm and rms_norm",
      [{::llvm::cl::values(
        clEnumValN(::aero::pi::Presence::Any, "any", "may occur"),
        clEnumValN(::aero::pi::Presence::Required, "required", "must occur"),
        clEnumValN(::aero::pi::Presence::Absent, "absent",
                   "must not occur"))}]>,
    Option<"activation", "activation", "::aero::pi::PromisedActivation",
      /*default=*/"::aero::pi::PromisedActivation::Any",
      "The activation of the feed-forward networks",
      [{::llvm::cl::values(
        clEnumValN(::aero::pi::PromisedActivation::Any, "any", "any or none"),
        clEnumValN(::aero::pi::PromisedActivation::None, "none", "no activation"),
        clEnumValN(::aero::pi::PromisedActivation::Gelu, "gelu",
                   "GELU or SiLU, as trained"),
        clEnumValN(::aero::pi::PromisedActivation::Relu, "relu", "ReLU"),
        clEnumValN(::aero::pi::PromisedActivation::LeakyRelu, "leaky_relu",
                   "leaky ReLU, of a fixed or learnable slope"))}]>
  ];
}

def AnnotateNonlinearitiesPass
    : Pass<"pi-annotate-nonlinearities", "::mlir::func::FuncOp"> {
  let summary = "Says of each nonlinear operation what it is applied to and costs";
  let description = [{
    A nonlinear operation is what private inference pays for. Writes into each
    one on the client's data its kind, its layer, the maps that it is applied to
    and, for every security mode that the engine has, the bytes and dependent
    exchanges of its secure form: the op's own instructions, products of
    attention included, with the truncation of its result. The numbers are those
    of the instructions that `convert-pi-to-mpc` makes of the op, byte for byte,
    as long as the network is lowered as it is: fold scales first
    (`pi-fold-scaling`), a gain or a temperature that is left is a product.

    *Input contract*: any `pi`; layers are known in raised `pi`.

    *Output contract*: the `nonlinearity` attribute of every nonlinear op, and
    an analysis remark of the category `pi-annotate-nonlinearities` that says the
    same. An op without a secure form has no costs. With `table`, one line an op
    and the totals are printed to standard error.

    ```mlir
    // remark: '/h.0/attn' (pi.attention): softmax, layer 0, 2 maps of 6x6, 72 elements; dealer: 6520 bytes online, 5840 offline, 28 exchanges
    %a = pi.attention %q, %k, %v heads 2 scale 0.5 causal annotated
      <softmax, layer = 0, maps = 2 of [6, 6], costs = [<dealer, online = 6520, offline = 5840, exchanges = 28>]>
      : tensor<1x6x8xf32>, tensor<1x6x8xf32>
    ```
  }];
  let options = [
    Option<"table", "table", "bool", "false",
           "Print a table of the operations to standard error">,
    Option<"activationFrac", "activation-frac", "unsigned", "16",
           "Fraction bits of activations that costs are predicted for">,
    Option<"weightFrac", "weight-frac", "unsigned", "20",
           "Fraction bits of weights that costs are predicted for">
  ];
}

#endif // AERO_DIALECT_PI_TRANSFORMS_PASSES_TD
