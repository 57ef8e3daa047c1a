//===- ProgramTest.cpp - Program files ------------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestFile.h"
#include "TestProgram.h"

#include "gmock/gmock.h"

#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/util/message_differencer.h>
#include <openssl/sha.h>

#include <cstring>
#include <set>

using namespace aero;
using namespace aero::rt;
using namespace aero::rt::test;
using google::protobuf::util::MessageDifferencer;
using testing::HasSubstr;

namespace {

class ProgramTest : public FileTest {
protected:
  /// The bytes of the file of the test program.
  std::vector<uint8_t> fileBytes() {
    Result<ProgramHash> hash = writeProgram(makeTestProgram(), path("p"));
    EXPECT_TRUE(hash.ok());
    return readAll(path("p"));
  }
  static std::string parseError(const std::vector<uint8_t> &bytes) {
    Result<LoadedProgram> loaded = parseProgram(bytes, "p.aero");
    return loaded.ok() ? "no error" : loaded.message();
  }
};

/// Keeps protobuf's own messages out of the test's output.
google::protobuf::LogSilencer silencer;

} // namespace

TEST_F(ProgramTest, TheTestProgramsHaveEveryInstruction) {
  std::set<std::string> missing;
  const google::protobuf::OneofDescriptor &ops =
      *program::Instruction::descriptor()->FindOneofByName("op");
  for (int i = 0; i < ops.field_count(); ++i)
    missing.insert(ops.field(i)->name());
  for (const program::Program &p : {makeTestProgram(), makeNormProgram()}) {
    ASSERT_TRUE(validateProgram(p).ok()) << validateProgram(p).message();
    for (const auto &instruction : p.instructions())
      missing.erase(opName(instruction));
  }
  EXPECT_THAT(missing, testing::IsEmpty());
  program::Program p = makeTestProgram();
  EXPECT_STREQ(opName(p.instructions(0)), "embedding");
  EXPECT_STREQ(opName({}), "unknown");
  EXPECT_EQ(elementCount(p.values(0)), 16u);
}

TEST_F(ProgramTest, RoundTrip) {
  program::Program p = makeTestProgram();
  Result<ProgramHash> hash = writeProgram(p, path("p"));
  ASSERT_TRUE(hash.ok()) << hash.message();
  Result<LoadedProgram> loaded = readProgram(path("p"));
  ASSERT_TRUE(loaded.ok()) << loaded.message();
  EXPECT_TRUE(MessageDifferencer::Equals(loaded->program, p));
  EXPECT_EQ(loaded->hash, *hash);
  EXPECT_EQ(fileCount(), 1u) << "a temporary file was left behind";
}

TEST_F(ProgramTest, FileLayout) {
  std::vector<uint8_t> bytes = fileBytes();
  EXPECT_EQ(std::memcmp(bytes.data(), "AEROPROG\2\0\0\0\0\0\0\0", 16), 0);
  uint64_t size;
  std::memcpy(&size, bytes.data() + 16, 8);
  EXPECT_EQ(size + 56, bytes.size());
  uint8_t digest[32];
  SHA256(bytes.data() + 56, size, digest);
  EXPECT_EQ(std::memcmp(bytes.data() + 24, digest, 32), 0);
}

TEST_F(ProgramTest, SameProgramSameBytes) {
  ASSERT_TRUE(writeProgram(makeTestProgram(), path("a")).ok());
  ASSERT_TRUE(writeProgram(makeTestProgram(), path("b")).ok());
  EXPECT_EQ(readAll(path("a")), readAll(path("b")));
  Result<LoadedProgram> loaded = readProgram(path("a"));
  ASSERT_TRUE(writeProgram(loaded->program, path("c")).ok());
  EXPECT_EQ(readAll(path("a")), readAll(path("c")));
}

TEST_F(ProgramTest, EveryCorruptedByteIsFound) {
  std::vector<uint8_t> bytes = fileBytes();
  for (size_t i = 0; i < bytes.size(); ++i)
    for (uint8_t flip : {0x01, 0x80, 0xFF}) {
      bytes[i] ^= flip;
      EXPECT_NE(parseError(bytes), "no error") << "byte " << i;
      bytes[i] ^= flip;
    }
  EXPECT_EQ(parseError(bytes), "no error");
}

// A hostile writer can make the hash fit. Any outcome is right but a crash.
TEST_F(ProgramTest, CorruptedBytesUnderAFittingHash) {
  std::vector<uint8_t> bytes = fileBytes();
  size_t refused = 0;
  for (size_t i = 56; i < bytes.size(); ++i)
    for (uint8_t flip : {0x01, 0x04, 0x80, 0xFF}) {
      bytes[i] ^= flip;
      SHA256(bytes.data() + 56, bytes.size() - 56, bytes.data() + 24);
      refused += parseError(bytes) != "no error";
      bytes[i] ^= flip;
    }
  EXPECT_GT(refused, bytes.size());
}

TEST_F(ProgramTest, EveryTruncationIsFound) {
  std::vector<uint8_t> bytes = fileBytes();
  for (size_t size = 0; size < bytes.size(); ++size) {
    std::vector<uint8_t> part(bytes.begin(), bytes.begin() + size);
    EXPECT_THAT(parseError(part), size < 8 ? HasSubstr("not an AERO program")
                                           : HasSubstr("is truncated"));
  }
  bytes.push_back(0);
  EXPECT_THAT(parseError(bytes), HasSubstr("bytes after its end"));
}

TEST_F(ProgramTest, ErrorsNameTheCauseAndTheRemedy) {
  std::vector<uint8_t> bytes = fileBytes(), other = bytes;
  other[0] = 'X';
  EXPECT_EQ(parseError(other), "'p.aero' is not an AERO program file");
  other = bytes;
  other[8] = 9;
  EXPECT_EQ(parseError(other),
            "'p.aero' has program version 9, this build reads version 2: "
            "recompile the model with this version");
  other = bytes;
  other[12] = 1;
  EXPECT_THAT(parseError(other), HasSubstr("unknown contents"));
  other = bytes;
  other.back() ^= 1;
  EXPECT_THAT(parseError(other), HasSubstr("do not match its hash"));
}

TEST_F(ProgramTest, PayloadThatIsNoProgram) {
  std::vector<uint8_t> bytes = fileBytes();
  std::fill(bytes.begin() + 56, bytes.end(), 0xFF);
  SHA256(bytes.data() + 56, bytes.size() - 56, bytes.data() + 24);
  EXPECT_THAT(parseError(bytes), HasSubstr("cannot be parsed"));
}

TEST_F(ProgramTest, InvalidProgramsAreNeitherWrittenNorRead) {
  program::Program p = makeTestProgram();
  p.set_context(5);
  Result<ProgramHash> hash = writeProgram(p, path("bad"));
  ASSERT_FALSE(hash.ok());
  EXPECT_EQ(fileCount(), 0u);

  std::vector<uint8_t> bytes = fileBytes();
  std::string text = p.SerializeAsString();
  bytes.resize(56);
  bytes.insert(bytes.end(), text.begin(), text.end());
  uint64_t size = text.size();
  std::memcpy(bytes.data() + 16, &size, 8);
  SHA256(bytes.data() + 56, size, bytes.data() + 24);
  EXPECT_THAT(parseError(bytes), HasSubstr("is not a valid program"));
}

TEST_F(ProgramTest, FilesThatCannotBeReadOrWritten) {
  Result<LoadedProgram> missing = readProgram(path("missing"));
  ASSERT_FALSE(missing.ok());
  EXPECT_THAT(missing.message(), HasSubstr("No such file"));
  Result<LoadedProgram> isDirectory = readProgram(directory);
  ASSERT_FALSE(isDirectory.ok());
  Result<ProgramHash> hash = writeProgram(makeTestProgram(), path("missing/p"));
  ASSERT_FALSE(hash.ok());
  EXPECT_THAT(hash.message(), HasSubstr("cannot write"));
}

TEST_F(ProgramTest, HugeFileIsRefusedWithoutReadingIt) {
  writeAll(path("huge"), fileBytes());
  std::filesystem::resize_file(path("huge"), uint64_t(1) << 34);
  EXPECT_FALSE(readProgram(path("huge")).ok());
}
