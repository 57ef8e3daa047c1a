//===- AnnotateNonlinearities.cpp - What is paid for, and how much --------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Weights.h"
#include "aero/Analysis/Layers.h"
#include "aero/Analysis/SecureCost.h"
#include "aero/Dialect/PI/Transforms/Passes.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

namespace aero::pi {
#define GEN_PASS_DEF_ANNOTATENONLINEARITIESPASS
#include "aero/Dialect/PI/Transforms/Passes.h.inc"
} // namespace aero::pi

using namespace mlir;

namespace aero::pi {

static constexpr StringLiteral kPass = "pi-annotate-nonlinearities";

static std::string joinDims(ArrayRef<int64_t> shape) {
  return llvm::join(
      llvm::map_range(shape, [](int64_t dim) { return std::to_string(dim); }),
      "x");
}

static int64_t countElements(NonlinearityAttr attr) {
  int64_t elements = attr.getMaps();
  for (int64_t dim : attr.getMapShape())
    elements *= dim;
  return elements;
}

static std::string describeCosts(NonlinearityAttr attr) {
  std::string text;
  for (SecureCostAttr cost : attr.getCosts())
    text += "; " + stringifySecurityMode(cost.getMode()).str() + ": " +
            std::to_string(cost.getOnline()) + " bytes online, " +
            std::to_string(cost.getOffline()) + " offline, " +
            std::to_string(cost.getExchanges()) + " exchanges";
  return text.empty() ? "; no secure form" : text;
}

static void emitRemark(NonlinearOpInterface op, NonlinearityAttr attr) {
  std::string place = attr.getLayer() < 0
                          ? "outside of layers"
                          : "layer " + std::to_string(attr.getLayer());
  remark::analysis(op.getLoc(),
                   remark::RemarkOpts::name("nonlinearity").category(kPass))
      << remark::add("{0}: {1}, {2}, {3} maps of {4}, {5} elements{6}",
                     describe(op), stringifyNonlinearKind(attr.getKind()),
                     place, attr.getMaps(), joinDims(attr.getMapShape()),
                     countElements(attr), describeCosts(attr));
}

namespace {

/// The table of all ops, with a sum.
class Table {
public:
  explicit Table(raw_ostream &os) : os(os) {
    os << llvm::formatv(
        "{0,-12} {1,5} {2,5} {3,-12} {4,12} {5,14} {6,14} {7,9}\n", "kind",
        "layer", "maps", "map", "elements", "online bytes", "offline bytes",
        "exchanges");
  }

  void add(NonlinearityAttr attr) {
    StringRef kind = stringifyNonlinearKind(attr.getKind());
    std::string layer =
        attr.getLayer() < 0 ? "-" : std::to_string(attr.getLayer());
    int64_t count = countElements(attr);
    elements += count;
    if (attr.getCosts().empty()) {
      os << llvm::formatv("{0,-12} {1,5} {2,5} {3,-12} {4,12} no secure form\n",
                          kind, layer, attr.getMaps(),
                          joinDims(attr.getMapShape()), count);
      return;
    }
    for (SecureCostAttr cost : attr.getCosts()) {
      os << llvm::formatv(
          "{0,-12} {1,5} {2,5} {3,-12} {4,12} {5,14} {6,14} {7,9}\n", kind,
          layer, attr.getMaps(), joinDims(attr.getMapShape()), count,
          cost.getOnline(), cost.getOffline(), cost.getExchanges());
      online += cost.getOnline();
      offline += cost.getOffline();
      exchanges += cost.getExchanges();
    }
  }

  void finish() {
    os << llvm::formatv(
        "{0,-12} {1,5} {1,5} {1,-12} {2,12} {3,14} {4,14} {5,9}\n", "total", "",
        elements, online, offline, exchanges);
  }

private:
  raw_ostream &os;
  int64_t elements = 0;
  uint64_t online = 0, offline = 0, exchanges = 0;
};

struct AnnotateNonlinearitiesPass
    : public impl::AnnotateNonlinearitiesPassBase<AnnotateNonlinearitiesPass> {
  using AnnotateNonlinearitiesPassBase::AnnotateNonlinearitiesPassBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isExternal())
      return;
    LayerAnalysis layers(func);
    SecureForm form(func, {activationFrac, weightFrac});
    std::optional<Table> lines;
    if (table)
      lines.emplace(llvm::errs());
    bool found = false;
    func.walk([&](NonlinearOpInterface op) {
      // What is computed from weights alone costs nothing.
      if (!layers.isData(op))
        return;
      found = true;
      SmallVector<SecureCostAttr> costs;
      if (std::optional<rt::Cost> cost = form.getCost(op))
        costs.push_back(SecureCostAttr::get(&getContext(), SecurityMode::Dealer,
                                            cost->online(), cost->offline(),
                                            cost->exchanges));
      auto attr = NonlinearityAttr::get(&getContext(), op.getNonlinearKind(),
                                        layers.getLayer(op), op.getMapCount(),
                                        op.getMapShape(), costs);
      op.setNonlinearityAttr(attr);
      emitRemark(op, attr);
      if (lines)
        lines->add(attr);
    });
    if (lines)
      lines->finish();
    if (!found)
      remark::analysis(func.getLoc(),
                       remark::RemarkOpts::name("nonlinearity").category(kPass))
          << remark::add("there is no nonlinear operation");
  }
};

} // namespace
} // namespace aero::pi
