//===- OnnxImportFuzzer.cpp - Hostile ONNX models -------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Imports a model and, if that succeeds, raises it and takes its census.
/// Flipped bytes seldom leave a model that parses, so that most mutations
/// change the parsed message (OnnxMutator.h).
///
/// Import options are derived from an entry of the model's metadata. A model
/// with external data is written to a folder that holds good and bad files for
/// it, and imported from there.
///
//===----------------------------------------------------------------------===//

#include "OnnxMutator.h"

#include "aero/Analysis/Architecture.h"
#include "aero/Analysis/Census.h"
#include "aero/Dialect/PI/Transforms/Passes.h"
#include "aero/Import/ONNX/Import.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/STLExtras.h"

#include <filesystem>
#include <fstream>

#include <google/protobuf/stubs/logging.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace aero;
using namespace mlir;
namespace fs = std::filesystem;

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t maxSize);

namespace {

bool parse(onnx::ModelProto &model, const uint8_t *data, size_t size) {
  static google::protobuf::LogSilencer silencer;
  return model.ParsePartialFromArray(data, static_cast<int>(size));
}

//===----------------------------------------------------------------------===//
// Options
//===----------------------------------------------------------------------===//

/// Each three bytes are one option: which, of what, and a number. Without any
/// every open dimension is bound, so that models with symbols get somewhere.
ImportOptions getOptions(const onnx::ModelProto &model) {
  ImportOptions options;
  // Enough for any mask of the seeds, little enough to stay fast.
  options.maxFoldedElements = 1 << 14;
  options.maxNodes = 1 << 12;
  std::vector<std::string> inputs, symbols;
  for (const onnx::ValueInfoProto &input : model.graph().input()) {
    inputs.push_back(input.name());
    for (const auto &[i, dim] :
         llvm::enumerate(input.type().tensor_type().shape().dim()))
      if (!dim.has_dim_value() || dim.dim_value() == 0)
        symbols.push_back(dim.dim_param().empty()
                              ? input.name() + "." + std::to_string(i)
                              : dim.dim_param());
  }
  inputs.push_back("nobody");
  std::string bytes;
  for (const onnx::StringStringEntryProto &entry : model.metadata_props())
    if (entry.key() == fuzz::kOptionsKey)
      bytes = entry.value();
  if (bytes.empty() || (bytes[0] & 1)) {
    for (auto [i, symbol] : llvm::enumerate(symbols))
      if (symbol.find('+') == std::string::npos)
        options.bindings[symbol] = i % 3 + 1;
  }
  symbols.push_back("nothing");
  auto number = [](uint8_t byte) {
    static const int64_t sizes[] = {
        0, 1, 2, 3, 4, -1, 8, 9, 7, 1LL << 39, INT64_MAX, INT64_MIN, 16};
    return sizes[byte % std::size(sizes)];
  };
  for (size_t i = 0; i + 2 < bytes.size(); i += 3) {
    uint8_t kind = bytes[i] >> 1, which = bytes[i + 1], value = bytes[i + 2];
    const std::string &input = inputs[which % inputs.size()];
    switch (kind % 6) {
    case 0:
      options.bindings[symbols[which % symbols.size()]] = number(value);
      break;
    case 1:
      options.bindings[input + "." + std::to_string(value % 4)] =
          number(value / 4);
      break;
    case 2:
      options.fixedInputs.push_back({input,
                                     FixedInput::Kind::Fill,
                                     static_cast<double>(number(value)) / 2,
                                     {}});
      break;
    case 3:
      options.fixedInputs.push_back({input, FixedInput::Kind::Range, 0, {}});
      break;
    case 4:
      if (model.graph().output_size())
        options.outputs.push_back(
            model.graph().output(which % model.graph().output_size()).name());
      break;
    default:
      llvm::consumeError(parseBinding(bytes, options));
      llvm::consumeError(parseFixedInput(bytes, options));
    }
  }
  return options;
}

//===----------------------------------------------------------------------===//
// External data
//===----------------------------------------------------------------------===//

template <typename Graph> bool hasExternalData(const Graph &graph) {
  auto isExternal = [](const onnx::TensorProto &tensor) {
    return tensor.data_location() == onnx::TensorProto::EXTERNAL;
  };
  if constexpr (std::is_same_v<Graph, onnx::GraphProto>)
    if (llvm::any_of(graph.initializer(), isExternal))
      return true;
  return llvm::any_of(graph.node(), [&](const onnx::NodeProto &node) {
    return llvm::any_of(node.attribute(), [&](const auto &attribute) {
      return isExternal(attribute.t()) ||
             (attribute.has_g() && hasExternalData(attribute.g()));
    });
  });
}

/// The folder of models with external data; removed at exit.
const fs::path &getFolder() {
  // Never destroyed: it is needed while the process exits.
  static const fs::path &folder = *new fs::path([] {
    fs::path base =
        fs::exists("/dev/shm") ? "/dev/shm" : fs::temp_directory_path();
    base /= "aero-fuzz-" + std::to_string(getpid());
    fs::remove_all(base);
    fs::create_directories(base / "models" / "folder");
    std::atexit([] { fs::remove_all(getFolder().parent_path()); });
    std::minstd_rand random(1);
    std::string data(65536, '\0');
    for (size_t i = 0; i + 4 <= data.size(); i += 4) {
      float number = static_cast<float>(random() % 2001) / 1000 - 1;
      std::memcpy(data.data() + i, &number, sizeof(number));
    }
    fs::path models = base / "models";
    for (const fs::path &path : {base / "weights.bin", models / "weights.bin",
                                 models / "folder" / "weights.bin"})
      std::ofstream(path, std::ios::binary) << data;
    std::ofstream(models / "empty");
    fs::create_symlink("weights.bin", models / "inside");
    fs::create_symlink("../weights.bin", models / "outside");
    (void)mkfifo((models / "pipe").c_str(), 0600);
    return models;
  }());
  return folder;
}

} // namespace

//===----------------------------------------------------------------------===//
// What libFuzzer calls
//===----------------------------------------------------------------------===//

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size,
                                          size_t maxSize, unsigned seed) {
  fuzz::Random random(seed);
  onnx::ModelProto model;
  if (fuzz::pick(random, 8) == 0 || !parse(model, data, size))
    return LLVMFuzzerMutate(data, size, maxSize);
  for (int64_t i = 0, e = 1 + fuzz::pick(random, 4); i < e; ++i)
    fuzz::mutate(model, random);
  size_t mutated = model.ByteSizeLong();
  if (mutated == 0 || mutated > maxSize)
    return LLVMFuzzerMutate(data, size, maxSize);
  model.SerializePartialToArray(data, static_cast<int>(mutated));
  return mutated;
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t size1,
                                            const uint8_t *data2, size_t size2,
                                            uint8_t *out, size_t maxSize,
                                            unsigned seed) {
  fuzz::Random random(seed);
  onnx::ModelProto model, other;
  if (!parse(model, data1, size1) || !parse(other, data2, size2))
    return 0;
  fuzz::merge(model, other, random);
  size_t merged = model.ByteSizeLong();
  if (merged == 0 || merged > maxSize)
    return 0;
  model.SerializePartialToArray(out, static_cast<int>(merged));
  return merged;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  ScopedDiagnosticHandler quiet(&context,
                                [](Diagnostic &) { return success(); });
  llvm::StringRef bytes(reinterpret_cast<const char *>(data), size);
  onnx::ModelProto model;
  bool parsed = parse(model, data, size);
  ImportOptions options = getOptions(parsed ? model : onnx::ModelProto());
  ImportSummary summary;
  std::string name = "model";
  auto import = [&] {
    if (!parsed || !hasExternalData(model.graph()))
      return importONNX(llvm::MemoryBufferRef(bytes, name), context, options,
                        &summary);
    name = getFolder() / "model.onnx";
    std::ofstream(name, std::ios::binary) << bytes.str();
    return importONNX(name, context, options, &summary);
  };
  auto module = import();
  if (!module) {
    // A fault of the file, told in lines that name it: not one of ours.
    llvm::handleAllErrors(module.takeError(), [&](const ImportError &error) {
      if (error.getMessages().empty())
        std::abort();
      for (llvm::StringRef message : error.getMessages())
        if (!message.starts_with(name + ": ") || message.contains('\n') ||
            message.contains("please report"))
          std::abort();
    });
    return 0;
  }

  PassManager passes(&context);
  passes.addNestedPass<func::FuncOp>(pi::createRaisePass());
  if (failed(passes.run(**module)))
    std::abort();
  for (auto func : (*module)->getOps<func::FuncOp>()) {
    (void)pi::takeCensus(func);
    (void)pi::getEvidence(pi::describeArchitecture(func));
  }
  PassManager check(&context);
  check.addNestedPass<func::FuncOp>(pi::createVerifyRaisedPass());
  (void)check.run(**module);
  return 0;
}
