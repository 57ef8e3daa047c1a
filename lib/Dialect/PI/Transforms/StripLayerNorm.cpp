//===- StripLayerNorm.cpp - Takes normalisations out ----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LayerSelection.h"
#include "Weights.h"
#include "aero/Analysis/Norms.h"
#include "aero/Dialect/PI/Transforms/Passes.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cmath>

namespace aero::pi {
#define GEN_PASS_DEF_STRIPLAYERNORMPASS
#include "aero/Dialect/PI/Transforms/Passes.h.inc"
} // namespace aero::pi

using namespace mlir;

namespace aero::pi {
namespace {

constexpr StringLiteral kPass = "pi-strip-layernorm";

remark::RemarkOpts getOptions() {
  return remark::RemarkOpts::name("norm").category(kPass);
}

//===----------------------------------------------------------------------===//
// Calibration data
//===----------------------------------------------------------------------===//

/// {"node or place": sigma, ...}; an error says what is wrong with the text.
llvm::Expected<NormCalibration> parseCalibration(StringRef text) {
  llvm::Expected<llvm::json::Value> parsed = llvm::json::parse(text);
  if (!parsed)
    return parsed.takeError();
  const llvm::json::Object *object = parsed->getAsObject();
  if (!object)
    return llvm::createStringError(
        "expected an object, {\"name of the norm\": sigma, ...}");
  NormCalibration calibration;
  for (const auto &[name, value] : *object) {
    std::optional<double> sigma = value.getAsNumber();
    if (!sigma)
      return llvm::createStringError("expected one number for norm '" +
                                     name.str() + "'");
    calibration[name.str()] = *sigma;
  }
  return calibration;
}

llvm::Expected<NormCalibration> readCalibration(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!buffer)
    return llvm::createStringError(buffer.getError().message());
  return parseCalibration((*buffer)->getBuffer());
}

//===----------------------------------------------------------------------===//
// The three ways to take a norm out
//===----------------------------------------------------------------------===//

/// A norm of either kind.
struct Norm {
  explicit Norm(Operation *op) : op(op) {
    if (auto layerNorm = dyn_cast<LayerNormOp>(op)) {
      center = true;
      gamma = layerNorm.getGamma();
      beta = layerNorm.getBeta();
    } else {
      gamma = cast<RMSNormOp>(op).getGamma();
    }
  }
  Value getInput() const { return op->getOperand(0); }
  int64_t getWidth() const {
    return cast<RankedTensorType>(getInput().getType()).getShape().back();
  }
  void replaceWith(Value value) {
    op->getResult(0).replaceAllUsesWith(value);
    eraseUnused(op->getResult(0));
  }

  Operation *op;
  bool center = false;
  Value gamma, beta;
};

/// %n = pi.layer_norm %x gamma %g beta %b
///   ->
/// %m = pi.mul %x, %g ; %n = pi.add %m, %b
void makeAffine(Norm norm) {
  OpBuilder builder(norm.op);
  Location loc = norm.op->getLoc();
  Value value = norm.getInput();
  Type type = value.getType();
  if (norm.gamma)
    value = MulOp::create(builder, loc, type, value, norm.gamma);
  if (norm.beta)
    value = AddOp::create(builder, loc, type, value, norm.beta);
  norm.replaceWith(value);
}

/// Why the linear maps that read the norm cannot absorb its scale, or an empty
/// string.
std::string whyNotFolded(const Norm &norm, SmallVectorImpl<LinearOp> &readers) {
  if ((norm.gamma && !isKnown(norm.gamma)) ||
      (norm.beta && !isKnown(norm.beta)))
    return "gamma or beta is computed, not a weight";
  for (OpOperand &use : norm.op->getResult(0).getUses()) {
    auto linear = dyn_cast<LinearOp>(use.getOwner());
    if (!linear || &use != &linear.getInputMutable())
      return describe(use.getOwner()) + " reads the norm and is no linear map";
    if (!isKnown(linear.getWeight()) ||
        (linear.getBias() && !isKnown(linear.getBias())))
      return "the matrix or bias of " + describe(linear) + " is not a weight";
    readers.push_back(linear);
  }
  return readers.empty() ? "nothing reads the norm" : "";
}

/// %n = static norm of %x ; %y = pi.linear %n, %w bias %c
///   ->
/// %y = pi.linear %x, C diag(g / sigma) w bias c + b w
/// where C subtracts the mean (and is the identity for an RMS norm).
void foldStatic(const Norm &norm, LinearOp reader, double sigma) {
  OpBuilder builder(reader);
  Location loc = reader.getLoc();
  auto type = cast<RankedTensorType>(reader.getWeight().getType());
  int64_t rows = type.getDimSize(0), columns = type.getDimSize(1);
  ElementsData<float> old = getElements(reader.getWeight());

  if (norm.beta) {
    SmallVector<Value> parts;
    std::vector<double> sum(columns, 0.0);
    if (Value bias = reader.getBias()) {
      ElementsData<float> values = getElements(bias);
      sum.assign(values.begin(), values.end());
      parts.push_back(bias);
    }
    ElementsData<float> beta = getElements(norm.beta);
    for (int64_t k = 0; k < rows; ++k)
      for (int64_t i = 0; i < columns; ++i)
        sum[i] += double(beta[k]) * old[k * columns + i];
    parts.append({reader.getWeight(), norm.beta});
    std::vector<float> bias(sum.begin(), sum.end());
    reader.getBiasMutable().assign(
        createKnown(builder, loc, parts, {columns}, std::move(bias)));
  }

  SmallVector<Value> parts = {reader.getWeight()};
  std::vector<double> matrix(old.begin(), old.end());
  ElementsData<float> gamma;
  if (norm.gamma) {
    gamma = getElements(norm.gamma);
    parts.push_back(norm.gamma);
  }
  std::vector<double> means(columns, 0.0);
  for (int64_t k = 0; k < rows; ++k) {
    double factor = (norm.gamma ? gamma[k] : 1.0) / sigma;
    for (int64_t i = 0; i < columns; ++i)
      means[i] += (matrix[k * columns + i] *= factor) / double(rows);
  }
  std::vector<float> values(matrix.size());
  for (int64_t k = 0; k < rows; ++k)
    for (int64_t i = 0; i < columns; ++i)
      values[k * columns + i] = static_cast<float>(
          matrix[k * columns + i] - (norm.center ? means[i] : 0.0));
  reader.getWeightMutable().assign(
      createKnown(builder, loc, parts, {rows, columns}, std::move(values)));
}

/// A parameter made of gamma, or a new one that is named after the norm.
Value createStaticWeight(OpBuilder &builder, const Norm &norm, StringRef key,
                         ArrayRef<int64_t> shape, std::vector<float> &&values) {
  std::string name = norm.gamma ? joinNames(norm.gamma) : "";
  if (name.empty())
    name = ("aero.static_norm." + key).str();
  auto type = RankedTensorType::get(shape, builder.getF32Type());
  return WeightOp::create(builder, norm.op->getLoc(), name,
                          makeFloatResource(type, std::move(values), name));
}

/// %n = pi.layer_norm %x gamma %g beta %b
///   ->
/// %n = pi.linear %x, C diag(g / sigma) bias %b
/// An RMS norm does not mix columns: it becomes a product with g / sigma.
void expandStatic(Norm norm, StringRef key, double sigma) {
  OpBuilder builder(norm.op);
  Location loc = norm.op->getLoc();
  int64_t width = norm.getWidth();
  Type type = norm.getInput().getType();
  // What a pass cannot compute with stays an op.
  bool foldsGamma = norm.gamma && isKnown(norm.gamma);
  std::vector<double> factors(width, 1.0 / sigma);
  if (foldsGamma) {
    ElementsData<float> gamma = getElements(norm.gamma);
    for (int64_t i = 0; i < width; ++i)
      factors[i] = gamma[i] / sigma;
  }
  Value value = norm.getInput(), beta = norm.beta;
  Norm source = norm;
  if (!foldsGamma)
    source.gamma = {};
  if (norm.center) {
    std::vector<float> matrix(width * width);
    for (int64_t k = 0; k < width; ++k)
      for (int64_t i = 0; i < width; ++i)
        matrix[k * width + i] = static_cast<float>(
            ((k == i ? 1.0 : 0.0) - 1.0 / double(width)) * factors[i]);
    Value weight = createStaticWeight(builder, source, key, {width, width},
                                      std::move(matrix));
    Value bias = !norm.gamma || foldsGamma ? beta : Value();
    value = LinearOp::create(builder, loc, value, weight, bias);
    if (bias)
      beta = {};
  } else {
    value = MulOp::create(
        builder, loc, type, value,
        createStaticWeight(builder, source, key, {width},
                           std::vector<float>(factors.begin(), factors.end())));
  }
  if (norm.gamma && !foldsGamma)
    value = MulOp::create(builder, loc, type, value, norm.gamma);
  if (beta)
    value = AddOp::create(builder, loc, type, value, beta);
  norm.replaceWith(value);
}

void makeStatic(Norm norm, StringRef key, double sigma) {
  SmallVector<LinearOp> readers;
  std::string why = whyNotFolded(norm, readers);
  if (!why.empty()) {
    remark::missed(norm.op->getLoc(), getOptions())
        << remark::reason("the static scale of {0} is an op of its own: {1}",
                          describe(norm.op), why);
    return expandStatic(norm, key, sigma);
  }
  remark::passed(norm.op->getLoc(), getOptions())
      << remark::add("folded the static scale of {0} into {1} linear maps",
                     describe(norm.op), readers.size());
  for (LinearOp reader : readers) {
    Value old[] = {reader.getWeight(), reader.getBias()};
    foldStatic(norm, reader, sigma);
    for (Value value : old)
      if (value)
        eraseUnused(value);
  }
  norm.replaceWith(norm.getInput());
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

struct StripLayerNormPass
    : public impl::StripLayerNormPassBase<StripLayerNormPass> {
  using StripLayerNormPassBase::StripLayerNormPassBase;

  StripLayerNormPass(StripLayerNormPassOptions options, NormCalibration given)
      : StripLayerNormPassBase(std::move(options)), given(std::move(given)) {}

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isExternal())
      return;
    LayerAnalysis layers(func);
    FailureOr<LayerSelection> selection =
        LayerSelection::parse(func, kPass, layerList, layers.getNumLayers());
    if (failed(selection) || failed(checkOptions()))
      return signalPassFailure();

    std::vector<NormSite> sites = findNorms(func, layers);
    std::vector<double> sigmas(sites.size(), 1.0);
    std::vector<size_t> chosen;
    for (auto [i, site] : llvm::enumerate(sites))
      if (selection->contains(site.layer) &&
          (which == StripNormWhich::All ||
           site.isFinal == (which == StripNormWhich::Final)))
        chosen.push_back(i);
    if (chosen.empty())
      remark::missed(func.getLoc(), getOptions())
          << remark::reason("there is no norm to take out");
    if (mode == StripNormMode::Static &&
        (failed(verifyWeightsReadable(func)) ||
         failed(calibrate(sites, chosen, sigmas))))
      return signalPassFailure();

    for (size_t i : chosen) {
      Norm norm(sites[i].op);
      switch (mode.getValue()) {
      case StripNormMode::Remove:
        norm.replaceWith(norm.getInput());
        break;
      case StripNormMode::Affine:
        makeAffine(norm);
        break;
      case StripNormMode::Static:
        makeStatic(norm, sites[i].key, sigmas[i]);
        break;
      }
    }
  }

private:
  LogicalResult checkOptions() {
    Location loc = getOperation().getLoc();
    if (!layerList.empty() && which == StripNormWhich::Final)
      return emitError(loc) << kPass
                            << ": which=final and layers contradict: the final "
                               "norm is of no layer";
    bool isStatic = mode == StripNormMode::Static;
    if (!isStatic && !calibration.empty())
      return emitError(loc) << kPass << ": calibration is for mode=static";
    if (isStatic && calibration.empty() && given.empty()) {
      InFlightDiagnostic diag =
          emitError(loc) << kPass << ": mode=static needs calibration=FILE";
      diag.attachNote() << "a JSON object of the sigma of each norm, "
                           "{\"/h.0/ln_1\": 1.25, \"final\": 2.0}";
      return diag;
    }
    return success();
  }

  /// Looks the chosen norms up, by key or place.
  LogicalResult calibrate(ArrayRef<NormSite> sites, ArrayRef<size_t> chosen,
                          std::vector<double> &sigmas) {
    Location loc = getOperation().getLoc();
    NormCalibration data = given;
    std::string source = "the calibration data";
    if (!calibration.empty()) {
      source = "'" + calibration + "'";
      llvm::Expected<NormCalibration> read = readCalibration(calibration);
      if (!read)
        return emitError(loc)
               << kPass << ": cannot read calibration data " << source << ": "
               << llvm::toString(read.takeError());
      data = std::move(*read);
    }
    // A wrong name would leave a norm without a scale, or mean another model.
    for (const auto &[name, sigma] : data) {
      if (llvm::none_of(sites, [&](const NormSite &site) {
            return name == site.key || name == site.place;
          }))
        return emitError(loc) << kPass << ": " << source << " names '" << name
                              << "', which is no norm of the model '"
                              << getOperation().getSymName() << "'";
      if (!std::isfinite(sigma) || sigma <= 0)
        return emitError(loc)
               << kPass << ": expected a sigma above 0 for norm '" << name
               << "', got " << std::to_string(sigma);
    }
    std::vector<std::string> missing;
    for (size_t i : chosen) {
      auto found = data.find(sites[i].key);
      if (found == data.end())
        found = data.find(sites[i].place);
      if (found == data.end())
        missing.push_back("'" + sites[i].key + "'");
      else
        sigmas[i] = found->second;
    }
    if (missing.empty())
      return success();
    return emitError(loc) << kPass << ": " << source << " has no sigma for "
                          << llvm::join(missing, ", ");
  }

  /// What a program gave instead of a file.
  NormCalibration given;
};

} // namespace

std::unique_ptr<Pass>
createStripLayerNormPass(StripLayerNormPassOptions options,
                         NormCalibration calibration) {
  return std::make_unique<StripLayerNormPass>(std::move(options),
                                              std::move(calibration));
}

} // namespace aero::pi
