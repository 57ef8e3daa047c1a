//===- NumPyWriter.h - .npy and .npz files byte by byte -------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_TEST_UNIT_SUPPORT_NUMPYWRITER_H
#define AERO_TEST_UNIT_SUPPORT_NUMPYWRITER_H

#include <zip.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace aero::test {

/// The start of a .npy file, up to its elements.
inline std::string makeHeader(const std::string &header, char version = 1) {
  std::string bytes = "\x93NUMPY";
  bytes += {version, '\0'};
  uint32_t size = static_cast<uint32_t>(header.size()) + 1;
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i)
    bytes += static_cast<char>(size >> (8 * i));
  return bytes + header + "\n";
}

inline std::string makeArray(const std::string &dtype, const std::string &shape,
                             const std::string &elements,
                             const std::string &isFortran = "False",
                             char version = 1) {
  return makeHeader("{'descr': '" + dtype + "', 'fortran_order': " + isFortran +
                        ", 'shape': " + shape + ", }   ",
                    version) +
         elements;
}

/// A zip archive of files, each a name and its bytes.
inline std::string
makeArchive(const std::vector<std::pair<std::string, std::string>> &files,
            bool deflate) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t *target = zip_source_buffer_create(nullptr, 0, 0, &error);
  zip_source_keep(target);
  zip_t *archive =
      zip_open_from_source(target, ZIP_CREATE | ZIP_TRUNCATE, &error);
  for (const auto &[name, bytes] : files) {
    zip_int64_t index =
        zip_file_add(archive, name.c_str(),
                     zip_source_buffer(archive, bytes.data(), bytes.size(), 0),
                     ZIP_FL_ENC_UTF_8);
    zip_set_file_compression(archive, static_cast<zip_uint64_t>(index),
                             deflate ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0);
  }
  if (zip_close(archive) != 0)
    std::abort();
  zip_stat_t stat;
  zip_source_stat(target, &stat);
  std::string bytes(stat.size, '\0');
  zip_source_open(target);
  if (zip_source_read(target, bytes.data(), bytes.size()) !=
      static_cast<zip_int64_t>(bytes.size()))
    std::abort();
  zip_source_close(target);
  zip_source_free(target);
  zip_error_fini(&error);
  return bytes;
}

} // namespace aero::test

#endif // AERO_TEST_UNIT_SUPPORT_NUMPYWRITER_H
