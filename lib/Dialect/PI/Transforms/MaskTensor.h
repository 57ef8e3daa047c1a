//===- MaskTensor.h - Masks, evaluated for every padding ------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Exporters build the mask of attention in dozens of ways, but all of it is
/// arithmetic on public constants and on one input that is 1 for a token and 0
/// for padding. So the arithmetic is done, once for each of the two values,
/// instead of being compared with known forms.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_DIALECT_PI_TRANSFORMS_MASKTENSOR_H
#define AERO_LIB_DIALECT_PI_TRANSFORMS_MASKTENSOR_H

#include "Raise.h"

#include "llvm/ADT/DenseMap.h"

#include <memory>
#include <vector>

namespace aero::pi {

/// What an exporter adds to a masked score, or puts in its place, at most.
/// Finite masks (-1e4 in old GPT-2, the lowest float elsewhere) are as good as
/// minus infinity: exp of them is 0 in float beside any score of use.
inline constexpr double kMaskedScore = -1e4;

/// A tensor of which each element is a number, or depends on one element of one
/// runtime value, the source, that is 0 or 1.
class MaskTensor {
public:
  /// Size 1 where all elements along a dimension are the same: a mask for all
  /// heads is stored once.
  llvm::SmallVector<int64_t, 4> stored;
  /// The shape that the tensor stands for.
  llvm::SmallVector<int64_t, 4> shape;

  /// A tensor of one number everywhere.
  static MaskTensor splat(double value, size_t rank);

  /// The element at `index` of the stored ones if its source is 0 or 1.
  double get(size_t index, bool sourceValue) const {
    return sourceValue && !ones.empty() ? ones[index] : zeros[index];
  }
  /// Which element of the source the element depends on, or -1.
  int64_t getSourceElement(size_t index) const {
    return elements.empty() ? -1 : elements[index];
  }
  /// The runtime value, null if no element depends on one.
  mlir::Value getSource() const { return source; }

  size_t size() const { return zeros.size(); }

  /// Steps between stored elements along the dimensions of `shape`: 0 where
  /// they are the same.
  llvm::SmallVector<int64_t, 4> getStrides() const;

  /// The same tensor with leading dimensions of 1 up to `rank`.
  MaskTensor withRank(size_t rank) const;
  /// The same elements in another shape, in row-major order.
  MaskTensor reshaped(llvm::ArrayRef<int64_t> shape) const;

private:
  friend class MaskEvaluator;

  /// Stores every element of `shape`.
  MaskTensor expanded() const;

  std::vector<double> zeros;
  /// Empty if no element depends on the source, and so are `elements`.
  std::vector<double> ones;
  std::vector<int32_t> elements;
  mlir::Value source;
};

/// Evaluates the arithmetic behind masks. Remembers what it has evaluated, so
/// the IR must not change while it lives.
class MaskEvaluator {
public:
  enum class Outcome {
    Known,
    /// Made of float inputs or weights: may be a bias, cannot be a mask.
    Computed,
    /// Explained by the reason.
    Failed
  };

  /// Evaluates `value`; the result is null unless the outcome is `Known`.
  Outcome evaluate(mlir::Value value, Explain why);
  const MaskTensor &get(mlir::Value value) const { return *known.at(value); }

  /// Element by element, with broadcasting, of at most three operands; nothing,
  /// and a reason, if an element would depend on two elements of the source.
  using Function = llvm::function_ref<double(const double *)>;
  static std::optional<MaskTensor>
  map(llvm::ArrayRef<const MaskTensor *> operands, Function function,
      Explain why);

private:
  Outcome compute(mlir::Value value, MaskTensor &result, Explain why);
  Outcome computeSource(mlir::Value value, MaskTensor &result, Explain why);
  bool readElements(mlir::ElementsAttr elements, MaskTensor &result);
  bool computeShape(mlir::Operation *op, const MaskTensor &input,
                    MaskTensor &result);
  Outcome computeArithmetic(mlir::Operation *op, MaskTensor &result,
                            Explain why);

  llvm::DenseMap<mlir::Value, std::shared_ptr<MaskTensor>> known;
};

} // namespace aero::pi

#endif // AERO_LIB_DIALECT_PI_TRANSFORMS_MASKTENSOR_H
