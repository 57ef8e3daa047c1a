//===- NumPy.h - Arrays from .npy and .npz files --------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Reads what numpy.save, savez and savez_compressed write: numbers of up to 64
/// bits, of either byte order, in C or Fortran order, in versions 1 to 3 of the
/// format (NEP 1). Files are not trusted: nothing in them is run (arrays of
/// Python objects, which NumPy would unpickle, are refused), and no size that a
/// file claims is allocated before it is known to be able to hold it.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_SUPPORT_NUMPY_H
#define AERO_SUPPORT_NUMPY_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

struct zip;

namespace aero {

/// An array, in row-major order whatever the order in the file.
struct NumPyArray {
  enum class Kind { Bool, Int, Float };

  Kind kind = Kind::Float;
  /// As the file has it, "<i4"; for messages.
  std::string dtype;
  std::vector<int64_t> shape;
  /// The elements of Bool (0 or 1) and Int.
  std::vector<int64_t> ints;
  /// The elements of Float. Doubles are rounded.
  std::vector<float> floats;
};

/// A .npz archive, whose arrays have names, or a .npy file, whose one array has
/// the name "". Errors name the file, and the array where it is about one.
class NumPyFile {
public:
  /// An array of more bytes than this, as NumPyArray holds it, is an error.
  static constexpr uint64_t kMaxArrayBytes = uint64_t(1) << 30;

  /// Whether a file that starts with `head` is meant to be one.
  static bool isNumPy(llvm::StringRef head);

  /// Opens the file in `buffer`, whose identifier is its path. The archive's
  /// directory is read here, its arrays by read().
  static llvm::Expected<NumPyFile>
  open(std::unique_ptr<llvm::MemoryBuffer> buffer,
       uint64_t maxArrayBytes = kMaxArrayBytes);
  NumPyFile(NumPyFile &&) = default;
  ~NumPyFile();

  bool isArchive() const { return archive != nullptr; }
  llvm::StringRef getPath() const { return buffer->getBufferIdentifier(); }
  /// In the order of the file.
  llvm::ArrayRef<std::string> getNames() const { return names; }
  /// "tokens.npz: array 'input_ids'", the start of a message about one.
  std::string describe(llvm::StringRef name) const;

  llvm::Expected<NumPyArray> read(llvm::StringRef name) const;

private:
  struct CloseArchive {
    void operator()(struct zip *archive) const;
  };

  NumPyFile(std::unique_ptr<llvm::MemoryBuffer> buffer, uint64_t maxArrayBytes);
  llvm::Error openArchive();
  llvm::Expected<NumPyArray> readEntry(uint64_t index) const;

  std::unique_ptr<llvm::MemoryBuffer> buffer;
  uint64_t maxArrayBytes;
  /// Null for a .npy file. Reads from `buffer`, and goes before it.
  std::unique_ptr<struct zip, CloseArchive> archive;
  std::vector<std::string> names;
};

} // namespace aero

#endif // AERO_SUPPORT_NUMPY_H
