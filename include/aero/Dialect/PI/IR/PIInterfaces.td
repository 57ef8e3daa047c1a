//===- PIInterfaces.td - Interfaces of the pi dialect ------*- tablegen -*-===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_DIALECT_PI_IR_PIINTERFACES_TD
#define AERO_DIALECT_PI_IR_PIINTERFACES_TD

include "mlir/IR/OpBase.td"

def PI_NonlinearOpInterface : OpInterface<"NonlinearOpInterface"> {
  let cppNamespace = "::aero::pi";
  let description = [{
    An op that private inference pays for beyond linear algebra. The census and
    the cost annotation are written against this interface alone. A *map* is
    what the op is applied to at once, as the AERO paper counts them: one head's
    T x T scores, one T x d activation.
  }];
  let methods = [
    InterfaceMethod<"The kind of nonlinearity.",
      "::aero::pi::NonlinearKind", "getNonlinearKind">,
    InterfaceMethod<[{
        How many maps the op holds: batch times heads for attention, else the
        product of all dimensions before the last two (1 for one sequence).
      }],
      "int64_t", "getMapCount">,
    InterfaceMethod<[{
        The shape of one map: {T, S} for attention, else the last two
        dimensions, {T, d}; a vector is {1, d}, a scalar {1, 1}. The element
        count of the op is this times the map count.
      }],
      "::llvm::SmallVector<int64_t>", "getMapShape">,
    InterfaceMethod<"What `pi-annotate-nonlinearities` found out, or null.",
      "::aero::pi::NonlinearityAttr", "getNonlinearityAttr">,
    InterfaceMethod<"Sets it.",
      "void", "setNonlinearityAttr", (ins "::aero::pi::NonlinearityAttr":$value)>,
  ];
}

#endif // AERO_DIALECT_PI_IR_PIINTERFACES_TD
