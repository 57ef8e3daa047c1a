//===- PIEnums.td - Enums of the pi dialect ----------------*- tablegen -*-===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_DIALECT_PI_IR_PIENUMS_TD
#define AERO_DIALECT_PI_IR_PIENUMS_TD

include "aero/Dialect/PI/IR/PIDialect.td"
include "mlir/IR/EnumAttr.td"

def PI_NonlinearKind : I32EnumAttr<"NonlinearKind",
    "a function that secure computation pays for", [
  I32EnumAttrCase<"Softmax", 0, "softmax">,
  I32EnumAttrCase<"LayerNorm", 1, "layer_norm">,
  I32EnumAttrCase<"RMSNorm", 2, "rms_norm">,
  I32EnumAttrCase<"Gelu", 3, "gelu">,
  I32EnumAttrCase<"Relu", 4, "relu">,
  I32EnumAttrCase<"LeakyRelu", 5, "leaky_relu">,
  I32EnumAttrCase<"Silu", 6, "silu">,
  I32EnumAttrCase<"Elementwise", 7, "elementwise">,
  I32EnumAttrCase<"Tanh", 8, "tanh">
]> {
  let cppNamespace = "::aero::pi";
}

def PI_SecurityMode : I32EnumAttr<"SecurityMode",
    "whom the parties of a secure inference have to trust", [
  I32EnumAttrCase<"Dealer", 0, "dealer">
]> {
  let cppNamespace = "::aero::pi";
}

def PI_SecureCostAttr : AttrDef<PI_Dialect, "SecureCost"> {
  let mnemonic = "secure_cost";
  let summary = "What one op costs in one security mode";
  let description = [{
    Payload bytes of one inference, both directions together, and the length of
    the op's chain of dependent messages.
  }];
  let parameters = (ins EnumParameter<PI_SecurityMode>:$mode,
                        "uint64_t":$online, "uint64_t":$offline,
                        "uint32_t":$exchanges);
  let assemblyFormat = [{
    `<` $mode `,` `online` `=` $online `,` `offline` `=` $offline `,`
    `exchanges` `=` $exchanges `>`
  }];
}

def PI_NonlinearityAttr : AttrDef<PI_Dialect, "Nonlinearity"> {
  let mnemonic = "nonlinearity";
  let summary = "What private inference pays for an op beyond linear algebra";
  let description = [{
    Written by `pi-annotate-nonlinearities`, read by whoever chooses what to
    remove. The layer is -1 outside of the blocks; an op without a secure form
    has no costs.
  }];
  let parameters = (ins EnumParameter<PI_NonlinearKind>:$kind,
                        "int64_t":$layer, "int64_t":$maps,
                        ArrayRefParameter<"int64_t">:$mapShape,
                        OptionalArrayRefParameter<"SecureCostAttr">:$costs);
  let assemblyFormat = [{
    `<` $kind `,` `layer` `=` $layer `,` `maps` `=` $maps `of` ` ` `[` $mapShape `]`
    (`,` `costs` `=` `[` $costs^ `]`)? `>`
  }];
}

def PI_GeluApproximation : I32EnumAttr<"GeluApproximation",
    "how GELU is computed", [
  I32EnumAttrCase<"None", 0, "none">,
  I32EnumAttrCase<"Tanh", 1, "tanh">
]> {
  let cppNamespace = "::aero::pi";
  let genSpecializedAttr = 0;
}
def PI_GeluApproximationAttr
    : EnumAttr<PI_Dialect, PI_GeluApproximation, "gelu_approximation"> {
  let assemblyFormat = "$value";
}

def PI_ComparePredicate : I32EnumAttr<"ComparePredicate",
    "how two numbers are compared", [
  I32EnumAttrCase<"EQ", 0, "eq">,
  I32EnumAttrCase<"LT", 1, "lt">,
  I32EnumAttrCase<"LE", 2, "le">
]> {
  let cppNamespace = "::aero::pi";
  let genSpecializedAttr = 0;
}
def PI_ComparePredicateAttr
    : EnumAttr<PI_Dialect, PI_ComparePredicate, "compare_predicate"> {
  let assemblyFormat = "$value";
}

#endif // AERO_DIALECT_PI_IR_PIENUMS_TD
