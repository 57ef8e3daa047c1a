//===- aero-evaluate.cpp - ONNX models on the float interpreter -----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Imports models and runs them on the float interpreter, for tests that
/// compare with other engines: aero-evaluate REQUEST.json...
///
/// A request is what test/oracle/evaluate.js takes, with more:
///   "bind": {"sequence": 8}     sizes of open dimensions,
///   "fix": ["attention_mask"]   inputs that are imported as public constants,
///   "raise": true               run pi-raise and pi-verify-raised first,
///   "pipeline": "aero-rewrite"  run passes first,
///   "export": PATH              write the module as ONNX, and run nothing,
///   "opset": 17                 in this operator set.
/// A model may also be a module of pi, whose name ends in .mlir: its inputs are
/// called arg0, arg1, ..., its outputs result0, result1, ...
/// The outputs are written in the same form; beside them ops.json counts the
/// operations that ran. If a model cannot be imported or raised, error.json in
/// the folder of the outputs says why. Then the exit code is 1, and the other
/// requests still run.
///
/// aero-evaluate --operators lists what can be imported.
///
//===----------------------------------------------------------------------===//

#include "aero/Dialect/PI/Transforms/Passes.h"
#include "aero/Import/ONNX/Import.h"
#include "aero/InitAll.h"
#include "aero/Reference/FloatInterpreter.h"
#include "aero/Target/ONNX/Export.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <nlohmann/json.hpp>

using namespace aero;
using namespace mlir;
using nlohmann::json;

namespace {

llvm::Error fault(const Twine &text) { return llvm::createStringError(text); }

std::string join(StringRef folder, StringRef name) {
  SmallString<256> path;
  if (!llvm::sys::path::is_absolute(name))
    path = folder;
  llvm::sys::path::append(path, name);
  return path.str().str();
}

llvm::Error write(const std::string &path, StringRef bytes) {
  std::error_code error;
  llvm::raw_fd_ostream os(path, error);
  if (error)
    return fault(path + ": " + error.message());
  os << bytes;
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

/// One input: its elements in the engine's types.
struct Input {
  reference::Tensor tensor;
  DenseElementsAttr attr;
};

template <typename To, typename From> std::vector<To> convert(StringRef bytes) {
  std::vector<To> result(bytes.size() / sizeof(From));
  for (size_t i = 0; i < result.size(); ++i) {
    From value;
    std::memcpy(&value, bytes.data() + i * sizeof(From), sizeof(From));
    result[i] = static_cast<To>(value);
  }
  return result;
}

template <typename From>
Input makeInts(ArrayRef<int64_t> shape, StringRef bytes, MLIRContext &context) {
  std::vector<int64_t> values = convert<int64_t, From>(bytes);
  auto type = RankedTensorType::get(shape, IntegerType::get(&context, 64));
  return {reference::Tensor::fromInts(shape, values),
          DenseElementsAttr::get(type, ArrayRef<int64_t>(values))};
}

template <typename From>
Input makeFloats(ArrayRef<int64_t> shape, StringRef bytes,
                 MLIRContext &context) {
  std::vector<float> values = convert<float, From>(bytes);
  auto type = RankedTensorType::get(shape, Float32Type::get(&context));
  return {reference::Tensor::fromFloats(shape, values),
          DenseElementsAttr::get(type, ArrayRef<float>(values))};
}

Input makeBools(ArrayRef<int64_t> shape, StringRef bytes,
                MLIRContext &context) {
  std::vector<uint8_t> values = convert<uint8_t, uint8_t>(bytes);
  SmallVector<bool> bools(values.begin(), values.end());
  auto type = RankedTensorType::get(shape, IntegerType::get(&context, 1));
  return {reference::Tensor::fromBools(shape, values),
          DenseElementsAttr::get(type, ArrayRef<bool>(bools))};
}

llvm::Expected<Input> readInput(const json &entry, StringRef folder,
                                MLIRContext &context) {
  std::string path = join(folder, entry.at("file").get<std::string>());
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return fault(path + ": " + buffer.getError().message());
  StringRef bytes = (*buffer)->getBuffer();
  auto shape = entry.at("dims").get<std::vector<int64_t>>();
  auto type = entry.at("type").get<std::string>();
  if (type == "float32")
    return makeFloats<float>(shape, bytes, context);
  if (type == "float64")
    return makeFloats<double>(shape, bytes, context);
  if (type == "float16")
    return makeFloats<_Float16>(shape, bytes, context);
  if (type == "bool")
    return makeBools(shape, bytes, context);
  if (type == "int64")
    return makeInts<int64_t>(shape, bytes, context);
  if (type == "int32")
    return makeInts<int32_t>(shape, bytes, context);
  if (type == "int16")
    return makeInts<int16_t>(shape, bytes, context);
  if (type == "int8")
    return makeInts<int8_t>(shape, bytes, context);
  if (type == "uint8")
    return makeInts<uint8_t>(shape, bytes, context);
  if (type == "uint16")
    return makeInts<uint16_t>(shape, bytes, context);
  if (type == "uint32")
    return makeInts<uint32_t>(shape, bytes, context);
  return fault("input type " + type + " is unknown");
}

//===----------------------------------------------------------------------===//
// One request
//===----------------------------------------------------------------------===//

StringRef getTypeName(reference::ElementKind kind) {
  return kind == reference::ElementKind::F32   ? "float32"
         : kind == reference::ElementKind::I64 ? "int64"
                                               : "bool";
}

/// A module of pi, with what the importer says about an ONNX file: names.
llvm::Expected<OwningOpRef<ModuleOp>>
parseModule(StringRef path, MLIRContext &context, ImportSummary &summary) {
  auto module = parseSourceFile<ModuleOp>(path, &context);
  auto function =
      module ? module->lookupSymbol<func::FuncOp>("main") : func::FuncOp();
  if (!function)
    return fault(path + ": no module with a function @main");
  for (BlockArgument argument : function.getArguments())
    argument.setLoc(NameLoc::get(
        StringAttr::get(&context, "arg" + Twine(argument.getArgNumber()))));
  for (unsigned i = 0, end = function.getNumResults(); i < end; ++i)
    summary.outputs.emplace_back().name = "result" + std::to_string(i);
  return module;
}

llvm::Error runPipeline(ModuleOp module, StringRef text) {
  PassManager manager(module.getContext());
  if (text.empty())
    return llvm::Error::success();
  if (failed(parsePassPipeline(text, manager)) || failed(manager.run(module)))
    return fault("the pipeline failed: " + text);
  return llvm::Error::success();
}

/// What import or raising said, as JSON.
json explain(llvm::Error error) {
  json result = {{"unsupported", json::array()}, {"problems", json::array()}};
  llvm::handleAllErrors(
      std::move(error),
      [&](const ImportError &import) {
        for (const UnsupportedNode &node : import.getUnsupported())
          result["unsupported"].push_back({{"name", node.name},
                                           {"op", node.op},
                                           {"domain", node.domain},
                                           {"why", node.why}});
        for (const std::string &problem : import.getProblems())
          result["problems"].push_back(problem);
      },
      [&](const llvm::ErrorInfoBase &other) {
        result["problems"].push_back(other.message());
      });
  return result;
}

llvm::Error raise(ModuleOp module) {
  std::vector<std::string> messages;
  ScopedDiagnosticHandler handler(
      module.getContext(), [&](Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
          messages.push_back(diagnostic.str());
        return success();
      });
  PassManager manager(module.getContext());
  OpPassManager &nested = manager.nest<func::FuncOp>();
  nested.addPass(pi::createRaisePass());
  nested.addPass(createCanonicalizerPass());
  nested.addPass(createCSEPass());
  nested.addPass(pi::createVerifyRaisedPass());
  if (succeeded(manager.run(module)))
    return llvm::Error::success();
  return fault(llvm::join(messages, "\n"));
}

llvm::Error evaluate(const json &request, StringRef folder, StringRef out) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);

  llvm::StringMap<Input> inputs;
  for (const json &entry : request.at("inputs")) {
    auto input = readInput(entry, folder, context);
    if (!input)
      return input.takeError();
    inputs[entry.at("name").get<std::string>()] = *input;
  }
  ImportOptions options;
  const json bindings = request.value("bind", json::object());
  for (const auto &[name, size] : bindings.items())
    options.bindings[name] = size.get<int64_t>();
  const json fixed = request.value("fix", json::array());
  for (const json &entry : fixed) {
    auto name = entry.get<std::string>();
    options.fixedInputs.push_back(
        {name, FixedInput::Kind::Elements, 0, inputs[name].attr});
  }
  ImportSummary summary;
  std::string path = join(folder, request.at("model").get<std::string>());
  auto module = StringRef(path).ends_with(".mlir")
                    ? parseModule(path, context, summary)
                    : importONNX(path, context, options, &summary);
  if (!module)
    return module.takeError();
  if (request.value("raise", false))
    if (llvm::Error error = raise(**module))
      return error;
  if (llvm::Error error =
          runPipeline(**module, request.value("pipeline", std::string())))
    return error;

  if (auto path = request.value("export", std::string()); !path.empty()) {
    ExportOptions exportOptions;
    exportOptions.opset = request.value("opset", kFirstExportOpset);
    auto written = exportONNX(**module, join(folder, path), exportOptions);
    return written ? llvm::Error::success() : written.takeError();
  }

  auto function = (*module)->lookupSymbol<func::FuncOp>("main");
  SmallVector<reference::Tensor> arguments;
  for (BlockArgument argument : function.getArguments()) {
    StringRef name = cast<NameLoc>(argument.getLoc()).getName();
    if (!inputs.contains(name))
      return fault("the request has no input " + name);
    arguments.push_back(inputs[name].tensor);
  }
  llvm::MapVector<StringRef, int64_t> counts;
  auto results = reference::interpret(
      function, arguments, [&](Operation *op, ArrayRef<reference::Tensor>) {
        ++counts[op->getName().getStringRef()];
      });
  if (!results)
    return results.takeError();

  json ops = json::object(), listed = json::array();
  for (auto [name, count] : counts)
    ops[name.str()] = count;
  for (auto [i, result] : llvm::enumerate(*results)) {
    std::string file = std::to_string(i) + ".raw";
    ArrayRef<char> bytes = result.getBytes();
    if (llvm::Error error =
            write(join(out, file), StringRef(bytes.data(), bytes.size())))
      return error;
    listed.push_back({{"name", summary.outputs[i].name},
                      {"type", getTypeName(result.getKind()).str()},
                      {"dims", std::vector<int64_t>(result.getShape().begin(),
                                                    result.getShape().end())},
                      {"file", file}});
  }
  if (llvm::Error error = write(join(out, "ops.json"), ops.dump()))
    return error;
  return write(join(out, "outputs.json"), listed.dump());
}

bool run(StringRef file) {
  auto buffer = llvm::MemoryBuffer::getFile(file);
  json request = buffer ? json::parse((*buffer)->getBuffer().str(), nullptr,
                                      /*allow_exceptions=*/false)
                        : json();
  if (!request.is_object()) {
    llvm::errs() << file << ": no readable request\n";
    return false;
  }
  StringRef folder = llvm::sys::path::parent_path(file);
  std::string out = join(folder, request.at("outputs").get<std::string>());
  (void)llvm::sys::fs::create_directories(out);
  llvm::Error error = evaluate(request, folder, out);
  if (!error)
    return true;
  json why = explain(std::move(error));
  llvm::errs() << request.at("model").get<std::string>() << ": " << why.dump()
               << "\n";
  if (llvm::Error writing = write(join(out, "error.json"), why.dump()))
    llvm::errs() << llvm::toString(std::move(writing)) << "\n";
  return false;
}

} // namespace

int listOperators() {
  json list = json::array();
  for (const SupportedOperator &op : getSupportedOperators())
    list.push_back({{"domain", op.domain},
                    {"name", op.name},
                    {"first", op.firstOpset},
                    {"last", op.lastOpset},
                    {"run_time", op.atRunTime}});
  llvm::outs() << list.dump() << "\n";
  return 0;
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  if (argc == 2 && StringRef(argv[1]) == "--operators")
    return listOperators();
  registerAllPasses();
  bool all = argc > 1;
  for (int i = 1; i < argc; ++i)
    all &= run(argv[i]);
  return all ? 0 : 1;
}
