//===- Inputs.cpp - Initializers, inputs and outputs of a graph -----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GraphImporter.h"

#include "aero/Dialect/PI/IR/PIOps.h"
#include "aero/Support/Elements.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"

#include <cmath>

#include <onnx/onnx_pb.h>

using namespace aero;
using namespace mlir;

namespace {

/// Floats can lie there.
bool isAligned(ArrayRef<char> data) {
  return reinterpret_cast<uintptr_t>(data.data()) % alignof(float) == 0;
}

/// A resource of bytes that `owner` keeps alive. Copied if they lie at an
/// address that floats cannot have.
template <typename Owner>
ElementsAttr makeBlob(RankedTensorType type, ArrayRef<char> data, Owner owner,
                      StringRef name) {
  if (!isAligned(data))
    return makeRawResource(type, data, name);
  auto address = reinterpret_cast<uintptr_t>(data.data());
  size_t alignment = std::min<size_t>(address & -address, kBlobAlignment);
  AsmResourceBlob blob(
      data, alignment,
      [owner = std::move(owner)](void *, size_t, size_t) mutable {
        owner.reset();
      },
      /*dataIsMutable=*/false);
  return DenseResourceElementsAttr::get(type, name, std::move(blob));
}

std::string listNames(ArrayRef<std::string> names) {
  if (names.empty())
    return "it has none";
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "it has ";
  llvm::interleaveComma(names, os, [&](StringRef name) { os << quoted(name); });
  return text;
}

std::string getTypeName(int32_t type) {
  return StringRef(getElementTypeName(type)).lower();
}

} // namespace

//===----------------------------------------------------------------------===//
// Initializers
//===----------------------------------------------------------------------===//

void GraphImporter::importInitializers() {
  for (onnx::TensorProto &tensor :
       *model.mutable_graph()->mutable_initializer()) {
    if (tensor.name().empty())
      addProblem("an initializer has no name; export the model again");
    else if (!pending.try_emplace(tensor.name(), &tensor).second)
      addProblem("initializer " + quoted(tensor.name()) +
                 " is defined twice; export the model again");
  }
  if (model.graph().sparse_initializer_size())
    addProblem("sparse initializers are not supported; store the weights as "
               "dense tensors");
}

std::optional<Slot> GraphImporter::makeInitializer(onnx::TensorProto &tensor) {
  auto checked = reader.check(tensor);
  if (!checked) {
    addProblem("initializer " + quoted(tensor.name()) + " " +
               llvm::toString(checked.takeError()));
    return std::nullopt;
  }
  if (isExternal(tensor))
    if (llvm::Error error = reader.claimExternal(tensor)) {
      addProblem("initializer " + quoted(tensor.name()) + " " +
                 llvm::toString(std::move(error)));
      return std::nullopt;
    }
  auto [kind, shape] = *checked;
  Slot slot(NameLoc::get(builder.getStringAttr(tensor.name())));
  slot.kind = kind;
  slot.shape = shape;
  int64_t count = *countElements(shape);
  if (kind != ElementKind::Float || angles.contains(tensor.name())) {
    // Integers of a byte take eight here.
    if (count > options.maxFoldedElements + (1 << 16) || !chargeMemory(count)) {
      addProblem("initializer " + quoted(tensor.name()) + " holds " +
                 Twine(count) +
                 " integers, which are too many; store parameters as floats");
      return std::nullopt;
    }
    slot.constant =
        std::make_shared<HostTensor>(llvm::cantFail(reader.read(tensor)));
    return slot;
  }

  slot.weightName = tensor.name();
  RankedTensorType type = RankedTensorType::get(shape, builder.getF32Type());
  if (count < kInlineElements) {
    slot.weight = llvm::cantFail(reader.read(tensor)).getAttr(&context);
    slot.isScalarWeight = true;
    return slot;
  }
  // Whether the numbers are there already is asked before they get a place.
  auto store = [&](ArrayRef<char> data, auto makeData) {
    std::optional<TiedWeights::Match> match;
    if (isAligned(data))
      match = tied.find(shape, {reinterpret_cast<const float *>(data.data()),
                                static_cast<size_t>(count)});
    if (!match) {
      slot.weight = makeData();
      tied.add(tensor.name(), slot.weight);
      return;
    }
    slot.weight = match->data;
    slot.transposed = match->transposed;
    if (match->transposed)
      slot.weightName = match->name;
  };
  bool isF32 = tensor.data_type() == onnx::TensorProto::FLOAT;
  if (isF32 && isExternal(tensor)) {
    MappedBytes mapped = llvm::cantFail(reader.mapExternal(tensor));
    ArrayRef<char> data(mapped.bytes.data(), mapped.bytes.size());
    store(data, [&] {
      return makeBlob(type, data, std::move(mapped.owner), tensor.name());
    });
  } else if (isF32 && tensor.has_raw_data()) {
    std::unique_ptr<std::string> bytes(tensor.release_raw_data());
    ArrayRef<char> data(bytes->data(), bytes->size());
    store(data, [&] {
      return makeBlob(type, data, std::move(bytes), tensor.name());
    });
  } else {
    HostTensor host = llvm::cantFail(reader.read(tensor));
    ArrayRef<char> data(reinterpret_cast<const char *>(host.floats.data()),
                        host.floats.size() * sizeof(float));
    store(data, [&] {
      return makeFloatResource(type, std::move(host.floats), tensor.name());
    });
  }
  return slot;
}

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

/// The size that the user gave for a symbol or a place, or that follows for a
/// sum ("past_sequence + 1"), as exporters name dimensions that are computed.
std::optional<int64_t> GraphImporter::findBinding(StringRef symbol,
                                                  StringRef place) {
  for (StringRef key : {place, symbol})
    if (auto found = options.bindings.find(key);
        !key.empty() && found != options.bindings.end()) {
      usedBindings.insert(key);
      return found->second;
    }
  if (!symbol.contains('+'))
    return std::nullopt;
  SmallVector<StringRef> terms;
  symbol.split(terms, '+');
  int64_t sum = 0;
  for (StringRef term : terms) {
    term = term.trim();
    int64_t number = 0;
    if (term.getAsInteger(10, number)) {
      std::optional<int64_t> bound =
          term.empty() ? std::nullopt : findBinding(term, "");
      if (!bound)
        return std::nullopt;
      number = *bound;
    }
    if (number < 0 || llvm::AddOverflow(sum, number, sum))
      return std::nullopt;
  }
  return sum;
}

std::optional<Shape>
GraphImporter::bindShape(const onnx::ValueInfoProto &value, StringRef title,
                         std::vector<GraphValue::Dimension> &dims) {
  Shape shape;
  bool open = false;
  for (const auto &[i, dim] :
       llvm::enumerate(value.type().tensor_type().shape().dim())) {
    GraphValue::Dimension entry;
    entry.symbol = dim.has_dim_param() ? dim.dim_param() : "";
    std::string place = value.name() + "." + std::to_string(i);
    std::optional<int64_t> bound = findBinding(entry.symbol, place);
    // A size of 0 has always meant that the exporter does not know it.
    bool isStatic = dim.has_dim_value() && dim.dim_value() > 0;
    if (isStatic && bound && *bound != dim.dim_value())
      addProblem(title + " has size " + Twine(dim.dim_value()) +
                 " in dimension " + Twine(i) + " and cannot be bound to " +
                 Twine(*bound) + "; leave that --bind out");
    if (isStatic) {
      entry.size = dim.dim_value();
    } else if (bound) {
      entry.size = *bound;
      entry.bound = true;
    } else {
      std::string name = entry.symbol.empty() ? place : entry.symbol;
      addProblem(
          title + " leaves dimension " + Twine(i) + " open" +
          (entry.symbol.empty() ? "" : " (" + quoted(entry.symbol) + ")") +
          "; give its size, e.g. --bind \"" + printable(name) +
          "=128\", or export with static shapes");
      open = true;
    }
    shape.push_back(entry.size);
    dims.push_back(std::move(entry));
  }
  if (open)
    return std::nullopt;
  if (!countElements(shape)) {
    addProblem(title + " has impossible dimensions; export the model again");
    return std::nullopt;
  }
  return shape;
}

std::optional<HostTensor> GraphImporter::fixInput(const FixedInput &fixed,
                                                  ElementKind kind,
                                                  ArrayRef<int64_t> shape) {
  std::string title = "input " + quoted(fixed.name);
  if (fixed.kind == FixedInput::Kind::Elements) {
    if (fixed.elements &&
        fixed.elements.getType() ==
            HostTensor{kind, Shape(shape), {}, {}}.getType(&context))
      return HostTensor::fromAttr(fixed.elements);
    addProblem(title + " is fixed to elements of another type or shape; give "
                       "it one element for each of its own");
    return std::nullopt;
  }
  if (*countElements(shape) > options.maxFoldedElements) {
    addProblem(title + " has more than " + Twine(options.maxFoldedElements) +
               " elements, which are too many to be fixed; leave that --fix "
               "out");
    return std::nullopt;
  }
  bool isRange = fixed.kind == FixedInput::Kind::Range;
  if (!isRange && kind != ElementKind::Float &&
      (fixed.number != std::rint(fixed.number) ||
       std::fabs(fixed.number) > 0x1p53)) {
    std::string number;
    llvm::raw_string_ostream(number) << llvm::format("%g", fixed.number);
    addProblem(title +
               " holds integers or truth values and cannot be fixed to " +
               number + "; give a whole number or range");
    return std::nullopt;
  }
  HostTensor tensor = HostTensor::makeZeros(kind, shape);
  int64_t columns = shape.empty() ? 1 : shape.back();
  for (int64_t i = 0; i < tensor.size(); ++i) {
    double number = isRange ? static_cast<double>(i % columns) : fixed.number;
    if (kind == ElementKind::Float)
      tensor.floats[i] = static_cast<float>(number);
    else if (kind == ElementKind::Bool)
      tensor.ints[i] = number != 0;
    else
      tensor.ints[i] = static_cast<int64_t>(number);
  }
  return tensor;
}

std::optional<Slot>
GraphImporter::makeInput(const onnx::ValueInfoProto &input) {
  GraphValue &entry = summary.inputs.emplace_back();
  entry.name = input.name();
  std::string title = "input " + quoted(input.name());
  bool isTensor = input.has_type() && input.type().has_tensor_type() &&
                  input.type().tensor_type().has_shape();
  if (isTensor)
    entry.elementType = getTypeName(input.type().tensor_type().elem_type());
  auto fixed = llvm::find_if(options.fixedInputs, [&](const FixedInput &fixed) {
    return fixed.name == input.name();
  });
  if (!readNames.contains(input.name())) {
    entry.role = GraphValue::Role::Dropped;
    return std::nullopt;
  }
  if (!isTensor) {
    addProblem(title + " has no tensor type and shape; export the model with "
                       "static shapes");
    return std::nullopt;
  }
  int32_t type = input.type().tensor_type().elem_type();
  std::optional<ElementKind> kind = aero::getElementKind(type);
  if (!kind) {
    addProblem(title + " has element type " + getElementTypeName(type) +
               ", which is not supported; use int64 or float");
    return std::nullopt;
  }
  std::optional<Shape> shape = bindShape(input, title, entry.shape);
  if (!shape)
    return std::nullopt;

  Slot slot(NameLoc::get(builder.getStringAttr(input.name())));
  slot.kind = *kind;
  slot.shape = *shape;
  if (fixed != options.fixedInputs.end()) {
    entry.role = GraphValue::Role::Fixed;
    std::optional<HostTensor> value = fixInput(*fixed, *kind, *shape);
    if (!value)
      return std::nullopt;
    slot.constant = std::make_shared<HostTensor>(std::move(*value));
    return slot;
  }
  if (*countElements(*shape) == 0) {
    // The cache before the first token: nothing that anybody could own.
    entry.role = GraphValue::Role::Dropped;
    slot.constant =
        std::make_shared<HostTensor>(HostTensor::makeZeros(*kind, *shape));
    return slot;
  }
  slot.value = builder.getInsertionBlock()->addArgument(
      HostTensor{*kind, *shape, {}, {}}.getType(&context), slot.loc);
  return slot;
}

void GraphImporter::importInputs() {
  for (const onnx::ValueInfoProto &input : model.graph().input()) {
    // Before IR version 4 every initializer was an input as well.
    if (pending.contains(input.name()))
      continue;
    std::optional<Slot> slot = makeInput(input);
    if (!slot) {
      slot = Slot(UnknownLoc::get(&context));
      slot->failed = true;
    }
    if (!slots.try_emplace(input.name(), *slot).second)
      addProblem("input " + quoted(input.name()) +
                 " is defined twice; export the model again");
  }
}

//===----------------------------------------------------------------------===//
// Outputs, and options that name what is not there
//===----------------------------------------------------------------------===//

bool GraphImporter::wantsOutput(StringRef name) const {
  return options.outputs.empty() || llvm::is_contained(options.outputs, name);
}

SmallVector<Value>
GraphImporter::importOutputs(SmallVectorImpl<Location> &names) {
  if (model.graph().output().empty())
    addProblem("the graph has no output; export the model again");
  llvm::StringMap<Value> values;
  llvm::StringSet<> seen;
  std::vector<std::string> order;
  for (const onnx::ValueInfoProto &output : model.graph().output()) {
    if (!seen.insert(output.name()).second) {
      addProblem("output " + quoted(output.name()) +
                 " is named twice; export the model again");
      continue;
    }
    GraphValue &entry = summary.outputs.emplace_back();
    entry.name = output.name();
    if (output.has_type() && output.type().has_tensor_type())
      entry.elementType = getTypeName(output.type().tensor_type().elem_type());
    if (!wantsOutput(output.name())) {
      entry.role = GraphValue::Role::Dropped;
      continue;
    }
    Slot *slot = findSlot(output.name());
    if (!slot) {
      addProblem("output " + quoted(output.name()) +
                 " is computed by no node; export the model again");
      continue;
    }
    if (slot->failed)
      continue;
    for (int64_t size : slot->shape)
      entry.shape.push_back({"", size, false});
    const auto &declared = output.type().tensor_type().shape();
    for (int i = 0; i < declared.dim_size() && i < (int)slot->shape.size(); ++i)
      if (declared.dim(i).has_dim_param()) {
        entry.shape[i].symbol = declared.dim(i).dim_param();
        entry.shape[i].bound = true;
      }
    values[output.name()] = materialize(*slot);
    order.push_back(output.name());
  }
  SmallVector<Value> results;
  for (const std::string &name :
       options.outputs.empty() ? order : options.outputs)
    if (Value value = values.lookup(name)) {
      results.push_back(value);
      names.push_back(NameLoc::get(builder.getStringAttr(name)));
    }
  return results;
}

void GraphImporter::checkOptions() {
  std::vector<std::string> inputs, outputs, symbols;
  llvm::StringSet<> inputNames, outputNames, symbolNames;
  for (const onnx::ValueInfoProto &input : model.graph().input()) {
    if (pending.contains(input.name()))
      continue;
    if (inputNames.insert(input.name()).second)
      inputs.push_back(input.name());
    for (const auto &[i, dim] :
         llvm::enumerate(input.type().tensor_type().shape().dim())) {
      if (dim.has_dim_value() && dim.dim_value() > 0)
        continue;
      std::string place = input.name() + "." + std::to_string(i);
      std::string name = dim.dim_param().empty() ? place : dim.dim_param();
      if (symbolNames.insert(name).second)
        symbols.push_back(name);
      symbolNames.insert(place);
      SmallVector<StringRef> terms;
      StringRef(name).split(terms, '+');
      for (StringRef term : terms)
        symbolNames.insert(term.trim());
    }
  }
  for (const onnx::ValueInfoProto &output : model.graph().output())
    if (outputNames.insert(output.name()).second)
      outputs.push_back(output.name());

  std::vector<StringRef> bindings;
  for (const auto &binding : options.bindings)
    bindings.push_back(binding.first());
  llvm::sort(bindings);
  for (StringRef name : bindings)
    if (!usedBindings.contains(name) && !symbolNames.contains(name))
      addProblem("--bind: there is no open dimension " + quoted(name) + "; " +
                 listNames(symbols));
  auto check = [&](StringRef option, StringRef what, StringRef name,
                   const llvm::StringSet<> &known, ArrayRef<std::string> names,
                   llvm::StringSet<> &seen) {
    if (!known.contains(name))
      addProblem(option + ": there is no " + what + " " + quoted(name) + "; " +
                 listNames(names));
    else if (!seen.insert(name).second)
      addProblem(option + ": " + what + " " + quoted(name) +
                 " is given twice; give it once");
  };
  llvm::StringSet<> fixedNames, keptNames;
  for (const FixedInput &fixed : options.fixedInputs)
    check("--fix", "input", fixed.name, inputNames, inputs, fixedNames);
  for (const std::string &name : options.outputs)
    check("--keep-output", "output", name, outputNames, outputs, keptNames);
}
