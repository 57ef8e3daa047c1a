//===- JoinLinear.cpp - All linear maps of one input at once --------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LinearMaps.h"
#include "Weights.h"
#include "aero/Dialect/PI/Transforms/Passes.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/MapVector.h"

namespace aero::pi {
#define GEN_PASS_DEF_JOINLINEARPASS
#include "aero/Dialect/PI/Transforms/Passes.h.inc"
} // namespace aero::pi

using namespace mlir;

namespace aero::pi {
namespace {

/// The matrices of `maps` side by side.
Value joinMatrices(OpBuilder &builder, Location loc, ArrayRef<LinearOp> maps,
                   int64_t columns) {
  int64_t rows = getRows(maps.front());
  std::vector<float> joined(rows * columns);
  SmallVector<Value> parts;
  int64_t offset = 0;
  for (LinearOp map : maps) {
    parts.push_back(map.getWeight());
    ElementsData<float> from = getElements(map.getWeight());
    int64_t width = getColumns(map);
    for (int64_t row = 0; row < rows; ++row)
      std::copy_n(from.begin() + row * width, width,
                  joined.begin() + row * columns + offset);
    offset += width;
  }
  return createKnown(builder, loc, parts, {rows, columns}, std::move(joined));
}

/// Their biases, with zeros where one has none; null if none has one.
Value joinBiases(OpBuilder &builder, Location loc, ArrayRef<LinearOp> maps,
                 int64_t columns) {
  std::vector<float> joined(columns);
  SmallVector<Value> parts;
  int64_t offset = 0;
  for (LinearOp map : maps) {
    if (Value bias = map.getBias()) {
      parts.push_back(bias);
      ElementsData<float> from = getElements(bias);
      std::copy(from.begin(), from.end(), joined.begin() + offset);
    }
    offset += getColumns(map);
  }
  if (parts.empty())
    return {};
  return createKnown(builder, loc, parts, {columns}, std::move(joined));
}

struct JoinLinearPass : public impl::JoinLinearPassBase<JoinLinearPass> {
  using JoinLinearPassBase::JoinLinearPassBase;

  void runOnOperation() override {
    if (failed(verifyWeightsReadable(getOperation())))
      return signalPassFailure();
    llvm::MapVector<std::pair<Value, Block *>, SmallVector<LinearOp>> readers;
    getOperation().walk([&](LinearOp op) {
      if (whyUnknown(op).empty())
        readers[{op.getInput(), op->getBlock()}].push_back(op);
    });
    for (auto &[input, maps] : readers)
      if (maps.size() > 1)
        join(maps);
  }

private:
  /// `maps` are in program order.
  static void join(ArrayRef<LinearOp> maps) {
    LinearOp first = maps.front();
    OpBuilder builder(first);
    SmallVector<Operation *> ops(maps.begin(), maps.end());
    Location loc = mergeLocations(builder, ops);
    int64_t columns = 0;
    for (LinearOp map : maps)
      columns += getColumns(map);

    remark::passed(first.getLoc(),
                   remark::RemarkOpts::name("join").category("pi-join-linear"))
        << remark::add("joined {0} maps of one input, {1} columns, with {2}",
                       maps.size(), columns, describe(first));

    Value weight = joinMatrices(builder, loc, maps, columns);
    Value bias = joinBiases(builder, loc, maps, columns);
    // The weights of the later ones may stand behind the first.
    for (Value known : {weight, bias})
      if (known)
        known.getDefiningOp()->moveBefore(first);
    Value joined =
        LinearOp::create(builder, loc, first.getInput(), weight, bias);
    auto rank = cast<RankedTensorType>(joined.getType()).getRank();
    int64_t offset = 0;
    for (LinearOp map : maps) {
      Value slice = SliceOp::create(builder, map.getLoc(), joined, rank - 1,
                                    offset, getColumns(map));
      offset += getColumns(map);
      map.replaceAllUsesWith(slice);
    }
    for (LinearOp map : maps)
      map.erase();
  }
};

} // namespace
} // namespace aero::pi
