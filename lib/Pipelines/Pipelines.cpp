//===- Pipelines.cpp - Named pipelines ------------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Pipelines/Pipelines.h"

#include "aero/Conversion/PIToMPC/PIToMPC.h"
#include "aero/Dialect/MPC/Transforms/Passes.h"
#include "aero/Dialect/PI/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace aero;

/// What collapsing may cost: 1.75 times the multiply-adds where a layer's
/// queries, keys and values read what the layer below left, and there is no
/// feed-forward network between. Not 1.9: the vocabulary projection stays as it
/// is.
static constexpr double kCollapseGrowth = 1.8;

static void addCleanup(OpPassManager &pm) {
  OpPassManager &nested = pm.nest<func::FuncOp>();
  nested.addPass(createCanonicalizerPass());
  nested.addPass(createCSEPass());
}

llvm::Error aero::checkRewriteOptions(const RewriteOptions &options) {
  ConfigurationInfo info = getInfo(options.config);
  llvm::Error errors = llvm::Error::success();
  auto add = [&](const llvm::Twine &message) {
    errors =
        llvm::joinErrors(std::move(errors), llvm::createStringError(message));
  };
  auto check = [&](bool isSet, StringRef option, bool isUsed, StringRef need) {
    if (isSet && !isUsed)
      add("option '" + option + "' needs a configuration that " + need + ", '" +
          getName(options.config) + "' does not");
  };
  StringRef strips = "takes norms out", scales = "scales FFNs, e.g. SM+ScFFN",
            tempers = "has a temperature, e.g. SM(t)+ScFFN";
  bool hasTemperature = options.config.hasTemperature();
  check(options.normMode.has_value(), "norm-mode", info.stripNorms, strips);
  check(options.initialAlpha.has_value(), "initial-alpha", info.scaleFFN,
        scales);
  check(options.initialBeta.has_value(), "initial-beta", info.scaleFFN, scales);
  check(options.initialTemperature.has_value(), "initial-temperature",
        hasTemperature, tempers);
  check(options.initialThreshold.has_value(), "initial-threshold",
        hasTemperature, tempers);
  check(options.temperatureShape.has_value(), "temperature-shape",
        hasTemperature, tempers);
  check(options.initialSlope.has_value(), "initial-slope",
        info.activation == pi::ReplacementActivation::Relu,
        "puts a ReLU in, SM+LN+R or SM+R");
  return errors;
}

/// What a configuration's ReLUs become, and what is promised of them.
static pi::ReplaceActivationPassOptions
getActivationOptions(const RewriteOptions &options, ConfigurationInfo &info) {
  pi::ReplaceActivationPassOptions result = {.to = *info.activation,
                                             .gate = pi::GateHandling::Drop};
  if (options.initialSlope) {
    result.to = pi::ReplacementActivation::LeakyRelu;
    result.slope = *options.initialSlope;
    result.learnable = true;
    info.promisedActivation = pi::PromisedActivation::LeakyRelu;
  }
  return result;
}

static pi::ScaleFFNPassOptions getScaleOptions(const RewriteOptions &options,
                                               const std::string &name) {
  pi::ScaleFFNPassOptions result = {.configuration = name};
  result.alpha = options.initialAlpha.value_or(result.alpha);
  result.beta = options.initialBeta.value_or(result.beta);
  return result;
}

static pi::InsertEntropyScalingPassOptions
getTemperatureOptions(const RewriteOptions &options, const std::string &name) {
  pi::InsertEntropyScalingPassOptions result = {.configuration = name};
  result.initial = options.initialTemperature.value_or(result.initial);
  result.threshold = options.initialThreshold.value_or(result.threshold);
  result.shape = options.temperatureShape.value_or(result.shape);
  return result;
}

void aero::buildRewritePipeline(OpPassManager &pm,
                                const RewriteOptions &options) {
  ConfigurationInfo info = getInfo(options.config);
  std::string name = getName(options.config);
  bool isSimplified = options.config.isSimplified();
  OpPassManager &nested = pm.nest<func::FuncOp>();
  nested.addPass(pi::createRaisePass());
  if (options.requireRaised)
    nested.addPass(pi::createVerifyRaisedPass());
  if (isSimplified)
    nested.addPass(pi::createSimplifyBlockPass({.configuration = name}));
  if (info.stripNorms)
    nested.addPass(pi::createStripLayerNormPass(
        {.mode = options.normMode.value_or(pi::StripNormMode::Remove),
         .which = isSimplified ? pi::StripNormWhich::Block
                               : pi::StripNormWhich::All},
        options.calibration));
  if (info.activation)
    nested.addPass(
        pi::createReplaceActivationPass(getActivationOptions(options, info)));
  nested.addPass(pi::createVerifyNonlinearitiesPass(
      {.configuration = name,
       .norm = info.promisedNorm,
       .activation = info.promisedActivation}));
  if (info.scaleFFN)
    nested.addPass(pi::createScaleFFNPass(getScaleOptions(options, name)));
  // After the scales: a model is left without networks to scale otherwise.
  if (int64_t layers = options.config.getPrunedLayers())
    nested.addPass(
        pi::createPruneFFNPass({.deepest = layers, .configuration = name}));
  if (options.config.hasTemperature())
    nested.addPass(pi::createInsertEntropyScalingPass(
        getTemperatureOptions(options, name)));
  // Not the residual sum: alpha and beta stay apart, so that the network can be
  // exported and trained.
  if (info.mergeLinear)
    nested.addPass(pi::createMergeLinearPass());
  addCleanup(pm);
}

void aero::buildLowerPipeline(OpPassManager &pm, const LowerOptions &options) {
  // Now nothing is trained any more: beta * y + ffn(y) / alpha is one matrix.
  // But whether the two matrices of an FFN are one, the configuration said.
  pm.addNestedPass<func::FuncOp>(
      pi::createMergeLinearPass({.chain = false, .residual = true}));
  pm.addNestedPass<func::FuncOp>(
      pi::createFoldScalingPass({.base2 = options.base2}));
  if (options.lastTokenOnly)
    pm.addPass(pi::createSelectLastTokenPass());
  addCleanup(pm);
  if (options.collapse != CollapseLinear::Never) {
    pi::CollapseLinearPassOptions collapse;
    if (options.collapse == CollapseLinear::Always)
      collapse.growth = kCollapseGrowth;
    pm.addNestedPass<func::FuncOp>(pi::createCollapseLinearPass(collapse));
  }
  if (options.join)
    pm.addNestedPass<func::FuncOp>(pi::createJoinLinearPass());
  addCleanup(pm);
  if (!options.toShares)
    return;
  ConvertPIToMPCOptions conversion;
  conversion.revealToken = options.revealToken;
  conversion.provedRanges = options.provedRanges;
  pm.addPass(createConvertPIToMPC(conversion));
  addCleanup(pm);
  pm.addNestedPass<func::FuncOp>(mpc::createMPCSchedule());
}

void aero::buildCompilePipeline(OpPassManager &pm,
                                const CompileOptions &options) {
  buildRewritePipeline(pm, options.rewrite);
  buildLowerPipeline(pm, options.lower);
}

//===----------------------------------------------------------------------===//
// Registration
//===----------------------------------------------------------------------===//

namespace {

// The configuration is text here, because the error for an unknown one lists
// the known ones. `build` returns that error's message, or an empty string.

struct RewriteFlags : virtual detail::PassOptions {
  Option<std::string> config{*this, "config",
                             llvm::cl::desc("A configuration, e.g. SM+ScFuFFN"),
                             llvm::cl::init("as-is")};
  // Their defaults are those of the passes; only whether they are given counts.
  Option<pi::StripNormMode> normMode{
      *this, "norm-mode", llvm::cl::desc("What becomes of a norm"),
      llvm::cl::values(clEnumValN(pi::StripNormMode::Remove, "remove",
                                  "delete it with its gamma and beta"),
                       clEnumValN(pi::StripNormMode::Affine, "affine",
                                  "keep gamma and beta"))};
  Option<float> initialAlpha{
      *this, "initial-alpha",
      llvm::cl::desc("Where training starts: what an FFN is divided by")};
  Option<float> initialBeta{
      *this, "initial-beta",
      llvm::cl::desc("Where training starts: the factor of the stream")};
  Option<float> initialTemperature{
      *this, "initial-temperature",
      llvm::cl::desc("Where training starts: the temperature of attention")};
  Option<float> initialThreshold{
      *this, "initial-threshold",
      llvm::cl::desc("Where training starts: the entropy threshold")};
  Option<pi::TemperatureShape> temperatureShape{
      *this, "temperature-shape",
      llvm::cl::desc("What has a temperature of its own"),
      llvm::cl::values(
          clEnumValN(pi::TemperatureShape::HeadAndPosition, "head-and-position",
                     "each head and query position"),
          clEnumValN(pi::TemperatureShape::Head, "head", "each head"))};
  Option<float> initialSlope{
      *this, "initial-slope",
      llvm::cl::desc("Make ReLUs leaky, with a learnable slope from here")};

  std::string get(RewriteOptions &options) const {
    llvm::Expected<Configuration> parsed = parseConfiguration(config);
    if (!parsed)
      return llvm::toString(parsed.takeError());
    options.config = *parsed;
    auto set = [](auto &to, const auto &option) {
      if (option.hasValue())
        to = option.getValue();
    };
    set(options.normMode, normMode);
    set(options.initialAlpha, initialAlpha);
    set(options.initialBeta, initialBeta);
    set(options.initialTemperature, initialTemperature);
    set(options.initialThreshold, initialThreshold);
    set(options.temperatureShape, temperatureShape);
    set(options.initialSlope, initialSlope);
    return llvm::toString(checkRewriteOptions(options));
  }

  std::string build(OpPassManager &pm) const {
    RewriteOptions options;
    std::string error = get(options);
    if (error.empty())
      buildRewritePipeline(pm, options);
    return error;
  }
};

struct LowerFlags : virtual detail::PassOptions {
  Option<bool> lastTokenOnly{*this, "last-token-only",
                             llvm::cl::desc("Compute the logits of one token"),
                             llvm::cl::init(true)};
  Option<bool> base2{*this, "base2",
                     llvm::cl::desc("Attention scores in base 2"),
                     llvm::cl::init(true)};
  Option<bool> toShares{*this, "to-shares",
                        llvm::cl::desc("Lower to mpc, not only to folded pi"),
                        llvm::cl::init(true)};

  Option<bool> revealToken{*this, "reveal-token",
                           llvm::cl::desc("Reveal the next token alone"),
                           llvm::cl::init(false)};

  Option<CollapseLinear> collapse{
      *this, "collapse", llvm::cl::desc("Multiply through sums of linear maps"),
      llvm::cl::values(clEnumValN(CollapseLinear::Never, "never", "leave them"),
                       clEnumValN(CollapseLinear::Free, "free",
                                  "where it takes no more multiply-adds"),
                       clEnumValN(CollapseLinear::Always, "always",
                                  "all linear maps between two softmaxes")),
      llvm::cl::init(CollapseLinear::Free)};
  Option<bool> join{*this, "join",
                    llvm::cl::desc("Multiply one input by all its matrices"),
                    llvm::cl::init(true)};
  Option<bool> provedRanges{*this, "proved-ranges",
                            llvm::cl::desc("Narrow comparisons"),
                            llvm::cl::init(true)};

  LowerOptions get() const {
    return {lastTokenOnly, base2, toShares,    revealToken,
            collapse,      join,  provedRanges};
  }

  std::string build(OpPassManager &pm) const {
    buildLowerPipeline(pm, get());
    return {};
  }
};

struct CompileFlags : RewriteFlags, LowerFlags {
  std::string build(OpPassManager &pm) const {
    CompileOptions options;
    options.lower = LowerFlags::get();
    std::string error = RewriteFlags::get(options.rewrite);
    if (error.empty())
      buildCompilePipeline(pm, options);
    return error;
  }
};

template <typename Flags>
void registerPipeline(StringRef name, StringRef description) {
  registerPassPipeline(
      name, description,
      [](OpPassManager &pm, StringRef text,
         function_ref<LogicalResult(const Twine &)> reportError) {
        Flags flags;
        if (failed(flags.parseFromString(text)))
          return failure();
        std::string error = flags.build(pm);
        return error.empty() ? success() : reportError(error);
      },
      [](function_ref<void(const detail::PassOptions &)> visit) {
        visit(Flags());
      });
}

} // namespace

void aero::registerPipelines() {
  registerPipeline<RewriteFlags>(
      "aero-rewrite", "From imported pi to the network of a configuration");
  registerPipeline<LowerFlags>("aero-lower",
                               "From a rewritten network to scheduled shares");
  registerPipeline<CompileFlags>("aero-compile",
                                 "aero-rewrite, then aero-lower");
}
