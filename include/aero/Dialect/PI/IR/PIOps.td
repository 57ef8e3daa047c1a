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
// Positions
//===----------------------------------------------------------------------===//

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

include "aero/Dialect/PI/IR/PINonlinearOps.td"

#endif // AERO_DIALECT_PI_IR_PIOPS_TD
