//===- Fold.h - What the evaluators of constants share --------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_IMPORT_ONNX_FOLD_FOLD_H
#define AERO_LIB_IMPORT_ONNX_FOLD_FOLD_H

#include "../Node.h"

namespace aero {

/// One result, or nothing with a recorded fault.
using Folded = std::optional<HostTensor>;
using AllFolded = std::optional<llvm::SmallVector<HostTensor, 1>>;

/// An Evaluator of an operator with one result.
template <Folded (*evaluate)(Node &)> AllFolded foldOne(Node &node) {
  Folded result = evaluate(node);
  if (!result)
    return std::nullopt;
  AllFolded all(std::in_place);
  all->push_back(std::move(*result));
  return all;
}

inline Folded foldError(Node &node, const llvm::Twine &why) {
  (void)node.invalid(why);
  return std::nullopt;
}

/// Integer arithmetic wraps around, as hardware does; a hostile file must not
/// reach undefined behaviour.
inline int64_t wrapAround(uint64_t value) {
  return static_cast<int64_t>(value);
}

/// Result element i is input element offset + (i through strides).
HostTensor gatherStrided(const HostTensor &input, llvm::ArrayRef<int64_t> shape,
                         llvm::ArrayRef<int64_t> strides, int64_t offset);

} // namespace aero

#endif // AERO_LIB_IMPORT_ONNX_FOLD_FOLD_H
