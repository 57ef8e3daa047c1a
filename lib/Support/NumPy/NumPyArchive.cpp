//===- NumPyArchive.cpp - Writes .npz files -------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Support/NumPyArchive.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/Endian.h"

#include <zip.h>

using namespace aero;

/// The start of a .npy file: magic, version, length, a Python dictionary. The
/// elements begin at a multiple of 64.
static std::string makeHeader(llvm::ArrayRef<int64_t> shape) {
  std::string text = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
  for (int64_t size : shape)
    text += std::to_string(size) + ",";
  text += "), }";
  constexpr size_t prefix = 10;
  text.append(63 - (prefix + text.size()) % 64, ' ');
  text += '\n';
  std::string header("\x93NUMPY\x01\x00", 8);
  header += static_cast<char>(text.size() & 0xff);
  header += static_cast<char>(text.size() >> 8);
  return header + text;
}

void NumPyArchive::add(llvm::StringRef name, llvm::ArrayRef<int64_t> shape,
                       ElementsData<float> elements) {
  arrays.push_back({name.str(), makeHeader(shape), std::move(elements)});
}

llvm::Error NumPyArchive::write(const std::string &path) const {
  static_assert(llvm::endianness::native == llvm::endianness::little);
  auto fault = [&](const char *why) {
    return llvm::createStringError("cannot write '" + path + "': " + why);
  };
  int code = 0;
  zip_t *archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
  if (!archive) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    llvm::Error result = fault(zip_error_strerror(&error));
    zip_error_fini(&error);
    return result;
  }
  llvm::scope_exit discard([&] { zip_discard(archive); });
  for (const Array &array : arrays) {
    const zip_buffer_fragment_t fragments[] = {
        {reinterpret_cast<zip_uint8_t *>(
             const_cast<char *>(array.header.data())),
         array.header.size()},
        {reinterpret_cast<zip_uint8_t *>(
             const_cast<float *>(array.elements.begin())),
         array.elements.size() * sizeof(float)}};
    zip_source_t *source =
        zip_source_buffer_fragment(archive, fragments, 2, /*freep=*/0);
    if (!source)
      return fault(zip_strerror(archive));
    zip_int64_t index = zip_file_add(archive, (array.name + ".npy").c_str(),
                                     source, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
      zip_source_free(source);
      return fault(zip_strerror(archive));
    }
    auto at = static_cast<zip_uint64_t>(index);
    // The oldest time that an archive can hold, so that files can be compared.
    if (zip_set_file_compression(archive, at, ZIP_CM_STORE, 0) != 0 ||
        zip_file_set_dostime(archive, at, /*time=*/0, /*date=*/33, 0) != 0)
      return fault(zip_strerror(archive));
  }
  if (zip_close(archive) != 0)
    return fault(zip_strerror(archive));
  discard.release();
  return llvm::Error::success();
}
