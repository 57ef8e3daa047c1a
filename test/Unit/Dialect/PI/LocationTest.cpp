//===- LocationTest.cpp - Node names and layers in locations --------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Dialect/PI/IR/PIOps.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/MLIRContext.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace aero::pi;

namespace {

class LocationTest : public testing::Test {
protected:
  Location name(StringRef text) {
    return NameLoc::get(StringAttr::get(&context, text), file());
  }
  Location file() { return FileLineColLoc::get(&context, "model.onnx", 1, 1); }
  Location fuse(ArrayRef<Location> parts) {
    return FusedLoc::get(&context, parts);
  }

  MLIRContext context;
};

TEST_F(LocationTest, NamesNodeOfAnImportedOp) {
  EXPECT_EQ(getNodeName(name("MatMul_3")), "MatMul_3");
}

TEST_F(LocationTest, HasNoNameWithoutANode) {
  EXPECT_EQ(getNodeName(UnknownLoc::get(&context)), "");
  EXPECT_EQ(getNodeName(file()), "");
}

TEST_F(LocationTest, JoinsTheNodesOfAFusedOpOnceEachInOrder) {
  Location inner = fuse({name("Div_2"), name("Erf_1")});
  EXPECT_EQ(getNodeName(fuse({name("Mul_9"), inner, name("Erf_1")})),
            "Mul_9+Div_2+Erf_1");
}

TEST_F(LocationTest, NamesTheModuleThatFusedNodesShare) {
  EXPECT_EQ(getNodeName(fuse({name("/h.0/ln_1/Sub"), name("/h.0/ln_1/Sqrt")})),
            "/h.0/ln_1/*");
  EXPECT_EQ(getNodeName(fuse({name("/h.0/Add"), name("/h.1/Add")})),
            "/h.0/Add+/h.1/Add");
}

TEST_F(LocationTest, PrefersTheCalleeOfAnInlinedOp) {
  EXPECT_EQ(getNodeName(CallSiteLoc::get(name("callee"), name("caller"))),
            "callee");
  EXPECT_EQ(getNodeName(CallSiteLoc::get(file(), name("caller"))), "caller");
}

TEST_F(LocationTest, HasNoLayerAtFirst) {
  EXPECT_EQ(getLayer(name("MatMul_3")), -1);
  EXPECT_EQ(getLayer(UnknownLoc::get(&context)), -1);
}

TEST_F(LocationTest, KeepsTheNameBesideTheLayer) {
  Location loc = withLayer(name("MatMul_3"), 7);
  EXPECT_EQ(getLayer(loc), 7);
  EXPECT_EQ(getNodeName(loc), "MatMul_3");
}

TEST_F(LocationTest, RecordsALayerWithoutAName) {
  EXPECT_EQ(getLayer(withLayer(UnknownLoc::get(&context), 0)), 0);
}

TEST_F(LocationTest, ReplacesTheLayer) {
  Location loc = withLayer(withLayer(name("MatMul_3"), 7), 8);
  EXPECT_EQ(loc, withLayer(name("MatMul_3"), 8));
}

TEST_F(LocationTest, RecordsTheLayerOfAFusedOp) {
  Location loc = withLayer(fuse({name("a"), name("b")}), 2);
  EXPECT_EQ(getLayer(loc), 2);
  EXPECT_EQ(getNodeName(loc), "a+b");
}

TEST_F(LocationTest, KeepsMetadataOfOthers) {
  Location loc =
      FusedLoc::get(&context, {name("a")}, StringAttr::get(&context, "other"));
  Location layered = withLayer(loc, 2);
  EXPECT_EQ(getLayer(layered), 2);
  EXPECT_EQ(getNodeName(layered), "a");
  EXPECT_TRUE(layered->findInstanceOf<FusedLocWith<StringAttr>>());
}

TEST_F(LocationTest, FindsTheLayerInsideOtherLocations) {
  Location layered = withLayer(name("a"), 3);
  EXPECT_EQ(getLayer(fuse({name("b"), layered})), 3);
  EXPECT_EQ(getLayer(CallSiteLoc::get(layered, file())), 3);
  EXPECT_EQ(getLayer(CallSiteLoc::get(file(), layered)), 3);
  EXPECT_EQ(getLayer(NameLoc::get(StringAttr::get(&context, "b"), layered)), 3);
}

} // namespace
