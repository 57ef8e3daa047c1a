//===- TiedWeights.h - Matrices that a file holds twice -------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_IMPORT_ONNX_TIEDWEIGHTS_H
#define AERO_LIB_IMPORT_ONNX_TIEDWEIGHTS_H

#include "mlir/IR/BuiltinAttributes.h"

#include <map>
#include <string>
#include <tuple>
#include <vector>

namespace aero {

/// Finds matrices that were imported before. Exporters store a vocabulary
/// matrix that is tied to the embedding table a second time, mostly transposed.
class TiedWeights {
public:
  struct Matrix {
    std::string name;
    mlir::ElementsAttr data;
  };
  struct Match : Matrix {
    bool transposed = false;
  };

  /// The earlier matrix that holds the numbers of a matrix of `shape`, if there
  /// is one. Only matrices of some size that are not one number throughout are
  /// compared.
  std::optional<Match> find(llvm::ArrayRef<int64_t> shape,
                            llvm::ArrayRef<float> values) const;
  /// Remembers an f32 resource.
  void add(llvm::StringRef name, mlir::ElementsAttr data);

private:
  /// Rows, columns, and a hash of the diagonal, which a transposition keeps.
  using Key = std::tuple<int64_t, int64_t, size_t>;
  std::map<Key, std::vector<Matrix>> matrices;
};

} // namespace aero

#endif // AERO_LIB_IMPORT_ONNX_TIEDWEIGHTS_H
