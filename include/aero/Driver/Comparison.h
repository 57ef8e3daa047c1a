//===- Comparison.h - How far engines are from float ----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The answers of several engines to the same prompts, set against those of the
/// float reference, layer by layer.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_DRIVER_COMPARISON_H
#define AERO_DRIVER_COMPARISON_H

#include "aero/Driver/Engines.h"

#include <deque>

namespace aero {

/// How far values are from those expected in one place, over all prompts.
class Difference {
public:
  /// Adds the values of a prompt; none if the engine does not show them.
  void add(llvm::ArrayRef<double> expected, llvm::ArrayRef<double> actual);

  /// Nothing of it was seen.
  bool isHidden() const { return hidden; }
  /// Infinite for a NaN, and for values of another number than expected.
  double getLargest() const { return largest; }
  /// A difference that is not finite is within no bound.
  bool isWithin(double bound) const;

private:
  bool hidden = true;
  double largest = 0;
};

struct ComparedEngine {
  std::string name;
  /// Why it did not run; empty if it did.
  std::string missing;
  std::vector<Difference> layers;
  Difference logits;
  /// In how many prompts it agrees with float.
  unsigned sameNextToken = 0;
  /// Nothing for an engine without parties.
  std::optional<EngineCost> cost;
};

class Comparison {
public:
  /// `layers` are their names for messages. Logits come in rows of
  /// `vocabulary`. A layer's bound is `maxError` times its largest value, or
  /// times 1 if that is smaller; that of the logits is `maxError`.
  Comparison(std::vector<std::string> layers, size_t vocabulary,
             double maxError);

  /// Adds a prompt with what float says of it, and the same logits of the
  /// module before it was folded. Row `nextTokenRow` of the logits is that of
  /// the next token.
  llvm::Error addPrompt(EngineAnswer reference,
                        llvm::ArrayRef<double> unfoldedLogits,
                        size_t nextTokenRow);
  /// Adds an engine without answers, or one that did not run.
  ComparedEngine &addEngine(llvm::StringRef name, std::string missing = "");
  /// Adds what an engine says of a prompt. An error if it is not of the
  /// reference's shape.
  llvm::Error addAnswer(ComparedEngine &engine, size_t prompt,
                        const EngineAnswer &answer) const;

  /// Says which engine leaves its bound first, and where, from the first layer
  /// to the logits, or that folding does; an empty string if all are within.
  std::string findFirstOutside() const;

  size_t getNumPrompts() const { return references.size(); }
  size_t getNumLayers() const { return magnitudes.size(); }
  /// The largest value of the reference behind each layer, and of its logits.
  llvm::ArrayRef<double> getMagnitudes() const { return magnitudes; }
  double getLogitMagnitude() const { return logitMagnitude; }
  /// What folding changes in the reference's logits.
  const Difference &getFolding() const { return folding; }
  const std::deque<ComparedEngine> &getEngines() const { return engines; }

private:
  struct Reference {
    EngineAnswer answer;
    size_t nextTokenRow;
  };

  double getBound(size_t layer) const;
  /// The likeliest next token.
  size_t getNextToken(llvm::ArrayRef<double> logits, size_t row) const;

  std::vector<std::string> layers;
  size_t vocabulary;
  double maxError;
  std::vector<Reference> references;
  std::vector<double> magnitudes;
  double logitMagnitude = 0;
  Difference folding;
  /// Referred to while more are added.
  std::deque<ComparedEngine> engines;
};

} // namespace aero

#endif // AERO_DRIVER_COMPARISON_H
