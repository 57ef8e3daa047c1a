//===- Comparison.cpp - How far engines are from float --------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Driver/Comparison.h"

#include "aero/Driver/Table.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace aero;

static constexpr double infinity = std::numeric_limits<double>::infinity();

//===----------------------------------------------------------------------===//
// Differences
//===----------------------------------------------------------------------===//

void Difference::add(llvm::ArrayRef<double> expected,
                     llvm::ArrayRef<double> actual) {
  if (actual.empty())
    return;
  hidden = false;
  if (actual.size() != expected.size()) {
    largest = infinity;
    return;
  }
  for (auto [e, a] : llvm::zip_equal(expected, actual))
    // A NaN is the largest difference there is.
    if (double distance = std::abs(e - a); !(distance <= largest))
      largest = std::isnan(distance) ? infinity : distance;
}

bool Difference::isWithin(double bound) const {
  return std::isfinite(largest) && largest <= bound;
}

static double largestOf(llvm::ArrayRef<double> values) {
  double largest = 0;
  for (double value : values)
    largest = std::max(largest, std::abs(value));
  return largest;
}

//===----------------------------------------------------------------------===//
// Comparison
//===----------------------------------------------------------------------===//

Comparison::Comparison(std::vector<std::string> layers, size_t vocabulary,
                       double maxError)
    : layers(std::move(layers)), vocabulary(vocabulary), maxError(maxError),
      magnitudes(this->layers.size(), 0) {}

double Comparison::getBound(size_t layer) const {
  return maxError * std::max(1.0, magnitudes[layer]);
}

size_t Comparison::getNextToken(llvm::ArrayRef<double> logits,
                                size_t row) const {
  llvm::ArrayRef<double> values = logits.slice(row * vocabulary, vocabulary);
  return static_cast<size_t>(
      std::distance(values.begin(), llvm::max_element(values)));
}

llvm::Error Comparison::addPrompt(EngineAnswer reference,
                                  llvm::ArrayRef<double> unfoldedLogits,
                                  size_t nextTokenRow) {
  if (reference.layers.size() != layers.size() ||
      reference.logits.size() < (nextTokenRow + 1) * vocabulary ||
      unfoldedLogits.size() != reference.logits.size())
    return llvm::createStringError(
        "the float reference has " + llvm::Twine(reference.layers.size()) +
        " layers and " + llvm::Twine(reference.logits.size()) +
        " logits, expected " + llvm::Twine(layers.size()) + " and " +
        llvm::Twine(unfoldedLogits.size()));
  for (auto [magnitude, values] : llvm::zip_equal(magnitudes, reference.layers))
    magnitude = std::max(magnitude, largestOf(values));
  logitMagnitude = std::max(logitMagnitude, largestOf(reference.logits));
  folding.add(unfoldedLogits, reference.logits);
  references.push_back({std::move(reference), nextTokenRow});
  return llvm::Error::success();
}

ComparedEngine &Comparison::addEngine(llvm::StringRef name,
                                      std::string missing) {
  ComparedEngine &engine = engines.emplace_back();
  engine.name = name;
  engine.missing = std::move(missing);
  engine.layers.resize(layers.size());
  return engine;
}

llvm::Error Comparison::addAnswer(ComparedEngine &engine, size_t prompt,
                                  const EngineAnswer &answer) const {
  const auto &[expected, row] = references[prompt];
  if (answer.layers.size() != layers.size() ||
      answer.logits.size() != expected.logits.size())
    return llvm::createStringError(
        "it answered with " + llvm::Twine(answer.layers.size()) +
        " layers and " + llvm::Twine(answer.logits.size()) +
        " logits, expected " + llvm::Twine(layers.size()) + " and " +
        llvm::Twine(expected.logits.size()));
  for (auto [difference, e, a] :
       llvm::zip_equal(engine.layers, expected.layers, answer.layers))
    difference.add(e, a);
  engine.logits.add(expected.logits, answer.logits);
  engine.sameNextToken +=
      getNextToken(answer.logits, row) == getNextToken(expected.logits, row);
  return llvm::Error::success();
}

std::string Comparison::findFirstOutside() const {
  std::string limit = "more than --max-error " + formatFixed(maxError, 5);
  for (auto [layer, name] : llvm::enumerate(layers))
    for (const ComparedEngine &engine : engines)
      if (const Difference &difference = engine.layers[layer];
          !difference.isWithin(getBound(layer)))
        return engine.name + " leaves its bound first behind " + name +
               ": it differs from float by " +
               formatFixed(difference.getLargest(), 5) + ", more than " +
               formatFixed(getBound(layer), 5);
  for (const ComparedEngine &engine : engines)
    if (!engine.logits.isWithin(maxError))
      return engine.name +
             " leaves its bound in the logits: it differs from float by " +
             formatFixed(engine.logits.getLargest(), 5) + ", " + limit;
  // Last: engines that agree with a folding that is wrong are all within.
  if (!folding.isWithin(maxError))
    return "folding changes the logits of the float reference by " +
           formatFixed(folding.getLargest(), 5) + ", " + limit;
  return "";
}
