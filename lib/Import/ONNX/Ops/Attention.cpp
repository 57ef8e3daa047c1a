//===- Attention.cpp - Attention and rotary positions of ONNX -------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Node.h"

#include "aero/Dialect/PI/IR/PIOps.h"
#include "aero/Support/Elements.h"

#include <cmath>
#include <limits>

using namespace aero;
using namespace mlir;

namespace {

RankedTensorType getTensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// (batch, tokens, heads * dk) -> (batch, heads, tokens, dk)
Value splitHeads(Node &node, Value value, int64_t heads) {
  ArrayRef<int64_t> shape = getTensorType(value).getShape();
  value = node.reshape(value, {shape[0], shape[1], heads, shape[2] / heads});
  return node.transpose(value, {0, 2, 1, 3});
}

/// (batch, heads, tokens, dk) -> (batch, tokens, heads * dk)
Value mergeHeads(Node &node, Value value) {
  value = node.transpose(value, {0, 2, 1, 3});
  ArrayRef<int64_t> shape = getTensorType(value).getShape();
  return node.reshape(value, {shape[0], shape[1], shape[2] * shape[3]});
}

/// The number of heads of an input: its second dimension if it has four, else
/// an attribute. Nothing, with a recorded fault, if they do not fit.
std::optional<int64_t> getHeads(Node &node, unsigned i, StringRef attribute) {
  const Shape &shape = node.getShape(i);
  if (failed(node.requireFloat(i)))
    return std::nullopt;
  if (shape.size() == 4)
    return shape[1];
  int64_t heads = node.getInt(attribute, 0);
  if (node.hasFault())
    return std::nullopt;
  if (shape.size() != 3 || heads < 1 || shape[2] % heads != 0) {
    (void)node.invalid("its inputs are not (batch, heads, tokens, width) or "
                       "(batch, tokens, width) with a number of heads that "
                       "divides the width");
    return std::nullopt;
  }
  return heads;
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

/// A float mask is added to the scores; a boolean one says which keys a query
/// sees. Null, with a recorded fault, if it does not fit.
Value getBias(Node &node, ArrayRef<int64_t> scores) {
  std::optional<Shape> shape = broadcastShapes(node.getShape(3), scores);
  if (!shape || ArrayRef<int64_t>(*shape) != scores ||
      node.getKind(3) == ElementKind::Int) {
    (void)node.unsupported("its mask is not one truth value or number for each "
                           "query and key");
    return {};
  }
  Value mask = node.getValue(3);
  if (node.getKind(3) == ElementKind::Float)
    return mask;
  Value hidden = node.makeScalar(-std::numeric_limits<float>::infinity());
  return node.create<pi::WhereOp>(node.getType(node.getShape(3)), mask,
                                  node.makeScalar(0.0f), hidden);
}

/// Keys or values with those of earlier tokens before them; sets the output
/// that holds both. Input and result are (batch, tokens, width).
Value appendToPast(Node &node, Value value, int64_t heads, unsigned past,
                   unsigned present) {
  bool hasPast = node.hasInput(past) && countElements(node.getShape(past)) != 0;
  if (!hasPast && !node.usesOutput(present))
    return value;
  Value split = splitHeads(node, value, heads);
  Shape shape(getTensorType(split).getShape());
  if (hasPast) {
    Shape expected = shape;
    if (node.getRank(past) == 4)
      expected[2] = node.getShape(past)[2];
    if (node.getShape(past) != expected) {
      (void)node.invalid("the past does not fit the keys and values");
      return {};
    }
    shape[2] += expected[2];
    if (failed(node.requireSize(shape)))
      return {};
    split = node.create<pi::ConcatOp>(
        node.getType(shape), ValueRange{node.getValue(past), split}, 2);
  }
  if (node.usesOutput(present))
    node.setResult(present, split);
  return mergeHeads(node, split);
}

LogicalResult importAttention(Node &node) {
  // The past alone may be empty: that of the first token.
  for (unsigned i = 0; i < 4; ++i)
    if (node.hasInput(i) && failed(node.requireElements(i)))
      return failure();
  std::optional<int64_t> heads = getHeads(node, 0, "q_num_heads");
  std::optional<int64_t> keyHeads =
      heads ? getHeads(node, 1, "kv_num_heads") : std::nullopt;
  std::optional<int64_t> valueHeads =
      keyHeads ? getHeads(node, 2, "kv_num_heads") : std::nullopt;
  if (!valueHeads)
    return failure();
  for (unsigned i = 4; i < 6; ++i)
    if (node.hasInput(i) && failed(node.requireFloat(i)))
      return failure();
  bool causal = node.getInt("is_causal", 0);
  float softcap = node.getFloat("softcap", 0.0f);
  bool isSplit = node.getRank(0) == 4;
  Value query = node.getValue(0), key = node.getValue(1),
        value = node.getValue(2);
  if (isSplit)
    query = mergeHeads(node, query);
  if (node.getRank(1) == 4)
    key = mergeHeads(node, key);
  if (node.getRank(2) == 4)
    value = mergeHeads(node, value);
  ArrayRef<int64_t> shape = getTensorType(query).getShape();
  int64_t width = shape[2] / *heads;
  float scale =
      node.getFloat("scale", 1 / std::sqrt(static_cast<float>(width)));
  if (node.hasFault())
    return failure();
  if (softcap != 0)
    return node.unsupported("it caps its scores");
  if (node.usesOutput(3))
    return node.unsupported("its scores are read by another node");
  if (!std::isfinite(scale))
    return node.invalid("its scale is not finite");
  if (node.hasInput(4) != node.hasInput(5))
    return node.invalid("it has a past of keys or of values only");
  key = appendToPast(node, key, *keyHeads, 4, 1);
  value = key ? appendToPast(node, value, *keyHeads, 5, 2) : Value();
  if (!value)
    return failure();

  ArrayRef<int64_t> keys = getTensorType(key).getShape();
  if (key.getType() != value.getType())
    return node.unsupported("its keys and values have different shapes");
  if (keys[0] != shape[0] || *heads % *keyHeads != 0 ||
      shape[2] / *heads != keys[2] / *keyHeads)
    return node.invalid("its queries and keys do not fit together");
  // Whether the triangle starts at the first or the last key, versions of the
  // specification and engines do not agree.
  if (causal && keys[1] != shape[1])
    return node.unsupported("it is causal with more keys than queries",
                            "pass the causal mask as attn_mask");
  Value bias;
  if (node.hasInput(3)) {
    bias = getBias(node, {shape[0], *heads, shape[1], keys[1]});
    if (!bias)
      return failure();
  }
  OpBuilder &builder = node.getBuilder();
  Value result = node.create<pi::AttentionOp>(
      query.getType(), query, key, value, /*mask=*/Value(), bias, *heads,
      *keyHeads == *heads ? IntegerAttr()
                          : builder.getI64IntegerAttr(*keyHeads),
      llvm::APFloat(scale), causal);
  node.setResult(0, isSplit ? splitHeads(node, result, *heads) : result);
  return success();
}

//===----------------------------------------------------------------------===//
// Rotary positions
//===----------------------------------------------------------------------===//

/// A table of sines or cosines. It is public wherever it comes from: the
/// architecture fixes it.
std::optional<HostTensor> getTable(Node &node, unsigned i) {
  if (const HostTensor *constant = node.getConstant(i))
    return *constant;
  const Slot &slot = node.getInput(i);
  if (!slot.weight || slot.transposed)
    return std::nullopt;
  auto data = getFloatData(slot.weight);
  if (!data) {
    llvm::consumeError(data.takeError());
    return std::nullopt;
  }
  HostTensor table = HostTensor::makeZeros(ElementKind::Float, slot.shape);
  llvm::copy(*data, table.floats.begin());
  return table;
}

/// The angles of each token: rows of the table, chosen by position if there are
/// positions. Null with a recorded fault.
Value getAngles(Node &node, unsigned i, int64_t tokens) {
  std::optional<HostTensor> table = getTable(node, i);
  if (table && failed(node.chargeWork(table->size())))
    return {};
  Value value =
      table ? node.create<pi::ConstantOp>(table->getAttr(node.getContext()))
            : node.getValue(i);
  const HostTensor *positions =
      node.hasInput(3) ? node.getConstant(3) : nullptr;
  if (node.hasInput(3) && node.getRank(i) != 2) {
    (void)node.invalid("its table of angles is not a matrix");
    return {};
  }
  if (positions && table) {
    HostTensor rows;
    rows.shape = positions->shape;
    rows.shape.push_back(table->shape[1]);
    if (!fitsFolding(node, rows.shape) ||
        failed(node.chargeWork(*countElements(rows.shape))))
      return {};
    for (int64_t position : positions->ints) {
      std::optional<int64_t> row = normalizeAxis(position, table->shape[0]);
      if (!row) {
        (void)node.invalid("a position is out of range");
        return {};
      }
      for (int64_t k = 0; k < table->shape[1]; ++k)
        rows.append(*table, *row * table->shape[1] + k);
    }
    value = node.create<pi::ConstantOp>(rows.getAttr(node.getContext()));
  } else if (node.hasInput(3)) {
    Shape shape = node.getShape(3);
    shape.push_back(node.getShape(i)[1]);
    if (failed(node.requireSize(shape)))
      return {};
    value = node.create<pi::EmbeddingOp>(node.getType(shape), value,
                                         node.getValue(3));
  }
  // One row of tokens for all of a batch.
  ArrayRef<int64_t> shape = getTensorType(value).getShape();
  if (shape.size() == 3 && shape[0] == 1)
    value = node.reshape(value, {shape[1], shape[2]});
  return value;
}

LogicalResult importRotaryEmbedding(Node &node) {
  for (unsigned i = 0; i < 3; ++i)
    if (failed(node.requireElements(i)))
      return failure();
  std::optional<int64_t> heads = getHeads(node, 0, "num_heads");
  if (!heads || failed(node.requireFloat(1)) || failed(node.requireFloat(2)))
    return failure();
  bool interleaved = node.getInt("interleaved", 0);
  int64_t rotated = node.getInt("rotary_embedding_dim", 0);
  if (node.hasFault())
    return failure();
  if (node.hasInput(3) && node.getKind(3) != ElementKind::Int)
    return node.invalid("its positions are not integers");
  bool isSplit = node.getRank(0) == 4;
  Value input = node.getValue(0);
  if (isSplit)
    input = mergeHeads(node, input);
  ArrayRef<int64_t> shape = getTensorType(input).getShape();
  int64_t width = shape[2] / *heads;
  Value cos = getAngles(node, 1, shape[1]);
  Value sin = cos ? getAngles(node, 2, shape[1]) : Value();
  if (!sin)
    return failure();
  ArrayRef<int64_t> angles = getTensorType(cos).getShape();
  bool fits = cos.getType() == sin.getType() &&
              (angles.size() == 2 || angles.size() == 3) &&
              angles[angles.size() - 2] == shape[1] &&
              (angles.size() == 2 || angles[0] == shape[0]) &&
              2 * angles.back() == (rotated ? rotated : width) &&
              2 * angles.back() <= width;
  if (!fits)
    return node.invalid("its tables of angles do not fit its input");
  Value result = node.create<pi::RotaryEmbeddingOp>(input.getType(), input, cos,
                                                    sin, *heads, interleaved);
  node.setResult(0, isSplit ? splitHeads(node, result, *heads) : result);
  return success();
}

} // namespace

ArrayRef<OperatorInfo> aero::getAttentionOperators() {
  static const OperatorInfo operators[] = {
      {"Attention", 23, 3, 6, importAttention},
      {"RotaryEmbedding", 23, 3, 4, importRotaryEmbedding},
  };
  return operators;
}
