//===- Export.cpp - A pi function as an ONNX model ------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Target/ONNX/Export.h"

#include "OpExporter.h"
#include "ParameterTable.h"
#include "WriteModel.h"

#include "aero/Dialect/PI/IR/PIDialect.h"
#include "aero/Support/Elements.h"
#include "aero/Support/OnnxMetadata.h"
#include "aero/Support/PendingFile.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/Path.h"

using namespace aero;
using llvm::StringRef;
using mlir::func::FuncOp;

static llvm::Error fault(const llvm::Twine &text) {
  return llvm::createStringError(text);
}

/// " (ONNX node '/h.0/Add')", or nothing.
static std::string describeNode(mlir::Location loc) {
  std::string node = pi::getNodeName(loc);
  return node.empty() ? "" : " (ONNX node '" + node + "')";
}

/// The first IR version that has the operator set.
static int64_t getIRVersion(int64_t opset) {
  return opset < 19 ? 8 : opset < 21 ? 9 : opset < 23 ? 10 : 11;
}

/// The importer gives a name to the result or, if there are several, one to
/// each, as the location of the return.
static std::vector<std::string> getResultNames(mlir::func::ReturnOp op) {
  std::vector<std::string> names;
  size_t count = op.getNumOperands();
  if (auto fused = llvm::dyn_cast<mlir::FusedLoc>(op.getLoc())) {
    for (mlir::Location loc : fused.getLocations())
      names.push_back(getLocationName(loc).str());
  } else {
    names.push_back(getLocationName(op.getLoc()).str());
  }
  if (names.size() != count)
    names.assign(count, "");
  return names;
}

static onnx::ValueInfoProto makeValueInfo(StringRef name, mlir::Type type) {
  onnx::ValueInfoProto info;
  info.set_name(name.str());
  auto tensor = llvm::cast<mlir::RankedTensorType>(type);
  onnx::TypeProto::Tensor &proto = *info.mutable_type()->mutable_tensor_type();
  proto.set_elem_type(getDataType(tensor.getElementType()));
  proto.mutable_shape();
  for (int64_t dim : tensor.getShape())
    proto.mutable_shape()->add_dim()->set_dim_value(dim);
  return info;
}

namespace {

class FunctionExporter {
public:
  FunctionExporter(FuncOp function, int64_t opset)
      : function(function), graph(opset), ops(graph) {}

  llvm::Expected<ExportedGraph> run();

private:
  llvm::Error checkTypes();
  llvm::Error addWeights();
  llvm::Error addWeight(pi::WeightOp op);
  llvm::Error addOp(mlir::Operation &op);
  void nameNode(mlir::Operation &op, size_t firstNode);
  void nameValues();
  void addOutputs(mlir::func::ReturnOp op);

  FuncOp function;
  GraphBuilder graph;
  OpExporter ops;
  std::vector<std::string> resultNames;
  NodeNames nodes;
  /// Results that the op which computes them names.
  llvm::DenseMap<mlir::Value, std::string> wished;
  /// Data of initializers: by name, and the name by large data.
  llvm::StringMap<mlir::ElementsAttr> byName;
  llvm::DenseMap<mlir::Attribute, std::string> byData;
};

} // namespace

llvm::Error FunctionExporter::checkTypes() {
  auto isTensor = [](mlir::Type type) {
    auto tensor = llvm::dyn_cast<mlir::RankedTensorType>(type);
    return tensor && tensor.hasStaticShape() &&
           (tensor.getElementType().isF32() ||
            tensor.getElementType().isSignlessInteger(64) ||
            tensor.getElementType().isSignlessInteger(1));
  };
  if (!llvm::hasSingleElement(function.getBody()))
    return fault("cannot be written as ONNX: the body of @main is not one "
                 "block of pi operations");
  if (!llvm::all_of(function.getArgumentTypes(), isTensor) ||
      !llvm::all_of(function.getResultTypes(), isTensor))
    return fault("cannot be written as ONNX: an input or result of @main is "
                 "no tensor of f32, i64 or i1 with a static shape");
  return llvm::Error::success();
}

/// Names that mean something outside come before all that are made up.
void FunctionExporter::nameValues() {
  for (mlir::BlockArgument argument : function.getArguments()) {
    std::string name = getLocationName(argument.getLoc()).str();
    if (name.empty())
      name = "input" + std::to_string(argument.getArgNumber());
    name = graph.makeName(name);
    ops.setName(argument, name);
    graph.getGraph().inputs.push_back(makeValueInfo(name, argument.getType()));
  }
}

/// Whether the importer lets an Identity node give a weight another name.
static bool isAliasName(StringRef name) {
  return !name.contains("::") && !name.starts_with("/") &&
         name.find_first_not_of("0123456789") != StringRef::npos;
}

llvm::Error FunctionExporter::addWeight(pi::WeightOp op) {
  mlir::ElementsAttr data = op.getValue();
  auto [known, isNew] = byName.try_emplace(op.getName(), data);
  if (!isNew && known->second == data) {
    ops.setName(op, op.getName().str());
    return llvm::Error::success();
  }
  // Of two weights that were computed from the same ones, the second gets a
  // number: both have to be found again.
  std::string name = graph.makeName(op.getName());
  if (!isNew)
    byName[name] = data;
  ops.setName(op, name);

  // Matrices that share their data are one parameter with two names. Vectors,
  // as biases that are still zero, are only equal: they are trained apart.
  bool canShare = llvm::isa<mlir::DenseResourceElementsAttr>(data) &&
                  data.getShapedType().getRank() >= 2;
  if (canShare && isAliasName(name)) {
    auto [owner, isFirst] = byData.try_emplace(data, name);
    if (!isFirst) {
      graph.begin(name);
      graph.end(graph.add("Identity", {owner->second}), name);
      return llvm::Error::success();
    }
  }
  // What cannot be read has to be known before anything is written.
  if (llvm::isa<mlir::DenseResourceElementsAttr>(data)) {
    auto check = [&](auto elements) -> llvm::Error {
      if (elements)
        return llvm::Error::success();
      return fault("weight '" + op.getName() +
                   "' cannot be read: " + llvm::toString(elements.takeError()));
    };
    mlir::Type type = data.getElementType();
    llvm::Error error = type.isF32()        ? check(getFloatData(data))
                        : type.isInteger(1) ? check(getBoolData(data))
                                            : check(getInt64Data(data));
    if (error)
      return error;
  }
  graph.getGraph().initializers.push_back({name, data});
  return llvm::Error::success();
}

llvm::Error FunctionExporter::addWeights() {
  for (auto op : function.getOps<pi::WeightOp>())
    if (llvm::Error error = addWeight(op))
      return error;
  return llvm::Error::success();
}

/// Remembers which of the op's nodes computes with its parameters.
void FunctionExporter::nameNode(mlir::Operation &op, size_t firstNode) {
  llvm::ArrayRef<onnx::NodeProto> made =
      llvm::ArrayRef(graph.getGraph().nodes).drop_front(firstNode);
  for (const onnx::NodeProto &node : made)
    if (!llvm::isa<pi::AttentionOp>(op) || node.op_type() == "Softmax")
      nodes[&op] = node.name();
}

llvm::Error FunctionExporter::addOp(mlir::Operation &op) {
  std::string base = pi::getNodeName(op.getLoc());
  if (base.empty())
    base = op.getName().stripDialect().str();
  graph.begin(base);
  if (auto constant = llvm::dyn_cast<pi::ConstantOp>(op)) {
    auto name = graph.constant(constant.getValue());
    if (!name)
      return fault("constant" + describeNode(op.getLoc()) +
                   " cannot be read: " + llvm::toString(name.takeError()));
    ops.setName(constant, *name);
    return llvm::Error::success();
  }
  size_t firstNode = graph.getGraph().nodes.size();
  std::optional<std::string> name = ops.exportOp(op);
  if (!name)
    return fault("'" + op.getName().getStringRef() + "' has no ONNX form" +
                 describeNode(op.getLoc()) +
                 "; export the model before it is lowered");
  mlir::Value result = op.getResult(0);
  ops.setName(result, graph.end(*name, wished.lookup(result)));
  nameNode(op, firstNode);
  return llvm::Error::success();
}

void FunctionExporter::addOutputs(mlir::func::ReturnOp op) {
  for (auto [value, name] : llvm::zip_equal(op.getOperands(), resultNames)) {
    // Inputs, weights, constants, and what is a result already.
    if (ops.getName(value) != name) {
      graph.begin(name);
      graph.end(graph.add("Identity", {ops.getName(value)}), name);
    }
    graph.getGraph().outputs.push_back(makeValueInfo(name, value.getType()));
  }
}

llvm::Expected<ExportedGraph> FunctionExporter::run() {
  if (llvm::Error error = checkTypes())
    return error;
  StringRef name = getLocationName(function.getLoc());
  graph.getGraph().name = name.empty() ? "main" : name.str();
  nameValues();

  auto terminator =
      llvm::dyn_cast<mlir::func::ReturnOp>(function.front().getTerminator());
  if (!terminator)
    return fault("cannot be written as ONNX: @main does not return");
  resultNames = getResultNames(terminator);
  for (auto [i, result] : llvm::enumerate(resultNames)) {
    if (result.empty())
      result = "output" + std::to_string(i);
    result = graph.makeName(result);
    mlir::Value value = terminator.getOperand(i);
    if (value.getDefiningOp() &&
        !llvm::isa<pi::WeightOp, pi::ConstantOp>(value.getDefiningOp()))
      wished.try_emplace(value, result);
  }
  if (llvm::Error error = addWeights())
    return error;
  for (mlir::Operation &op : function.front().without_terminator())
    if (!llvm::isa<pi::WeightOp>(op))
      if (llvm::Error error = addOp(op))
        return error;
  addOutputs(terminator);
  addParameterTable(function, ops, nodes, graph);
  return std::move(graph.getGraph());
}

//===----------------------------------------------------------------------===//
// Models
//===----------------------------------------------------------------------===//

static llvm::Expected<ExportedGraph> makeGraph(mlir::ModuleOp module,
                                               const ExportOptions &options) {
  if (options.opset < kFirstExportOpset || options.opset > kLastExportOpset)
    return fault("operator set " + llvm::Twine(options.opset) +
                 " cannot be written; choose one from " +
                 llvm::Twine(kFirstExportOpset) + " to " +
                 llvm::Twine(kLastExportOpset));
  auto function = module.lookupSymbol<FuncOp>("main");
  if (!function || function.isExternal())
    return fault("cannot be written as ONNX: the module has no function "
                 "@main with a body");
  return FunctionExporter(function, options.opset).run();
}

static onnx::ModelProto makeModel(const ExportedGraph &graph,
                                  const ExportOptions &options) {
  onnx::ModelProto model;
  model.set_ir_version(getIRVersion(options.opset));
  model.set_producer_name("aero");
  model.set_producer_version(AERO_VERSION);
  onnx::OperatorSetIdProto &opset = *model.add_opset_import();
  opset.set_domain("");
  opset.set_version(options.opset);
  auto add = [&](StringRef key, StringRef value) {
    onnx::StringStringEntryProto &entry = *model.add_metadata_props();
    entry.set_key(key.str());
    entry.set_value(value.str());
  };
  if (!options.configuration.empty())
    add(metadata::kConfiguration, options.configuration);
  if (!graph.parameters.empty())
    add(metadata::kParameters, graph.parameters);
  for (const auto &[key, value] : options.metadata)
    add(key, value);
  return model;
}

static ExportSummary summarize(const ExportedGraph &graph) {
  ExportSummary summary;
  summary.nodes = graph.nodes.size();
  summary.initializers = graph.initializers.size();
  summary.weightBytes = getWeightBytes(graph);
  return summary;
}

llvm::Expected<ExportSummary> aero::exportONNX(mlir::ModuleOp module,
                                               StringRef path,
                                               const ExportOptions &options) {
  auto graph = makeGraph(module, options);
  if (!graph)
    return graph.takeError();
  ExportSummary summary = summarize(*graph);
  auto file = PendingFile::create(path);
  if (!file)
    return file.takeError();
  std::optional<PendingFile> data;
  if (summary.weightBytes > options.externalDataThreshold) {
    summary.dataPath = (path + ".data").str();
    auto created = PendingFile::create(summary.dataPath);
    if (!created)
      return created.takeError();
    data.emplace(std::move(*created));
  }
  if (llvm::Error error =
          writeModel(makeModel(*graph, options), *graph, file->stream(),
                     data ? &data->stream() : nullptr,
                     llvm::sys::path::filename(summary.dataPath)))
    return error;
  // All that can fail after this is a renaming.
  if (llvm::Error error = file->finish())
    return error;
  if (data) {
    if (llvm::Error error = data->finish())
      return error;
    if (llvm::Error error = data->keep())
      return error;
  }
  if (llvm::Error error = file->keep())
    return error;
  return summary;
}

llvm::Expected<ExportSummary> aero::exportONNX(mlir::ModuleOp module,
                                               llvm::raw_ostream &os,
                                               const ExportOptions &options) {
  auto graph = makeGraph(module, options);
  if (!graph)
    return graph.takeError();
  ExportSummary summary = summarize(*graph);
  if (summary.weightBytes > options.externalDataThreshold)
    return fault("the weights are too large for one stream; write the model "
                 "to a file");
  if (llvm::Error error = writeModel(makeModel(*graph, options), *graph, os,
                                     /*data=*/nullptr, ""))
    return error;
  return summary;
}
