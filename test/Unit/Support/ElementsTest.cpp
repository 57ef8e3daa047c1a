//===- ElementsTest.cpp - Reading and making weight blobs -----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Support/Elements.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinDialect.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/MLIRContext.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace aero;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

class ElementsTest : public testing::Test {
protected:
  RankedTensorType tensor(ArrayRef<int64_t> shape, Type element) {
    return RankedTensorType::get(shape, element);
  }
  template <typename T> std::string messageOf(llvm::Expected<T> result) {
    EXPECT_FALSE(result);
    return llvm::toString(result.takeError());
  }

  MLIRContext context;
  Builder b{&context};
};

TEST_F(ElementsTest, ViewsDenseFloats) {
  auto attr =
      DenseElementsAttr::get<float>(tensor({2}, b.getF32Type()), {1.0f, 2.0f});
  auto data = llvm::cantFail(getFloatData(attr));
  EXPECT_THAT(data.get(), ElementsAre(1.0f, 2.0f));
  EXPECT_EQ(reinterpret_cast<const char *>(data.begin()),
            attr.getRawData().data());
  EXPECT_EQ(data.getOwner(), nullptr);
}

TEST_F(ElementsTest, MaterialisesASplat) {
  auto attr = DenseElementsAttr::get(tensor({3}, b.getF32Type()), 2.0f);
  auto data = llvm::cantFail(getFloatData(attr));
  EXPECT_THAT(data.get(), ElementsAre(2.0f, 2.0f, 2.0f));
  // A copy of the object keeps the elements alive.
  ElementsData<float> copy = data;
  data = {};
  EXPECT_THAT(copy.get(), ElementsAre(2.0f, 2.0f, 2.0f));
}

TEST_F(ElementsTest, ReadsIntegersAndBooleans) {
  auto ints =
      DenseElementsAttr::get<int64_t>(tensor({2}, b.getI64Type()), {-1, 5});
  EXPECT_THAT(llvm::cantFail(getInt64Data(ints)).get(), ElementsAre(-1, 5));
  auto bools = DenseElementsAttr::get<bool>(tensor({3}, b.getI1Type()),
                                            {true, false, true});
  EXPECT_THAT(llvm::cantFail(getBoolData(bools)).get(), ElementsAre(1, 0, 1));
  auto splat = DenseElementsAttr::get(tensor({2}, b.getI1Type()), true);
  EXPECT_THAT(llvm::cantFail(getBoolData(splat)).get(), ElementsAre(1, 1));
}

TEST_F(ElementsTest, OwnsTheResourceItMakes) {
  std::vector<float> values{1.0f, 2.0f, 3.0f, 4.0f};
  const float *memory = values.data();
  ElementsAttr attr =
      makeFloatResource(tensor({2, 2}, b.getF32Type()), std::move(values), "w");
  EXPECT_TRUE(isa<DenseResourceElementsAttr>(attr));
  auto data = llvm::cantFail(getFloatData(attr));
  EXPECT_EQ(data.begin(), memory) << "the elements were copied";
  EXPECT_THAT(data.get(), ElementsAre(1.0f, 2.0f, 3.0f, 4.0f));
}

TEST_F(ElementsTest, KeepsResourcesOfTheSameNameApart) {
  auto type = tensor({1}, b.getF32Type());
  ElementsAttr first = makeFloatResource(type, {1.0f}, "w");
  ElementsAttr second = makeFloatResource(type, {2.0f}, "w");
  EXPECT_THAT(llvm::cantFail(getFloatData(first)).get(), ElementsAre(1.0f));
  EXPECT_THAT(llvm::cantFail(getFloatData(second)).get(), ElementsAre(2.0f));
}

TEST_F(ElementsTest, MakesRawResources) {
  int64_t ints[] = {7, -7};
  ElementsAttr attr = makeRawResource(
      tensor({2}, b.getI64Type()),
      ArrayRef<char>(reinterpret_cast<char *>(ints), sizeof ints), "");
  EXPECT_THAT(llvm::cantFail(getInt64Data(attr)).get(), ElementsAre(7, -7));
}

TEST_F(ElementsTest, RefusesAnotherElementType) {
  auto attr = DenseElementsAttr::get<int64_t>(tensor({1}, b.getI64Type()), {1});
  EXPECT_THAT(messageOf(getFloatData(attr)),
              HasSubstr("expected elements of type f32, got tensor<1xi64>"));
}

TEST_F(ElementsTest, RefusesAnElidedBlob) {
  auto attr = DenseResourceElementsAttr::get(
      tensor({2}, b.getF32Type()), "gone",
      HeapAsmResourceBlob::allocate(0, kBlobAlignment));
  EXPECT_THAT(
      messageOf(getFloatData(attr)),
      HasSubstr("resource 'gone' holds no data: it was probably elided"));
}

TEST_F(ElementsTest, RefusesABlobOfTheWrongSize) {
  auto attr = makeRawResource(tensor({2}, b.getF32Type()),
                              ArrayRef<char>("1234567", 7), "short");
  EXPECT_THAT(
      messageOf(getFloatData(attr)),
      HasSubstr("resource 'short' holds 7 bytes, but its type needs 8"));
}

TEST_F(ElementsTest, FindsSplatsOfDenseFloatsOnly) {
  auto type = tensor({2}, b.getF32Type());
  EXPECT_EQ(getFloatSplat(DenseElementsAttr::get(type, 2.0f)), 2.0f);
  EXPECT_EQ(getFloatSplat(DenseElementsAttr::get<float>(type, {1.0f, 2.0f})),
            std::nullopt);
  EXPECT_EQ(getFloatSplat(makeFloatResource(type, {1.0f, 1.0f}, "w")),
            std::nullopt);
  EXPECT_EQ(getFloatSplat(DenseElementsAttr::get(tensor({2}, b.getI64Type()),
                                                 int64_t(2))),
            std::nullopt);
  EXPECT_EQ(getFloatSplat(Attribute()), std::nullopt);
}

StringRef keyOf(ElementsAttr attr) {
  return cast<DenseResourceElementsAttr>(attr).getRawHandle().getKey();
}

TEST_F(ElementsTest, NamesAResourceWithoutACopy) {
  auto type = tensor({2}, b.getF32Type());
  ElementsAttr attr = makeFloatResource(type, {1.0f, 2.0f}, "blob");
  ElementsAttr named = makeNamedResource(attr, "h.0.w");
  EXPECT_EQ(keyOf(named), "h.0.w");
  EXPECT_EQ(llvm::cantFail(getFloatData(named)).begin(),
            llvm::cantFail(getFloatData(attr)).begin());
  EXPECT_EQ(makeNamedResource(attr, "blob"), attr);
}

TEST_F(ElementsTest, NamesInlineElements) {
  auto type = tensor({2}, b.getF32Type());
  ElementsAttr named =
      makeNamedResource(DenseElementsAttr::get(type, 0.5f), "splat");
  EXPECT_EQ(keyOf(named), "splat");
  EXPECT_THAT(llvm::cantFail(getFloatData(named)).get(),
              ElementsAre(0.5f, 0.5f));
  auto different = DenseElementsAttr::get<float>(type, {1.0f, 2.0f});
  EXPECT_EQ(keyOf(makeNamedResource(different, "inline")), "inline");
}

TEST_F(ElementsTest, GivesOneNameToOneParameterOnly) {
  auto type = tensor({2}, b.getF32Type());
  ElementsAttr first =
      makeNamedResource(DenseElementsAttr::get(type, 0.5f), "w");
  EXPECT_EQ(makeNamedResource(DenseElementsAttr::get(type, 0.5f), "w"), first);
  ElementsAttr other =
      makeNamedResource(DenseElementsAttr::get(type, 1.5f), "w");
  EXPECT_EQ(keyOf(other), "w_1");
  EXPECT_THAT(llvm::cantFail(getFloatData(other)).get(),
              ElementsAre(1.5f, 1.5f));
}

TEST_F(ElementsTest, NamesWhatWasElided) {
  auto type = tensor({2}, b.getF32Type());
  auto &interface = DenseResourceElementsHandle::getManagerInterface(&context);
  auto elided =
      DenseResourceElementsAttr::get(type, interface.insert("elided"));
  ElementsAttr named = makeNamedResource(elided, "w");
  EXPECT_EQ(keyOf(named), "w");
  EXPECT_EQ(makeNamedResource(elided, "w"), named);
  EXPECT_THAT(messageOf(getFloatData(named)), HasSubstr("holds no data"));
  auto small = makeRawResource(type, ArrayRef<char>("1234", 4), "short");
  EXPECT_EQ(makeNamedResource(small, "v"), small);
}

} // namespace
