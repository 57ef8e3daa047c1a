//===- PIDialect.cpp - The pi dialect and its locations -------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Dialect/PI/IR/PIDialect.h"
#include "aero/Dialect/PI/IR/PIOps.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace aero::pi;

#include "aero/Dialect/PI/IR/PIDialect.cpp.inc"
#include "aero/Dialect/PI/IR/PIEnums.cpp.inc"
#include "aero/Dialect/PI/IR/PIInterfaces.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "aero/Dialect/PI/IR/PIAttributes.cpp.inc"

void PIDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "aero/Dialect/PI/IR/PIAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "aero/Dialect/PI/IR/PIOps.cpp.inc"
      >();
}

Operation *PIDialect::materializeConstant(OpBuilder &builder, Attribute value,
                                          Type type, Location loc) {
  auto elements = dyn_cast<ElementsAttr>(value);
  if (!elements || elements.getType() != type)
    return nullptr;
  return ConstantOp::create(builder, loc, type, elements);
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

bool aero::pi::isMatrixTranspose(TransposeOp op) {
  return op.getPermutation() == ArrayRef<int64_t>{1, 0};
}

WeightMatrix aero::pi::getWeightMatrix(Value value) {
  if (auto weight = value.getDefiningOp<WeightOp>())
    return {weight, /*isTransposed=*/false};
  auto transpose = value.getDefiningOp<TransposeOp>();
  if (!transpose || !isMatrixTranspose(transpose))
    return {};
  return {transpose.getInput().getDefiningOp<WeightOp>(),
          /*isTransposed=*/true};
}

//===----------------------------------------------------------------------===//
// Locations
//===----------------------------------------------------------------------===//

namespace {

/// Collects node names in order, each once.
void collectNames(Location loc, llvm::SmallSetVector<StringRef, 4> &names) {
  if (auto name = dyn_cast<NameLoc>(loc)) {
    names.insert(name.getName().getValue());
  } else if (auto fused = dyn_cast<FusedLoc>(loc)) {
    for (Location part : fused.getLocations())
      collectNames(part, names);
  } else if (auto call = dyn_cast<CallSiteLoc>(loc)) {
    // An inlined op is still what its own node says; the caller is only a
    // fallback for a callee without names.
    size_t before = names.size();
    collectNames(call.getCallee(), names);
    if (names.size() == before)
      collectNames(call.getCaller(), names);
  } else if (auto opaque = dyn_cast<OpaqueLoc>(loc)) {
    collectNames(opaque.getFallbackLocation(), names);
  }
}

/// The layer that a fused location carries as its metadata, if it is one.
IntegerAttr getLayerAttr(FusedLoc loc) {
  auto layer = dyn_cast_if_present<IntegerAttr>(loc.getMetadata());
  return layer && layer.getType().isSignlessInteger(64) ? layer : IntegerAttr();
}

} // namespace

std::string aero::pi::getNodeName(Location loc) {
  llvm::SmallSetVector<StringRef, 4> names;
  collectNames(loc, names);
  if (names.size() < 2)
    return llvm::join(names, "+");
  // Exporters name nodes by module: nine nodes of /h.0/ln_1 are one layer norm.
  StringRef common = names.front();
  for (StringRef name : names)
    common = common.take_while([&, i = size_t(0)](char c) mutable {
      return i < name.size() && name[i++] == c;
    });
  common = common.take_front(common.rfind('/') + 1);
  if (common.size() > 1)
    return (common + "*").str();
  return llvm::join(names, "+");
}

int64_t aero::pi::getLayer(Location loc) {
  if (auto fused = dyn_cast<FusedLoc>(loc)) {
    if (IntegerAttr layer = getLayerAttr(fused))
      return layer.getInt();
    for (Location part : fused.getLocations())
      if (int64_t layer = getLayer(part); layer >= 0)
        return layer;
    return -1;
  }
  if (auto call = dyn_cast<CallSiteLoc>(loc)) {
    int64_t layer = getLayer(call.getCallee());
    return layer >= 0 ? layer : getLayer(call.getCaller());
  }
  if (auto name = dyn_cast<NameLoc>(loc))
    return getLayer(name.getChildLoc());
  if (auto opaque = dyn_cast<OpaqueLoc>(loc))
    return getLayer(opaque.getFallbackLocation());
  return -1;
}

Location aero::pi::withLayer(Location loc, int64_t layer) {
  MLIRContext *context = loc.getContext();
  auto metadata = IntegerAttr::get(IntegerType::get(context, 64), layer);
  auto fused = dyn_cast<FusedLoc>(loc);
  if (fused && (!fused.getMetadata() || getLayerAttr(fused)))
    return FusedLoc::get(context, fused.getLocations(), metadata);
  return FusedLoc::get(context, {loc}, metadata);
}
