//===- OutputFolderTest.cpp - Files that appear together -----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Support/OutputFolder.h"

#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

using namespace aero;
using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = llvm::sys::fs;

namespace {

class OutputFolderTest : public testing::Test {
protected:
  OutputFolderTest() {
    EXPECT_FALSE(fs::createUniqueDirectory("aero-folder", parent));
    path = child(parent, "out");
  }
  ~OutputFolderTest() override { fs::remove_directories(parent); }

  static std::string child(llvm::StringRef folder, llvm::StringRef name) {
    llvm::SmallString<128> file(folder);
    llvm::sys::path::append(file, name);
    return file.str().str();
  }
  static std::string read(const std::string &file) {
    auto buffer = llvm::MemoryBuffer::getFile(file);
    return buffer ? (*buffer)->getBuffer().str() : "(cannot be read)";
  }
  static std::vector<std::string> list(llvm::StringRef folder) {
    std::vector<std::string> names;
    std::error_code code;
    for (fs::directory_iterator it(folder, code), end; it != end && !code;
         it.increment(code))
      names.push_back(llvm::sys::path::filename(it->path()).str());
    llvm::sort(names);
    return names;
  }
  void write(OutputFolder &folder, llvm::StringRef name, llvm::StringRef text) {
    auto os = folder.add(name);
    ASSERT_TRUE(static_cast<bool>(os)) << llvm::toString(os.takeError());
    **os << text;
  }
  std::string messageOf(bool force = false) {
    auto folder = OutputFolder::create(path, force);
    EXPECT_FALSE(folder);
    return llvm::toString(folder.takeError());
  }

  llvm::SmallString<128> parent;
  std::string path;
};

TEST_F(OutputFolderTest, FilesAppearTogether) {
  auto folder = OutputFolder::create(path, /*force=*/false);
  ASSERT_TRUE(static_cast<bool>(folder));
  write(*folder, "a", "one");
  write(*folder, "b", "two");
  EXPECT_FALSE(fs::exists(child(path, "a")));
  ASSERT_FALSE(folder->keep());
  EXPECT_THAT(list(path), ElementsAre("a", "b"));
  EXPECT_EQ(read(child(path, "b")), "two");
}

TEST_F(OutputFolderTest, NothingIsLeftWithoutKeep) {
  {
    auto folder = OutputFolder::create(path, /*force=*/false);
    ASSERT_TRUE(static_cast<bool>(folder));
    write(*folder, "a", "one");
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(OutputFolderTest, ScriptsCanBeRun) {
  auto folder = OutputFolder::create(path, /*force=*/false);
  ASSERT_TRUE(static_cast<bool>(folder));
  auto os = folder->add("script", /*executable=*/true);
  ASSERT_TRUE(static_cast<bool>(os));
  ASSERT_FALSE(folder->keep());
  EXPECT_TRUE(fs::can_execute(child(path, "script")));
}

TEST_F(OutputFolderTest, RefusesAFolderThatHoldsSomething) {
  {
    auto folder = OutputFolder::create(path, /*force=*/false);
    ASSERT_TRUE(static_cast<bool>(folder));
    write(*folder, "a", "one");
    ASSERT_FALSE(folder->keep());
  }
  EXPECT_THAT(messageOf(), HasSubstr("holds something already"));
  auto folder = OutputFolder::create(path, /*force=*/true);
  ASSERT_TRUE(static_cast<bool>(folder));
  write(*folder, "b", "two");
  ASSERT_FALSE(folder->keep());
  EXPECT_THAT(list(path), ElementsAre("a", "b"));
}

TEST_F(OutputFolderTest, TakesAnEmptyFolderAndLeavesItAfterAnError) {
  ASSERT_FALSE(fs::create_directory(path));
  {
    auto folder = OutputFolder::create(path, /*force=*/false);
    ASSERT_TRUE(static_cast<bool>(folder));
    write(*folder, "a", "one");
  }
  EXPECT_TRUE(fs::is_directory(path));
  EXPECT_TRUE(list(path).empty());
}

TEST_F(OutputFolderTest, RefusesAFileAndAMissingParent) {
  path = child(parent, "no/such");
  EXPECT_THAT(messageOf(), HasSubstr("cannot write"));
  path = child(parent, "file");
  std::error_code code;
  llvm::raw_fd_ostream(path, code) << "text";
  EXPECT_THAT(messageOf(/*force=*/true), HasSubstr("it is not a folder"));
  path = "";
  EXPECT_THAT(messageOf(), HasSubstr("has no name"));
}

} // namespace
