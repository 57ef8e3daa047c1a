//===- NumPyFuzzer.cpp - Hostile .npy and .npz files ----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The first byte says whether the rest is a file, or an array that is put into
/// an archive first: few mutations of an archive keep its checksum.
///
//===----------------------------------------------------------------------===//

#include "NumPyWriter.h"
#include "aero/Support/NumPy.h"

using namespace aero;

/// An error names the file first, in one line.
static void check(llvm::Error error) {
  std::string message = llvm::toString(std::move(error));
  if (message.rfind("file: ", 0) != 0 ||
      message.find('\n') != std::string::npos)
    std::abort();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  std::string bytes(reinterpret_cast<const char *>(data) + 1, size - 1);
  if (data[0] & 1)
    bytes = test::makeArchive({{"array.npy", bytes}}, data[0] & 2);
  constexpr uint64_t limit = 1 << 22;
  auto file = NumPyFile::open(
      llvm::MemoryBuffer::getMemBuffer(bytes, "file",
                                       /*RequiresNullTerminator=*/false),
      limit);
  if (!file) {
    check(file.takeError());
    return 0;
  }
  for (const std::string &name : file->getNames()) {
    auto array = file->read(name);
    if (!array) {
      check(array.takeError());
      continue;
    }
    // A shape is all that a reader looks at.
    uint64_t count = 1;
    for (int64_t dim : array->shape)
      count = dim == 0 ? 0 : count * static_cast<uint64_t>(dim);
    bool isFloat = array->kind == NumPyArray::Kind::Float;
    if ((isFloat ? array->floats.size() : array->ints.size()) != count ||
        (isFloat ? array->ints.size() : array->floats.size()) != 0)
      std::abort();
  }
  return 0;
}
