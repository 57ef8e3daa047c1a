//===- ArrayReader.cpp - The .npy format ----------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// "\x93NUMPY", the version, the length of the header in 2 bytes (version 1) or
/// 4, the header, the elements. The header is a Python literal,
///   {'descr': '<i8', 'fortran_order': False, 'shape': (3, 4), }
/// of which these three keys and no others are taken.
///
//===----------------------------------------------------------------------===//

#include "ArrayReader.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

#include <optional>

using namespace aero;
using llvm::StringRef;

namespace {

/// NumPy refuses headers above 10,000 bytes itself.
constexpr uint64_t kMaxHeaderBytes = 1 << 16;
/// NumPy has 64 since version 2.
constexpr size_t kMaxRank = 64;
constexpr size_t kPrefixBytes = 8;
constexpr size_t kChunkBytes = 1 << 16;

llvm::Error fault(const llvm::Twine &text) {
  return llvm::createStringError(text);
}

//===----------------------------------------------------------------------===//
// Header
//===----------------------------------------------------------------------===//

struct ElementType {
  enum class Code { Bool, Signed, Unsigned, Float };
  Code code = Code::Float;
  unsigned bytes = 4;
  bool isBigEndian = false;
};

struct Header {
  std::string dtype;
  bool isFortran = false;
  std::vector<int64_t> shape;
};

llvm::Expected<ElementType> parseType(StringRef dtype) {
  auto refuse = [&]() -> llvm::Error {
    return fault("has the dtype " + numpy::quote(dtype) +
                 "; expected bool, int, uint or float of 8 to 64 bits");
  };
  if (dtype.ends_with("O"))
    return fault("holds Python objects, which are never loaded; save it as "
                 "numbers, e.g. array.astype(numpy.int64)");
  if (dtype.size() != 3 || !StringRef("<>|").contains(dtype[0]))
    return refuse();
  ElementType type;
  type.bytes = static_cast<unsigned>(dtype[2] - '0');
  type.isBigEndian = dtype[0] == '>';
  bool isKnown = false;
  switch (dtype[1]) {
  case 'b':
    type.code = ElementType::Code::Bool;
    isKnown = type.bytes == 1;
    break;
  case 'i':
  case 'u':
    type.code = dtype[1] == 'i' ? ElementType::Code::Signed
                                : ElementType::Code::Unsigned;
    isKnown = type.bytes == 1 || type.bytes == 2 || type.bytes == 4 ||
              type.bytes == 8;
    break;
  case 'f':
    isKnown = type.bytes == 2 || type.bytes == 4 || type.bytes == 8;
    break;
  default:
    break;
  }
  // Only a byte has no order.
  if (!isKnown || (dtype[0] == '|' && type.bytes != 1))
    return refuse();
  return type;
}

class HeaderParser {
public:
  explicit HeaderParser(StringRef text) : rest(text) {}

  llvm::Expected<Header> run();

private:
  llvm::Error damaged(const llvm::Twine &what) {
    return fault("has a damaged header: " + what + "; save it again");
  }
  void skipSpaces() { rest = rest.ltrim(' '); }
  bool take(StringRef token) {
    skipSpaces();
    return rest.consume_front(token);
  }
  std::optional<StringRef> takeString();
  llvm::Error parseValue(StringRef key, Header &header);
  llvm::Error parseShape(std::vector<int64_t> &shape);

  StringRef rest;
};

/// A string without escapes: no name or dtype that counts has any.
std::optional<StringRef> HeaderParser::takeString() {
  skipSpaces();
  if (rest.empty() || (rest[0] != '\'' && rest[0] != '"'))
    return std::nullopt;
  size_t end = rest.find(rest[0], 1);
  if (end == StringRef::npos)
    return std::nullopt;
  StringRef text = rest.slice(1, end);
  rest = rest.drop_front(end + 1);
  if (text.contains('\\'))
    return std::nullopt;
  return text;
}

/// (), (3,), (3, 4) or (3, 4,)
llvm::Error HeaderParser::parseShape(std::vector<int64_t> &shape) {
  if (!take("("))
    return damaged("its shape is no tuple");
  bool hasComma = true;
  while (!take(")")) {
    skipSpaces();
    StringRef digits = rest.take_while(llvm::isDigit);
    int64_t size = 0;
    if (!hasComma || digits.getAsInteger(10, size))
      return damaged("its shape is no tuple of sizes");
    rest = rest.drop_front(digits.size());
    shape.push_back(size);
    hasComma = take(",");
  }
  if (shape.size() == 1 && !hasComma)
    return damaged("its shape is no tuple");
  if (shape.size() > kMaxRank)
    return fault("has " + llvm::Twine(shape.size()) + " dimensions");
  return llvm::Error::success();
}

llvm::Error HeaderParser::parseValue(StringRef key, Header &header) {
  if (key == "shape")
    return parseShape(header.shape);
  if (key == "fortran_order") {
    header.isFortran = take("True");
    if (!header.isFortran && !take("False"))
      return damaged("fortran_order is neither True nor False");
    return llvm::Error::success();
  }
  if (key != "descr")
    return damaged("it has the key " + numpy::quote(key));
  if (take("["))
    return fault("is a structured array; save each of its fields as an array");
  std::optional<StringRef> dtype = takeString();
  if (!dtype)
    return damaged("its dtype is no string");
  header.dtype = dtype->str();
  return llvm::Error::success();
}

llvm::Expected<Header> HeaderParser::run() {
  Header header;
  llvm::SmallVector<StringRef, 3> keys;
  if (!take("{"))
    return damaged("it is no dictionary");
  bool hasComma = true;
  while (!take("}")) {
    std::optional<StringRef> key = takeString();
    if (!hasComma || !key || !take(":"))
      return damaged("it is no dictionary");
    if (llvm::is_contained(keys, *key))
      return damaged("it has the key " + numpy::quote(*key) + " twice");
    keys.push_back(*key);
    if (llvm::Error error = parseValue(*key, header))
      return error;
    hasComma = take(",");
  }
  if (!rest.trim(" \n").empty())
    return damaged("something follows it");
  for (StringRef key : {"descr", "fortran_order", "shape"})
    if (!llvm::is_contained(keys, key))
      return damaged("it has no key " + numpy::quote(key));
  return header;
}

/// The elements of `shape`, if they and their bytes can be counted.
std::optional<uint64_t> countElements(llvm::ArrayRef<int64_t> shape) {
  // A size of 0 makes any other harmless.
  if (llvm::is_contained(shape, 0))
    return 0;
  uint64_t count = 1;
  for (int64_t size : shape) {
    bool overflows = false;
    count = llvm::SaturatingMultiply(count, static_cast<uint64_t>(size),
                                     &overflows);
    if (overflows)
      return std::nullopt;
  }
  return count;
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

uint64_t readBits(const char *bytes, ElementType type) {
  using namespace llvm::support::endian;
  llvm::endianness order =
      type.isBigEndian ? llvm::endianness::big : llvm::endianness::little;
  switch (type.bytes) {
  case 1:
    return static_cast<uint8_t>(*bytes);
  case 2:
    return read<uint16_t>(bytes, order);
  case 4:
    return read<uint32_t>(bytes, order);
  default:
    return read<uint64_t>(bytes, order);
  }
}

float toFloat(uint64_t bits, ElementType type) {
  if (type.bytes == 2)
    return llvm::APFloat(llvm::APFloat::IEEEhalf(), llvm::APInt(16, bits))
        .convertToFloat();
  if (type.bytes == 4)
    return llvm::bit_cast<float>(static_cast<uint32_t>(bits));
  return static_cast<float>(llvm::bit_cast<double>(bits));
}

/// Appends one element, read from its bytes.
llvm::Error append(NumPyArray &array, uint64_t bits, ElementType type) {
  auto refuse = [&](StringRef what) {
    return fault("element " + llvm::Twine(array.ints.size()) + " (as stored) " +
                 what);
  };
  switch (type.code) {
  case ElementType::Code::Float:
    array.floats.push_back(toFloat(bits, type));
    break;
  case ElementType::Code::Signed:
    array.ints.push_back(llvm::SignExtend64(bits, type.bytes * 8));
    break;
  case ElementType::Code::Unsigned:
    if (bits > static_cast<uint64_t>(INT64_MAX))
      return refuse("is too large for int64");
    array.ints.push_back(static_cast<int64_t>(bits));
    break;
  case ElementType::Code::Bool:
    if (bits > 1)
      return refuse("is a truth value that is neither 0 nor 1");
    array.ints.push_back(static_cast<int64_t>(bits));
    break;
  }
  return llvm::Error::success();
}

/// From column-major to row-major order.
template <typename T>
void reorder(std::vector<T> &values, llvm::ArrayRef<int64_t> shape) {
  if (shape.size() < 2 || values.empty())
    return;
  std::vector<T> rowMajor;
  rowMajor.reserve(values.size());
  std::vector<size_t> strides(shape.size(), 1), index(shape.size(), 0);
  for (size_t i = 1; i < shape.size(); ++i)
    strides[i] = strides[i - 1] * static_cast<size_t>(shape[i - 1]);
  size_t from = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    rowMajor.push_back(values[from]);
    for (size_t dim = shape.size(); dim-- > 0;) {
      from += strides[dim];
      if (++index[dim] < static_cast<size_t>(shape[dim]))
        break;
      from -= strides[dim] * index[dim];
      index[dim] = 0;
    }
  }
  values = std::move(rowMajor);
}

} // namespace

std::string numpy::quote(StringRef text) {
  std::string quoted = "'";
  for (char c : text)
    quoted += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return quoted + "'";
}

llvm::Expected<NumPyArray> numpy::readArray(uint64_t size, ReadBytes read,
                                            uint64_t maxArrayBytes) {
  auto cut = [&]() -> llvm::Error {
    return fault("is cut off after " + llvm::Twine(size) +
                 " bytes, in its header; save it again");
  };
  char prefix[kPrefixBytes + 4];
  if (size < kPrefixBytes)
    return fault("is no .npy file; write it with numpy.save or numpy.savez");
  if (llvm::Error error = read(llvm::MutableArrayRef(prefix, kPrefixBytes)))
    return error;
  if (StringRef(prefix, numpy::kMagic.size()) != numpy::kMagic)
    return fault("is no .npy file; write it with numpy.save or numpy.savez");
  unsigned major = static_cast<uint8_t>(prefix[6]);
  unsigned minor = static_cast<uint8_t>(prefix[7]);
  if (major < 1 || major > 3 || minor != 0)
    return fault("has version " + llvm::Twine(major) + "." +
                 llvm::Twine(minor) +
                 " of the .npy format; 1.0 to 3.0 are "
                 "known");
  size_t lengthBytes = major == 1 ? 2 : 4;
  uint64_t used = kPrefixBytes + lengthBytes;
  if (size < used)
    return cut();
  if (llvm::Error error =
          read(llvm::MutableArrayRef(prefix + kPrefixBytes, lengthBytes)))
    return error;
  uint64_t headerBytes = readBits(
      prefix + kPrefixBytes,
      {ElementType::Code::Unsigned, static_cast<unsigned>(lengthBytes), false});
  if (headerBytes > kMaxHeaderBytes)
    return fault("has a header of " + llvm::Twine(headerBytes) +
                 " bytes, which is too long");
  if (headerBytes > size - used)
    return cut();
  std::string text(headerBytes, '\0');
  if (llvm::Error error = read(text))
    return error;
  used += headerBytes;

  auto header = HeaderParser(text).run();
  if (!header)
    return header.takeError();
  auto type = parseType(header->dtype);
  if (!type)
    return type.takeError();
  std::optional<uint64_t> count = countElements(header->shape);
  // Before anything of that size is allocated.
  if (!count || *count > (size - used) / type->bytes ||
      *count * type->bytes != size - used)
    return fault("has " + llvm::Twine(size - used) +
                 " bytes of elements, which is not what its shape and dtype "
                 "need; save it again");

  NumPyArray array;
  array.dtype = header->dtype;
  array.shape = std::move(header->shape);
  array.kind = type->code == ElementType::Code::Float  ? NumPyArray::Kind::Float
               : type->code == ElementType::Code::Bool ? NumPyArray::Kind::Bool
                                                       : NumPyArray::Kind::Int;
  bool isFloat = array.kind == NumPyArray::Kind::Float;
  if (*count > maxArrayBytes / (isFloat ? sizeof(float) : sizeof(int64_t)))
    return fault("has " + llvm::Twine(*count) +
                 " elements, which are too many; split the file");
  if (isFloat)
    array.floats.reserve(*count);
  else
    array.ints.reserve(*count);
  std::vector<char> chunk(kChunkBytes);
  for (uint64_t left = *count * type->bytes; left > 0;) {
    size_t bytes = std::min<uint64_t>(left, kChunkBytes);
    if (llvm::Error error = read(llvm::MutableArrayRef(chunk.data(), bytes)))
      return error;
    left -= bytes;
    for (size_t at = 0; at < bytes; at += type->bytes)
      if (llvm::Error error =
              append(array, readBits(chunk.data() + at, *type), *type))
        return error;
  }
  if (header->isFortran) {
    reorder(array.ints, array.shape);
    reorder(array.floats, array.shape);
  }
  return array;
}
