//===- TensorReader.cpp - Tensors of an ONNX file -------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TensorReader.h"

#include "Node.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <bit>
#include <cstring>

#include <onnx/onnx_pb.h>

using namespace aero;
using llvm::StringRef;
using onnx::TensorProto;

// ONNX raw data is little-endian, and so is what this reads it as.
static_assert(std::endian::native == std::endian::little);

namespace {

template <typename... Args>
llvm::Error fault(const char *format, const Args &...args) {
  return llvm::createStringError(std::errc::invalid_argument, format, args...);
}

llvm::Error fault(const std::string &text) { return fault("%s", text.c_str()); }

/// Bytes of one element in raw_data, or 0 for a type that is not supported.
int64_t getRawWidth(int32_t type) {
  switch (type) {
  case TensorProto::BOOL:
  case TensorProto::INT8:
  case TensorProto::UINT8:
    return 1;
  case TensorProto::FLOAT16:
  case TensorProto::BFLOAT16:
  case TensorProto::INT16:
  case TensorProto::UINT16:
    return 2;
  case TensorProto::FLOAT:
  case TensorProto::INT32:
  case TensorProto::UINT32:
    return 4;
  case TensorProto::DOUBLE:
  case TensorProto::INT64:
    return 8;
  default:
    return 0;
  }
}

/// How many elements the field that belongs to the type holds, when there is no
/// raw data.
int64_t getFieldSize(const TensorProto &tensor) {
  switch (tensor.data_type()) {
  case TensorProto::FLOAT:
    return tensor.float_data_size();
  case TensorProto::DOUBLE:
    return tensor.double_data_size();
  case TensorProto::INT64:
    return tensor.int64_data_size();
  case TensorProto::UINT32:
    return tensor.uint64_data_size();
  default:
    return tensor.int32_data_size();
  }
}

template <typename T> T load(const char *data) {
  T value;
  std::memcpy(&value, data, sizeof(T));
  return value;
}

float widen(const llvm::fltSemantics &semantics, uint16_t bits) {
  llvm::APFloat value(semantics, llvm::APInt(16, bits));
  bool lost = false;
  value.convert(llvm::APFloat::IEEEsingle(), llvm::APFloat::rmNearestTiesToEven,
                &lost);
  return value.convertToFloat();
}

float readFloat(int32_t type, const char *data) {
  switch (type) {
  case TensorProto::FLOAT:
    return load<float>(data);
  case TensorProto::DOUBLE:
    return static_cast<float>(load<double>(data));
  case TensorProto::FLOAT16:
    return widen(llvm::APFloat::IEEEhalf(), load<uint16_t>(data));
  default:
    return widen(llvm::APFloat::BFloat(), load<uint16_t>(data));
  }
}

int64_t readInt(int32_t type, const char *data) {
  switch (type) {
  case TensorProto::BOOL:
    return *data != 0;
  case TensorProto::INT8:
    return load<int8_t>(data);
  case TensorProto::UINT8:
    return load<uint8_t>(data);
  case TensorProto::INT16:
    return load<int16_t>(data);
  case TensorProto::UINT16:
    return load<uint16_t>(data);
  case TensorProto::INT32:
    return load<int32_t>(data);
  case TensorProto::UINT32:
    return load<uint32_t>(data);
  default:
    return load<int64_t>(data);
  }
}

float readFloatField(const TensorProto &tensor, int i) {
  switch (tensor.data_type()) {
  case TensorProto::FLOAT:
    return tensor.float_data(i);
  case TensorProto::DOUBLE:
    return static_cast<float>(tensor.double_data(i));
  case TensorProto::FLOAT16:
    return widen(llvm::APFloat::IEEEhalf(),
                 static_cast<uint16_t>(tensor.int32_data(i)));
  default:
    return widen(llvm::APFloat::BFloat(),
                 static_cast<uint16_t>(tensor.int32_data(i)));
  }
}

int64_t readIntField(const TensorProto &tensor, int i) {
  switch (tensor.data_type()) {
  case TensorProto::INT64:
    return tensor.int64_data(i);
  case TensorProto::UINT32:
    return static_cast<int64_t>(tensor.uint64_data(i) & 0xffffffffu);
  case TensorProto::BOOL:
    return tensor.int32_data(i) != 0;
  default:
    return tensor.int32_data(i);
  }
}

/// The entries of external_data that are understood.
struct ExternalEntry {
  std::string location;
  uint64_t offset = 0;
  std::optional<uint64_t> length;
};

llvm::Expected<ExternalEntry> getEntry(const TensorProto &tensor) {
  ExternalEntry entry;
  for (const onnx::StringStringEntryProto &pair : tensor.external_data()) {
    if (pair.key() == "location") {
      entry.location = pair.value();
      continue;
    }
    uint64_t number = 0;
    if (pair.key() != "offset" && pair.key() != "length")
      continue; // checksum
    if (StringRef(pair.value()).getAsInteger(10, number))
      return fault("has " + quoted(pair.value()) + " as the " + pair.key() +
                   " of its external data, which is no number; save the model "
                   "again");
    if (pair.key() == "offset")
      entry.offset = number;
    else
      entry.length = number;
  }
  return entry;
}

} // namespace

bool aero::isExternal(const TensorProto &tensor) {
  return tensor.data_location() == TensorProto::EXTERNAL;
}

llvm::Expected<std::pair<ElementKind, Shape>>
TensorReader::check(const TensorProto &tensor) {
  std::optional<ElementKind> kind = getElementKind(tensor.data_type());
  if (!kind)
    return fault("has element type %s, which is not supported; store it as "
                 "float, int64 or bool",
                 getElementTypeName(tensor.data_type()).c_str());
  if (tensor.has_segment())
    return fault("is stored in segments, which is not supported; save it "
                 "whole");
  Shape shape(tensor.dims().begin(), tensor.dims().end());
  std::optional<int64_t> count = countElements(shape);
  if (!count)
    return fault("has impossible dimensions; the file is damaged, export it "
                 "again");
  int64_t width = getRawWidth(tensor.data_type());
  auto expectBytes = [&](uint64_t bytes) -> llvm::Error {
    if (bytes == static_cast<uint64_t>(*count) * width)
      return llvm::Error::success();
    return fault("holds %llu bytes, but its shape needs %lld; the file is "
                 "damaged, export it again",
                 static_cast<unsigned long long>(bytes),
                 static_cast<long long>(*count * width));
  };
  if (isExternal(tensor)) {
    auto mapped = mapExternal(tensor);
    if (!mapped)
      return mapped.takeError();
    if (llvm::Error error = expectBytes(mapped->bytes.size()))
      return error;
  } else if (tensor.has_raw_data()) {
    if (llvm::Error error = expectBytes(tensor.raw_data().size()))
      return error;
  } else if (getFieldSize(tensor) != *count) {
    return fault("holds %lld elements, but its shape needs %lld; the file is "
                 "damaged, export it again",
                 static_cast<long long>(getFieldSize(tensor)),
                 static_cast<long long>(*count));
  }
  return std::make_pair(*kind, shape);
}

llvm::Expected<HostTensor> TensorReader::read(const TensorProto &tensor) {
  auto checked = check(tensor);
  if (!checked)
    return checked.takeError();
  HostTensor result = HostTensor::makeZeros(checked->first, checked->second);
  bool isFloat = result.kind == ElementKind::Float;
  int64_t count = result.size();
  int32_t type = tensor.data_type();
  if (!isExternal(tensor) && !tensor.has_raw_data()) {
    for (int64_t i = 0; i < count; ++i) {
      if (isFloat)
        result.floats[i] = readFloatField(tensor, i);
      else
        result.ints[i] = readIntField(tensor, i);
    }
    return result;
  }
  StringRef bytes = tensor.raw_data();
  MappedBytes mapped;
  if (isExternal(tensor)) {
    mapped = llvm::cantFail(mapExternal(tensor));
    bytes = mapped.bytes;
  }
  if (type == TensorProto::FLOAT && count) {
    std::memcpy(result.floats.data(), bytes.data(), bytes.size());
    return result;
  }
  int64_t width = getRawWidth(type);
  for (int64_t i = 0; i < count; ++i) {
    if (isFloat)
      result.floats[i] = readFloat(type, bytes.data() + i * width);
    else
      result.ints[i] = readInt(type, bytes.data() + i * width);
  }
  return result;
}

//===----------------------------------------------------------------------===//
// External data
//===----------------------------------------------------------------------===//

llvm::Expected<TensorReader::Region> TensorReader::mapFile(StringRef location) {
  auto [entry, isNew] = files.try_emplace(location);
  if (!isNew && entry->second)
    return entry->second;
  if (folder.empty())
    return fault("keeps its data in another file, but the model has no folder; "
                 "name the model's file");
  std::string title = "keeps its data in " + quoted(location) + ", which ";
  // A model is data from somebody else: it must not read what lies elsewhere.
  namespace path = llvm::sys::path;
  bool leaves =
      llvm::any_of(llvm::make_range(path::begin(location), path::end(location)),
                   [](StringRef part) { return part == ".."; });
  if (location.empty() || location.contains('\0'))
    return fault("keeps its data in a file without a name; save the model "
                 "again");
  if (path::is_absolute(location) || leaves)
    return fault(title + "is not in the model's folder; save the data beside "
                         "the model, under a relative name");
  llvm::SmallString<256> name(folder), real, realFolder;
  path::append(name, location);
  if (std::error_code error = llvm::sys::fs::real_path(name, real))
    return fault(title + "cannot be opened: " + error.message() +
                 "; put it beside the model");
  llvm::sys::fs::file_status status;
  // Asked before it is opened: opening a pipe waits for its other end.
  if (llvm::sys::fs::status(real, status) ||
      !llvm::sys::fs::is_regular_file(status))
    return fault(title + "is no regular file; save the model again");
  if (llvm::sys::fs::real_path(folder, realFolder) ||
      !(real.str().starts_with(realFolder) &&
        (realFolder.ends_with("/") ||
         real.str().substr(realFolder.size()).starts_with("/"))))
    return fault(title + "is a link out of the model's folder; copy the file "
                         "there instead");
  auto file = llvm::sys::fs::openNativeFileForRead(real);
  if (!file)
    return fault(title + "cannot be opened: " +
                 llvm::toString(file.takeError()) + "; check its permissions");
  llvm::scope_exit close([&] {
    std::error_code ignored = llvm::sys::fs::closeFile(*file);
    (void)ignored;
  });
  if (llvm::sys::fs::status(*file, status))
    return fault(title + "cannot be read; check its permissions");
  if (status.getSize() == 0)
    return fault(title + "is empty; save the model again");
  std::error_code error;
  auto region = std::make_shared<llvm::sys::fs::mapped_file_region>(
      *file, llvm::sys::fs::mapped_file_region::readonly, status.getSize(),
      /*offset=*/0, error);
  if (error)
    return fault(title + "cannot be mapped: " + error.message() +
                 "; save the model with all its data in one file");
  entry->second = region;
  mappedBytes += status.getSize();
  return entry->second;
}

llvm::Expected<MappedBytes>
TensorReader::mapExternal(const TensorProto &tensor) {
  auto entry = getEntry(tensor);
  if (!entry)
    return entry.takeError();
  std::optional<int64_t> count =
      countElements(Shape(tensor.dims().begin(), tensor.dims().end()));
  uint64_t needed = count.value_or(0) * getRawWidth(tensor.data_type());
  if (needed == 0)
    return MappedBytes();
  auto region = mapFile(entry->location);
  if (!region)
    return region.takeError();
  uint64_t size = (*region)->size();
  uint64_t length = entry->length.value_or(needed);
  if (entry->offset > size || length > size - entry->offset)
    return fault("keeps " + std::to_string(length) + " bytes of data in " +
                 quoted(entry->location) + " from byte " +
                 std::to_string(entry->offset) + " on, but the file ends at " +
                 std::to_string(size) + "; copy or save it again");
  return MappedBytes{
      *region, StringRef((*region)->const_data() + entry->offset, length)};
}

llvm::Error TensorReader::claimExternal(const TensorProto &tensor) {
  // Parameters that are stored once and used under many names are fine.
  constexpr uint64_t factor = 16, free = uint64_t(1) << 26;
  auto mapped = mapExternal(tensor);
  if (!mapped)
    return mapped.takeError();
  claimedBytes += mapped->bytes.size();
  if (claimedBytes <= factor * mappedBytes + free)
    return llvm::Error::success();
  return fault("shares its external data with so many other tensors that they "
               "take more than %llu times what the files hold; save the model "
               "again",
               static_cast<unsigned long long>(factor));
}
