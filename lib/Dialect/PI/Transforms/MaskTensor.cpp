//===- MaskTensor.cpp - Masks, evaluated for every padding ----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MaskTensor.h"

#include "llvm/ADT/TypeSwitch.h"

#include <algorithm>
#include <cmath>

using namespace mlir;

namespace aero::pi {
namespace {

/// More integers than a double holds exactly make no mask.
constexpr double kLargestInteger = 0x1p53;

int64_t getCount(ArrayRef<int64_t> shape) {
  return ShapedType::getNumElements(shape);
}

/// Calls `visit(index of the result, indices of the operands)` for every
/// element of `shape`, in row-major order, where `strides[k]` are the steps of
/// operand k.
template <typename F>
void forEachElement(ArrayRef<int64_t> shape,
                    ArrayRef<SmallVector<int64_t, 4>> strides, F visit) {
  int64_t count = getCount(shape);
  SmallVector<int64_t, 4> position(shape.size(), 0);
  SmallVector<int64_t, 4> indices(strides.size(), 0);
  for (int64_t i = 0; i < count; ++i) {
    visit(i, indices);
    for (size_t dim = shape.size(); dim-- > 0;) {
      for (auto [index, steps] : llvm::zip_equal(indices, strides))
        index += steps[dim];
      if (++position[dim] < shape[dim])
        break;
      for (auto [index, steps] : llvm::zip_equal(indices, strides))
        index -= steps[dim] * shape[dim];
      position[dim] = 0;
    }
  }
}

/// Row-major steps of `stored`, 0 where a dimension has size 1.
SmallVector<int64_t, 4> getSteps(ArrayRef<int64_t> stored) {
  SmallVector<int64_t, 4> steps(stored.size());
  int64_t step = 1;
  for (size_t dim = stored.size(); dim-- > 0; step *= stored[dim])
    steps[dim] = stored[dim] == 1 ? 0 : step;
  return steps;
}

/// Whether all elements of `op` are 0, 1, or numbers that hide a score.
bool holdsMask(WeightOp op) {
  auto data = getFloatData(op.getValue());
  if (!data) {
    llvm::consumeError(data.takeError());
    return false;
  }
  return llvm::all_of(*data, [](float x) {
    return x == 0 || x == 1 || std::abs(x) >= -kMaskedScore;
  });
}

/// numpy's rules; the shapes are known to agree.
SmallVector<int64_t, 4> broadcastShapes(ArrayRef<int64_t> a,
                                        ArrayRef<int64_t> b) {
  SmallVector<int64_t, 4> result(std::max(a.size(), b.size()), 1);
  for (ArrayRef<int64_t> shape : {a, b})
    for (size_t i = 1; i <= shape.size(); ++i) {
      int64_t &size = result[result.size() - i];
      if (size == 1)
        size = shape[shape.size() - i];
    }
  return result;
}

} // namespace

//===----------------------------------------------------------------------===//
// MaskTensor
//===----------------------------------------------------------------------===//

MaskTensor MaskTensor::splat(double value, size_t rank) {
  MaskTensor tensor;
  tensor.stored.assign(rank, 1);
  tensor.shape.assign(rank, 1);
  tensor.zeros = {value};
  return tensor;
}

SmallVector<int64_t, 4> MaskTensor::getStrides() const {
  return getSteps(stored);
}

MaskTensor MaskTensor::withRank(size_t rank) const {
  MaskTensor result = *this;
  if (shape.size() < rank) {
    result.shape.insert(result.shape.begin(), rank - shape.size(), 1);
    result.stored.insert(result.stored.begin(), rank - stored.size(), 1);
  }
  return result;
}

MaskTensor MaskTensor::expanded() const {
  if (stored == shape)
    return *this;
  MaskTensor result;
  result.shape = result.stored = shape;
  result.source = source;
  result.zeros.resize(getCount(shape));
  result.ones.resize(ones.empty() ? 0 : result.size());
  result.elements.resize(result.ones.size());
  forEachElement(shape, {getStrides()}, [&](int64_t i, auto &indices) {
    result.zeros[i] = zeros[indices[0]];
    if (!ones.empty()) {
      result.ones[i] = ones[indices[0]];
      result.elements[i] = elements[indices[0]];
    }
  });
  return result;
}

MaskTensor MaskTensor::reshaped(ArrayRef<int64_t> to) const {
  // Dimensions of size 1 come and go without a copy.
  auto withoutOnes = [](ArrayRef<int64_t> sizes) {
    return llvm::to_vector(
        llvm::make_filter_range(sizes, [](int64_t size) { return size != 1; }));
  };
  if (withoutOnes(shape) == withoutOnes(to)) {
    MaskTensor result = *this;
    result.shape.assign(to.begin(), to.end());
    result.stored.assign(to.size(), 1);
    size_t next = 0;
    for (size_t dim = 0; dim < to.size(); ++dim) {
      if (to[dim] == 1)
        continue;
      while (shape[next] == 1)
        ++next;
      result.stored[dim] = stored[next++];
    }
    return result;
  }
  MaskTensor result = expanded();
  result.shape.assign(to.begin(), to.end());
  result.stored = result.shape;
  return result;
}

//===----------------------------------------------------------------------===//
// Evaluation
//===----------------------------------------------------------------------===//

std::optional<MaskTensor>
MaskEvaluator::map(ArrayRef<const MaskTensor *> operands, Function function,
                   Explain why) {
  MaskTensor result;
  for (const MaskTensor *operand : operands) {
    result.shape = broadcastShapes(result.shape, operand->shape);
    result.stored = broadcastShapes(result.stored, operand->stored);
    if (!operand->source)
      continue;
    if (result.source && result.source != operand->source) {
      why("the mask depends on two inputs");
      return std::nullopt;
    }
    result.source = operand->source;
  }
  SmallVector<SmallVector<int64_t, 4>> strides;
  for (const MaskTensor *operand : operands)
    strides.push_back(operand->withRank(result.shape.size()).getStrides());

  size_t count = getCount(result.stored);
  result.zeros.resize(count);
  if (result.source) {
    result.ones.resize(count);
    result.elements.resize(count);
  }
  bool clash = false, depends = false;
  double arguments[3];
  auto compute = [&](ArrayRef<int64_t> indices, bool sourceValue) {
    for (size_t k = 0; k < operands.size(); ++k)
      arguments[k] = operands[k]->get(indices[k], sourceValue);
    return function(arguments);
  };
  forEachElement(result.stored, strides, [&](int64_t i, auto &indices) {
    result.zeros[i] = compute(indices, false);
    if (!result.source)
      return;
    int64_t element = -1;
    for (size_t k = 0; k < operands.size(); ++k) {
      int64_t own = operands[k]->getSourceElement(indices[k]);
      clash |= own >= 0 && element >= 0 && own != element;
      element = std::max(element, own);
    }
    result.ones[i] = element < 0 ? result.zeros[i] : compute(indices, true);
    // What comes out the same depends on nothing: padding above the diagonal.
    if (result.ones[i] == result.zeros[i])
      element = -1;
    depends |= element >= 0;
    result.elements[i] = element;
  });
  if (clash) {
    why("an element of the mask depends on two elements of its input");
    return std::nullopt;
  }
  if (!depends) {
    result.source = {};
    result.ones.clear();
    result.elements.clear();
  }
  return result;
}

MaskEvaluator::Outcome MaskEvaluator::evaluate(Value value, Explain why) {
  if (known.contains(value))
    return Outcome::Known;
  auto result = std::make_shared<MaskTensor>();
  Outcome outcome = compute(value, *result, why);
  if (outcome == Outcome::Known)
    known[value] = std::move(result);
  return outcome;
}

bool MaskEvaluator::readElements(ElementsAttr elements, MaskTensor &result) {
  auto type = cast<RankedTensorType>(elements.getType());
  result.shape.assign(type.getShape().begin(), type.getShape().end());
  auto take = [&](auto data) {
    if (!data) {
      llvm::consumeError(data.takeError());
      return false;
    }
    result.stored = result.shape;
    result.zeros.assign(data->begin(), data->end());
    return true;
  };
  if (auto splat = dyn_cast<SplatElementsAttr>(elements)) {
    result.stored.assign(result.shape.size(), 1);
    Type element = type.getElementType();
    if (element.isF32())
      result.zeros = {splat.getSplatValue<float>()};
    else if (element.isInteger(1))
      result.zeros = {double(splat.getSplatValue<bool>())};
    else
      result.zeros = {double(splat.getSplatValue<int64_t>())};
  } else if (type.getElementType().isF32()) {
    if (!take(getFloatData(elements)))
      return false;
  } else if (type.getElementType().isInteger(1)) {
    if (!take(getBoolData(elements)))
      return false;
  } else if (!take(getInt64Data(elements))) {
    return false;
  }
  return type.getElementType().isF32() ||
         llvm::all_of(result.zeros,
                      [](double x) { return std::abs(x) <= kLargestInteger; });
}

MaskEvaluator::Outcome
MaskEvaluator::computeSource(Value value, MaskTensor &result, Explain why) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getElementType().isF32())
    return Outcome::Computed;
  // A truth value is 0 or 1 wherever it comes from, an integer only as an input
  // of the network that is a mask.
  if (!type.getElementType().isInteger(1) && value.getDefiningOp()) {
    why("the mask is computed by " + describeValue(value));
    return Outcome::Failed;
  }
  for (Operation *user : value.getUsers())
    if (auto embedding = dyn_cast<EmbeddingOp>(user))
      if (embedding.getIndices() == value) {
        why("the mask depends on " + describeValue(value) +
            " that chooses rows of a table, and so is not just 0 or 1");
        return Outcome::Failed;
      }
  int64_t count = type.getNumElements();
  result.shape.assign(type.getShape().begin(), type.getShape().end());
  result.stored = result.shape;
  result.source = value;
  result.zeros.assign(count, 0);
  result.ones.assign(count, 1);
  result.elements.resize(count);
  for (int64_t i = 0; i < count; ++i)
    result.elements[i] = i;
  return Outcome::Known;
}

/// Moves elements; false for an op that does something else.
bool MaskEvaluator::computeShape(Operation *op, const MaskTensor &input,
                                 MaskTensor &result) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  ArrayRef<int64_t> shape = type.getShape();
  if (isa<ReshapeOp>(op)) {
    result = input.reshaped(shape);
    return true;
  }
  if (isa<BroadcastOp>(op)) {
    result = input.withRank(shape.size());
    result.shape.assign(shape.begin(), shape.end());
    return true;
  }

  // The rest reads stored elements by index.
  SmallVector<int64_t, 4> steps = input.getStrides();
  SmallVector<int64_t, 4> stored(shape);
  SmallVector<int64_t, 4> strides(shape.size());
  int64_t axis = -1;
  SmallVector<int64_t> indices;
  if (auto transpose = dyn_cast<TransposeOp>(op)) {
    for (auto [i, dim] : llvm::enumerate(transpose.getPermutation())) {
      stored[i] = input.stored[dim];
      strides[i] = steps[dim];
    }
  } else {
    if (auto slice = dyn_cast<SliceOp>(op)) {
      axis = slice.getAxis();
      for (int64_t i = 0; i < shape[axis]; ++i)
        indices.push_back(slice.getOffset() + i);
    } else if (auto take = dyn_cast<TakeOp>(op)) {
      axis = take.getAxis();
      indices.assign(take.getIndices().begin(), take.getIndices().end());
    } else {
      return false;
    }
    for (size_t i = 0; i < shape.size(); ++i) {
      stored[i] = static_cast<int64_t>(i) == axis && input.stored[i] != 1
                      ? shape[i]
                      : input.stored[i];
      strides[i] = static_cast<int64_t>(i) == axis ? 0 : steps[i];
    }
  }
  result.shape.assign(shape.begin(), shape.end());
  result.stored = stored;
  result.source = input.source;
  size_t count = getCount(stored);
  result.zeros.resize(count);
  if (input.source) {
    result.ones.resize(count);
    result.elements.resize(count);
  }
  int64_t inner =
      axis < 0 ? 1 : getCount(ArrayRef(stored).drop_front(axis + 1));
  forEachElement(stored, {strides}, [&](int64_t i, auto &offsets) {
    int64_t from = offsets[0];
    if (axis >= 0)
      from += indices[i / inner % stored[axis]] * steps[axis];
    result.zeros[i] = input.zeros[from];
    if (input.source) {
      result.ones[i] = input.ones[from];
      result.elements[i] = input.elements[from];
    }
  });
  return true;
}

MaskEvaluator::Outcome MaskEvaluator::computeArithmetic(Operation *op,
                                                        MaskTensor &result,
                                                        Explain why) {
  bool isFloat = cast<RankedTensorType>(op->getResult(0).getType())
                     .getElementType()
                     .isF32();
  auto round = [isFloat](double value) {
    return isFloat ? static_cast<double>(static_cast<float>(value)) : value;
  };
  SmallVector<const MaskTensor *> operands;
  for (Value operand : op->getOperands())
    operands.push_back(&get(operand));

  auto apply = [&](Function function) {
    std::optional<MaskTensor> made = map(operands, function, why);
    if (!made)
      return Outcome::Failed;
    result = std::move(*made);
    return Outcome::Known;
  };
  using In = const double *;
  Outcome outcome =
      llvm::TypeSwitch<Operation *, Outcome>(op)
          .Case([&](AddOp) {
            return apply([&](In x) { return round(x[0] + x[1]); });
          })
          .Case([&](SubOp) {
            return apply([&](In x) { return round(x[0] - x[1]); });
          })
          .Case([&](MulOp) {
            return apply([&](In x) { return round(x[0] * x[1]); });
          })
          .Case([&](DivOp) {
            return apply([&](In x) { return round(x[0] / x[1]); });
          })
          .Case([&](MinOp) {
            return apply([](In x) {
              return std::isnan(x[0]) || x[0] < x[1] ? x[0] : x[1];
            });
          })
          .Case([&](MaxOp) {
            return apply([](In x) {
              return std::isnan(x[0]) || x[0] > x[1] ? x[0] : x[1];
            });
          })
          .Case([&](AndOp) {
            return apply([](In x) { return double(x[0] != 0 && x[1] != 0); });
          })
          .Case([&](OrOp) {
            return apply([](In x) { return double(x[0] != 0 || x[1] != 0); });
          })
          .Case([&](NotOp) {
            return apply([](In x) { return double(x[0] == 0); });
          })
          .Case([&](CompareOp compare) {
            switch (compare.getPredicate()) {
            case ComparePredicate::EQ:
              return apply([](In x) { return double(x[0] == x[1]); });
            case ComparePredicate::LT:
              return apply([](In x) { return double(x[0] < x[1]); });
            case ComparePredicate::LE:
              return apply([](In x) { return double(x[0] <= x[1]); });
            }
            llvm_unreachable("unknown predicate");
          })
          .Case([&](WhereOp) {
            return apply([](In x) { return x[0] != 0 ? x[1] : x[2]; });
          })
          .Case([&](CastOp cast) {
            Type to = cast.getType().getElementType();
            if (to.isInteger(1))
              return apply([](In x) { return double(x[0] != 0); });
            if (to.isF32())
              return apply([&](In x) { return round(x[0]); });
            return apply(
                [](In x) { return std::isnan(x[0]) ? 0.0 : std::trunc(x[0]); });
          })
          .Default([&](Operation *) {
            why("the mask is computed by " + describeValue(op->getResult(0)));
            return Outcome::Failed;
          });
  if (outcome == Outcome::Known && !isFloat)
    for (const std::vector<double> *values : {&result.zeros, &result.ones})
      for (double value : *values)
        if (!(std::abs(value) <= kLargestInteger)) {
          why("the mask is computed with integers of more than 53 bits");
          return Outcome::Failed;
        }
  return outcome;
}

MaskEvaluator::Outcome MaskEvaluator::compute(Value value, MaskTensor &result,
                                              Explain why) {
  Operation *op = value.getDefiningOp();
  if (auto constant = dyn_cast_or_null<ConstantOp>(op)) {
    if (readElements(constant.getValue(), result))
      return Outcome::Known;
    why("a constant of the mask cannot be read");
    return Outcome::Failed;
  }
  // Exporters store masks, and what they fill them with, as initializers. Such
  // a one is architecture; others are the server's and at most a bias.
  if (auto weight = dyn_cast_or_null<WeightOp>(op))
    return holdsMask(weight) && readElements(weight.getValue(), result)
               ? Outcome::Known
               : computeSource(value, result, why);
  bool isShape =
      isa_and_present<ReshapeOp, BroadcastOp, TransposeOp, SliceOp, TakeOp>(op);
  bool isArithmetic =
      isa_and_present<AddOp, SubOp, MulOp, DivOp, MinOp, MaxOp, AndOp, OrOp,
                      NotOp, CompareOp, WhereOp, CastOp>(op);
  if (!isShape && !isArithmetic)
    return computeSource(value, result, why);

  Outcome outcome = Outcome::Known;
  for (Value operand : op->getOperands()) {
    Outcome own = evaluate(operand, why);
    if (own == Outcome::Failed)
      return own;
    if (own == Outcome::Computed)
      outcome = own;
  }
  if (outcome == Outcome::Computed) {
    // A condition on floats is no bias either.
    if (cast<RankedTensorType>(value.getType()).getElementType().isF32())
      return outcome;
    why("the mask is made of the float values of " + describeValue(value));
    return Outcome::Failed;
  }
  if (!isShape)
    return computeArithmetic(op, result, why);
  computeShape(op, get(op->getOperand(0)), result);
  return Outcome::Known;
}

} // namespace aero::pi
