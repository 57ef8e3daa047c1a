//===- PIOps.cpp - Verifiers, builders and interfaces of pi ---------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Dialect/PI/IR/PIOps.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace aero::pi;

#define GET_OP_CLASSES
#include "aero/Dialect/PI/IR/PIOps.cpp.inc"

namespace {

RankedTensorType getTensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// The last dimension of a map of shape {T, d}; see NonlinearOpInterface.
SmallVector<int64_t> getLastTwoDims(Value value) {
  ArrayRef<int64_t> shape = getTensorType(value).getShape();
  SmallVector<int64_t> map(2 - std::min<size_t>(shape.size(), 2), 1);
  llvm::append_range(map, shape.take_back(2));
  return map;
}

int64_t getLeadingCount(Value value) {
  ArrayRef<int64_t> shape = getTensorType(value).getShape();
  if (shape.size() < 2)
    return 1;
  return ShapedType::getNumElements(shape.drop_back(2));
}

/// Whether numpy's rules make `to` of `from`.
bool broadcastsTo(ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
  if (from.size() > to.size())
    return false;
  return llvm::all_of(llvm::zip(llvm::reverse(from), llvm::reverse(to)),
                      [](auto sizes) {
                        auto [own, wanted] = sizes;
                        return own == wanted || own == 1;
                      });
}

/// C1 to C4 of the norms: rank, then parameters of the shape (d).
LogicalResult verifyNorm(Operation *op, Value input, llvm::APFloat epsilon,
                         ArrayRef<std::pair<StringRef, Value>> parameters) {
  auto type = getTensorType(input);
  if (type.getRank() < 1)
    return op->emitOpError("expected an input of at least rank 1, got ")
           << type;
  int64_t width = type.getDimSize(type.getRank() - 1);
  for (auto [name, value] : parameters) {
    if (!value)
      continue;
    auto parameter = getTensorType(value);
    if (parameter.getRank() != 1 || parameter.getDimSize(0) != width)
      return op->emitOpError("expected ")
             << name << " of shape (" << width
             << ") as the last dimension of the input, got " << parameter;
  }
  if (!epsilon.isFinite() || epsilon.isNegative())
    return op->emitOpError("expected epsilon to be finite and not negative");
  return success();
}

} // namespace

//===----------------------------------------------------------------------===//
// WeightOp and ConstantOp
//===----------------------------------------------------------------------===//

LogicalResult WeightOp::verify() {
  // C1
  if (getName().empty())
    return emitOpError("expected a name, got an empty string");
  return success();
}

/// The name up to the first character that an SSA name cannot hold is seldom
/// telling, so they are replaced: h.0.mlp/W becomes %h.0.mlp_W.
void WeightOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  std::string name = getName().str();
  for (char &c : name)
    if (!llvm::isAlnum(c) && !StringRef("_.$-").contains(c))
      c = '_';
  // A computed weight carries many names; the attribute has them all.
  if (name.size() > 60)
    name.resize(60);
  setName(getResult(), name);
}

void ConstantOp::build(OpBuilder &builder, OperationState &state, float value) {
  auto type = RankedTensorType::get({}, builder.getF32Type());
  build(builder, state, type, DenseElementsAttr::get(type, value));
}

void ConstantOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  setName(getResult(), "cst");
}

//===----------------------------------------------------------------------===//
// Nonlinear functions
//===----------------------------------------------------------------------===//

#define AERO_NONLINEAR(OP, KIND)                                               \
  NonlinearKind OP::getNonlinearKind() { return NonlinearKind::KIND; }         \
  int64_t OP::getMapCount() { return getLeadingCount(getResult()); }           \
  SmallVector<int64_t> OP::getMapShape() { return getLastTwoDims(getResult()); }

AERO_NONLINEAR(ExpOp, Elementwise)
AERO_NONLINEAR(SigmoidOp, Elementwise)
AERO_NONLINEAR(SinOp, Elementwise)
AERO_NONLINEAR(CosOp, Elementwise)
AERO_NONLINEAR(SqrtOp, Elementwise)
AERO_NONLINEAR(ErfOp, Elementwise)
AERO_NONLINEAR(TanhOp, Tanh)
AERO_NONLINEAR(GeluOp, Gelu)
AERO_NONLINEAR(ReluOp, Relu)
AERO_NONLINEAR(LeakyReluOp, LeakyRelu)
AERO_NONLINEAR(PReluOp, LeakyRelu)
AERO_NONLINEAR(SiluOp, Silu)
AERO_NONLINEAR(SoftmaxOp, Softmax)
AERO_NONLINEAR(LayerNormOp, LayerNorm)
AERO_NONLINEAR(RMSNormOp, RMSNorm)

#undef AERO_NONLINEAR

LogicalResult LeakyReluOp::verify() {
  // C1
  if (!getSlope().isFinite())
    return emitOpError("expected a finite slope");
  return success();
}

LogicalResult PReluOp::verify() {
  // C1
  if (getTensorType(getSlope()).getNumElements() != 1)
    return emitOpError("expected a slope of one element, got ")
           << getSlope().getType();
  return success();
}

static LogicalResult verifyThresholds(Operation *op, ArrayRef<float> thresholds,
                                      int64_t heads) {
  if (static_cast<int64_t>(thresholds.size()) != heads)
    return op->emitOpError("expected an entropy threshold for each of ")
           << heads << " heads, got " << thresholds.size();
  // Not a number is in no range.
  if (llvm::any_of(thresholds,
                   [](float value) { return !(value >= 0 && value <= 1); }))
    return op->emitOpError("expected entropy thresholds in [0, 1]");
  return success();
}

LogicalResult SoftmaxOp::verify() {
  // C1
  int64_t rank = getTensorType(getInput()).getRank();
  int64_t axis = getAxis();
  if (axis < 0 || axis >= rank)
    return emitOpError("expected axis in [0, ") << rank << "), got " << axis;
  // C2
  if (std::optional<ArrayRef<float>> thresholds = getEntropyThresholds()) {
    if (rank != 4)
      return emitOpError("expected entropy thresholds of (batch, heads, "
                         "queries, keys), got ")
             << getInput().getType();
    return verifyThresholds(getOperation(), *thresholds,
                            getTensorType(getInput()).getDimSize(1));
  }
  return success();
}

LogicalResult LayerNormOp::verify() {
  // C1, C2, C3, C4
  return verifyNorm(getOperation(), getInput(), getEpsilon(),
                    {{"gamma", getGamma()}, {"beta", getBeta()}});
}

LogicalResult RMSNormOp::verify() {
  // C1, C2, C3
  return verifyNorm(getOperation(), getInput(), getEpsilon(),
                    {{"gamma", getGamma()}});
}

//===----------------------------------------------------------------------===//
// AttentionOp
//===----------------------------------------------------------------------===//

void AttentionOp::build(OpBuilder &builder, OperationState &state, Value query,
                        Value key, Value value, int64_t heads, float scale,
                        bool causal) {
  build(builder, state, query.getType(), query, key, value, /*mask=*/Value(),
        /*bias=*/Value(), heads, /*keyHeads=*/IntegerAttr(),
        llvm::APFloat(scale), causal);
}

void AttentionOp::build(OpBuilder &builder, OperationState &state, Type result,
                        Value query, Value key, Value value, Value mask,
                        Value bias, int64_t heads, IntegerAttr keyHeads,
                        llvm::APFloat scale, bool causal) {
  build(builder, state, result, query, key, value, mask, bias,
        /*temperature=*/Value(), heads, keyHeads, scale, causal,
        /*entropy_thresholds=*/DenseF32ArrayAttr(), NonlinearityAttr());
}

/// C2 of attention and rotary embeddings.
static LogicalResult verifyHeads(Operation *op, int64_t heads, int64_t width) {
  if (heads >= 1 && width % heads == 0)
    return success();
  return op->emitOpError("expected a number of heads that divides the width ")
         << width << ", got " << heads;
}

LogicalResult AttentionOp::verify() {
  auto query = getTensorType(getQuery());
  auto key = getTensorType(getKey());
  // C1
  if (query.getRank() != 3 || key.getRank() != 3 ||
      query.getDimSize(0) != key.getDimSize(0))
    return emitOpError("expected query and key of rank 3 (batch, tokens, "
                       "width) and the same batch, got ")
           << query << " and " << key;
  // C2
  int64_t heads = getHeads(), keyHeads = getKeyHeadCount();
  if (failed(verifyHeads(*this, heads, query.getDimSize(2))))
    return failure();
  // C3
  if (keyHeads < 1 || heads % keyHeads != 0)
    return emitOpError("expected a number of key heads that divides the ")
           << heads << " heads, got " << keyHeads;
  if (key.getDimSize(2) / keyHeads != getHeadWidth() ||
      key.getDimSize(2) % keyHeads != 0)
    return emitOpError("expected ")
           << keyHeads << " key heads of width " << getHeadWidth()
           << " as those of the query, got " << key;
  // C4
  if (!getScale().isFinite())
    return emitOpError("expected a finite scale");
  // C5
  int64_t batch = query.getDimSize(0), queries = query.getDimSize(1);
  int64_t keys = key.getDimSize(1);
  if (getCausal() && keys < queries)
    return emitOpError("expected at least as many keys as queries under a "
                       "causal mask, got ")
           << keys << " and " << queries;
  // C6
  if (getMask() &&
      getTensorType(getMask()).getShape() != ArrayRef<int64_t>{batch, keys})
    return emitOpError("expected a mask of shape (")
           << batch << ", " << keys << "), batch and keys, got "
           << getMask().getType();
  // C7
  if (getBias()) {
    int64_t scores[] = {batch, heads, queries, keys};
    if (!broadcastsTo(getTensorType(getBias()).getShape(), scores))
      return emitOpError("expected a bias that broadcasts to (")
             << batch << ", " << heads << ", " << queries << ", " << keys
             << "), got " << getBias().getType();
  }
  // C8
  if (getTemperature()) {
    ArrayRef<int64_t> shape = getTensorType(getTemperature()).getShape();
    if (shape != ArrayRef<int64_t>{heads, queries} &&
        shape != ArrayRef<int64_t>{heads, 1})
      return emitOpError("expected a temperature of shape (")
             << heads << ", " << queries << ") or (" << heads
             << ", 1), heads and queries, got " << getTemperature().getType();
  }
  // C9
  if (std::optional<ArrayRef<float>> thresholds = getEntropyThresholds())
    return verifyThresholds(getOperation(), *thresholds, heads);
  return success();
}

int64_t AttentionOp::getHeadWidth() {
  return getTensorType(getQuery()).getDimSize(2) /
         static_cast<int64_t>(getHeads());
}

int64_t AttentionOp::getKeyHeadCount() {
  return getKeyHeads().value_or(getHeads());
}

NonlinearKind AttentionOp::getNonlinearKind() { return NonlinearKind::Softmax; }

int64_t AttentionOp::getMapCount() {
  return getTensorType(getQuery()).getDimSize(0) *
         static_cast<int64_t>(getHeads());
}

SmallVector<int64_t> AttentionOp::getMapShape() {
  return {getTensorType(getQuery()).getDimSize(1),
          getTensorType(getKey()).getDimSize(1)};
}

LogicalResult RotaryEmbeddingOp::verify() {
  auto input = getTensorType(getInput()), cos = getTensorType(getCos());
  // C1
  if (input.getRank() != 3)
    return emitOpError("expected an input of rank 3 (batch, tokens, width), "
                       "got ")
           << input;
  // C2
  int64_t heads = getHeads();
  if (failed(verifyHeads(*this, heads, input.getDimSize(2))))
    return failure();
  // C3
  ArrayRef<int64_t> rows = cos.getShape();
  if (rows.size() < 2 || rows.size() > 3 ||
      rows.drop_back() !=
          input.getShape().drop_back().take_back(rows.size() - 1))
    return emitOpError("expected cos and sin for the tokens of ")
           << input << ", (tokens, pairs) or (batch, tokens, pairs), got "
           << cos;
  // C4
  if (2 * rows.back() > input.getDimSize(2) / heads)
    return emitOpError("expected at most ")
           << input.getDimSize(2) / heads
           << " rotated columns, the width of a head, got " << 2 * rows.back();
  return success();
}

LogicalResult CumSumOp::verify() {
  // C1
  int64_t rank = getTensorType(getInput()).getRank();
  if (getAxis() < static_cast<uint64_t>(rank))
    return success();
  return emitOpError("expected axis in [0, ")
         << rank << "), got " << static_cast<int64_t>(getAxis());
}

//===----------------------------------------------------------------------===//
// Shape
//===----------------------------------------------------------------------===//

LogicalResult BroadcastOp::verify() {
  auto input = getTensorType(getInput()), result = getTensorType(getResult());
  // C1
  if (input.getElementType() != result.getElementType())
    return emitOpError("expected a result of element type ")
           << input.getElementType() << ", got " << result;
  // C2
  if (!broadcastsTo(input.getShape(), result.getShape()))
    return emitOpError("cannot broadcast ") << input << " to " << result;
  return success();
}

void ReshapeOp::build(OpBuilder &builder, OperationState &state, Value input,
                      ArrayRef<int64_t> shape) {
  build(builder, state, getTensorType(input).clone(shape), input);
}

LogicalResult ReshapeOp::verify() {
  auto input = getTensorType(getInput());
  auto result = getTensorType(getResult());
  // C1
  if (input.getElementType() != result.getElementType())
    return emitOpError("expected a result of element type ")
           << input.getElementType() << ", got " << result;
  // C2
  if (input.getNumElements() != result.getNumElements())
    return emitOpError("cannot reshape ")
           << input << " with " << input.getNumElements() << " elements to "
           << result << " with " << result.getNumElements();
  return success();
}

void SliceOp::build(OpBuilder &builder, OperationState &state, Value input,
                    int64_t axis, int64_t offset, int64_t size) {
  auto type = getTensorType(input);
  SmallVector<int64_t> shape(type.getShape());
  shape[axis] = size;
  build(builder, state, type.clone(shape), input,
        builder.getI64IntegerAttr(axis), builder.getI64IntegerAttr(offset));
}

LogicalResult SliceOp::verify() {
  auto input = getTensorType(getInput());
  auto result = getTensorType(getResult());
  // C1
  if (input.getElementType() != result.getElementType() ||
      input.getRank() != result.getRank())
    return emitOpError("expected a result of the input's element type and "
                       "rank, got ")
           << input << " and " << result;
  // C2
  int64_t axis = getAxis();
  if (axis < 0 || axis >= input.getRank())
    return emitOpError("expected axis in [0, ")
           << input.getRank() << "), got " << axis;
  // C3
  for (int64_t i = 0; i < input.getRank(); ++i)
    if (i != axis && input.getDimSize(i) != result.getDimSize(i))
      return emitOpError("expected dimension ")
             << i << " to stay " << input.getDimSize(i) << ", got "
             << result.getDimSize(i);
  // C4, without an addition that could overflow.
  int64_t dim = input.getDimSize(axis), size = result.getDimSize(axis);
  int64_t offset = getOffset();
  if (offset < 0 || size > dim || offset > dim - size)
    return emitOpError("expected the slice of ")
           << size << " at offset " << offset << " to lie within dimension "
           << axis << " of size " << dim;
  return success();
}
