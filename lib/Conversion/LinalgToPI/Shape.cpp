//===- Shape.cpp - Ops of the tensor dialect ------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Translator.h"

#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace aero;
using namespace aero::linalgtopi;

FailureOr<Value> Translator::buildTensorOp(Operation *op) {
  auto reshaped = [&](Value source) -> Result {
    auto input = get(source);
    if (failed(input))
      return failure();
    // A weight of rank 0 leaves pi as a row of one element.
    auto weight = input->getDefiningOp<pi::WeightOp>();
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    auto resource = weight
                        ? dyn_cast<DenseResourceElementsAttr>(weight.getValue())
                        : DenseResourceElementsAttr();
    if (resource && type.getRank() == 0)
      return Value(pi::WeightOp::create(
          builder, weight.getName(),
          DenseResourceElementsAttr::get(type, resource.getRawHandle())));
    return builder.reshape(*input, type.getShape());
  };
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(
          [&](auto reshape) { return reshaped(reshape.getSrc()); })
      .Case([&](tensor::CastOp cast) -> Result {
        if (!isTensor(cast.getSource().getType()))
          return fail("its operand has a dynamic shape");
        return get(cast.getSource());
      })
      .Case([&](tensor::SplatOp splat) -> Result {
        auto input = get(splat.getInput());
        if (failed(input))
          return failure();
        return builder.broadcast(*input, splat.getType().getShape());
      })
      .Case([&](tensor::ConcatOp concat) -> Result {
        SmallVector<Value> inputs;
        for (Value operand : concat.getInputs()) {
          auto input = get(operand);
          if (failed(input))
            return failure();
          inputs.push_back(*input);
        }
        return builder.concat(inputs, concat.getDim());
      })
      .Case([&](tensor::ExtractOp extract) -> Result {
        if (!extract.getIndices().empty())
          return fail("only the element of a tensor of rank 0 is a scalar");
        return get(extract.getTensor());
      })
      .Case([&](tensor::ExtractSliceOp slice) {
        return buildExtractSlice(slice);
      })
      .Case([&](tensor::GatherOp gather) { return buildGather(gather); })
      .Case([&](tensor::FromElementsOp elements) {
        return buildFromElements(elements);
      })
      .Default([&](Operation *) -> Result {
        return fail("it is none of the ops on tensors that pi has");
      });
}

FailureOr<Value> Translator::buildFromElements(tensor::FromElementsOp op) {
  if (op.getElements().empty())
    return fail("it has no elements");
  SmallVector<Value> elements;
  for (Value operand : op.getElements()) {
    auto element = get(operand);
    if (failed(element))
      return failure();
    elements.push_back(builder.reshape(*element, {1}));
  }
  return builder.reshape(builder.concat(elements, /*axis=*/0),
                         op.getType().getShape());
}

/// tensor.extract_slice %x[0, %p, 0][.., 1, ..]  ->  pi.select_token %x at %p
FailureOr<Value> Translator::buildExtractSlice(tensor::ExtractSliceOp op) {
  auto source = get(op.getSource());
  if (failed(source))
    return failure();
  Value value = *source;
  ArrayRef<int64_t> sizes = op.getStaticSizes();
  ArrayRef<int64_t> strides = op.getStaticStrides();
  if (ShapedType::isDynamicShape(strides))
    return fail("its strides are not constant");
  SmallVector<OpFoldResult> offsets = op.getMixedOffsets();
  for (auto [axis, offset] : llvm::enumerate(offsets)) {
    if (std::optional<int64_t> known = getConstantIntValue(offset)) {
      value = builder.slice(value, axis, *known, sizes[axis], strides[axis]);
      continue;
    }
    if (shapeOf(value).size() != 3 || axis != 1 || sizes[axis] != 1 ||
        !tensorOf(value).getElementType().isF32())
      return fail("its offsets are not constant, and it is not one token of "
                  "(batch, tokens, width)");
    auto position = get(cast<Value>(offset));
    if (failed(position))
      return failure();
    value = pi::SelectTokenOp::create(builder, value, *position);
  }
  return builder.reshape(value, op.getType().getShape());
}

/// Into a tensor that nobody has written, parts are collected until it is full:
/// their pi.concat. Into another one: what is before, the part, what is behind.
LogicalResult Translator::translateInsertSlice(tensor::InsertSliceOp op) {
  auto source = get(op.getSource());
  if (failed(source))
    return failure();
  if (ShapedType::isDynamicShape(op.getStaticOffsets()) ||
      ShapedType::isDynamicShape(op.getStaticStrides()))
    return fail("its offsets and strides are not constant");
  Value result = op.getResult(), into = op.getDest();
  Shape shape = shapeOf(result);
  ArrayRef<int64_t> sizes = op.getStaticSizes();
  int64_t axis = 0;
  for (int64_t i = 0, rank = shape.size(), found = 0; i < rank; ++i) {
    if (sizes[i] == shape[i])
      continue;
    if (++found > 1)
      return fail("it writes a part of more than one dimension");
    axis = i;
  }
  Value part = builder.reshape(*source, sizes);
  if (shape.empty() || sizes == shape) {
    values[result] = part;
    return success();
  }
  int64_t offset = op.getStaticOffset(axis), stride = op.getStaticStride(axis);
  int64_t size = sizes[axis], all = shape[axis];
  if (size == 1)
    stride = 1;

  auto known = partial.find(into);
  if (!empty.contains(into) && known == partial.end()) {
    auto old = get(into);
    if (failed(old))
      return failure();
    if (stride == 1) {
      SmallVector<Value> pieces;
      if (offset > 0)
        pieces.push_back(builder.slice(*old, axis, 0, offset));
      pieces.push_back(part);
      if (int64_t end = offset + size; end < all)
        pieces.push_back(builder.slice(*old, axis, end, all - end));
      values[result] = builder.concat(pieces, axis);
      return success();
    }
    // Both behind each other, and of that everything in its place.
    auto indices = llvm::to_vector(llvm::seq<int64_t>(0, all));
    for (int64_t i = 0; i < size; ++i)
      indices[offset + i * stride] = all + i;
    values[result] = pi::TakeOp::create(
        builder, builder.concat({*old, part}, axis), axis, indices);
    return success();
  }

  if (stride != 1)
    return fail("it leaves gaps in a tensor that nobody has written");
  Parts parts{axis, {}};
  if (known != partial.end())
    parts = known->second;
  if (parts.axis != axis)
    return fail("parts along two dimensions make up a tensor");
  for (const Part &other : parts.parts)
    if (offset < other.offset + other.size && other.offset < offset + size)
      return fail("it writes over a part of an unfinished tensor");
  parts.parts.push_back({offset, size, part});
  int64_t written = 0;
  for (const Part &other : parts.parts)
    written += other.size;
  if (written != all) {
    partial[result] = std::move(parts);
    return success();
  }
  llvm::sort(parts.parts,
             [](const Part &a, const Part &b) { return a.offset < b.offset; });
  auto pieces =
      llvm::map_to_vector(parts.parts, [](const Part &p) { return p.value; });
  values[result] = builder.concat(pieces, axis);
  return success();
}

/// tensor.gather %table[%ids] gather_dims([0])  ->  pi.embedding
FailureOr<Value> Translator::buildGather(tensor::GatherOp op) {
  auto table = get(op.getSource()), indices = get(op.getIndices());
  if (failed(table) || failed(indices))
    return failure();
  if (shapeOf(*table).size() != 2 || op.getGatherDims() != Shape{0} ||
      !tensorOf(*table).getElementType().isF32() ||
      !tensorOf(*indices).getElementType().isInteger(64))
    return fail("it does not look up rows of a float matrix by i64");
  Value ids = builder.reshape(*indices, shapeOf(*indices).drop_back());
  return builder.reshape(pi::EmbeddingOp::create(builder, *table, ids),
                         op.getType().getShape());
}
