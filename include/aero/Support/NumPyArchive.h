//===- NumPyArchive.h - Writes .npz files ---------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_SUPPORT_NUMPYARCHIVE_H
#define AERO_SUPPORT_NUMPYARCHIVE_H

#include "aero/Support/Elements.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace aero {

/// An archive of single-precision arrays, as numpy.savez writes it: without
/// compression, in version 1 of the format (NEP 1). The same arrays always make
/// the same file.
class NumPyArchive {
public:
  /// Names are unique. The elements are row-major and not copied: what they are
  /// a view of has to live until write().
  void add(llvm::StringRef name, llvm::ArrayRef<int64_t> shape,
           ElementsData<float> elements);

  /// Replaces the file at `path`. No array is gathered in memory.
  llvm::Error write(const std::string &path) const;

private:
  struct Array {
    std::string name;
    /// Everything before the elements.
    std::string header;
    ElementsData<float> elements;
  };
  std::vector<Array> arrays;
};

} // namespace aero

#endif // AERO_SUPPORT_NUMPYARCHIVE_H
