//===- Reductions.cpp - Sums, norms and softmax in linalg -----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"

#include "llvm/ADT/Sequence.h"

#include <limits>

using namespace mlir;
using namespace aero;
using namespace aero::linalgform;

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

/// Every element times `factor`.
static Value emitScale(Emitter &e, Value input, float factor) {
  return e.map(shapeOf(input), e.getF32Type(), input,
               [factor](Emitter &e, ValueRange x) -> Value {
                 return arith::MulFOp::create(e, x[0], e.constant(factor));
               });
}

static Value lowerReduceSum(pi::ReduceSumOp op, Emitter &e) {
  return e.reshape(e.sum(op.getInput(), op.getAxes()), op.getType().getShape());
}

static Value lowerReduceMean(pi::ReduceMeanOp op, Emitter &e) {
  Value sum = e.sum(op.getInput(), op.getAxes());
  double count = double(tensorOf(op.getInput()).getNumElements()) /
                 double(tensorOf(sum).getNumElements());
  return e.reshape(emitScale(e, sum, float(1 / count)),
                   op.getType().getShape());
}

// pi.cumsum  ->  a sum over all j <= i: the sequences are those of positions,
// too short for the n^2 to matter
static Value lowerCumSum(pi::CumSumOp op, Emitter &e) {
  RankedTensorType type = tensorOf(op.getResult());
  unsigned rank = type.getRank(), axis = op.getAxis();
  auto resultLoops = llvm::to_vector(llvm::seq<unsigned>(0, rank));
  SmallVector<unsigned> inputLoops = resultLoops;
  inputLoops[axis] = rank;
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  iterators.push_back(utils::IteratorType::reduction);
  Value init = e.filled(type.getShape(), e.constant(type.getElementType(), 0));
  AffineMap maps[] = {e.loopMap(rank + 1, inputLoops),
                      e.loopMap(rank + 1, resultLoops)};
  return linalg::GenericOp::create(
             e, init.getType(), ValueRange{op.getInput()}, init, maps,
             iterators,
             [&](OpBuilder &builder, Location loc, ValueRange x) {
               Emitter e(loc, builder);
               Value counts =
                   arith::CmpIOp::create(e, arith::CmpIPredicate::sle,
                                         linalg::IndexOp::create(e, rank),
                                         linalg::IndexOp::create(e, axis));
               Value term = arith::SelectOp::create(
                   e, counts, x[0], e.constant(x[0].getType(), 0));
               Value sum;
               if (isa<FloatType>(term.getType()))
                 sum = arith::AddFOp::create(e, x[1], term);
               else
                 sum = arith::AddIOp::create(e, x[1], term);
               linalg::YieldOp::create(e, sum);
             })
      .getResult(0);
}

//===----------------------------------------------------------------------===//
// Norms
//===----------------------------------------------------------------------===//

/// (input / sqrt(mean(input^2) + epsilon)) gamma + beta over the last dimension
static Value emitNorm(Emitter &e, Value input, Value gamma, Value beta,
                      float epsilon) {
  Shape shape = shapeOf(input);
  int64_t rank = shape.size(), last = rank - 1;
  float factor = float(1.0 / double(shape.back()));
  Value squares =
      e.reduce(input, last, 0, [](Emitter &e, ValueRange x) -> Value {
        return arith::AddFOp::create(e, arith::MulFOp::create(e, x[0], x[0]),
                                     x[1]);
      });
  SmallVector<Value> inputs = {input, squares};
  SmallVector<AffineMap> maps = {e.getMultiDimIdentityMap(rank),
                                 e.reducedMap(rank, last)};
  for (Value parameter : {gamma, beta})
    if (parameter) {
      inputs.push_back(parameter);
      maps.push_back(e.broadcastMap(shapeOf(parameter), shape));
    }
  return e.map(
      shape, e.getF32Type(), inputs, maps,
      [&](Emitter &e, ValueRange x) -> Value {
        Value mean = arith::MulFOp::create(e, x[1], e.constant(factor));
        Value sum = arith::AddFOp::create(e, mean, e.constant(epsilon));
        Value y = arith::DivFOp::create(e, x[0], math::SqrtOp::create(e, sum));
        if (gamma)
          y = arith::MulFOp::create(e, y, x[2]);
        if (beta)
          y = arith::AddFOp::create(e, y, x.back());
        return y;
      });
}

static Value lowerLayerNorm(pi::LayerNormOp op, Emitter &e) {
  Value input = op.getInput();
  Shape shape = shapeOf(input);
  int64_t rank = shape.size(), last = rank - 1;
  // Centred first: the mean of squares minus the square of the mean cancels.
  float factor = float(1.0 / double(shape.back()));
  Value sum = e.sum(input, last);
  Value centred =
      e.map(shape, e.getF32Type(), {input, sum},
            {e.getMultiDimIdentityMap(rank), e.reducedMap(rank, last)},
            [factor](Emitter &e, ValueRange x) -> Value {
              Value mean = arith::MulFOp::create(e, x[1], e.constant(factor));
              return arith::SubFOp::create(e, x[0], mean);
            });
  return emitNorm(e, centred, op.getGamma(), op.getBeta(),
                  op.getEpsilon().convertToFloat());
}

static Value lowerRMSNorm(pi::RMSNormOp op, Emitter &e) {
  return emitNorm(e, op.getInput(), op.getGamma(), /*beta=*/{},
                  op.getEpsilon().convertToFloat());
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

Value linalgform::emitSoftmax(Emitter &e, Value input, int64_t axis) {
  Shape shape = shapeOf(input);
  unsigned rank = shape.size();
  SmallVector<AffineMap> maps = {e.getMultiDimIdentityMap(rank),
                                 e.reducedMap(rank, axis)};
  // The maximum starts at the lowest finite number: of a line of minus
  // infinities every exponential is then 0, not that of a NaN.
  Value max = e.reduce(input, axis, std::numeric_limits<float>::lowest(),
                       [](Emitter &e, ValueRange x) -> Value {
                         return arith::MaximumFOp::create(e, x[0], x[1]);
                       });
  Value exps = e.map(shape, e.getF32Type(), {input, max}, maps,
                     [](Emitter &e, ValueRange x) -> Value {
                       return math::ExpOp::create(
                           e, arith::SubFOp::create(e, x[0], x[1]));
                     });
  Value sum = e.sum(exps, axis);
  // The sum of any other line is at least 1, the exponential at its maximum.
  return e.map(shape, e.getF32Type(), {exps, sum}, maps,
               [](Emitter &e, ValueRange x) -> Value {
                 Value divisor =
                     arith::MaximumFOp::create(e, x[1], e.constant(1));
                 return arith::DivFOp::create(e, x[0], divisor);
               });
}

static Value lowerSoftmax(pi::SoftmaxOp op, Emitter &e) {
  return emitSoftmax(e, op.getInput(), op.getAxis());
}

void linalgform::populateReductions(RewritePatternSet &patterns) {
  add<pi::ReduceSumOp>(patterns, lowerReduceSum);
  add<pi::ReduceMeanOp>(patterns, lowerReduceMean);
  add<pi::CumSumOp>(patterns, lowerCumSum);
  add<pi::LayerNormOp>(patterns, lowerLayerNorm);
  add<pi::RMSNormOp>(patterns, lowerRMSNorm);
  add<pi::SoftmaxOp>(patterns, lowerSoftmax);
}
