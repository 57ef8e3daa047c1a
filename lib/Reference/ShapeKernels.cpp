//===- ShapeKernels.cpp - Moving elements of tensors ----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Strided.h"
#include "aero/Support/Elements.h"

#include <cstring>

namespace aero::reference {
namespace {

/// Fills `out`, of `shape`, with the elements of `input` seen through strides.
template <typename T>
void readInto(const Tensor &input, const Strides &strides, Shape shape,
              T *out) {
  const T *in = reinterpret_cast<const T *>(input.getBytes().data());
  forEachRow(shape, std::array<Strides, 1>{strides},
             [&](int64_t n, auto &offsets, auto &steps) {
               for (int64_t i = 0; i < n; ++i)
                 out[i] = in[offsets[0] + i * steps[0]];
               out += n;
             });
}

Tensor readStrided(const Tensor &input, const Strides &strides, Shape shape) {
  Tensor result = Tensor::allocate(input.getKind(), shape);
  char *out = result.getMutableData();
  switch (input.getKind()) {
  case ElementKind::F32:
    readInto(input, strides, shape, reinterpret_cast<float *>(out));
    break;
  case ElementKind::I64:
    readInto(input, strides, shape, reinterpret_cast<int64_t *>(out));
    break;
  case ElementKind::I1:
    readInto(input, strides, shape, reinterpret_cast<uint8_t *>(out));
    break;
  }
  return result;
}

} // namespace

Tensor transpose(const Tensor &input, llvm::ArrayRef<int64_t> permutation) {
  llvm::SmallVector<int64_t, 4> shape;
  Strides own = rowMajorStrides(input.getShape()), strides;
  for (int64_t dim : permutation) {
    shape.push_back(input.getShape()[dim]);
    strides.push_back(own[dim]);
  }
  bool isMatrix = permutation.size() == 2 && permutation[0] == 1;
  if (!isMatrix || input.getKind() != ElementKind::F32)
    return readStrided(input, strides, shape);
  Tensor result = Tensor::allocate(input.getKind(), shape);
  transposeMatrix(input.getFloats().data(), result.getMutableFloats().data(),
                  shape[1], shape[0]);
  return result;
}

Tensor broadcast(const Tensor &input, Shape shape) {
  return readStrided(input, broadcastStrides(input.getShape(), shape), shape);
}

Tensor slice(const Tensor &input, int64_t axis, int64_t offset, int64_t size) {
  llvm::SmallVector<int64_t, 4> shape(input.getShape());
  int64_t dim = shape[axis];
  shape[axis] = size;
  Tensor result = Tensor::allocate(input.getKind(), shape);
  size_t inner =
      product(input.getShape().drop_front(axis + 1)) * input.getElementSize();
  const char *in = input.getBytes().data() + offset * inner;
  char *out = result.getMutableData();
  for (int64_t o = product(input.getShape().take_front(axis)); o > 0; --o) {
    std::memcpy(out, in, size * inner);
    in += dim * inner;
    out += size * inner;
  }
  return result;
}

Tensor take(const Tensor &input, int64_t axis,
            llvm::ArrayRef<int64_t> indices) {
  llvm::SmallVector<int64_t, 4> shape(input.getShape());
  int64_t dim = shape[axis];
  shape[axis] = indices.size();
  Tensor result = Tensor::allocate(input.getKind(), shape);
  size_t inner =
      product(input.getShape().drop_front(axis + 1)) * input.getElementSize();
  const char *in = input.getBytes().data();
  char *out = result.getMutableData();
  for (int64_t o = product(input.getShape().take_front(axis)); o > 0; --o) {
    for (int64_t index : indices) {
      std::memcpy(out, in + index * inner, inner);
      out += inner;
    }
    in += dim * inner;
  }
  return result;
}

Tensor concat(llvm::ArrayRef<Tensor> inputs, int64_t axis, Shape shape) {
  Tensor result = Tensor::allocate(inputs.front().getKind(), shape);
  char *out = result.getMutableData();
  for (int64_t o = 0, outer = product(shape.take_front(axis)); o < outer; ++o)
    for (const Tensor &input : inputs) {
      size_t bytes = input.getBytes().size() / outer;
      std::memcpy(out, input.getBytes().data() + o * bytes, bytes);
      out += bytes;
    }
  return result;
}

llvm::Expected<Tensor> embedding(const Tensor &table, const Tensor &indices) {
  int64_t vocabulary = table.getShape()[0], width = table.getShape()[1];
  llvm::SmallVector<int64_t, 4> shape(indices.getShape());
  shape.push_back(width);
  Tensor result = Tensor::allocate(ElementKind::F32, shape);
  float *out = result.getMutableFloats().data();
  for (int64_t index : indices.getInts()) {
    if (index < 0 || index >= vocabulary)
      return llvm::createStringError("token id " + llvm::Twine(index) +
                                     " is not in [0, " +
                                     llvm::Twine(vocabulary) + ")");
    llvm::copy(table.getFloats().slice(index * width, width), out);
    out += width;
  }
  return result;
}

llvm::Expected<Tensor> selectToken(const Tensor &input, int64_t position) {
  int64_t tokens = input.getShape()[1];
  if (position < 0 || position >= tokens)
    return llvm::createStringError("position " + llvm::Twine(position) +
                                   " is not in [0, " + llvm::Twine(tokens) +
                                   ")");
  return slice(input, /*axis=*/1, position, /*size=*/1);
}

} // namespace aero::reference
