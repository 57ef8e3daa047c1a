//===- ExternalDataTest.cpp - Weights in files beside the model -----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ImportTestSupport.h"

#include <sys/stat.h>

using namespace aero;
using namespace aero::test;
using onnx::TensorProto;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
namespace fs = std::filesystem;

namespace {

using Entries = std::vector<std::pair<std::string, std::string>>;

/// w, a float[2,2] whose data is elsewhere.
void setExternal(TensorProto &tensor, const Entries &entries) {
  tensor.clear_raw_data();
  tensor.clear_float_data();
  tensor.clear_external_data();
  tensor.set_data_location(TensorProto::EXTERNAL);
  for (const auto &[key, value] : entries) {
    onnx::StringStringEntryProto &entry = *tensor.add_external_data();
    entry.set_key(key);
    entry.set_value(value);
  }
}

onnx::ModelProto makeModel(const Entries &entries) {
  onnx::ModelProto model = parseGraph(
      "(float[1,2] x) => (float[1,2] y) <float[2,2] w = {0, 0, 0, 0}>"
      "{ y = MatMul(x, w) }");
  setExternal(*model.mutable_graph()->mutable_initializer(0), entries);
  return model;
}

std::string toBytes(const std::vector<float> &values) {
  return {reinterpret_cast<const char *>(values.data()),
          values.size() * sizeof(float)};
}

class ExternalDataTest : public ::testing::Test {
protected:
  ExternalDataTest() {
    folder.write("model/weights.bin", toBytes({9, 1, 2, 3, 4, 9}));
  }

  fs::path write(const Entries &entries) {
    return folder.write("model/model.onnx", makeModel(entries));
  }
  /// (1, 10) times the matrix.
  std::vector<float> run(const Entries &entries) {
    return runFloats(importFile(write(entries)),
                     reference::Tensor::fromFloats({1, 2}, {1, 10}));
  }
  /// What is wrong with w.
  std::string getError(const Entries &entries) {
    Imported imported = importFile(write(entries));
    if (imported)
      return "no error";
    EXPECT_EQ(imported.messages.size(), 1u);
    llvm::StringRef rest = imported.messages.front();
    EXPECT_TRUE(rest.consume_front("initializer 'w' ")) << rest.str();
    return rest.str();
  }

  TemporaryFolder folder;
};

TEST_F(ExternalDataTest, OffsetAndLength) {
  EXPECT_THAT(
      run({{"location", "weights.bin"}, {"offset", "4"}, {"length", "16"}}),
      ElementsAre(31, 42));
}

TEST_F(ExternalDataTest, LengthFollowsFromTheShape) {
  EXPECT_THAT(run({{"location", "weights.bin"}, {"offset", "8"}}),
              ElementsAre(42, 93));
}

TEST_F(ExternalDataTest, ChecksumIsIgnored) {
  EXPECT_THAT(run({{"location", "weights.bin"},
                   {"offset", "4"},
                   {"checksum", "0123456789abcdef"}}),
              ElementsAre(31, 42));
}

TEST_F(ExternalDataTest, OtherSpellings) {
  folder.write("model/data/weights.bin", toBytes({1, 2, 3, 4}));
  EXPECT_THAT(run({{"location", "./data/weights.bin"}}), ElementsAre(31, 42));
  EXPECT_THAT(run({{"location", "data//weights.bin"}}), ElementsAre(31, 42));
}

TEST_F(ExternalDataTest, MisalignedOffset) {
  folder.write("model/odd.bin", "?" + toBytes({1, 2, 3, 4}));
  EXPECT_THAT(run({{"location", "odd.bin"}, {"offset", "1"}}),
              ElementsAre(31, 42));
}

TEST_F(ExternalDataTest, OtherTypes) {
  onnx::ModelProto model = makeModel({{"location", "half.bin"}});
  model.mutable_graph()->mutable_initializer(0)->set_data_type(
      TensorProto::FLOAT16);
  std::vector<uint16_t> halves = {0x3C00, 0x4000, 0x4200, 0x4400};
  folder.write(
      "model/half.bin",
      llvm::StringRef(reinterpret_cast<const char *>(halves.data()), 8));
  fs::path path = folder.write("model/model.onnx", model);
  EXPECT_THAT(runFloats(importFile(path),
                        reference::Tensor::fromFloats({1, 2}, {1, 10})),
              ElementsAre(31, 42));
}

TEST_F(ExternalDataTest, Integers) {
  onnx::ModelProto model =
      parseGraph("(float[2,3] x) => (float[3,2] y) <int64[2] s = {0, 0}>"
                 "{ y = Reshape(x, s) }");
  setExternal(*model.mutable_graph()->mutable_initializer(0),
              {{"location", "shape.bin"}});
  std::vector<int64_t> shape = {3, 2};
  folder.write(
      "model/shape.bin",
      llvm::StringRef(reinterpret_cast<const char *>(shape.data()), 16));
  Imported imported = importFile(folder.write("model/model.onnx", model));
  ASSERT_TRUE(imported) << imported.messages.front();
  EXPECT_EQ(imported.getOps<pi::ReshapeOp>().size(), 1u);
}

/// Also what a node holds, which exporters can move out too.
TEST_F(ExternalDataTest, ConstantNode) {
  onnx::ModelProto model =
      parseGraph("(float[1,2] x) => (float[1,2] y) {"
                 "  c = Constant <value = float[2] {0, 0}> ()"
                 "  y = Add(x, c) }");
  setExternal(*model.mutable_graph()
                   ->mutable_node(0)
                   ->mutable_attribute(0)
                   ->mutable_t(),
              {{"location", "weights.bin"}, {"offset", "4"}});
  EXPECT_THAT(runFloats(importFile(folder.write("model/model.onnx", model)),
                        reference::Tensor::fromFloats({1, 2}, {10, 20})),
              ElementsAre(11, 22));
}

TEST_F(ExternalDataTest, ModelInTheWorkingDirectory) {
  fs::path before = fs::current_path();
  write({{"location", "weights.bin"}, {"offset", "4"}});
  fs::current_path(folder.get() / "model");
  Imported imported = importFile("model.onnx");
  fs::current_path(before);
  EXPECT_TRUE(imported) << imported.messages.front();
}

TEST_F(ExternalDataTest, WeightsOutliveTheFile) {
  Imported imported =
      importFile(write({{"location", "weights.bin"}, {"offset", "4"}}));
  fs::remove_all(folder.get() / "model");
  EXPECT_THAT(
      runFloats(imported, reference::Tensor::fromFloats({1, 2}, {1, 10})),
      ElementsAre(31, 42));
}

//===----------------------------------------------------------------------===//
// Many tensors
//===----------------------------------------------------------------------===//

/// A sum of float[4] weights, each at a place that `getEntries` gives.
template <typename Function>
onnx::ModelProto makeSum(int count, Function getEntries) {
  onnx::ModelProto model = parseGraph("(float[4] x) => (float[4] y) {}");
  onnx::GraphProto &graph = *model.mutable_graph();
  onnx::NodeProto &node = *graph.add_node();
  node.set_op_type("Sum");
  node.add_input("x");
  node.add_output("y");
  for (int i = 0; i < count; ++i) {
    TensorProto &tensor = *graph.add_initializer();
    tensor.set_name("w" + std::to_string(i));
    tensor.set_data_type(TensorProto::FLOAT);
    tensor.add_dims(4);
    setExternal(tensor, getEntries(i));
    node.add_input(tensor.name());
  }
  return model;
}

TEST_F(ExternalDataTest, OneFileForAll) {
  constexpr int count = 100;
  std::vector<float> values(4 * count);
  for (int i = 0; i < 4 * count; ++i)
    values[i] = static_cast<float>(i % 4 == 1);
  folder.write("model/all.bin", toBytes(values));
  onnx::ModelProto model = makeSum(count, [](int i) {
    return Entries{{"location", "all.bin"}, {"offset", std::to_string(16 * i)}};
  });
  EXPECT_THAT(runFloats(importFile(folder.write("model/model.onnx", model)),
                        reference::Tensor::fromFloats({4}, {0, 0, 0, 0})),
              ElementsAre(0, count, 0, 0));
}

TEST_F(ExternalDataTest, OneFileEach) {
  constexpr int count = 300;
  for (int i = 0; i < count; ++i)
    folder.write("model/w" + std::to_string(i), toBytes({1, 0, 0, 2}));
  onnx::ModelProto model = makeSum(count, [](int i) {
    return Entries{{"location", "w" + std::to_string(i)}};
  });
  EXPECT_THAT(runFloats(importFile(folder.write("model/model.onnx", model)),
                        reference::Tensor::fromFloats({4}, {0, 0, 0, 0})),
              ElementsAre(count, 0, 0, 2 * count));
}

/// Tensors over the same bytes, each as large as the file: reading them all
/// would take a thousand times its size.
TEST_F(ExternalDataTest, SharedBytesAreBounded) {
  std::string data(1 << 20, '\0');
  folder.write("model/large.bin", data);
  auto makeShared = [](int count) {
    onnx::ModelProto model =
        makeSum(count, [](int) { return Entries{{"location", "large.bin"}}; });
    for (TensorProto &tensor : *model.mutable_graph()->mutable_initializer()) {
      tensor.clear_dims();
      tensor.add_dims(1 << 16);
      tensor.add_dims(4);
    }
    return model;
  };
  // As often as parameters are tied, it is fine.
  EXPECT_TRUE(importFile(folder.write("model/model.onnx", makeShared(16))));
  Imported many =
      importFile(folder.write("model/model.onnx", makeShared(1000)));
  ASSERT_FALSE(many);
  EXPECT_EQ(many.messages.front(),
            "initializer 'w80' shares its external data with so many other "
            "tensors that they take more than 16 times what the files hold; "
            "save the model again");
}

//===----------------------------------------------------------------------===//
// Refused
//===----------------------------------------------------------------------===//

constexpr char kOutside[] =
    "is not in the model's folder; save the data beside "
    "the model, under a relative name";

TEST_F(ExternalDataTest, AbsolutePath) {
  std::string path = (folder.get() / "model" / "weights.bin").native();
  EXPECT_EQ(getError({{"location", path}}),
            "keeps its data in '" + path + "', which " + kOutside);
}

TEST_F(ExternalDataTest, ParentFolder) {
  folder.write("secret.bin", toBytes({1, 2, 3, 4}));
  for (std::string path : {"../secret.bin", "a/../../secret.bin", "..",
                           "./../secret.bin", "weights.bin/../weights.bin"})
    EXPECT_EQ(getError({{"location", path}}),
              "keeps its data in '" + path + "', which " + kOutside);
}

TEST_F(ExternalDataTest, LinkOutOfTheFolder) {
  folder.write("secret.bin", toBytes({1, 2, 3, 4}));
  fs::create_symlink("../secret.bin", folder.get() / "model" / "link");
  EXPECT_EQ(getError({{"location", "link"}}),
            "keeps its data in 'link', which is a link out of the model's "
            "folder; copy the file there instead");
}

/// A folder whose name merely starts like the model's is another folder.
TEST_F(ExternalDataTest, LinkIntoASibling) {
  folder.write("model-of-others/secret.bin", toBytes({1, 2, 3, 4}));
  fs::create_symlink("../model-of-others", folder.get() / "model" / "link");
  EXPECT_THAT(getError({{"location", "link/secret.bin"}}),
              HasSubstr("is a link out of the model's folder"));
}

TEST_F(ExternalDataTest, LinkInsideTheFolder) {
  fs::create_symlink("weights.bin", folder.get() / "model" / "link");
  EXPECT_THAT(run({{"location", "link"}, {"offset", "4"}}),
              ElementsAre(31, 42));
}

TEST_F(ExternalDataTest, FolderBehindALink) {
  fs::create_directory_symlink("model", folder.get() / "alias");
  write({{"location", "weights.bin"}, {"offset", "4"}});
  EXPECT_TRUE(importFile(folder.get() / "alias" / "model.onnx"));
}

TEST_F(ExternalDataTest, LinkInACircle) {
  fs::create_symlink("b", folder.get() / "model" / "a");
  fs::create_symlink("a", folder.get() / "model" / "b");
  EXPECT_THAT(getError({{"location", "a"}}),
              StartsWith("keeps its data in 'a', which cannot be opened: "));
}

TEST_F(ExternalDataTest, MissingFile) {
  EXPECT_EQ(getError({{"location", "gone.bin"}}),
            "keeps its data in 'gone.bin', which cannot be opened: No such "
            "file or directory; put it beside the model");
}

TEST_F(ExternalDataTest, Folder) {
  fs::create_directory(folder.get() / "model" / "data");
  for (std::string path : {"data", ".", "./"})
    EXPECT_EQ(getError({{"location", path}}),
              "keeps its data in '" + path +
                  "', which is no regular file; save the model again");
}

/// Opening it would wait for somebody to write.
TEST_F(ExternalDataTest, Pipe) {
  ASSERT_EQ(mkfifo((folder.get() / "model" / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(getError({{"location", "pipe"}}),
            "keeps its data in 'pipe', which is no regular file; save the "
            "model again");
}

TEST_F(ExternalDataTest, EmptyFile) {
  folder.write("model/empty.bin", "");
  EXPECT_EQ(getError({{"location", "empty.bin"}}),
            "keeps its data in 'empty.bin', which is empty; save the model "
            "again");
}

TEST_F(ExternalDataTest, NoName) {
  const char expected[] = "keeps its data in a file without a name; save the "
                          "model again";
  EXPECT_EQ(getError({}), expected);
  EXPECT_EQ(getError({{"location", ""}}), expected);
  EXPECT_EQ(getError({{"location", std::string("weights.bin\0x", 13)}}),
            expected);
}

TEST_F(ExternalDataTest, BeyondTheEnd) {
  EXPECT_EQ(getError({{"location", "weights.bin"}, {"offset", "12"}}),
            "keeps 16 bytes of data in 'weights.bin' from byte 12 on, but the "
            "file ends at 24; copy or save it again");
  EXPECT_EQ(getError({{"location", "weights.bin"}, {"offset", "25"}}),
            "keeps 16 bytes of data in 'weights.bin' from byte 25 on, but the "
            "file ends at 24; copy or save it again");
  EXPECT_EQ(getError({{"location", "weights.bin"},
                      {"offset", "18446744073709551615"}}),
            "keeps 16 bytes of data in 'weights.bin' from byte "
            "18446744073709551615 on, but the file ends at 24; copy or save "
            "it again");
}

TEST_F(ExternalDataTest, WrongLength) {
  EXPECT_EQ(getError({{"location", "weights.bin"}, {"length", "8"}}),
            "holds 8 bytes, but its shape needs 16; the file is damaged, "
            "export it again");
  EXPECT_EQ(getError({{"location", "weights.bin"}, {"length", "24"}}),
            "holds 24 bytes, but its shape needs 16; the file is damaged, "
            "export it again");
  EXPECT_EQ(getError({{"location", "weights.bin"}, {"length", "25"}}),
            "keeps 25 bytes of data in 'weights.bin' from byte 0 on, but the "
            "file ends at 24; copy or save it again");
}

TEST_F(ExternalDataTest, NoNumber) {
  for (std::string key : {"offset", "length"})
    for (std::string value :
         {"", "four", "-4", "4.0", "0x4", "18446744073709551616"})
      EXPECT_EQ(getError({{"location", "weights.bin"}, {key, value}}),
                "has '" + value + "' as the " + key +
                    " of its external data, which is no number; save the "
                    "model again");
}

TEST_F(ExternalDataTest, FromMemory) {
  Imported imported = import(makeModel({{"location", "weights.bin"}}));
  ASSERT_FALSE(imported);
  EXPECT_THAT(imported.messages,
              ElementsAre("initializer 'w' keeps its data in another file, but "
                          "the model has no folder; name the model's file"));
}

TEST_F(ExternalDataTest, HugeShape) {
  onnx::ModelProto model = makeModel({{"location", "weights.bin"}});
  TensorProto &tensor = *model.mutable_graph()->mutable_initializer(0);
  tensor.set_dims(0, int64_t(1) << 38);
  Imported imported = importFile(folder.write("model/model.onnx", model));
  ASSERT_FALSE(imported);
  EXPECT_EQ(imported.messages.front(),
            "initializer 'w' keeps 2199023255552 bytes of data in "
            "'weights.bin' from byte 0 on, but the file ends at 24; copy or "
            "save it again");
}

/// A file that was cut still names each tensor that it lacks.
TEST_F(ExternalDataTest, AllFaultsAtOnce) {
  onnx::ModelProto model = makeSum(3, [](int i) {
    return Entries{{"location", i == 1 ? "weights.bin" : "gone.bin"}};
  });
  Imported imported = importFile(folder.write("model/model.onnx", model));
  EXPECT_THAT(imported.messages, ElementsAre(StartsWith("initializer 'w0' "),
                                             StartsWith("initializer 'w2' ")));
}

} // namespace
