//===- WeightsTest.cpp - The server's weights file ------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestFile.h"
#include "TestProgram.h"

#include "gmock/gmock.h"

#include <cstring>

using namespace aero;
using namespace aero::rt;
using namespace aero::rt::test;
using testing::HasSubstr;

namespace {

class WeightsTest : public FileTest {
protected:
  void SetUp() override {
    FileTest::SetUp();
    Result<ProgramHash> hash = writeProgram(makeTestProgram(), path("p"));
    ASSERT_TRUE(hash.ok());
    Result<LoadedProgram> program = readProgram(path("p"));
    ASSERT_TRUE(program.ok());
    loaded = *program;
  }

  /// Writes each weight's index times 1000 plus the element's index.
  void writeWeights(const std::string &name) {
    Result<WeightsWriter> writer = WeightsWriter::create(path(name));
    ASSERT_TRUE(writer.ok()) << writer.message();
    for (int w = 0; w < loaded.program.weights_size(); ++w) {
      const program::Weight &weight = loaded.program.weights(w);
      size_t n = 1;
      for (uint32_t dim : weight.shape())
        n *= dim;
      std::vector<uint8_t> data;
      for (size_t i = 0; i < n; ++i) {
        int64_t value = w * 1000 - int64_t(i);
        size_t bytes = weight.type() == program::Weight::TYPE_I32 ? 4 : 8;
        data.resize(data.size() + bytes);
        std::memcpy(data.data() + data.size() - bytes, &value, bytes);
      }
      Result<uint64_t> offset = writer->append(data);
      ASSERT_TRUE(offset.ok());
      EXPECT_EQ(*offset, weight.offset());
    }
    ASSERT_TRUE(writer->commit(loaded.hash).ok());
  }
  std::string mapError(const std::string &name) {
    Result<Weights> weights = Weights::map(path(name), loaded);
    return weights.ok() ? "no error" : weights.message();
  }

  LoadedProgram loaded;
};

} // namespace

TEST_F(WeightsTest, RoundTrip) {
  writeWeights("w");
  Result<Weights> mapped = Weights::map(path("w"), loaded);
  ASSERT_TRUE(mapped.ok()) << mapped.message();
  Weights weights = std::move(*mapped);
  for (int w = 0; w < loaded.program.weights_size(); ++w) {
    const program::Weight &weight = loaded.program.weights(w);
    auto check = [&](auto values) {
      EXPECT_EQ(reinterpret_cast<uintptr_t>(values.data()) % 64, 0u);
      for (size_t i = 0; i < values.size(); ++i)
        EXPECT_EQ(values[i], w * 1000 - int64_t(i));
      return values.size();
    };
    size_t size = weight.type() == program::Weight::TYPE_I32
                      ? check(weights.i32(weight))
                      : check(weights.i64(weight));
    EXPECT_EQ(size, w == 0   ? 32u
                    : w == 1 ? 16u
                    : w == 2 ? 48u
                    : w == 3 ? 12u
                             : 32u);
  }
}

TEST_F(WeightsTest, NothingIsLeftWithoutCommit) {
  {
    Result<WeightsWriter> writer = WeightsWriter::create(path("w"));
    ASSERT_TRUE(writer.ok());
    ASSERT_TRUE(writer->append(std::vector<uint8_t>(100)).ok());
    WeightsWriter moved = std::move(*writer);
  }
  EXPECT_EQ(fileCount(), 1u) << "only the program";
}

TEST_F(WeightsTest, CannotCreate) {
  Result<WeightsWriter> writer = WeightsWriter::create(path("missing/w"));
  ASSERT_FALSE(writer.ok());
  EXPECT_THAT(writer.message(), HasSubstr("cannot write"));
}

TEST_F(WeightsTest, BelongsToAnotherProgram) {
  writeWeights("w");
  loaded.hash[3] ^= 1;
  EXPECT_THAT(mapError("w"), HasSubstr("belongs to another program"));
}

TEST_F(WeightsTest, EveryCorruptedByteIsFound) {
  writeWeights("w");
  std::vector<uint8_t> bytes = readAll(path("w"));
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::vector<uint8_t> other = bytes;
    other[i] ^= 0x40;
    writeAll(path("x"), other);
    EXPECT_NE(mapError("x"), "no error") << "byte " << i;
  }
}

TEST_F(WeightsTest, TruncatedOrExtended) {
  writeWeights("w");
  std::vector<uint8_t> bytes = readAll(path("w"));
  for (size_t size :
       {size_t(0), size_t(7), size_t(127), size_t(128), bytes.size() - 1}) {
    writeAll(path("x"), {bytes.begin(), bytes.begin() + size});
    EXPECT_THAT(mapError("x"), size < 128 ? HasSubstr("not an AERO weights")
                                          : HasSubstr("is truncated"));
  }
  bytes.push_back(0);
  writeAll(path("x"), bytes);
  EXPECT_THAT(mapError("x"), HasSubstr("bytes after its end"));
}

TEST_F(WeightsTest, WeightOutsideOfTheFile) {
  writeWeights("w");
  for (uint64_t offset : {uint64_t(1) << 20, ~uint64_t(63)}) {
    loaded.program.mutable_weights(4)->set_offset(offset);
    EXPECT_THAT(mapError("w"), HasSubstr("weight 'w4' lies outside"));
  }
}

TEST_F(WeightsTest, MissingAndForeignFiles) {
  EXPECT_THAT(mapError("missing"), HasSubstr("No such file"));
  EXPECT_THAT(mapError("p"), HasSubstr("not an AERO weights file"));
  writeWeights("w");
  std::vector<uint8_t> bytes = readAll(path("w"));
  bytes[8] = 9;
  writeAll(path("w"), bytes);
  EXPECT_THAT(mapError("w"), HasSubstr("weights version 9"));
}
