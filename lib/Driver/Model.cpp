//===- Model.cpp - A model from ONNX to a program -------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Driver/Model.h"

#include "aero/Analysis/CostReport.h"
#include "aero/Dialect/PI/Transforms/Passes.h"
#include "aero/Driver/Samples.h"
#include "aero/InitAll.h"
#include "aero/Reference/FloatInterpreter.h"
#include "aero/Reference/NormCalibration.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

using namespace aero;

/// Runs a pipeline; returns what its passes reported, nothing if they
/// succeeded. With a trace, its stages are recorded.
static std::vector<Problem>
runPipeline(mlir::ModuleOp module,
            llvm::function_ref<void(mlir::OpPassManager &)> build,
            RewriteTrace *trace = nullptr) {
  std::vector<Problem> problems;
  mlir::ScopedDiagnosticHandler handler(
      module.getContext(), [&](mlir::Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() != mlir::DiagnosticSeverity::Error)
          return mlir::success();
        std::string message = diagnostic.str();
        for (mlir::Diagnostic &note : diagnostic.getNotes())
          message += "; " + note.str();
        problems.push_back({std::move(message), diagnostic.getLocation()});
        return mlir::success();
      });
  // People are told the node and the remedy, not the op in its generic form.
  module.getContext()->printOpOnDiagnostic(false);
  mlir::PassManager manager(module.getContext());
  if (trace)
    manager.addInstrumentation(traceRewrite(*trace));
  build(manager);
  if (mlir::succeeded(manager.run(module)))
    return {};
  if (problems.empty())
    problems.push_back({"a pass failed without a message", module.getLoc()});
  return problems;
}

/// One line for each problem, with the file's name in front.
static llvm::Error toError(llvm::StringRef path,
                           llvm::ArrayRef<Problem> problems) {
  if (problems.empty())
    return llvm::Error::success();
  std::vector<std::string> lines;
  for (const Problem &problem : problems)
    lines.push_back(path.str() + ": " + problem.message);
  return llvm::createStringError(llvm::join(lines, "\n"));
}

Model::Model(llvm::StringRef path, Configuration config)
    : path(path), config(config) {
  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  mlirContext.appendDialectRegistry(registry);
  mlirContext.loadAllAvailableDialects();
}

llvm::StringRef Model::getName() const {
  return llvm::sys::path::filename(path);
}

mlir::func::FuncOp Model::getFunction() {
  return rewritten->lookupSymbol<mlir::func::FuncOp>("main");
}

mlir::func::FuncOp Model::getLoweredFunction() {
  return lowered->lookupSymbol<mlir::func::FuncOp>("main");
}

/// What the norms of the model, as it was imported, divide by.
llvm::Expected<pi::NormCalibration>
Model::calibrate(llvm::StringRef samplesPath) {
  auto samples = readSamples(*this, samplesPath, ShortPrompts::Refuse);
  if (!samples)
    return samples.takeError();
  mlir::OwningOpRef<mlir::ModuleOp> raised = rewritten->clone();
  std::vector<Problem> problems =
      runPipeline(*raised, [](mlir::OpPassManager &pm) {
        pm.addNestedPass<mlir::func::FuncOp>(pi::createRaisePass());
        pm.addNestedPass<mlir::func::FuncOp>(pi::createVerifyRaisedPass());
      });
  if (!problems.empty())
    return toError(path, problems);
  auto sigmas = reference::measureNorms(
      raised->lookupSymbol<mlir::func::FuncOp>("main"), *samples);
  if (!sigmas)
    return llvm::createStringError(path + ": cannot be calibrated on " +
                                   samplesPath + ": " +
                                   llvm::toString(sigmas.takeError()));
  return sigmas;
}

/// What does not depend on the model.
static llvm::Error checkOptions(const ModelOptions &options) {
  llvm::Error error = checkRewriteOptions(options.rewrite);
  bool isStatic = options.rewrite.normMode == pi::StripNormMode::Static;
  if (isStatic && options.calibration.empty())
    error = llvm::joinErrors(
        std::move(error),
        llvm::createStringError("option 'norm-mode' is static and needs "
                                "samples to measure norms on, with "
                                "--calibrate FILE"));
  if (!isStatic && !options.calibration.empty())
    error = llvm::joinErrors(
        std::move(error),
        llvm::createStringError("option 'calibrate' measures norms for "
                                "--norm-mode static, which is not given"));
  return error;
}

llvm::Expected<std::unique_ptr<Model>>
Model::importAndRewrite(llvm::StringRef path, const ModelOptions &options,
                        bool requireRaised, bool traced) {
  if (llvm::Error error = checkOptions(options))
    return error;
  std::unique_ptr<Model> model(new Model(path, options.rewrite.config));
  auto module =
      importONNX(path, model->mlirContext, options.import, &model->summary);
  if (!module)
    return module.takeError();
  model->rewritten = std::move(*module);

  RewriteOptions rewrite = options.rewrite;
  rewrite.requireRaised = requireRaised;
  if (!options.calibration.empty()) {
    auto sigmas = model->calibrate(options.calibration);
    if (!sigmas)
      return sigmas.takeError();
    rewrite.calibration = std::move(*sigmas);
  }
  std::vector<Problem> problems = runPipeline(
      *model->rewritten,
      [&](mlir::OpPassManager &pm) { buildRewritePipeline(pm, rewrite); },
      traced ? &model->trace : nullptr);
  if (!problems.empty())
    return toError(path, problems);
  return model;
}

llvm::Expected<std::unique_ptr<Model>>
Model::openAny(llvm::StringRef path, const ModelOptions &options) {
  return importAndRewrite(path, options, /*requireRaised=*/false,
                          /*traced=*/false);
}

llvm::Expected<std::unique_ptr<Model>>
Model::openTraced(llvm::StringRef path, const ModelOptions &options) {
  bool promises = aero::getName(options.rewrite.config) != "as-is";
  return importAndRewrite(path, options, /*requireRaised=*/promises,
                          /*traced=*/true);
}

llvm::Expected<std::unique_ptr<Model>>
Model::open(llvm::StringRef path, const ModelOptions &options) {
  auto model = importAndRewrite(path, options, /*requireRaised=*/true,
                                /*traced=*/false);
  if (!model)
    return model.takeError();
  if (llvm::Error error = (*model)->requireLanguageModel())
    return error;
  return model;
}

llvm::Error Model::requireLanguageModel() {
  std::vector<Problem> problems = checkSignature();
  if (!problems.empty())
    return toError(path, problems);
  mlir::FunctionType type = getFunction().getFunctionType();
  auto logits = llvm::cast<mlir::RankedTensorType>(type.getResult(0));
  context = logits.getDimSize(1);
  vocabulary = logits.getDimSize(2);
  return llvm::Error::success();
}

/// "int64 [1, 64]"
static std::string describeType(mlir::Type type) {
  auto tensor = llvm::dyn_cast<mlir::RankedTensorType>(type);
  if (!tensor)
    return "no tensor";
  std::string text = tensor.getElementType().isInteger(64)  ? "int64"
                     : tensor.getElementType().isInteger(1) ? "bool"
                                                            : "float";
  llvm::raw_string_ostream os(text);
  os << " [";
  llvm::interleaveComma(tensor.getShape(), os);
  os << "]";
  return text;
}

/// The names of the inputs or outputs that the function has.
static std::vector<std::string> getNames(llvm::ArrayRef<GraphValue> values) {
  std::vector<std::string> names;
  for (const GraphValue &value : values)
    if (value.role == GraphValue::Role::Value)
      names.push_back(value.name);
  return names;
}

std::vector<std::string> Model::getInputNames() const {
  return getNames(summary.inputs);
}

/// " ('input_ids', 'attention_mask')", or nothing.
static std::string listNames(llvm::ArrayRef<std::string> names) {
  return names.empty() ? "" : " ('" + llvm::join(names, "', '") + "')";
}

/// Every engine takes one prompt of token ids and gives one row a token.
std::vector<Problem> Model::checkSignature() {
  mlir::func::FuncOp function = getFunction();
  mlir::FunctionType type = function.getFunctionType();
  std::vector<Problem> problems;
  auto add = [&](const llvm::Twine &what, const llvm::Twine &remedy) {
    problems.push_back({("not a decoder-only language model as the engines "
                         "take it: " +
                         what + "; " + remedy)
                            .str(),
                        function.getLoc()});
  };

  auto ids = type.getNumInputs() == 1
                 ? llvm::dyn_cast<mlir::RankedTensorType>(type.getInput(0))
                 : nullptr;
  if (type.getNumInputs() != 1)
    add(llvm::Twine(type.getNumInputs()) + " inputs" +
            listNames(getInputNames()) + " instead of one of token ids",
        "make the others constants, e.g. --fix attention_mask=1 or --fix "
        "position_ids=range");
  else if (!ids || !ids.getElementType().isInteger(64) || ids.getRank() != 2 ||
           ids.getDimSize(0) != 1)
    add("the input is " + describeType(type.getInput(0)) +
            ", expected token ids, int64 [1, T]",
        "export or --bind it with a batch of 1");

  auto logits = type.getNumResults() == 1
                    ? llvm::dyn_cast<mlir::RankedTensorType>(type.getResult(0))
                    : nullptr;
  if (type.getNumResults() != 1)
    add(llvm::Twine(type.getNumResults()) + " outputs" +
            listNames(getNames(summary.outputs)) + " instead of one of logits",
        "choose it with --keep-output NAME");
  else if (!logits || !logits.getElementType().isF32() ||
           logits.getRank() != 3 || logits.getDimSize(0) != 1 ||
           (ids && ids.getRank() == 2 &&
            logits.getDimSize(1) != ids.getDimSize(1)))
    add("the output is " + describeType(type.getResult(0)) +
            ", expected logits, float [1, T, V]",
        "choose another with --keep-output NAME, or export the model with its "
        "language modelling head");
  return problems;
}

std::vector<Problem> Model::runLowering(Answer answer, LowerOptions options) {
  lowered = rewritten->clone();
  return runPipeline(*lowered, [&](mlir::OpPassManager &pm) {
    options.lastTokenOnly = answer != Answer::AllLogits;
    options.revealToken = answer == Answer::NextToken;
    buildLowerPipeline(pm, options);
  });
}

llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>> Model::fold(Answer answer) {
  mlir::OwningOpRef<mlir::ModuleOp> folded = rewritten->clone();
  LowerOptions options;
  options.base2 = options.toShares = false;
  options.lastTokenOnly = answer != Answer::AllLogits;
  std::vector<Problem> problems =
      runPipeline(*folded, [&](mlir::OpPassManager &pm) {
        buildLowerPipeline(pm, options);
      });
  if (!problems.empty())
    return toError(path, problems);
  return folded;
}

/// Online and offline seconds of one inference.
static llvm::Expected<double> predictSeconds(mlir::func::FuncOp lowered,
                                             const NetworkProfile &network) {
  auto costs = computeCostReport(lowered, network);
  if (!costs)
    return costs.takeError();
  const Seconds &seconds = costs->total.times.front();
  return seconds.online + seconds.offline;
}

llvm::Error Model::lower(Answer answer, const LowerOptions &options,
                         const NetworkProfile *network) {
  collapseChoice.reset();
  llvm::Error error = toError(path, runLowering(answer, options));
  if (error || !network || options.collapse == CollapseLinear::Never)
    return error;
  auto apart = predictSeconds(getLoweredFunction(), *network);
  if (!apart)
    return apart.takeError();
  mlir::OwningOpRef<mlir::ModuleOp> plain = std::move(lowered);
  // Products of weights may leave the range of the engines: not an error, as
  // nobody asked for them.
  LowerOptions collapsing = options;
  collapsing.collapse = CollapseLinear::Always;
  collapseChoice = CollapseChoice{network->name, *apart, std::nullopt, ""};
  if (runLowering(answer, collapsing).empty()) {
    auto collapsed = predictSeconds(getLoweredFunction(), *network);
    if (!collapsed)
      return collapsed.takeError();
    if (*collapsed != *apart)
      collapseChoice->collapsed = *collapsed;
    else
      collapseChoice->obstacle = "there are none to be collapsed";
  } else {
    collapseChoice->obstacle = "their products leave the range of fixed point";
  }
  if (!collapseChoice->isCollapsed())
    lowered = std::move(plain);
  return llvm::Error::success();
}

std::string CollapseChoice::describe() const {
  if (!collapsed)
    return "linear maps between softmaxes are kept apart: " + obstacle;
  return llvm::formatv(
      "for {0}, linear maps between softmaxes are {1}: {2:f3} s "
      "an inference instead of {3:f3} s",
      network, isCollapsed() ? "collapsed" : "kept apart",
      std::min(apart, *collapsed), std::max(apart, *collapsed));
}

std::vector<Problem> Model::findProblems() {
  std::vector<Problem> signature = checkSignature();
  std::vector<Problem> problems =
      runPipeline(*rewritten, [](mlir::OpPassManager &pm) {
        pm.addNestedPass<mlir::func::FuncOp>(pi::createVerifyRaisedPass());
      });
  // The lowering has its own words for what was said above; an op that was not
  // raised, or the function, is named once. Of what stands between such ops
  // only the nonlinear functions are reasons of their own.
  llvm::DenseSet<mlir::Location> known, nonlinear;
  for (const Problem &problem : problems)
    known.insert(problem.loc);
  bool raised = problems.empty();
  getFunction().walk(
      [&](pi::NonlinearOpInterface op) { nonlinear.insert(op->getLoc()); });
  if (!signature.empty())
    known.insert(getFunction().getLoc());
  for (Problem &problem :
       runLowering(signature.empty() ? Answer::LastLogits : Answer::AllLogits))
    if (!known.contains(problem.loc) &&
        (raised || nonlinear.contains(problem.loc)))
      problems.push_back(std::move(problem));
  llvm::append_range(signature, problems);
  return signature;
}

std::vector<int64_t> Model::pad(llvm::ArrayRef<int64_t> tokens) const {
  // Attention is causal: what follows the prompt does not change its logits.
  std::vector<int64_t> padded(tokens);
  padded.resize(static_cast<size_t>(context), 0);
  return padded;
}

llvm::Expected<std::vector<double>>
Model::runFloat(llvm::ArrayRef<int64_t> tokens) {
  reference::Tensor input =
      reference::Tensor::fromInts({1, context}, pad(tokens));
  auto results = reference::interpret(getFunction(), input);
  if (!results)
    return results.takeError();
  llvm::ArrayRef<float> logits = results->front().getFloats();
  return std::vector<double>(logits.begin(), logits.end());
}

llvm::Expected<std::vector<double>>
Model::runFixed(llvm::ArrayRef<int64_t> tokens, int64_t position,
                reference::FixedObserver observer) {
  if (!fixed) {
    auto created = reference::FixedInterpreter::create(getLoweredFunction());
    if (!created)
      return created.takeError();
    fixed.emplace(std::move(*created));
  }
  auto values = fixed->run(pad(tokens), position, observer);
  if (!values)
    return values.takeError();
  return fixed->toDoubles(*values);
}
