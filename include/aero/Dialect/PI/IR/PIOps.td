//===- PIOps.td - Operations of the pi dialect -------------*- tablegen -*-===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_DIALECT_PI_IR_PIOPS_TD
#define AERO_DIALECT_PI_IR_PIOPS_TD

include "aero/Dialect/PI/IR/PIDialect.td"
include "aero/Dialect/PI/IR/PIEnums.td"
include "aero/Dialect/PI/IR/PIInterfaces.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

//===----------------------------------------------------------------------===//
// Types and base classes
//===----------------------------------------------------------------------===//

def PI_Tensor : StaticShapeTensorOf<[F32, I64, I1]>;
def PI_FloatTensor : StaticShapeTensorOf<[F32]>;
def PI_IntTensor : StaticShapeTensorOf<[I64]>;
def PI_BoolTensor : StaticShapeTensorOf<[I1]>;
/// What arithmetic works on: activations, and integers such as positions.
def PI_NumberTensor : StaticShapeTensorOf<[F32, I64]>;
/// Which keys a padded prompt has: not 0 where there is one.
def PI_MaskTensor : StaticShapeTensorOf<[I64, I1]>;

class PI_Op<string mnemonic, list<Trait> traits = []>
    : Op<PI_Dialect, mnemonic, traits>;

/// A pure op whose result type follows from operands and attributes.
class PI_InferredOp<string mnemonic, list<Trait> traits = []>
    : PI_Op<mnemonic, !listconcat([Pure, InferTypeOpAdaptor], traits)>;

/// f(x), element by element.
class PI_UnaryOp<string mnemonic, list<Trait> traits = []>
    : PI_Op<mnemonic, !listconcat([Pure, SameOperandsAndResultType], traits)> {
  let arguments = (ins PI_FloatTensor:$input);
  let results = (outs PI_FloatTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($result)";
}

/// f(x, y), element by element, with multidirectional (numpy) broadcasting.
/// Constraint C1: aligned at the last dimension, two sizes are the same or one
/// of them is 1. Constraint C2: both have the same element type.
class PI_BinaryOp<string mnemonic, Type tensor = PI_FloatTensor,
                  list<Trait> traits = []> : PI_InferredOp<mnemonic, traits> {
  let arguments = (ins tensor:$lhs, tensor:$rhs);
  let results = (outs tensor:$result);
  let assemblyFormat = [{
    $lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs) `->` type($result)
  }];
}

/// A reduction over dimensions.
class PI_ReduceOp<string mnemonic> : PI_InferredOp<mnemonic> {
  let description = [{
    Reduced dimensions are kept with size 1 if `keepdims`.

    Constraints:
    - C1: `axes` is not empty.
    - C2: every axis is in [0, rank).
    - C3: no axis appears twice.
  }];
  let arguments = (ins PI_FloatTensor:$input, DenseI64ArrayAttr:$axes,
                       UnitAttr:$keepdims);
  let results = (outs PI_FloatTensor:$result);
  let assemblyFormat = [{
    $input `axes` $axes (`keepdims` $keepdims^)? attr-dict `:` type($input) `->` type($result)
  }];
}

/// An element-wise nonlinearity of a network, counted by the census.
class PI_ActivationOp<string mnemonic>
    : PI_UnaryOp<mnemonic,
        [DeclareOpInterfaceMethods<PI_NonlinearOpInterface>]>;

/// An element-wise nonlinear function that is not (yet) part of a known
/// activation; the census counts it as `elementwise`.
class PI_NonlinearUnaryOp<string mnemonic>
    : PI_UnaryOp<mnemonic,
        [DeclareOpInterfaceMethods<PI_NonlinearOpInterface>]>;

//===----------------------------------------------------------------------===//
// Parameters and constants
//===----------------------------------------------------------------------===//

def PI_WeightOp : PI_Op<"weight", [Pure, AllTypesMatch<["value", "result"]>,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "A named parameter of the server";
  let description = [{
    Keeps the name of the ONNX initializer through every pass, so that trained
    values can be put back by name. A weight that a pass computed from others
    carries their names joined by `+`. Large values are resources
    (`dense_resource`): they are mapped or moved, never copied or printed.

    Constraints:
    - C1: `name` is not empty.

    ```mlir
    %w = pi.weight "h.0.mlp.c_fc.weight" dense_resource<blob0> : tensor<768x3072xf32>
    ```
  }];
  let arguments = (ins StrAttr:$name, ElementsAttr:$value);
  let results = (outs PI_Tensor:$result);
  let assemblyFormat = "$name $value attr-dict";
  let hasVerifier = 1;
}

def PI_ConstantOp : PI_Op<"constant", [Pure, ConstantLike,
    AllTypesMatch<["value", "result"]>,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "A public constant";
  let description = [{
    Scalars, masks and shape arithmetic that the architecture fixes; known to
    everybody, unlike `pi.weight`.
  }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs PI_Tensor:$result);
  let assemblyFormat = "$value attr-dict";
  let builders = [
    /// A scalar: tensor<f32>.
    OpBuilder<(ins "float":$value)>
  ];
  let hasFolder = 1;
}

//===----------------------------------------------------------------------===//
// Linear algebra
//===----------------------------------------------------------------------===//

def PI_EmbeddingOp : PI_InferredOp<"embedding"> {
  let summary = "Rows of a table chosen by token ids";
  let description = [{
    table (V, d), indices (...) -> (..., d).

    Constraints:
    - C1: `table` has rank 2.
  }];
  let arguments = (ins PI_FloatTensor:$table, PI_IntTensor:$indices);
  let results = (outs PI_FloatTensor:$result);
  let assemblyFormat = [{
    $table `[` $indices `]` attr-dict `:` type($table) `,` type($indices) `->` type($result)
  }];
}

def PI_LinearOp : PI_InferredOp<"linear"> {
  let summary = "x W + b with x (..., K), W (K, N), b (N)";
  let description = [{
    Constraints:
    - C1: `weight` has rank 2.
    - C2: `input` has at least rank 1 and its last dimension is K.
    - C3: `bias` has the shape (N).
  }];
  let arguments = (ins PI_FloatTensor:$input, PI_FloatTensor:$weight,
                       Optional<PI_FloatTensor>:$bias);
  let results = (outs PI_FloatTensor:$result);
  let assemblyFormat = [{
    $input `,` $weight (`bias` $bias^ `:` type($bias))? attr-dict `:` type($input) `,` type($weight) `->` type($result)
  }];
  let hasCanonicalizer = 1;
}

def PI_MatMulOp : PI_InferredOp<"matmul"> {
  let summary = "Matrix product over the last two dimensions, batch dimensions broadcast";
  let description = [{
    (..., M, K) times (..., K, N) -> (..., M, N).

    Constraints:
    - C1: both operands have at least rank 2.
    - C2: the inner dimensions K are the same.
    - C3: the batch dimensions can be broadcast.
  }];
  let arguments = (ins PI_FloatTensor:$lhs, PI_FloatTensor:$rhs);
  let results = (outs PI_FloatTensor:$result);
  let assemblyFormat = [{
    $lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs) `->` type($result)
  }];
}

//===----------------------------------------------------------------------===//
// Element-wise arithmetic
//===----------------------------------------------------------------------===//

def PI_AddOp : PI_BinaryOp<"add", PI_NumberTensor, [Commutative]> {
  let summary = "Sum with broadcasting";
  let hasFolder = 1;
}
def PI_SubOp : PI_BinaryOp<"sub", PI_NumberTensor> {
  let summary = "Difference with broadcasting";
  let hasFolder = 1;
}
def PI_MulOp : PI_BinaryOp<"mul", PI_NumberTensor, [Commutative]> {
  let summary = "Product with broadcasting";
  let hasFolder = 1;
}
def PI_DivOp : PI_BinaryOp<"div"> {
  let summary = "Quotient with broadcasting";
  let hasFolder = 1;
}
def PI_PowOp : PI_BinaryOp<"pow"> {
  let summary = "Power with broadcasting";
}
def PI_MinOp : PI_BinaryOp<"min", PI_FloatTensor, [Commutative]> {
  let summary = "The smaller value, with broadcasting; NaN if one is NaN";
}
def PI_MaxOp : PI_BinaryOp<"max", PI_FloatTensor, [Commutative]> {
  let summary = "The larger value, with broadcasting; NaN if one is NaN";
}
def PI_ExpOp : PI_NonlinearUnaryOp<"exp"> { let summary = "Exponential function"; }
def PI_SqrtOp : PI_NonlinearUnaryOp<"sqrt"> { let summary = "Square root"; }
def PI_ErfOp : PI_NonlinearUnaryOp<"erf"> { let summary = "Error function"; }
/// A part of GELU, or alone the activation of a pooler.
def PI_TanhOp : PI_ActivationOp<"tanh"> { let summary = "Hyperbolic tangent"; }
def PI_SigmoidOp : PI_NonlinearUnaryOp<"sigmoid"> { let summary = "1 / (1 + exp(-x))"; }
def PI_SinOp : PI_NonlinearUnaryOp<"sin"> { let summary = "Sine"; }
def PI_CosOp : PI_NonlinearUnaryOp<"cos"> { let summary = "Cosine"; }
def PI_WhereOp : PI_InferredOp<"where"> {
  let summary = "Chooses between two values by a condition, with broadcasting";
  let description = [{
    Constraints:
    - C1: the three shapes can be broadcast.
  }];
  let arguments = (ins PI_BoolTensor:$condition, PI_FloatTensor:$trueValue,
                       PI_FloatTensor:$falseValue);
  let results = (outs PI_FloatTensor:$result);
  let assemblyFormat = [{
    $condition `,` $trueValue `,` $falseValue attr-dict `:` type($condition) `,`
    type($trueValue) `,` type($falseValue) `->` type($result)
  }];
}
def PI_ReduceMeanOp : PI_ReduceOp<"reduce_mean"> {
  let summary = "Mean over dimensions";
}
def PI_ReduceSumOp : PI_ReduceOp<"reduce_sum"> {
  let summary = "Sum over dimensions";
}

//===----------------------------------------------------------------------===//
// Masks and positions that depend on an input
//===----------------------------------------------------------------------===//

def PI_CastOp : PI_Op<"cast", [Pure, SameOperandsAndResultShape]> {
  let summary = "The same numbers in another element type";
  let description = [{
    Truth values are 0 and 1; everything but 0 is true. Floats are rounded
    towards 0; one that has no 64-bit integer becomes the nearest, NaN 0.
  }];
  let arguments = (ins PI_Tensor:$input);
  let results = (outs PI_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasFolder = 1;
}
def PI_CompareOp : PI_InferredOp<"compare"> {
  let summary = "Compares element by element, with broadcasting";
  let description = [{
    Constraints:
    - C1: the shapes can be broadcast.
    - C2: both operands have the same element type.
  }];
  let arguments = (ins PI_ComparePredicateAttr:$predicate, PI_NumberTensor:$lhs,
                       PI_NumberTensor:$rhs);
  let results = (outs PI_BoolTensor:$result);
  let assemblyFormat = [{
    $predicate $lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs) `->` type($result)
  }];
}
def PI_AndOp : PI_BinaryOp<"and", PI_BoolTensor, [Commutative]> {
  let summary = "Logical and, with broadcasting";
}
def PI_OrOp : PI_BinaryOp<"or", PI_BoolTensor, [Commutative]> {
  let summary = "Logical or, with broadcasting";
}
def PI_NotOp : PI_Op<"not", [Pure, SameOperandsAndResultType]> {
  let summary = "Logical not";
  let arguments = (ins PI_BoolTensor:$input);
  let results = (outs PI_BoolTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($result)";
}
def PI_CumSumOp : PI_Op<"cumsum", [Pure, SameOperandsAndResultType]> {
  let summary = "Sums of the elements up to each, along one dimension";
  let description = [{
    Exporters number the tokens of a padded prompt by the running sum of its
    mask.

    Constraints:
    - C1: `axis` is in [0, rank).
  }];
  let arguments = (ins PI_NumberTensor:$input, I64Attr:$axis);
  let results = (outs PI_NumberTensor:$result);
  let assemblyFormat = "$input `axis` $axis attr-dict `:` type($result)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Nonlinear functions of networks
//===----------------------------------------------------------------------===//

def PI_GeluOp : PI_ActivationOp<"gelu"> {
  let summary = "x Phi(x), exactly or by tanh";
  let arguments = (ins PI_FloatTensor:$input,
    DefaultValuedAttr<PI_GeluApproximationAttr,
      "::aero::pi::GeluApproximation::None">:$approximation);
  let assemblyFormat = "$input (`approximation` $approximation^)? attr-dict `:` type($result)";
}
def PI_ReluOp : PI_ActivationOp<"relu"> { let summary = "max(x, 0)"; }
def PI_LeakyReluOp : PI_ActivationOp<"leaky_relu"> {
  let summary = "x for x >= 0, slope * x below";
  let description = [{
    Constraints:
    - C1: `slope` is finite.
  }];
  let arguments = (ins PI_FloatTensor:$input, F32Attr:$slope);
  let assemblyFormat = "$input `slope` $slope attr-dict `:` type($result)";
  let hasVerifier = 1;
}
def PI_PReluOp : PI_Op<"prelu", [Pure, AllTypesMatch<["input", "result"]>,
    DeclareOpInterfaceMethods<PI_NonlinearOpInterface>]> {
  let summary = "A leaky ReLU whose slope is a parameter";
  let description = [{
    x for x >= 0, slope * x below. The slope of `pi.leaky_relu` is architecture;
    this one is trained, and the server's.

    Constraints:
    - C1: `slope` has one element.
  }];
  let arguments = (ins PI_FloatTensor:$input, PI_FloatTensor:$slope);
  let results = (outs PI_FloatTensor:$result);
  let assemblyFormat = "$input `slope` $slope `:` type($slope) attr-dict `:` type($result)";
  let hasVerifier = 1;
}
def PI_SiluOp : PI_ActivationOp<"silu"> { let summary = "x sigmoid(x)"; }

def PI_SoftmaxOp : PI_UnaryOp<"softmax",
    [DeclareOpInterfaceMethods<PI_NonlinearOpInterface>]> {
  let summary = "exp(x) / sum exp(x) over one dimension";
  let description = [{
    `entropy_thresholds` are those of the `pi.attention` that the softmax becomes
    a part of: a file has them, and `pi-raise` hands them on. They change nothing
    that is computed.

    Constraints:
    - C1: `axis` is in [0, rank).
    - C2: with `entropy_thresholds` the input is (batch, heads, queries, keys),
      and they are as many as heads, each in [0, 1].
  }];
  let arguments = (ins PI_FloatTensor:$input, I64Attr:$axis,
                       OptionalAttr<DenseF32ArrayAttr>:$entropy_thresholds);
  let assemblyFormat = [{
    $input `axis` $axis (`entropy_thresholds` $entropy_thresholds^)? attr-dict
    `:` type($result)
  }];
  let builders = [
    OpBuilder<(ins "::mlir::Type":$result, "::mlir::Value":$input,
                   "int64_t":$axis), [{
      build($_builder, $_state, result, input, axis,
            /*entropy_thresholds=*/::mlir::DenseF32ArrayAttr());
    }]>
  ];
  let hasVerifier = 1;
}

def PI_LayerNormOp : PI_Op<"layer_norm", [Pure, AttrSizedOperandSegments,
    AllTypesMatch<["input", "result"]>,
    DeclareOpInterfaceMethods<PI_NonlinearOpInterface>]> {
  let summary = "(x - mean) / sqrt(variance + epsilon) * gamma + beta over the last dimension";
  let description = [{
    The variance is the biased one (divided by d, not d - 1), as in every
    framework.

    Constraints, d being the last dimension of `input`:
    - C1: `input` has at least rank 1.
    - C2: `gamma` has the shape (d).
    - C3: `beta` has the shape (d).
    - C4: `epsilon` is finite and not negative.
  }];
  let arguments = (ins PI_FloatTensor:$input, Optional<PI_FloatTensor>:$gamma,
                       Optional<PI_FloatTensor>:$beta, F32Attr:$epsilon);
  let results = (outs PI_FloatTensor:$result);
  let assemblyFormat = [{
    $input (`gamma` $gamma^ `:` type($gamma))? (`beta` $beta^ `:` type($beta))?
    `epsilon` $epsilon attr-dict `:` type($result)
  }];
  let hasVerifier = 1;
}

def PI_RMSNormOp : PI_Op<"rms_norm", [Pure,
    AllTypesMatch<["input", "result"]>,
    DeclareOpInterfaceMethods<PI_NonlinearOpInterface>]> {
  let summary = "x / sqrt(mean(x^2) + epsilon) * gamma over the last dimension";
  let description = [{
    Constraints, d being the last dimension of `input`:
    - C1: `input` has at least rank 1.
    - C2: `gamma` has the shape (d).
    - C3: `epsilon` is finite and not negative.
  }];
  let arguments = (ins PI_FloatTensor:$input, Optional<PI_FloatTensor>:$gamma,
                       F32Attr:$epsilon);
  let results = (outs PI_FloatTensor:$result);
  let assemblyFormat = [{
    $input (`gamma` $gamma^ `:` type($gamma))? `epsilon` $epsilon attr-dict `:` type($result)
  }];
  let hasVerifier = 1;
}

def PI_AttentionOp : PI_Op<"attention", [Pure, AttrSizedOperandSegments,
    AllTypesMatch<["query", "result"]>, AllTypesMatch<["key", "value"]>,
    DeclareOpInterfaceMethods<PI_NonlinearOpInterface>]> {
  let summary = "Multi-head softmax attention";
  let description = [{
    `query` is (batch, tokens, heads * dk), head h in columns [h dk, (h+1) dk);
    `key` and `value` are (batch, keys, key_heads * dk). For each head:
    softmax(scale q k^T + bias, masked) v. Without `key_heads` there are as many
    as heads; with fewer (grouped-query attention) heads [i g, (i+1) g), where
    g = heads / key_heads, share key head i.

    A key is masked
    - with `causal`, if it is later than the query: of K keys, query t of T sees
      the first K - T + t + 1. Keys before the first query are those of earlier
      tokens (a key-value cache);
    - with a `mask` (batch, keys), where that is 0: padding.

    A query that sees no key has the result 0.

    With a `temperature` t the products of query i and head h are divided by
    t[h, i], before the bias: softmax(scale q k^T / t + bias). More than 1 makes
    attention flatter, less makes it sharper. (heads, 1) is one for each head,
    whatever the position. `entropy_thresholds` are of training, one a head, as
    parts of the largest entropy: what the entropy regulariser holds each head's
    entropy to. They change nothing that is computed.

    Constraints:
    - C1: `query` and `key` have rank 3 and the same batch.
    - C2: `heads` is at least 1 and divides the width of `query`.
    - C3: `key_heads` is at least 1, divides `heads`, and gives the heads of
      `key` the width of those of `query`.
    - C4: `scale` is finite.
    - C5: with `causal` there are at least as many keys as queries.
    - C6: `mask` is (batch, keys).
    - C7: `bias` can be broadcast to (batch, heads, tokens, keys).
    - C8: `temperature` is (heads, tokens) or (heads, 1).
    - C9: `entropy_thresholds` are as many as heads, each in [0, 1].
  }];
  let arguments = (ins PI_FloatTensor:$query, PI_FloatTensor:$key,
                       PI_FloatTensor:$value, Optional<PI_MaskTensor>:$mask,
                       Optional<PI_FloatTensor>:$bias,
                       Optional<PI_FloatTensor>:$temperature, I64Attr:$heads,
                       OptionalAttr<I64Attr>:$key_heads, F32Attr:$scale,
                       UnitAttr:$causal,
                       OptionalAttr<DenseF32ArrayAttr>:$entropy_thresholds);
  let results = (outs PI_FloatTensor:$result);
  let assemblyFormat = [{
    $query `,` $key `,` $value (`mask` $mask^ `:` type($mask))?
    (`bias` $bias^ `:` type($bias))?
    (`temperature` $temperature^ `:` type($temperature))?
    `heads` $heads (`key_heads` $key_heads^)? `scale` $scale (`causal` $causal^)?
    (`entropy_thresholds` $entropy_thresholds^)?
    attr-dict `:` type($query) `,` type($key)
  }];
  let builders = [
    /// Without temperature and thresholds, which no exporter writes as such.
    OpBuilder<(ins "::mlir::Type":$result, "::mlir::Value":$query,
                   "::mlir::Value":$key, "::mlir::Value":$value,
                   "::mlir::Value":$mask, "::mlir::Value":$bias,
                   "int64_t":$heads, "::mlir::IntegerAttr":$keyHeads,
                   "::llvm::APFloat":$scale, "bool":$causal)>,
    /// As many key heads as heads, no mask but a causal one, no bias.
    OpBuilder<(ins "::mlir::Value":$query, "::mlir::Value":$key,
                   "::mlir::Value":$value, "int64_t":$heads, "float":$scale,
                   "bool":$causal)>
  ];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Width of one head.
    int64_t getHeadWidth();
    /// `key_heads`, or `heads` if it is absent.
    int64_t getKeyHeadCount();
  }];
}

def PI_RotaryEmbeddingOp : PI_Op<"rotary_embedding", [Pure,
    AllTypesMatch<["input", "result"]>, AllTypesMatch<["cos", "sin"]>]> {
  let summary = "Rotates pairs of columns of each head by angles of the position";
  let description = [{
    `input` is (batch, tokens, heads * dk); `cos` and `sin` are (tokens, r / 2)
    or (batch, tokens, r / 2) with r <= dk. Of each head the first r columns are
    rotated, the others stay: the pair (x, y) becomes
    (x cos - y sin, y cos + x sin). Pair i is columns (i, i + r / 2), or
    (2 i, 2 i + 1) if `interleaved`. Source: Su et al., "RoFormer" (2021).

    Constraints:
    - C1: `input` has rank 3.
    - C2: `heads` is at least 1 and divides the width of `input`.
    - C3: `cos` has rank 2 or 3, the tokens of `input`, and with rank 3 its
      batch.
    - C4: r is at most the width of a head.
  }];
  let arguments = (ins PI_FloatTensor:$input, PI_FloatTensor:$cos,
                       PI_FloatTensor:$sin, I64Attr:$heads,
                       UnitAttr:$interleaved);
  let results = (outs PI_FloatTensor:$result);
  let assemblyFormat = [{
    $input `cos` $cos `sin` $sin `heads` $heads (`interleaved` $interleaved^)?
    attr-dict `:` type($input) `,` type($cos)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Shape
//===----------------------------------------------------------------------===//

def PI_ReshapeOp : PI_Op<"reshape", [Pure]> {
  let summary = "Same elements in row-major order, another shape";
  let description = [{
    Constraints:
    - C1: the result has the element type of the input.
    - C2: the result has as many elements as the input.
  }];
  let arguments = (ins PI_Tensor:$input);
  let results = (outs PI_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let builders = [
    OpBuilder<(ins "::mlir::Value":$input, "::llvm::ArrayRef<int64_t>":$shape)>
  ];
  let hasFolder = 1;
  let hasVerifier = 1;
}
def PI_TransposeOp : PI_InferredOp<"transpose"> {
  let summary = "Result dimension i is input dimension permutation[i]";
  let description = [{
    Constraints:
    - C1: `permutation` is a permutation of the input's dimensions.
  }];
  let arguments = (ins PI_Tensor:$input, DenseI64ArrayAttr:$permutation);
  let results = (outs PI_Tensor:$result);
  let assemblyFormat = "$input $permutation attr-dict `:` type($input) `->` type($result)";
  let hasFolder = 1;
}
def PI_SliceOp : PI_Op<"slice", [Pure]> {
  let summary = "[offset, offset + size) of one dimension; the size is the result's";
  let description = [{
    Constraints:
    - C1: the result has the element type and the rank of the input.
    - C2: `axis` is in [0, rank).
    - C3: the other dimensions are those of the input.
    - C4: [offset, offset + size) lies within the input's dimension.
  }];
  let arguments = (ins PI_Tensor:$input, I64Attr:$axis, I64Attr:$offset);
  let results = (outs PI_Tensor:$result);
  let assemblyFormat = "$input `axis` $axis `offset` $offset attr-dict `:` type($input) `->` type($result)";
  let builders = [
    OpBuilder<(ins "::mlir::Value":$input, "int64_t":$axis, "int64_t":$offset,
                   "int64_t":$size)>
  ];
  let hasFolder = 1;
  let hasVerifier = 1;
}
def PI_TakeOp : PI_InferredOp<"take"> {
  let summary = "Elements at fixed indices of one dimension, in their order";
  let description = [{
    An index may be taken several times. What `pi.slice` can say is a slice.

    Constraints:
    - C1: `axis` is in [0, rank).
    - C2: every index is in [0, size of the dimension).
  }];
  let arguments = (ins PI_Tensor:$input, I64Attr:$axis,
                       DenseI64ArrayAttr:$indices);
  let results = (outs PI_Tensor:$result);
  let assemblyFormat = "$input `axis` $axis `at` $indices attr-dict `:` type($input) `->` type($result)";
  let hasCanonicalizer = 1;
}
def PI_BroadcastOp : PI_Op<"broadcast", [Pure]> {
  let summary = "Repeats a tensor along dimensions of size 1 (numpy's rules)";
  let description = [{
    Constraints:
    - C1: the result has the element type of the input.
    - C2: the input's shape can be broadcast to the result's.
  }];
  let arguments = (ins PI_Tensor:$input);
  let results = (outs PI_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasFolder = 1;
  let hasVerifier = 1;
}
def PI_ConcatOp : PI_InferredOp<"concat"> {
  let summary = "Joins tensors along one dimension";
  let description = [{
    Constraints:
    - C1: there is at least one input.
    - C2: the inputs have the same element type and rank.
    - C3: `axis` is in [0, rank).
    - C4: the other dimensions are the same in all inputs.
  }];
  let arguments = (ins Variadic<PI_Tensor>:$inputs, I64Attr:$axis);
  let results = (outs PI_Tensor:$result);
  let assemblyFormat = "$inputs `axis` $axis attr-dict `:` type($inputs) `->` type($result)";
}
def PI_SelectTokenOp : PI_InferredOp<"select_token"> {
  let summary = "The row of one token, at a public position";
  let description = [{
    (batch, tokens, width) to (batch, 1, width). Generation needs the logits of
    the last prompt token only; `pi-select-last-token` puts this op before the
    vocabulary projection.

    Constraints:
    - C1: `input` has rank 3.
  }];
  let arguments = (ins PI_FloatTensor:$input, 0DTensorOf<[I64]>:$position);
  let results = (outs PI_FloatTensor:$result);
  let assemblyFormat = "$input `at` $position attr-dict `:` type($input) `,` type($position) `->` type($result)";
}

#endif // AERO_DIALECT_PI_IR_PIOPS_TD
