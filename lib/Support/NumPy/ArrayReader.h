//===- ArrayReader.h - The .npy format ------------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_SUPPORT_NUMPY_ARRAYREADER_H
#define AERO_LIB_SUPPORT_NUMPY_ARRAYREADER_H

#include "aero/Support/NumPy.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace aero::numpy {

/// What every .npy file starts with.
inline constexpr llvm::StringLiteral kMagic = "\x93NUMPY";

/// Fills the buffer with the next bytes; not enough of them are an error.
using ReadBytes = llvm::function_ref<llvm::Error(llvm::MutableArrayRef<char>)>;

/// Reads a .npy file of `size` bytes in pieces. Errors are phrases to be put
/// after the array's name.
llvm::Expected<NumPyArray> readArray(uint64_t size, ReadBytes read,
                                     uint64_t maxArrayBytes);

/// The text in quotes, as one line whatever is in it.
std::string quote(llvm::StringRef text);

} // namespace aero::numpy

#endif // AERO_LIB_SUPPORT_NUMPY_ARRAYREADER_H
