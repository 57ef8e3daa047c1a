//===- NormCalibration.cpp - What norms divide by on sample inputs --------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Reference/NormCalibration.h"

#include "aero/Analysis/Norms.h"
#include "aero/Dialect/PI/IR/PIOps.h"
#include "aero/Reference/FloatInterpreter.h"

#include <cmath>

using namespace mlir;

namespace aero::reference {
namespace {

/// The sum over all rows of `input` of what a norm divides by.
double sumDivisors(const Tensor &input, bool center, double epsilon) {
  int64_t width = input.getShape().back();
  ArrayRef<float> values = input.getFloats();
  double total = 0;
  for (size_t row = 0; row < values.size(); row += width) {
    double sum = 0, squares = 0;
    for (float value : values.slice(row, width))
      sum += value;
    double mean = center ? sum / double(width) : 0.0;
    for (float value : values.slice(row, width))
      squares += (value - mean) * (value - mean);
    total += std::sqrt(squares / double(width) + epsilon);
  }
  return total;
}

} // namespace

llvm::Expected<std::map<std::string, double>>
measureNorms(func::FuncOp func, ArrayRef<std::vector<Tensor>> samples) {
  if (samples.empty())
    return llvm::createStringError(
        "no sample inputs to measure the normalisations on");
  std::vector<pi::NormSite> sites =
      pi::findNorms(func, pi::LayerAnalysis(func));
  // By what a norm reads: the interpreter shows results, not operands.
  llvm::DenseMap<Value, llvm::SmallVector<size_t>> readers;
  for (auto [i, site] : llvm::enumerate(sites))
    readers[site.op->getOperand(0)].push_back(i);

  std::vector<double> sums(sites.size()), rows(sites.size());
  auto observe = [&](Value value, const Tensor &tensor) {
    auto found = readers.find(value);
    if (found == readers.end())
      return;
    for (size_t i : found->second) {
      Operation *op = sites[i].op;
      auto layerNorm = dyn_cast<pi::LayerNormOp>(op);
      double epsilon =
          layerNorm ? layerNorm.getEpsilon().convertToDouble()
                    : cast<pi::RMSNormOp>(op).getEpsilon().convertToDouble();
      sums[i] += sumDivisors(tensor, bool(layerNorm), epsilon);
      int64_t count = tensor.getNumElements() / tensor.getShape().back();
      rows[i] += static_cast<double>(count);
    }
  };
  for (const std::vector<Tensor> &sample : samples) {
    auto results =
        interpret(func, sample, [&](Operation *op, ArrayRef<Tensor> values) {
          for (auto [result, value] : llvm::zip(op->getResults(), values))
            observe(result, value);
        });
    if (!results)
      return results.takeError();
    for (auto [argument, input] : llvm::zip(func.getArguments(), sample))
      observe(argument, input);
  }
  std::map<std::string, double> sigmas;
  for (auto [i, site] : llvm::enumerate(sites))
    sigmas[site.key] = sums[i] / rows[i];
  return sigmas;
}

} // namespace aero::reference
