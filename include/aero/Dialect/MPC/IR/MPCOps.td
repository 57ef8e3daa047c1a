//===- MPCOps.td - Operations of the mpc dialect -----------*- tablegen -*-===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_DIALECT_MPC_IR_MPCOPS_TD
#define AERO_DIALECT_MPC_IR_MPCOPS_TD

include "aero/Dialect/MPC/IR/MPCInterfaces.td"
include "aero/Dialect/MPC/IR/MPCTypes.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

//===----------------------------------------------------------------------===//
// Base classes
//===----------------------------------------------------------------------===//

class MPC_Op<string mnemonic, list<Trait> traits = []>
    : Op<MPC_Dialect, mnemonic, traits>;

/// One instruction of the program: has a cost and a start.
class MPC_Instruction<string mnemonic, list<Trait> traits = []>
    : MPC_Op<mnemonic, !listconcat([Pure,
        DeclareOpInterfaceMethods<MPC_CostOpInterface>,
        MPC_ScheduledOpInterface], traits)> {
  // Every subclass lists `OptionalAttr<I32Attr>:$start` last.
  let hasVerifier = 1;
}

/// An instruction whose result may be off by a few units of the last place.
class MPC_RoundingInstruction<string mnemonic, list<Trait> traits = []>
    : MPC_Op<mnemonic, !listconcat([Pure,
        DeclareOpInterfaceMethods<MPC_CostOpInterface, ["getMaxErrorUnits"]>,
        MPC_ScheduledOpInterface], traits)> {
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Server data
//===----------------------------------------------------------------------===//

def MPC_WeightOp : MPC_Op<"weight", [Pure]> {
  let summary = "Integers of the server, round(w 2^f), named as in pi.weight";
  let description = [{
    Holds the *float* value; the integers are computed when the program is
    written, so that no second copy of a model's weights is ever made.
  }];
  let arguments = (ins StrAttr:$name, ElementsAttr:$value);
  let results = (outs MPC_ServerType:$result);
  let assemblyFormat = "$name $value attr-dict `:` type($result)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Products with server weights
//===----------------------------------------------------------------------===//

def MPC_EmbeddingOp : MPC_Instruction<"embedding"> {
  let summary = "Rows of the server's table at the client's token ids, in the 32-bit ring";
  let arguments = (ins MPC_TokensType:$tokens, MPC_ServerType:$table,
                       OptionalAttr<I32Attr>:$start);
  let results = (outs MPC_ShareType:$result);
  let assemblyFormat = "$tokens `,` $table (`start` $start^)? attr-dict `:` type($tokens) `,` type($table) `->` type($result)";
}
def MPC_LinearOp : MPC_Instruction<"linear"> {
  let summary = "x W + b; the result's scale is the sum of the operands'";
  let arguments = (ins MPC_ShareType:$input, MPC_ServerType:$weight,
                       Optional<MPC_ServerType>:$bias,
                       OptionalAttr<I32Attr>:$start);
  let results = (outs MPC_ShareType:$result);
  let assemblyFormat = [{
    $input `,` $weight (`bias` $bias^ `:` type($bias))? (`start` $start^)? attr-dict
    `:` type($input) `,` type($weight) `->` type($result)
  }];
}
def MPC_AddWeightOp : MPC_Instruction<"add_weight"> {
  let summary = "x + w, w broadcast over leading dimensions, of equal scale; local";
  let arguments = (ins MPC_ShareType:$input, MPC_ServerType:$weight,
                       OptionalAttr<I32Attr>:$start);
  let results = (outs MPC_ShareType:$result);
  let assemblyFormat = "$input `,` $weight (`start` $start^)? attr-dict `:` type($input) `,` type($weight) `->` type($result)";
}

def MPC_MulWeightOp : MPC_Instruction<"mul_weight"> {
  let summary = "x w, element by element; scales add up";
  let description = [{
    The weight's shape ends that of x or, with `rows`, is that of x without the
    last dimension: one factor a row.
  }];
  let arguments = (ins MPC_ShareType:$input, MPC_ServerType:$weight,
                       UnitAttr:$rows, OptionalAttr<I32Attr>:$start);
  let results = (outs MPC_ShareType:$result);
  let assemblyFormat = "$input `,` $weight (`rows` $rows^)? (`start` $start^)? attr-dict `:` type($input) `,` type($weight) `->` type($result)";
}

//===----------------------------------------------------------------------===//
// Products of shares
//===----------------------------------------------------------------------===//

def MPC_MatMulOp : MPC_Instruction<"matmul"> {
  let summary = "(B, M, K) (B, K, N), or (B, N, K) on the right if transpose_rhs; scales add up";
  let arguments = (ins MPC_ShareType:$lhs, MPC_ShareType:$rhs,
                       UnitAttr:$transposeRhs, OptionalAttr<I32Attr>:$start);
  let results = (outs MPC_ShareType:$result);
  let assemblyFormat = [{
    $lhs `,` $rhs (`transpose_rhs` $transposeRhs^)? (`start` $start^)? attr-dict
    `:` type($lhs) `,` type($rhs) `->` type($result)
  }];
}
def MPC_MulOp : MPC_Instruction<"mul"> {
  let summary = "Element-wise product; a right operand without the last dimension is repeated along it; scales add up";
  let arguments = (ins MPC_ShareType:$lhs, MPC_ShareType:$rhs,
                       OptionalAttr<I32Attr>:$start);
  let results = (outs MPC_ShareType:$result);
  let assemblyFormat = "$lhs `,` $rhs (`start` $start^)? attr-dict `:` type($lhs) `,` type($rhs) `->` type($result)";
}

//===----------------------------------------------------------------------===//
// Scale and ring
//===----------------------------------------------------------------------===//

def MPC_TruncOp : MPC_RoundingInstruction<"trunc"> {
  let summary = "Drops `shift` fraction bits: floor or one less; needs |x| < 2^62";
  let arguments = (ins MPC_ShareType:$input, I32Attr:$shift,
                       OptionalAttr<I32Attr>:$start);
  let results = (outs MPC_ShareType:$result);
  let assemblyFormat = "$input `by` $shift (`start` $start^)? attr-dict `:` type($input) `->` type($result)";
}
def MPC_ExtendOp : MPC_Instruction<"extend"> {
  let summary = "From a narrow ring to Z_2^64; needs |x| < 2^(bits - 2)";
  let arguments = (ins MPC_ShareType:$input, OptionalAttr<I32Attr>:$start);
  let results = (outs MPC_ShareType:$result);
  let assemblyFormat = "$input (`start` $start^)? attr-dict `:` type($input) `->` type($result)";
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

// Causal scores are packed (aero/Runtime/Rows.h): (..., T (T + 1) / 2) holds the
// i + 1 scores of row i one row after the other, and what is computed of its
// rows has the shape (..., T).

def MPC_CausalScoresOp : MPC_Instruction<"causal_scores"> {
  let summary = "The lower triangle of x y^T for (B, T, K) and (B, T, K), packed; scales add up";
  let arguments = (ins MPC_ShareType:$lhs, MPC_ShareType:$rhs,
                       OptionalAttr<I32Attr>:$start);
  let results = (outs MPC_ShareType:$result);
  let assemblyFormat = "$lhs `,` $rhs (`start` $start^)? attr-dict `:` type($lhs) `,` type($rhs) `->` type($result)";
}
def MPC_CausalContextOp : MPC_Instruction<"causal_context"> {
  let summary = "A packed lower triangle times (B, T, N); scales add up";
  let arguments = (ins MPC_ShareType:$lhs, MPC_ShareType:$rhs,
                       OptionalAttr<I32Attr>:$start);
  let results = (outs MPC_ShareType:$result);
  let assemblyFormat = "$lhs `,` $rhs (`start` $start^)? attr-dict `:` type($lhs) `,` type($rhs) `->` type($result)";
}

def MPC_MaxRowOp : MPC_RoundingInstruction<"max_row"> {
  let summary = "Maximum over the last dimension, as an integer in a narrow ring";
  let description = [{
    Scores are compared in Z_2^compareBits after dropping their fraction. The
    range attribute says why that is enough: the real scores lie in
    [-bound, bound), and 2 * bound * 2 <= 2^compareBits. Only a *proved* range
    is accepted here.
  }];
  let arguments = (ins MPC_ShareType:$input, UnitAttr:$causal,
                       I32Attr:$compareBits, MPC_RangeAttr:$range,
                       OptionalAttr<I32Attr>:$start);
  let results = (outs MPC_ShareType:$result);
  let assemblyFormat = "$input (`causal` $causal^)? `bits` $compareBits `range` $range (`start` $start^)? attr-dict `:` type($input) `->` type($result)";
}
def MPC_ArgMaxOp : MPC_Instruction<"argmax"> {
  let summary = "The column of a maximum of each row, an integer in the ring of 32 bits";
  let description = [{
    Values are compared without their `drop` low bits in Z_2^compareBits, as by
    `mpc.relu`: of values that differ by less than 2^(drop - f), any may win.
  }];
  let arguments = (ins MPC_ShareType:$input, I32Attr:$compareBits,
                       I32Attr:$drop, MPC_RangeAttr:$range,
                       OptionalAttr<I32Attr>:$start);
  let results = (outs MPC_ShareType:$result);
  let assemblyFormat = "$input `bits` $compareBits `drop` $drop `range` $range (`start` $start^)? attr-dict `:` type($input) `->` type($result)";
}
def MPC_Exp2Op : MPC_RoundingInstruction<"exp2"> {
  let summary = "2^(x - max), zero 22 or more below the maximum; scale 20";
  let arguments = (ins MPC_ShareType:$input, MPC_ShareType:$max,
                       UnitAttr:$causal, OptionalAttr<I32Attr>:$start);
  let results = (outs MPC_ShareType:$result);
  let assemblyFormat = "$input `,` $max (`causal` $causal^)? (`start` $start^)? attr-dict `:` type($input) `,` type($max) `->` type($result)";
}
def MPC_SumRowOp : MPC_Instruction<"sum_row"> {
  let summary = "Sum over the last dimension; local";
  let arguments = (ins MPC_ShareType:$input, UnitAttr:$causal,
                       OptionalAttr<I32Attr>:$start);
  let results = (outs MPC_ShareType:$result);
  let assemblyFormat = "$input (`causal` $causal^)? (`start` $start^)? attr-dict `:` type($input) `->` type($result)";
}
def MPC_RecipOp : MPC_RoundingInstruction<"recip"> {
  let summary = "1 / x for x in [1, upperBound], scale 20 to scale 28";
  let arguments = (ins MPC_ShareType:$input, I64Attr:$upperBound,
                       OptionalAttr<I32Attr>:$start);
  let results = (outs MPC_ShareType:$result);
  let assemblyFormat = "$input `below` $upperBound (`start` $start^)? attr-dict `:` type($input) `->` type($result)";
}

//===----------------------------------------------------------------------===//
// Activations and norms
//===----------------------------------------------------------------------===//

def MPC_ReluOp : MPC_RoundingInstruction<"relu"> {
  let summary = "max(x, 0), by the sign of x without its `drop` low bits";
  let description = [{
    The comparison is made in Z_2^compareBits: |x| 2^(f - drop) must stay below
    2^(compareBits - 2), which the range promises. x in [-2^(drop - f), 0) may
    be kept instead of becoming 0.
  }];
  let arguments = (ins MPC_ShareType:$input, I32Attr:$compareBits,
                       I32Attr:$drop, MPC_RangeAttr:$range,
                       OptionalAttr<I32Attr>:$start);
  let results = (outs MPC_ShareType:$result);
  let assemblyFormat = "$input `bits` $compareBits `drop` $drop `range` $range (`start` $start^)? attr-dict `:` type($input) `->` type($result)";
}
def MPC_TailOp : MPC_RoundingInstruction<"tail"> {
  let summary = "relu(x) - activation(x) as a function of |x|, which is the operand";
  let description = [{
    The tail of a smooth activation is an even function that vanishes: a few
    cubic polynomials, and zero above a last threshold. GELU(x) is
    relu(x) - tail(|x|), with |x| = 2 relu(x) - x.
  }];
  let arguments = (ins MPC_ShareType:$input, MPC_TailFunctionAttr:$function,
                       I32Attr:$compareBits, MPC_RangeAttr:$range,
                       OptionalAttr<I32Attr>:$start);
  let results = (outs MPC_ShareType:$result);
  let assemblyFormat = "$input $function `bits` $compareBits `range` $range (`start` $start^)? attr-dict `:` type($input) `->` type($result)";
}
def MPC_NormalizeOp : MPC_RoundingInstruction<"normalize"> {
  let summary = "Rows over their root mean square, of the centred rows if `centred`; adds 28 to the scale";
  let description = [{
    c / sqrt(mean(c^2) + epsilon) with c = x - mean(x) or c = x: a LayerNorm or
    RMSNorm without its gain and bias, which belong to the weights after it.
    `epsilon` counts units of 2^-24 of the sum of squares. That sum must stay
    below 2^30, that is the root mean square of a row below 2^15 / sqrt(N).
  }];
  let arguments = (ins MPC_ShareType:$input, UnitAttr:$centred,
                       I64Attr:$epsilon, OptionalAttr<I32Attr>:$start);
  let results = (outs MPC_ShareType:$result);
  let assemblyFormat = "$input (`centred` $centred^)? `epsilon` $epsilon (`start` $start^)? attr-dict `:` type($input) `->` type($result)";
}

//===----------------------------------------------------------------------===//
// Local arithmetic and shape
//===----------------------------------------------------------------------===//

def MPC_AddOp : MPC_Instruction<"add", [Commutative,
    AllTypesMatch<["lhs", "rhs", "result"]>]> {
  let summary = "x + y of equal shape, ring and scale";
  let arguments = (ins MPC_ShareType:$lhs, MPC_ShareType:$rhs,
                       OptionalAttr<I32Attr>:$start);
  let results = (outs MPC_ShareType:$result);
  let assemblyFormat = "$lhs `,` $rhs (`start` $start^)? attr-dict `:` type($result)";
}
def MPC_SubOp : MPC_Instruction<"sub",
    [AllTypesMatch<["lhs", "rhs", "result"]>]> {
  let summary = "x - y of equal shape, ring and scale";
  let arguments = (ins MPC_ShareType:$lhs, MPC_ShareType:$rhs,
                       OptionalAttr<I32Attr>:$start);
  let results = (outs MPC_ShareType:$result);
  let assemblyFormat = "$lhs `,` $rhs (`start` $start^)? attr-dict `:` type($result)";
}
def MPC_MulPublicOp : MPC_Instruction<"mul_public"> {
  let summary = "x c for public integers c whose shape ends that of x; scales add up; local";
  let arguments = (ins MPC_ShareType:$input, I32ElementsAttr:$value,
                       I32Attr:$frac, OptionalAttr<I32Attr>:$start);
  let results = (outs MPC_ShareType:$result);
  let assemblyFormat = "$input `by` $value `f` $frac (`start` $start^)? attr-dict `:` type($input) `->` type($result)";
}
def MPC_ConcatOp : MPC_Instruction<"concat"> {
  let summary = "Joins shares along one dimension";
  let arguments = (ins Variadic<MPC_ShareType>:$inputs, I64Attr:$axis,
                       OptionalAttr<I32Attr>:$start);
  let results = (outs MPC_ShareType:$result);
  let assemblyFormat = "$inputs `axis` $axis (`start` $start^)? attr-dict `:` type($inputs) `->` type($result)";
}
def MPC_RepeatOp : MPC_Instruction<"repeat"> {
  let summary = "Each index of a dimension several times, consecutively";
  let arguments = (ins MPC_ShareType:$input, I64Attr:$axis, I64Attr:$times,
                       OptionalAttr<I32Attr>:$start);
  let results = (outs MPC_ShareType:$result);
  let assemblyFormat = "$input `axis` $axis `times` $times (`start` $start^)? attr-dict `:` type($input) `->` type($result)";
}
def MPC_SliceOp : MPC_Instruction<"slice"> {
  let summary = "[offset, offset + size) of one dimension";
  let arguments = (ins MPC_ShareType:$input, I64Attr:$axis, I64Attr:$offset,
                       OptionalAttr<I32Attr>:$start);
  let results = (outs MPC_ShareType:$result);
  let assemblyFormat = "$input `axis` $axis `offset` $offset (`start` $start^)? attr-dict `:` type($input) `->` type($result)";
  let hasFolder = 1;
}
def MPC_ReshapeOp : MPC_Instruction<"reshape"> {
  let summary = "Same elements, another shape";
  let arguments = (ins MPC_ShareType:$input, OptionalAttr<I32Attr>:$start);
  let results = (outs MPC_ShareType:$result);
  let assemblyFormat = "$input (`start` $start^)? attr-dict `:` type($input) `->` type($result)";
  let hasFolder = 1;
}
def MPC_TransposeOp : MPC_Instruction<"transpose"> {
  let summary = "Result dimension i is input dimension permutation[i]";
  let arguments = (ins MPC_ShareType:$input, DenseI64ArrayAttr:$permutation,
                       OptionalAttr<I32Attr>:$start);
  let results = (outs MPC_ShareType:$result);
  let assemblyFormat = "$input $permutation (`start` $start^)? attr-dict `:` type($input) `->` type($result)";
  let hasFolder = 1;
}
def MPC_TakeRowOp : MPC_Instruction<"take_row"> {
  let summary = "The row of (T, d) at the public position, (1, d)";
  let arguments = (ins MPC_ShareType:$input, MPC_PositionType:$position,
                       OptionalAttr<I32Attr>:$start);
  let results = (outs MPC_ShareType:$result);
  let assemblyFormat = "$input `at` $position (`start` $start^)? attr-dict `:` type($input) `->` type($result)";
}

//===----------------------------------------------------------------------===//
// Output
//===----------------------------------------------------------------------===//

def MPC_RevealOp : MPC_Op<"reveal", [
    DeclareOpInterfaceMethods<MPC_CostOpInterface>,
    MPC_ScheduledOpInterface]> {
  let summary = "Opens a value to the client, and to nobody else";
  let arguments = (ins MPC_ShareType:$input, OptionalAttr<I32Attr>:$start);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = "$input (`start` $start^)? attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

#endif // AERO_DIALECT_MPC_IR_MPCOPS_TD
