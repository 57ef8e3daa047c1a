//===- ScaleRegion.h - Where a constant factor can go ---------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_DIALECT_PI_TRANSFORMS_SCALEREGION_H
#define AERO_LIB_DIALECT_PI_TRANSFORMS_SCALEREGION_H

#include "Weights.h"
#include "llvm/ADT/SetVector.h"

namespace aero::pi {

/// Whether `op` takes columns of the result of a linear map.
bool isColumnSlice(mlir::Operation *op);

/// Whether nothing but `columnSlice` reads the columns that it takes.
bool readsColumnsAlone(mlir::Operation *columnSlice);

/// A set of values v that can be replaced, all together, by v / c for a
/// constant c, because every op at its border absorbs the factor.
///
/// It starts with one value and takes in what has to follow: the operands of
/// what computes a member (v1 + v2 is divided by c if both are), and the
/// results of what reads one. Linear maps, embeddings and normalisations are
/// the border. `grow` fails if it meets an op that cannot follow.
class ScaleRegion {
public:
  /// How an op at the border absorbs the factor.
  struct Absorber {
    enum Kind {
      LinearInput,    ///< matrix *= c
      LinearOutput,   ///< columns [begin, end) of matrix and bias /= c
      Table,          ///< table of an embedding /= c
      NormInput,      ///< epsilon /= c^2
      NormOutput,     ///< gamma and beta /= c
      AttentionScale, ///< scale *= c
      KnownOperand    ///< the weight or constant at `operand` /= c
    };
    Kind kind;
    mlir::Operation *op;
    int64_t begin = 0, end = 0;
    mlir::OpOperand *operand = nullptr;
  };

  /// Which op stood in the way, and why; the op is null for an argument.
  struct Obstacle {
    mlir::Operation *op = nullptr;
    std::string why;
  };

  /// `factor` is c. `allowAttentionScale` says whether the scale of an
  /// attention may change.
  ScaleRegion(double factor, bool allowAttentionScale)
      : factor(factor), allowAttentionScale(allowAttentionScale) {}

  /// The region around a product that will be replaced by its multiplicand:
  /// the op that computes it is not asked.
  mlir::LogicalResult growFromProduct(mlir::Value product);

  /// The region around a multiplicand that will be computed with the factor:
  /// the operand `exempt`, which wants that, is not asked.
  mlir::LogicalResult growFromMultiplicand(mlir::Value multiplicand,
                                           mlir::OpOperand &exempt);

  bool contains(mlir::Value value) const { return values.contains(value); }
  double getFactor() const { return factor; }
  llvm::ArrayRef<Absorber> getAbsorbers() const { return absorbers; }
  const Obstacle &getObstacle() const { return obstacle; }

  /// How much the region touches, to choose between two.
  size_t getSize() const { return values.size() + absorbers.size(); }

private:
  mlir::LogicalResult grow(mlir::Value seed);
  mlir::LogicalResult visitProducer(mlir::Value value);
  mlir::LogicalResult visitUse(mlir::OpOperand &use);
  mlir::LogicalResult includeOperand(mlir::OpOperand &operand);
  mlir::LogicalResult includeSliceInput(mlir::OpOperand &operand);
  mlir::LogicalResult absorbColumns();
  mlir::LogicalResult fail(mlir::Operation *op, const llvm::Twine &why);

  double factor;
  bool allowAttentionScale;
  mlir::Value seed;
  mlir::Value skippedProducer;
  mlir::OpOperand *exempt = nullptr;
  llvm::SetVector<mlir::Value> values;
  /// Slices whose columns of a linear map absorb the factor, unless the whole
  /// result of the map joins the region later.
  llvm::SmallVector<mlir::Operation *> columnSlices;
  llvm::SmallVector<Absorber> absorbers;
  Obstacle obstacle;
};

} // namespace aero::pi

#endif // AERO_LIB_DIALECT_PI_TRANSFORMS_SCALEREGION_H
