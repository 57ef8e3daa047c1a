//===- MPCTypes.td - Types of the mpc dialect --------------*- tablegen -*-===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_DIALECT_MPC_IR_MPCTYPES_TD
#define AERO_DIALECT_MPC_IR_MPCTYPES_TD

include "aero/Dialect/MPC/IR/MPCDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

class MPC_Type<string name, string typeMnemonic> : TypeDef<MPC_Dialect, name> {
  let mnemonic = typeMnemonic;
}

def MPC_ShareType : MPC_Type<"Share", "share"> {
  let summary = "A tensor, additively shared between client and server";
  let description = [{
    `!mpc.share<4x64x64, f = 16>` lives in Z_2^64; another ring is written out:
    `!mpc.share<4x64, f = 0, bits = 32>`. The value is signed(x) / 2^f.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape,
                        "unsigned":$bits, "int32_t":$frac);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    int64_t getNumElements() const;
    int64_t getRank() const { return getShape().size(); }
    /// The same ring and scale with another shape.
    ShareType withShape(::llvm::ArrayRef<int64_t> shape) const;
  }];
}

def MPC_TokensType : MPC_Type<"Tokens", "tokens"> {
  let summary = "The client's prompt: token ids that only the client knows";
  let parameters = (ins "int64_t":$length, "int64_t":$vocabulary);
  let assemblyFormat = "`<` $length `,` `vocabulary` `=` $vocabulary `>`";
  let genVerifyDecl = 1;
}

def MPC_PositionType : MPC_Type<"Position", "position"> {
  let summary = "The public position of the last prompt token";
}

def MPC_ServerType : MPC_Type<"Server", "server"> {
  let summary = "Integers that the server knows in clear: round(w 2^f)";
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape,
                        "int32_t":$frac);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    int64_t getNumElements() const;
  }];
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

def MPC_Provenance : I32EnumAttr<"Provenance", "why a range holds", [
  I32EnumAttrCase<"Proved", 0, "proved">,
  I32EnumAttrCase<"Calibrated", 1, "calibrated">
]> {
  let cppNamespace = "::aero::mpc";
  let genSpecializedAttr = 0;
}

def MPC_TailFunction : I32EnumAttr<"TailFunction", "a smooth activation", [
  I32EnumAttrCase<"Gelu", 1, "gelu">,
  I32EnumAttrCase<"GeluTanh", 2, "gelu_tanh">,
  I32EnumAttrCase<"Silu", 3, "silu">
]> {
  let cppNamespace = "::aero::mpc";
  let genSpecializedAttr = 0;
}
def MPC_TailFunctionAttr
    : EnumAttr<MPC_Dialect, MPC_TailFunction, "tail_function"> {
  let assemblyFormat = "$value";
}

def MPC_RangeAttr : AttrDef<MPC_Dialect, "Range"> {
  let mnemonic = "range";
  let summary = "Real values lie in [-bound, bound)";
  let description = [{
    `#mpc.range<1073741824.0, proved>`. A calibrated range was seen on sample inputs; an
    op that would compute garbage outside of its range accepts only a proved one.
  }];
  let parameters = (ins APFloatParameter<"an IEEE double">:$limit,
                        EnumParameter<MPC_Provenance>:$provenance);
  let builders = [
    AttrBuilder<(ins "double":$bound, "::aero::mpc::Provenance":$provenance), [{
      return $_get($_ctxt, ::llvm::APFloat(bound), provenance);
    }]>
  ];
  let extraClassDeclaration = [{
    double getBound() const { return getLimit().convertToDouble(); }
  }];
  // The declarative format would print a large bound with six digits.
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

#endif // AERO_DIALECT_MPC_IR_MPCTYPES_TD
