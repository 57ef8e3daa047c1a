//===- Constants.cpp - Weights and public constants -----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What may be the server's must not become public, so that in doubt a constant
/// is a weight.
///
//===----------------------------------------------------------------------===//

#include "Translator.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace aero;
using namespace aero::linalgtopi;

/// The key, or what the location says if the key is that with the suffix that
/// makes keys of a context unique: "w" for the key "w_1".
static std::string getName(DenseResourceElementsAttr resource, Location loc) {
  StringRef key = resource.getRawHandle().getKey();
  std::string node = pi::getNodeName(loc);
  StringRef suffix = key;
  if (!node.empty() && suffix.consume_front(node) &&
      suffix.consume_front("_") && !suffix.empty() &&
      llvm::all_of(suffix, llvm::isDigit))
    return node;
  return key.str();
}

FailureOr<Value> Translator::buildConstant(TypedAttr value, StringRef name) {
  if (isa<IndexType>(value.getType())) {
    auto number = dyn_cast<IntegerAttr>(value);
    return builder.scalar(builder.getI64IntegerAttr(number.getInt()));
  }
  if (!isa<RankedTensorType>(value.getType()))
    return builder.scalar(value);
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value))
    return Value(pi::WeightOp::create(
        builder,
        name.empty() ? getName(resource, builder.getLoc()) : name.str(),
        resource));
  auto dense = dyn_cast<DenseElementsAttr>(value);
  if (!dense)
    return fail("its elements are neither dense nor a resource");
  if (!name.empty())
    return Value(pi::WeightOp::create(builder, name, dense));
  if (!dense.getElementType().isF32() || dense.isSplat())
    return Value(pi::ConstantOp::create(builder, dense.getType(), dense));
  std::string made = (from.getName() + ".constant." + Twine(unnamed++)).str();
  return Value(pi::WeightOp::create(builder, made, dense));
}

FailureOr<Value> Translator::buildGlobal(Operation *load) {
  auto op = cast<ml_program::GlobalLoadConstOp>(load);
  auto global = SymbolTable::lookupNearestSymbolFrom<ml_program::GlobalOp>(
      op, op.getGlobalAttr());
  if (!global)
    return fail("there is no such global");
  auto value = dyn_cast_or_null<TypedAttr>(global.getValueAttr());
  if (global.getIsMutable() || !value || value.getType() != op.getType() ||
      !isTensor(op.getType()))
    return fail("the global has no value that stays");
  return buildConstant(value, global.getSymName());
}
