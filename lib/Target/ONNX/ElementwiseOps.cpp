//===- ElementwiseOps.cpp - pi ops that are operators of ONNX -------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpExporter.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace aero;
using llvm::StringRef;

/// The operator with the same operands in the same order and no attributes.
static StringRef getOperator(mlir::Operation &op) {
  return llvm::TypeSwitch<mlir::Operation *, StringRef>(&op)
      .Case<pi::MatMulOp>([](auto) { return "MatMul"; })
      .Case<pi::AddOp>([](auto) { return "Add"; })
      .Case<pi::SubOp>([](auto) { return "Sub"; })
      .Case<pi::MulOp>([](auto) { return "Mul"; })
      .Case<pi::DivOp>([](auto) { return "Div"; })
      .Case<pi::PowOp>([](auto) { return "Pow"; })
      .Case<pi::MinOp>([](auto) { return "Min"; })
      .Case<pi::MaxOp>([](auto) { return "Max"; })
      .Case<pi::ExpOp>([](auto) { return "Exp"; })
      .Case<pi::SqrtOp>([](auto) { return "Sqrt"; })
      .Case<pi::ErfOp>([](auto) { return "Erf"; })
      .Case<pi::TanhOp>([](auto) { return "Tanh"; })
      .Case<pi::SigmoidOp>([](auto) { return "Sigmoid"; })
      .Case<pi::SinOp>([](auto) { return "Sin"; })
      .Case<pi::CosOp>([](auto) { return "Cos"; })
      .Case<pi::WhereOp>([](auto) { return "Where"; })
      .Case<pi::AndOp>([](auto) { return "And"; })
      .Case<pi::OrOp>([](auto) { return "Or"; })
      .Case<pi::NotOp>([](auto) { return "Not"; })
      .Case<pi::ReluOp>([](auto) { return "Relu"; })
      .Case<pi::CompareOp>([](pi::CompareOp compare) {
        switch (compare.getPredicate()) {
        case pi::ComparePredicate::EQ:
          return "Equal";
        case pi::ComparePredicate::LT:
          return "Less";
        case pi::ComparePredicate::LE:
          return "LessOrEqual";
        }
        return "";
      })
      .Default(StringRef());
}

std::optional<std::string> OpExporter::exportElementwise(mlir::Operation &op) {
  StringRef name = getOperator(op);
  if (name.empty())
    return std::nullopt;
  llvm::SmallVector<std::string> operands;
  for (mlir::Value operand : op.getOperands())
    operands.push_back(getName(operand));
  if (auto product = llvm::dyn_cast<pi::MatMulOp>(op))
    operands[1] = getParameter(product.getRhs());
  return graph.add(name, operands);
}
