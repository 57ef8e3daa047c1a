//===- LayersTest.cpp - Which transformer layer an op belongs to ----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Analysis/Layers.h"

#include "TestModel.h"
#include "TextModel.h"
#include "gtest/gtest.h"

using namespace aero::pi;
using namespace aero::pi::test;

namespace {

/// The places of a model's ops, by the names of their nodes.
class Places {
public:
  explicit Places(const ModelOptions &options)
      : model(options), layers(model.getFunc()) {}

  mlir::Operation *find(llvm::StringRef name) {
    mlir::Operation *found = nullptr;
    model.getFunc().walk([&](mlir::Operation *op) {
      if (getNodeName(op->getLoc()) == name)
        found = op;
    });
    EXPECT_NE(found, nullptr) << name.str();
    return found;
  }
  int64_t layer(llvm::StringRef name) { return layers.getLayer(find(name)); }
  BlockPart part(llvm::StringRef name) { return layers.getPart(find(name)); }
  int64_t count() { return layers.getNumLayers(); }

private:
  TestModel model;
  LayerAnalysis layers;
};

ModelOptions small() {
  ModelOptions options;
  options.layers = 3;
  options.heads = 2;
  options.width = 8;
  options.tokens = 4;
  options.vocab = 11;
  return options;
}

TEST(LayersTest, WithNorms) {
  Places places(small());
  EXPECT_EQ(places.count(), 3);
  for (int64_t i = 0; i < 3; ++i) {
    std::string h = "h." + std::to_string(i) + ".";
    for (const char *name :
         {"ln_1", "qkv", "split", "attention", "proj", "residual"}) {
      EXPECT_EQ(places.layer(h + name), i) << h + name;
      EXPECT_EQ(places.part(h + name), BlockPart::Attention) << h + name;
    }
    for (const char *name : {"ln_2", "fc", "gelu", "mlp", "out"}) {
      EXPECT_EQ(places.layer(h + name), i) << h + name;
      EXPECT_EQ(places.part(h + name), BlockPart::FeedForward) << h + name;
    }
    EXPECT_EQ(places.layer(h + "qkv.weight"), i);
  }
  for (const char *name : {"wte", "wpe", "ln_f", "lm_head", "lm_head.weight"}) {
    EXPECT_EQ(places.layer(name), -1) << name;
    EXPECT_EQ(places.part(name), BlockPart::None) << name;
  }
}

TEST(LayersTest, SoftmaxOnly) {
  ModelOptions options = small();
  options.norms = options.gelu = false;
  options.fused = true;
  Places places(options);
  EXPECT_EQ(places.layer("h.0.qkv"), 0);
  EXPECT_EQ(places.layer("h.0.ffn"), 0);
  EXPECT_EQ(places.layer("h.1.qkv"), 1);
  EXPECT_EQ(places.part("h.1.qkv"), BlockPart::Attention);
  EXPECT_EQ(places.layer("h.2.ffn"), 2);
  EXPECT_EQ(places.part("h.2.ffn"), BlockPart::FeedForward);
  EXPECT_EQ(places.layer("h.2.out"), 2);
  EXPECT_EQ(places.layer("lm_head"), -1);
}

TEST(LayersTest, WithoutFeedForward) {
  ModelOptions options = small();
  options.norms = false;
  options.pruned = 2;
  Places places(options);
  EXPECT_EQ(places.layer("h.0.mlp"), 0);
  EXPECT_EQ(places.layer("h.1.residual"), 1);
  EXPECT_EQ(places.layer("h.2.proj"), 2);
  EXPECT_EQ(places.part("h.2.proj"), BlockPart::Attention);
  EXPECT_EQ(places.layer("lm_head"), -1);
}

// What a decoder with a cache gives back are its keys; a reader besides
// attention does not make them part of the residual stream.
TEST(LayersTest, KeysAreResults) {
  TextModel model;
  std::string x =
      model.embed(model.weight("wte", model.matrix(11, 8)), 11, "%ids");
  std::string keys;
  for (int i = 0; i < 2; ++i) {
    std::string n = model.layerNorm(x);
    std::string k = model.linear(n, "k");
    std::string a =
        model.emit("pi.attention " + n + ", " + k + ", " + k +
                   " heads 4 scale 0.5 causal : " + model.tokens(8) + ", " +
                   model.tokens(8));
    x = model.add(x, a);
    keys = model.emit("pi.reshape " + k + " : " + model.tokens(8) +
                      " -> tensor<1x4x4x2xf32>");
  }
  mlir::func::FuncOp func =
      model.finish(x + ", " + keys, model.tokens(8) + ", tensor<1x4x4x2xf32>");
  LayerAnalysis layers(func);
  std::vector<int64_t> norms;
  for (LayerNormOp norm : func.getOps<LayerNormOp>()) {
    EXPECT_EQ(layers.getPart(norm), BlockPart::Attention);
    norms.push_back(layers.getLayer(norm));
  }
  EXPECT_EQ(norms, (std::vector<int64_t>{0, 1}));
}

TEST(LayersTest, NoAttention) {
  ModelOptions options = small();
  options.layers = 0;
  Places places(options);
  EXPECT_EQ(places.count(), 0);
  EXPECT_EQ(places.layer("lm_head"), -1);
}

} // namespace
