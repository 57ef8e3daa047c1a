//===- LinearAlgebra.cpp - Parameters, lookups and products in linalg -----===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"

#include "aero/Support/Elements.h"

#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/Sequence.h"

using namespace mlir;
using namespace aero;
using namespace aero::linalgform;

// pi.weight "w" ...  ->  arith.constant dense_resource<w>
// A resource keeps the name, and no pass folds its elements into others.
static Value lowerWeight(pi::WeightOp op, Emitter &e) {
  ElementsAttr value = op.getValue();
  if (value.getElementType().isF32())
    value = makeNamedResource(value, op.getName());
  // A constant of rank 0 that is a resource makes memref-to-llvm crash.
  auto resource = dyn_cast<DenseResourceElementsAttr>(value);
  if (resource && op.getType().getRank() == 0) {
    auto row = DenseResourceElementsAttr::get(op.getType().clone({1}),
                                              resource.getRawHandle());
    return e.reshape(arith::ConstantOp::create(e, cast<TypedAttr>(row)), {});
  }
  return arith::ConstantOp::create(e, cast<TypedAttr>(value));
}

static Value lowerConstant(pi::ConstantOp op, Emitter &e) {
  return arith::ConstantOp::create(e, cast<TypedAttr>(op.getValue()));
}

// pi.embedding table[ids]  ->  generic ins(ids) { tensor.extract table[id, i] }
static Value lowerEmbedding(pi::EmbeddingOp op, Emitter &e) {
  Value table = op.getTable();
  Shape shape = op.getType().getShape();
  int64_t width = shape.size() - 1;
  return e.map(
      shape, op.getType().getElementType(), op.getIndices(),
      e.reducedMap(shape.size(), width),
      [&](Emitter &e, ValueRange x) -> Value {
        Value row = arith::IndexCastOp::create(e, e.getIndexType(), x[0]);
        Value column = linalg::IndexOp::create(e, width);
        return tensor::ExtractOp::create(e, table, ValueRange{row, column});
      });
}

static Value emitMatmul(Emitter &e, Value lhs, Value rhs, Value init) {
  return linalg::MatmulOp::create(e, init.getType(), ValueRange{lhs, rhs}, init)
      .getResult(0);
}

// pi.linear(x, W, b)  ->  matmul of x as one matrix, onto b
static Value lowerLinear(pi::LinearOp op, Emitter &e) {
  RankedTensorType weight = tensorOf(op.getWeight());
  int64_t inner = weight.getDimSize(0);
  int64_t rows = tensorOf(op.getInput()).getNumElements() / inner;
  int64_t result[] = {rows, weight.getDimSize(1)};
  Value init = op.getBias()
                   ? linalg::BroadcastOp::create(
                         e, op.getBias(), e.empty(result, e.getF32Type()),
                         ArrayRef<int64_t>{0})
                         ->getResult(0)
                   : e.filled(result, e.constant(0));
  Value product = emitMatmul(e, e.reshape(op.getInput(), {rows, inner}),
                             op.getWeight(), init);
  return e.reshape(product, op.getType().getShape());
}

/// The loops of an operand's batch dimensions; those of size 1 are dropped from
/// the operand where the product repeats them.
static Value dropRepeated(Emitter &e, Value operand, Shape batch,
                          SmallVectorImpl<unsigned> &loops) {
  Shape shape = shapeOf(operand);
  SmallVector<int64_t> kept;
  size_t own = shape.size() - 2, missing = batch.size() - own;
  for (size_t i = 0; i < own; ++i)
    if (shape[i] == batch[missing + i]) {
      kept.push_back(shape[i]);
      loops.push_back(missing + i);
    }
  llvm::append_range(kept, shape.take_back(2));
  return e.reshape(operand, kept);
}

// pi.matmul  ->  matmul of matrices, a generic contraction of batches
static Value lowerMatMul(pi::MatMulOp op, Emitter &e) {
  Shape shape = op.getType().getShape();
  if (shape.size() == 2)
    return emitMatmul(e, op.getLhs(), op.getRhs(),
                      e.filled(shape, e.constant(0)));
  Shape batch = shape.drop_back(2);
  unsigned m = batch.size(), n = m + 1, k = m + 2;
  SmallVector<unsigned> lhsLoops, rhsLoops;
  auto resultLoops = llvm::to_vector(llvm::seq<unsigned>(0, k));
  Value lhs = dropRepeated(e, op.getLhs(), batch, lhsLoops);
  Value rhs = dropRepeated(e, op.getRhs(), batch, rhsLoops);
  lhsLoops.append({m, k});
  rhsLoops.append({k, n});
  return e.contract(lhs, lhsLoops, rhs, rhsLoops, resultLoops, shape, k + 1);
}

void linalgform::populateLinearAlgebra(RewritePatternSet &patterns) {
  add<pi::WeightOp>(patterns, lowerWeight);
  add<pi::ConstantOp>(patterns, lowerConstant);
  add<pi::EmbeddingOp>(patterns, lowerEmbedding);
  add<pi::LinearOp>(patterns, lowerLinear);
  add<pi::MatMulOp>(patterns, lowerMatMul);
}
