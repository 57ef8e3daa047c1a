//===- TestFile.h - Files in a directory of their own ---------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_TEST_UNIT_RUNTIME_TESTFILE_H
#define AERO_TEST_UNIT_RUNTIME_TESTFILE_H

#include "gtest/gtest.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdlib.h>
#include <string>
#include <vector>

namespace aero::rt::test {

class FileTest : public testing::Test {
protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "aero-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory); }

  std::string path(const std::string &name) const {
    return directory + "/" + name;
  }
  static std::vector<uint8_t> readAll(const std::string &path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static void writeAll(const std::string &path,
                       const std::vector<uint8_t> &bytes) {
    std::ofstream out(path, std::ios::binary);
    out.write(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  }
  size_t fileCount() const {
    return std::distance(std::filesystem::directory_iterator(directory), {});
  }

  std::string directory;
};

} // namespace aero::rt::test

#endif // AERO_TEST_UNIT_RUNTIME_TESTFILE_H
