//===- NumPyFile.cpp - .npz archives and .npy files -----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ArrayReader.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringSet.h"

#include <zip.h>

#include <cstring>

using namespace aero;
using llvm::StringRef;

/// No stream of deflate unpacks to more than 258 bytes for each two bits.
static constexpr uint64_t kMaxDeflateRatio = 1032;

static llvm::Error fault(const llvm::Twine &text) {
  return llvm::createStringError(text);
}

void NumPyFile::CloseArchive::operator()(struct zip *archive) const {
  zip_discard(archive);
}

NumPyFile::NumPyFile(std::unique_ptr<llvm::MemoryBuffer> buffer,
                     uint64_t maxArrayBytes)
    : buffer(std::move(buffer)), maxArrayBytes(maxArrayBytes) {}

NumPyFile::~NumPyFile() = default;

bool NumPyFile::isNumPy(StringRef head) {
  // The second is an archive without entries.
  return head.starts_with(numpy::kMagic) || head.starts_with("PK\x03\x04") ||
         head.starts_with("PK\x05\x06");
}

std::string NumPyFile::describe(StringRef name) const {
  std::string text = getPath().str() + ":";
  if (archive)
    text += " array " + numpy::quote(name);
  return text;
}

llvm::Expected<NumPyFile>
NumPyFile::open(std::unique_ptr<llvm::MemoryBuffer> buffer,
                uint64_t maxArrayBytes) {
  NumPyFile file(std::move(buffer), maxArrayBytes);
  if (file.buffer->getBuffer().starts_with(numpy::kMagic)) {
    file.names.emplace_back();
    return file;
  }
  if (llvm::Error error = file.openArchive())
    return fault(file.getPath() + ": " + llvm::toString(std::move(error)));
  return file;
}

llvm::Error NumPyFile::openArchive() {
  // To libzip, an archive without entries.
  if (buffer->getBufferSize() == 0)
    return fault("is no NumPy file but empty; write it again with numpy.savez");
  auto damaged = [](zip_error_t *error) {
    return fault(llvm::Twine("is no NumPy file, or a damaged archive (") +
                 zip_error_strerror(error) +
                 "); write it again with numpy.savez");
  };
  zip_error_t error;
  zip_error_init(&error);
  llvm::scope_exit finish([&] { zip_error_fini(&error); });
  zip_source_t *source = zip_source_buffer_create(
      buffer->getBufferStart(), buffer->getBufferSize(), /*freep=*/0, &error);
  if (!source)
    return damaged(&error);
  archive.reset(zip_open_from_source(source, ZIP_RDONLY, &error));
  if (!archive) {
    zip_source_free(source);
    return damaged(&error);
  }
  zip_int64_t count = zip_get_num_entries(archive.get(), 0);
  llvm::StringSet<> seen;
  for (zip_int64_t i = 0; i < count; ++i) {
    const char *entry =
        zip_get_name(archive.get(), static_cast<zip_uint64_t>(i), 0);
    if (!entry)
      return damaged(zip_get_error(archive.get()));
    StringRef name = entry;
    if (!name.consume_back(".npy"))
      return fault("holds " + numpy::quote(entry) +
                   ", which is no array; write it with numpy.savez");
    if (!seen.insert(name).second)
      return fault("holds two arrays " + numpy::quote(name));
    names.push_back(name.str());
  }
  return llvm::Error::success();
}

llvm::Expected<NumPyArray> NumPyFile::readEntry(uint64_t index) const {
  auto damaged = [](zip_error_t *error) -> llvm::Error {
    return fault(llvm::Twine("cannot be unpacked: ") +
                 zip_error_strerror(error) + "; write the archive again");
  };
  zip_stat_t stat;
  constexpr uint64_t needed = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE |
                              ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
  if (zip_stat_index(archive.get(), index, 0, &stat) != 0 ||
      (stat.valid & needed) != needed)
    return damaged(zip_get_error(archive.get()));
  if (stat.encryption_method != ZIP_EM_NONE)
    return fault("is encrypted; write it with numpy.savez");
  bool isStored = stat.comp_method == ZIP_CM_STORE;
  if (!isStored && stat.comp_method != ZIP_CM_DEFLATE)
    return fault("is packed by method " + llvm::Twine(stat.comp_method) +
                 "; write it with numpy.savez or savez_compressed");
  uint64_t packed = stat.comp_size;
  if (packed > buffer->getBufferSize() ||
      (isStored ? stat.size != packed : stat.size / kMaxDeflateRatio > packed))
    return fault("claims " + llvm::Twine(stat.size) + " bytes, which its " +
                 llvm::Twine(packed) +
                 " packed ones cannot hold; write the "
                 "archive again");

  zip_file_t *file = zip_fopen_index(archive.get(), index, 0);
  if (!file)
    return damaged(zip_get_error(archive.get()));
  llvm::scope_exit close([&] { zip_fclose(file); });
  auto read = [&](llvm::MutableArrayRef<char> bytes) -> llvm::Error {
    while (!bytes.empty()) {
      zip_int64_t count = zip_fread(file, bytes.data(), bytes.size());
      if (count < 0)
        return damaged(zip_file_get_error(file));
      if (count == 0)
        return fault("ends too early; write the archive again");
      bytes = bytes.drop_front(static_cast<size_t>(count));
    }
    return llvm::Error::success();
  };
  auto array = numpy::readArray(stat.size, read, maxArrayBytes);
  if (!array)
    return array.takeError();
  // The checksum is compared at the end, which has to be asked for.
  char more;
  zip_int64_t count = zip_fread(file, &more, 1);
  if (count < 0)
    return damaged(zip_file_get_error(file));
  if (count > 0)
    return fault("is longer than it claims; write the archive again");
  return array;
}

llvm::Expected<NumPyArray> NumPyFile::read(StringRef name) const {
  auto found = llvm::find(names, name);
  if (found == names.end())
    return fault(getPath() + ": has no array " + numpy::quote(name));
  llvm::Expected<NumPyArray> array = NumPyArray();
  if (archive) {
    array = readEntry(static_cast<uint64_t>(found - names.begin()));
  } else {
    StringRef rest = buffer->getBuffer();
    array = numpy::readArray(
        rest.size(),
        [&](llvm::MutableArrayRef<char> bytes) -> llvm::Error {
          // readArray asks for no more than the size that it was given.
          std::memcpy(bytes.data(), rest.data(), bytes.size());
          rest = rest.drop_front(bytes.size());
          return llvm::Error::success();
        },
        maxArrayBytes);
  }
  if (!array)
    return fault(describe(name) + " " + llvm::toString(array.takeError()));
  return array;
}
