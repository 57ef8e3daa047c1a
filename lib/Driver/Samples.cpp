//===- Samples.cpp - Inputs to run a model on -----------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Driver/Samples.h"

#include "aero/Dialect/PI/IR/PIOps.h"
#include "aero/Support/NumPy.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"

#include <random>

using namespace aero;
using mlir::RankedTensorType;
using mlir::func::FuncOp;
using Kind = NumPyArray::Kind;

//===----------------------------------------------------------------------===//
// Random samples
//===----------------------------------------------------------------------===//

/// The rows of the smallest table that `value` chooses rows of, or 0.
static int64_t getTableRows(mlir::Value value) {
  int64_t rows = 0;
  for (mlir::Operation *user : value.getUsers()) {
    int64_t found = 0;
    if (auto lookup = llvm::dyn_cast<pi::EmbeddingOp>(user))
      found = lookup.getTable().getType().getDimSize(0);
    else if (llvm::isa<pi::ReshapeOp, pi::SliceOp, pi::TakeOp, pi::BroadcastOp,
                       pi::TransposeOp, pi::AddOp, pi::MaxOp>(user))
      found = getTableRows(user->getResult(0));
    if (found && (!rows || found < rows))
      rows = found;
  }
  return rows;
}

std::vector<Sample> aero::makeRandomSamples(FuncOp function, unsigned count) {
  // The same inputs every time. NOLINTNEXTLINE(bugprone-random-generator-seed)
  std::mt19937_64 generator(1);
  std::vector<Sample> samples(count);
  for (Sample &sample : samples)
    for (mlir::BlockArgument argument : function.getArguments()) {
      auto type = llvm::cast<RankedTensorType>(argument.getType());
      size_t size = static_cast<size_t>(type.getNumElements());
      if (type.getElementType().isF32()) {
        std::vector<float> values(size);
        std::normal_distribution<float> normal(0, 0.5f);
        for (float &value : values)
          value = normal(generator);
        sample.push_back(
            reference::Tensor::fromFloats(type.getShape(), values));
      } else if (type.getElementType().isInteger(1)) {
        std::vector<uint8_t> values(size, 1);
        sample.push_back(reference::Tensor::fromBools(type.getShape(), values));
      } else {
        std::vector<int64_t> values(size, 1);
        if (int64_t rows = getTableRows(argument))
          for (int64_t &value : values)
            value =
                static_cast<int64_t>(generator() % static_cast<uint64_t>(rows));
        sample.push_back(reference::Tensor::fromInts(type.getShape(), values));
      }
    }
  return samples;
}

//===----------------------------------------------------------------------===//
// Samples from arrays
//===----------------------------------------------------------------------===//

namespace {

std::string describe(llvm::ArrayRef<int64_t> shape) {
  std::string text = "(";
  llvm::raw_string_ostream os(text);
  llvm::interleaveComma(shape, os);
  os << ")";
  return text;
}

llvm::Error fault(const llvm::Twine &text) {
  return llvm::createStringError(text);
}

/// The array of one input, and how many samples it holds.
struct InputArray {
  NumPyArray array;
  int64_t samples;
};

/// How many tensors of `shape` an array of the shape `given` holds.
std::optional<int64_t> countSamples(llvm::ArrayRef<int64_t> given,
                                    llvm::ArrayRef<int64_t> shape) {
  if (given == shape)
    return 1;
  if (given.size() == shape.size() + 1 && given.drop_front() == shape)
    return given.front();
  if (shape.empty() || shape.front() != 1)
    return std::nullopt;
  if (given == shape.drop_front())
    return 1;
  if (given.size() == shape.size() && given.drop_front() == shape.drop_front())
    return given.front();
  return std::nullopt;
}

llvm::Expected<InputArray> readInput(const NumPyFile &file,
                                     llvm::StringRef name,
                                     mlir::BlockArgument argument) {
  auto array = file.read(name);
  if (!array)
    return array.takeError();
  std::string title = file.describe(name);
  auto type = llvm::cast<RankedTensorType>(argument.getType());
  mlir::Type element = type.getElementType();
  auto [kind, wanted] = element.isF32() ? std::pair(Kind::Float, "floats")
                        : element.isInteger(1)
                            ? std::pair(Kind::Bool, "bools")
                            : std::pair(Kind::Int, "integers");
  if (array->kind != kind)
    return fault(title + " has the dtype " + array->dtype +
                 ", but the input takes " + wanted);
  std::optional<int64_t> samples = countSamples(array->shape, type.getShape());
  if (!samples)
    return fault(title + " has the shape " + describe(array->shape) +
                 ", but the input has " + describe(type.getShape()) +
                 "; give it that shape, or N samples of it one behind the "
                 "other");
  if (*samples == 0)
    return fault(title + " has no samples");
  if (int64_t rows = kind == Kind::Int ? getTableRows(argument) : 0)
    for (int64_t id : array->ints)
      if (id < 0 || id >= rows)
        return fault(title + " holds " + llvm::Twine(id) +
                     ", which is not in the vocabulary: ids go from 0 to " +
                     llvm::Twine(rows - 1));
  return InputArray{std::move(*array), *samples};
}

/// Sample `index` of an input.
reference::Tensor slice(const InputArray &input, RankedTensorType type,
                        int64_t index) {
  size_t size = static_cast<size_t>(type.getNumElements());
  size_t begin = static_cast<size_t>(index) * size;
  if (input.array.kind == Kind::Float)
    return reference::Tensor::fromFloats(
        type.getShape(), llvm::ArrayRef(input.array.floats).slice(begin, size));
  llvm::ArrayRef<int64_t> values =
      llvm::ArrayRef(input.array.ints).slice(begin, size);
  if (input.array.kind == Kind::Int)
    return reference::Tensor::fromInts(type.getShape(), values);
  std::vector<uint8_t> bools(values.begin(), values.end());
  return reference::Tensor::fromBools(type.getShape(), bools);
}

/// The name of the array for each input.
llvm::Expected<std::vector<std::string>> matchNames(Model &model,
                                                    const NumPyFile &file) {
  std::vector<std::string> inputs = model.getInputNames();
  llvm::ArrayRef<std::string> arrays = file.getNames();
  // One for one needs no name: numpy.save, and numpy.savez without keywords.
  if (inputs.size() == 1 && arrays.size() == 1)
    return arrays.vec();
  auto quoteAll = [](llvm::ArrayRef<std::string> names) {
    return names.empty() ? std::string("none")
                         : "'" + llvm::join(names, "', '") + "'";
  };
  std::vector<std::string> missing, extra;
  for (const std::string &input : inputs)
    if (!llvm::is_contained(arrays, input))
      missing.push_back(input);
  for (const std::string &array : arrays)
    if (!llvm::is_contained(inputs, array))
      extra.push_back(array);
  std::string path = file.getPath().str();
  llvm::Error errors = llvm::Error::success();
  if (!missing.empty())
    errors = llvm::joinErrors(
        std::move(errors),
        fault(path + ": has no array for the inputs " + quoteAll(missing) +
              "; save them under these names with numpy.savez, the file has " +
              (file.isArchive() ? quoteAll(arrays) : "one without a name")));
  if (!extra.empty() && file.isArchive())
    errors = llvm::joinErrors(
        std::move(errors),
        fault(path + ": holds " + quoteAll(extra) +
              ", which are no inputs that can be given; the model has " +
              quoteAll(inputs)));
  if (errors)
    return errors;
  return inputs;
}

llvm::Expected<std::vector<Sample>> sliceSamples(Model &model,
                                                 const NumPyFile &file) {
  auto names = matchNames(model, file);
  if (!names)
    return names.takeError();
  FuncOp function = model.getFunction();
  if (names->size() != function.getNumArguments())
    return fault(model.getPath() + ": does not name its inputs");
  std::vector<InputArray> inputs;
  llvm::Error errors = llvm::Error::success();
  for (auto [name, argument] :
       llvm::zip_equal(*names, function.getArguments())) {
    auto input = readInput(file, name, argument);
    if (!input)
      errors = llvm::joinErrors(std::move(errors), input.takeError());
    else
      inputs.push_back(std::move(*input));
  }
  if (errors)
    return errors;
  for (auto [name, input] : llvm::zip_equal(*names, inputs))
    if (input.samples != inputs.front().samples)
      return fault(file.describe(name) + " holds " +
                   llvm::Twine(input.samples) + " samples, but '" +
                   names->front() + "' holds " +
                   llvm::Twine(inputs.front().samples));

  std::vector<Sample> samples(
      inputs.empty() ? 0 : static_cast<size_t>(inputs.front().samples));
  for (auto [index, sample] : llvm::enumerate(samples))
    for (auto [input, argument] :
         llvm::zip_equal(inputs, function.getArguments()))
      sample.push_back(slice(input,
                             llvm::cast<RankedTensorType>(argument.getType()),
                             static_cast<int64_t>(index)));
  return samples;
}

/// Prompts as samples of a language model.
llvm::Expected<std::vector<Sample>> makeSamples(const Model &model,
                                                std::vector<Tokens> prompts,
                                                llvm::StringRef path,
                                                ShortPrompts shortPrompts) {
  std::vector<Sample> samples;
  size_t context = static_cast<size_t>(model.getContext());
  for (auto [index, tokens] : llvm::enumerate(prompts)) {
    if (tokens.size() < context && shortPrompts == ShortPrompts::Refuse)
      return fault(path + ": prompt " + llvm::Twine(index) + " has " +
                   llvm::Twine(tokens.size()) +
                   " tokens; to be measured it needs the whole context of " +
                   llvm::Twine(context));
    tokens.resize(context, 0);
    samples.push_back(
        {reference::Tensor::fromInts({1, model.getContext()}, tokens)});
  }
  return samples;
}

} // namespace

llvm::Expected<std::vector<Sample>>
aero::readSamples(Model &model, llvm::StringRef path,
                  ShortPrompts shortPrompts) {
  llvm::Error noLanguageModel = model.requireLanguageModel();
  if (!noLanguageModel) {
    auto prompts = readPrompts(model, path);
    if (!prompts)
      return prompts.takeError();
    return makeSamples(model, std::move(*prompts), path, shortPrompts);
  }
  llvm::consumeError(std::move(noLanguageModel));
  auto file = openNumPy(path);
  if (!file)
    return file.takeError();
  if (!*file)
    return fault(path +
                 ": is no NumPy file; prompts in JSON are for language "
                 "models, " +
                 model.getName() +
                 " needs arrays with the names of its inputs"
                 ", from numpy.savez");
  return sliceSamples(model, **file);
}
