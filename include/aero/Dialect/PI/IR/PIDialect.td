//===- PIDialect.td - The pi dialect -----------------------*- tablegen -*-===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_DIALECT_PI_IR_PIDIALECT_TD
#define AERO_DIALECT_PI_IR_PIDIALECT_TD

include "mlir/IR/OpBase.td"

def PI_Dialect : Dialect {
  let name = "pi";
  let cppNamespace = "::aero::pi";
  let summary = "A transformer as private inference sees it, in float";
  let description = [{
    `pi` ("private inference") says what a transformer computes and who owns
    what, with nothing about cryptography. Values are builtin ranked tensors of
    static shape. Function arguments belong to the client, `pi.weight` to the
    server, `pi.constant` is public.

    An imported graph uses the arithmetic ops; `pi-raise` turns their
    combinations into `pi.linear`, `pi.layer_norm`, `pi.gelu`, `pi.attention`
    and so on, which is the form that the AERO passes and the lowering to `mpc`
    work on. Every op's location holds the name of the ONNX node that it came
    from (see `getNodeName`), and after `pi-raise` its layer (`getLayer`).
  }];
  let hasConstantMaterializer = 1;
  let useDefaultAttributePrinterParser = 1;
}

#endif // AERO_DIALECT_PI_IR_PIDIALECT_TD
