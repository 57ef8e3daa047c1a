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

def MPC_CausalMaskOp : MPC_Instruction<"causal_mask",
    [AllTypesMatch<["input", "result"]>]> {
  let summary = "Entries (i, j > i) become the public integer `fill`; local";
  let arguments = (ins MPC_ShareType:$input, I64Attr:$fill,
                       OptionalAttr<I32Attr>:$start);
  let results = (outs MPC_ShareType:$result);
  let assemblyFormat = "$input `fill` $fill (`start` $start^)? attr-dict `:` type($result)";
}
def MPC_MaxRowOp : MPC_RoundingInstruction<"max_row"> {
  let summary = "Maximum over the last dimension, as an integer in a narrow ring";
  let description = [{
    Scores are compared in Z_2^compareBits after dropping their fraction. The
    range attribute says why that is enough: the real scores lie in
    [-bound, bound), and 2 * bound * 2 <= 2^compareBits. Only a *proved* range
    is accepted here.
  }];
  let arguments = (ins MPC_ShareType:$input, I32Attr:$compareBits,
                       MPC_RangeAttr:$range, OptionalAttr<I32Attr>:$start);
  let results = (outs MPC_ShareType:$result);
  let assemblyFormat = "$input `bits` $compareBits `range` $range (`start` $start^)? attr-dict `:` type($input) `->` type($result)";
}
def MPC_Exp2Op : MPC_RoundingInstruction<"exp2"> {
  let summary = "2^(x - max), zero 22 or more below the maximum; scale 20";
  let arguments = (ins MPC_ShareType:$input, MPC_ShareType:$max,
                       OptionalAttr<I32Attr>:$start);
  let results = (outs MPC_ShareType:$result);
  let assemblyFormat = "$input `,` $max (`start` $start^)? attr-dict `:` type($input) `,` type($max) `->` type($result)";
}
def MPC_SumRowOp : MPC_Instruction<"sum_row"> {
  let summary = "Sum over the last dimension; local";
  let arguments = (ins MPC_ShareType:$input, OptionalAttr<I32Attr>:$start);
  let results = (outs MPC_ShareType:$result);
  let assemblyFormat = "$input (`start` $start^)? attr-dict `:` type($input) `->` type($result)";
}
def MPC_RecipOp : MPC_RoundingInstruction<"recip"> {
  let summary = "1 / x for x in [1, upperBound], scale 20 to scale 28";
  let arguments = (ins MPC_ShareType:$input, I64Attr:$upperBound,
                       OptionalAttr<I32Attr>:$start);
  let results = (outs MPC_ShareType:$result);
  let assemblyFormat = "$input `below` $upperBound (`start` $start^)? attr-dict `:` type($input) `->` type($result)";
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
