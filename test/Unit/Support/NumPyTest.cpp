//===- NumPyTest.cpp - Arrays from .npy and .npz files --------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Files are written here by hand, so that each byte can be wrong; those that
// NumPy writes itself are in test/Integration/test_numpy.py.
//
//===----------------------------------------------------------------------===//

#include "aero/Support/NumPy.h"
#include "NumPyWriter.h"
#include "aero/Support/NumPyArchive.h"

#include "llvm/Support/FileUtilities.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <cmath>
#include <cstring>

using namespace aero;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

using test::makeArchive;
using test::makeArray;
using test::makeHeader;

llvm::Expected<NumPyFile> openBytes(llvm::StringRef bytes,
                                    const char *name = "file.npz",
                                    uint64_t limit = 1 << 20) {
  return NumPyFile::open(llvm::MemoryBuffer::getMemBufferCopy(bytes, name),
                         limit);
}

NumPyArray readBytes(llvm::StringRef bytes, llvm::StringRef array = "") {
  auto file = openBytes(bytes);
  if (!file) {
    ADD_FAILURE() << llvm::toString(file.takeError());
    return {};
  }
  auto read = file->read(array);
  if (!read) {
    ADD_FAILURE() << llvm::toString(read.takeError());
    return {};
  }
  return std::move(*read);
}

std::string failure(llvm::StringRef bytes, llvm::StringRef array = "",
                    uint64_t limit = 1 << 20) {
  auto file = openBytes(bytes, "file.npz", limit);
  if (!file)
    return llvm::toString(file.takeError());
  auto read = file->read(array);
  return read ? "read" : llvm::toString(read.takeError());
}

template <typename T> std::string bytesOf(std::initializer_list<T> values) {
  return {reinterpret_cast<const char *>(values.begin()),
          values.size() * sizeof(T)};
}

template <typename T> std::string swapped(std::initializer_list<T> values) {
  std::string bytes = bytesOf(values);
  for (size_t i = 0; i < bytes.size(); i += sizeof(T))
    std::reverse(bytes.begin() + i, bytes.begin() + i + sizeof(T));
  return bytes;
}

//===----------------------------------------------------------------------===//
// Arrays
//===----------------------------------------------------------------------===//

TEST(NumPyTest, IntegersOfEverySize) {
  EXPECT_THAT(
      readBytes(makeArray("|i1", "(2,)", bytesOf<int8_t>({-1, 7}))).ints,
      ElementsAre(-1, 7));
  EXPECT_THAT(
      readBytes(makeArray("|u1", "(2,)", bytesOf<uint8_t>({255, 7}))).ints,
      ElementsAre(255, 7));
  EXPECT_THAT(
      readBytes(makeArray("<i2", "(2,)", bytesOf<int16_t>({-300, 7}))).ints,
      ElementsAre(-300, 7));
  EXPECT_THAT(
      readBytes(makeArray("<u4", "(1,)", bytesOf<uint32_t>({4000000000u})))
          .ints,
      ElementsAre(4000000000));
  EXPECT_THAT(
      readBytes(makeArray("<i8", "(1,)", bytesOf<int64_t>({INT64_MIN}))).ints,
      ElementsAre(INT64_MIN));
}

TEST(NumPyTest, BigEndian) {
  EXPECT_THAT(
      readBytes(makeArray(">i4", "(2,)", swapped<int32_t>({-2, 258}))).ints,
      ElementsAre(-2, 258));
  EXPECT_THAT(
      readBytes(makeArray(">f8", "(1,)", swapped<double>({0.5}))).floats,
      ElementsAre(0.5f));
}

TEST(NumPyTest, Floats) {
  NumPyArray array = readBytes(
      makeArray("<f2", "(3,)", bytesOf<uint16_t>({0x3c00, 0xc100, 0x7c00})));
  EXPECT_EQ(array.kind, NumPyArray::Kind::Float);
  EXPECT_EQ(array.dtype, "<f2");
  EXPECT_THAT(array.floats, ElementsAre(1.0f, -2.5f, INFINITY));
  EXPECT_THAT(
      readBytes(makeArray("<f4", "(1,)", bytesOf<float>({0.1f}))).floats,
      ElementsAre(0.1f));
  EXPECT_THAT(
      readBytes(makeArray("<f8", "(1,)", bytesOf<double>({0.1}))).floats,
      ElementsAre(0.1f));
}

TEST(NumPyTest, Bools) {
  NumPyArray array = readBytes(makeArray("|b1", "(2,)", bytesOf<char>({0, 1})));
  EXPECT_EQ(array.kind, NumPyArray::Kind::Bool);
  EXPECT_THAT(array.ints, ElementsAre(0, 1));
  EXPECT_THAT(failure(makeArray("|b1", "(1,)", bytesOf<char>({2}))),
              HasSubstr("neither 0 nor 1"));
}

TEST(NumPyTest, Shapes) {
  EXPECT_THAT(readBytes(makeArray("|i1", "()", "\1")).shape, ElementsAre());
  EXPECT_THAT(readBytes(makeArray("|i1", "(1, 2)", "\1\2")).shape,
              ElementsAre(1, 2));
  // A size of 0 makes any other harmless.
  NumPyArray empty =
      readBytes(makeArray("|i1", "(9223372036854775807, 0, 4)", ""));
  EXPECT_THAT(empty.shape, ElementsAre(INT64_MAX, 0, 4));
  EXPECT_THAT(empty.ints, ElementsAre());
}

TEST(NumPyTest, FortranOrderBecomesRowMajor) {
  std::string columns = bytesOf<int8_t>({0, 3, 1, 4, 2, 5});
  NumPyArray array = readBytes(makeArray("|i1", "(2, 3)", columns, "True"));
  EXPECT_THAT(array.ints, ElementsAre(0, 1, 2, 3, 4, 5));
  // (2, 3, 2): element (i, j, k) is stored at i + 2 j + 6 k.
  std::string cube = bytesOf<int8_t>({0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11});
  array = readBytes(makeArray("|i1", "(2, 3, 2)", cube, "True"));
  EXPECT_THAT(array.ints, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
}

TEST(NumPyTest, EveryVersion) {
  for (char version : {1, 2, 3})
    EXPECT_THAT(
        readBytes(makeArray("|i1", "(2,)", "\1\2", "False", version)).ints,
        ElementsAre(1, 2));
  EXPECT_THAT(failure(makeArray("|i1", "(2,)", "\1\2", "False", 4)),
              HasSubstr("version 4.0"));
}

TEST(NumPyTest, OtherElementsAreRefused) {
  EXPECT_THAT(failure(makeArray("|O", "(1,)", std::string(8, 'x'))),
              HasSubstr("holds Python objects, which are never loaded"));
  for (const char *dtype : {"<c8", "<U4", "|S3", "<M8[s]", "<f16", "<i3", "|i4",
                            "=i4", "i4", "<b2", "", "<"})
    EXPECT_THAT(failure(makeArray(dtype, "(1,)", std::string(8, 'x'))),
                HasSubstr("has the dtype '" + std::string(dtype) + "'"));
  EXPECT_THAT(failure(makeHeader("{'descr': [('a', '<i4')], 'fortran_order': "
                                 "False, 'shape': (1,), }") +
                      "1234"),
              HasSubstr("structured array"));
  EXPECT_THAT(
      failure(makeArray("<u8", "(1,)", bytesOf<uint64_t>({UINT64_MAX}))),
      HasSubstr("too large for int64"));
}

TEST(NumPyTest, DamagedHeaders) {
  auto with = [](const char *header) {
    return failure(makeHeader(header) + "1234");
  };
  const char *good = "{\"shape\":(4,),'fortran_order':False,'descr':'|i1'}";
  EXPECT_EQ(with(good), "read");
  for (const char *bad :
       {"", "{", "4", "{'descr': '|i1'}",
        "{'descr': '|i1', 'fortran_order': False, 'shape': (4)}",
        "{'descr': '|i1', 'fortran_order': False, 'shape': [4,]}",
        "{'descr': '|i1', 'fortran_order': False, 'shape': (-4,)}",
        "{'descr': '|i1', 'fortran_order': False, 'shape': (4L,)}",
        "{'descr': '|i1', 'fortran_order': False, 'shape': (2 2)}",
        "{'descr': '|i1', 'fortran_order': False, 'shape': (,)}",
        "{'descr': '|i1', 'fortran_order': False, 'shape': "
        "(9223372036854775808,)}",
        "{'descr': '|i1', 'fortran_order': 0, 'shape': (4,)}",
        "{'descr': '|i1' 'fortran_order': False, 'shape': (4,)}",
        "{'descr': '|i1', 'fortran_order': False, 'shape': (4,), 'x': 1}",
        "{'descr': '|i1', 'descr': '|i1', 'fortran_order': False, 'shape': "
        "(4,)}",
        "{'descr': '|i1', 'fortran_order': False, 'shape': (4,)} + f()",
        "{'descr': __import__('os').name, 'shape': (4,)}",
        "{'descr': '|i1, 'fortran_order': False, 'shape': (4,)}"})
    EXPECT_THAT(with(bad), HasSubstr("damaged header")) << bad;
}

TEST(NumPyTest, SizesAreCheckedBeforeAnythingIsAllocated) {
  for (const char *shape :
       {"(5,)", "(3,)", "(4611686018427387904, 4)",
        "(9223372036854775807, 9223372036854775807)", "(1099511627776,)"})
    EXPECT_THAT(failure(makeArray("|i1", shape, "1234")),
                HasSubstr("not what its shape and dtype need"))
        << shape;
  // 8 bytes each, once read.
  EXPECT_EQ(failure(makeArray("|i1", "(4,)", "1234"), "", 32), "read");
  EXPECT_THAT(failure(makeArray("|i1", "(4,)", "1234"), "", 31),
              HasSubstr("too many"));
  std::string shape = "(" + std::string(65 * 2, ' ') + ")";
  for (size_t i = 0; i < 65; ++i)
    shape.replace(1 + 2 * i, 2, "1,");
  EXPECT_THAT(failure(makeArray("|i1", shape.c_str(), "1")),
              HasSubstr("65 dimensions"));
}

TEST(NumPyTest, EveryCutIsAnError) {
  std::string bytes = makeArray("<i4", "(2,)", bytesOf<int32_t>({1, 2}));
  for (size_t size = 0; size < bytes.size(); ++size) {
    std::string message = failure(bytes.substr(0, size));
    EXPECT_THAT(message, testing::StartsWith("file.npz: ")) << size;
    EXPECT_THAT(message, testing::Not(HasSubstr("\n"))) << size;
  }
  EXPECT_THAT(failure(bytes + "x"), HasSubstr("not what its shape"));
}

//===----------------------------------------------------------------------===//
// Archives
//===----------------------------------------------------------------------===//

TEST(NumPyTest, StoredAndDeflatedArrays) {
  std::string ids = makeArray("<i8", "(3,)", bytesOf<int64_t>({5, 6, 7}));
  std::string mask = makeArray("<f4", "(1, 2)", bytesOf<float>({0, 1}));
  for (bool deflate : {false, true}) {
    std::string bytes =
        makeArchive({{"ids.npy", ids}, {"mask.npy", mask}}, deflate);
    EXPECT_TRUE(NumPyFile::isNumPy(bytes));
    auto file = openBytes(bytes);
    ASSERT_TRUE(bool(file)) << llvm::toString(file.takeError());
    EXPECT_THAT(file->getNames(), ElementsAre("ids", "mask"));
    EXPECT_THAT(readBytes(bytes, "ids").ints, ElementsAre(5, 6, 7));
    EXPECT_THAT(readBytes(bytes, "mask").floats, ElementsAre(0, 1));
    EXPECT_EQ(failure(bytes, "labels"), "file.npz: has no array 'labels'");
  }
}

TEST(NumPyTest, WhatIsNoArchive) {
  EXPECT_FALSE(NumPyFile::isNumPy("[[1, 2]]"));
  EXPECT_FALSE(NumPyFile::isNumPy(""));
  for (const char *bytes : {"", "PK", "[1]", "PK\x03\x04 and no more"})
    EXPECT_THAT(failure(bytes), HasSubstr("is no NumPy file"));
  std::string array = makeArray("|i1", "(1,)", "1");
  EXPECT_THAT(failure(makeArchive({{"readme.txt", "text"}}, false)),
              HasSubstr("holds 'readme.txt', which is no array"));
  EXPECT_THAT(failure(makeArchive({{"a.npy", "text"}}, false), "a"),
              HasSubstr("array 'a' is no .npy file"));
  EXPECT_THAT(failure(makeArchive({{"a\nb.npy", array}}, false), "x"),
              HasSubstr("has no array 'x'"));
}

TEST(NumPyTest, DamagedArchives) {
  std::string array = makeArray("|i1", "(200,)", std::string(200, 'a'));
  for (bool deflate : {false, true}) {
    std::string bytes = makeArchive({{"a.npy", array}}, deflate);
    ASSERT_EQ(failure(bytes, "a"), "read");
    // Every byte matters, or changes nothing that is read.
    for (size_t i = 0; i < bytes.size(); ++i) {
      std::string changed = bytes;
      changed[i] = static_cast<char>(changed[i] ^ 0x21);
      std::string message = failure(changed, "a");
      if (message != "read")
        EXPECT_THAT(message, testing::StartsWith("file.npz: ")) << i;
    }
    for (size_t size = 0; size < bytes.size(); ++size)
      EXPECT_NE(failure(bytes.substr(0, size), "a"), "read") << size;
  }
  // The checksum is looked at.
  std::string bytes = makeArchive({{"a.npy", array}}, false);
  bytes[bytes.find("aaaa") + 2] = 'b';
  EXPECT_THAT(failure(bytes, "a"), HasSubstr("cannot be unpacked: CRC error"));
}

TEST(NumPyTest, ClaimedSizesMustBePossible) {
  std::string array = makeArray("|i1", "(4096,)", std::string(4096, 'a'));
  std::string bytes = makeArchive({{"a.npy", array}}, true);
  // The sizes are 20 (packed) and 24 (unpacked) bytes behind the signature of
  // the entry in the directory, 18 and 22 behind that of the entry itself.
  size_t directory = bytes.rfind("PK\x01\x02"),
         entry = bytes.find("PK\x03\x04");
  uint32_t huge = 0x7ffffff0;
  std::memcpy(&bytes[directory + 24], &huge, 4);
  std::memcpy(&bytes[entry + 22], &huge, 4);
  EXPECT_THAT(failure(bytes, "a"), HasSubstr("packed ones cannot hold"));
}

TEST(NumPyTest, ReadsWhatIsWritten) {
  std::string path = testing::TempDir() + "aero-archive.npz";
  llvm::FileRemover remove(path);
  NumPyArchive archive;
  const float floats[] = {1, -2.5, 3, 4, 5, 6};
  archive.add("a+b", {2, 3}, llvm::ArrayRef(floats));
  archive.add("scalar", {}, std::vector<float>{7});
  archive.add("a vector with so long a name that its entry is no short one",
              {6}, llvm::ArrayRef(floats));
  auto write = [&] {
    EXPECT_FALSE(archive.write(path));
    auto buffer = llvm::MemoryBuffer::getFile(path);
    return buffer ? (*buffer)->getBuffer().str() : "(cannot be read)";
  };
  std::string bytes = write();
  NumPyArray matrix = readBytes(bytes, "a+b");
  EXPECT_THAT(matrix.shape, ElementsAre(2, 3));
  EXPECT_THAT(matrix.floats, testing::ElementsAreArray(floats));
  NumPyArray scalar = readBytes(bytes, "scalar");
  EXPECT_TRUE(scalar.shape.empty());
  EXPECT_THAT(scalar.floats, ElementsAre(7));
  EXPECT_EQ(bytes, write()) << "the same arrays are the same file";
}

TEST(NumPyTest, SaysWhyAnArchiveCannotBeWritten) {
  NumPyArchive archive;
  archive.add("a", {1}, std::vector<float>{1});
  EXPECT_THAT(llvm::toString(archive.write("/nonexistent/file.npz")),
              HasSubstr("cannot write '/nonexistent/file.npz': "));
}

} // namespace
