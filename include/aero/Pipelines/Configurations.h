//===- Configurations.h - The networks of the AERO paper ------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_PIPELINES_CONFIGURATIONS_H
#define AERO_PIPELINES_CONFIGURATIONS_H

#include "aero/Dialect/PI/Transforms/Passes.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <optional>
#include <string>

namespace aero {

/// A network of the AERO paper, named by what is left in it: SM softmax, LN
/// LayerNorm, G GELU, R ReLU, ScFFN the scaled feed-forward network, ScFuFFN
/// the same with its two matrices fused into one.
///
/// A value: one of the networks below, which converts by itself, and what its
/// name adds to it:
///   SM+ScFuFFN_i(6)    the feed-forward networks of 6 layers removed
///   SM(t)+ScFuFFN      a learnable temperature of the softmax
///   SOTA SM+ScFuFFN    value and output projections removed, final norm kept
class Configuration {
public:
  enum Base { AsIs, SmLnG, SmLnR, SmLn, SmG, SmR, Sm, SmScFFN, SmScFuFFN };

  /*implicit*/ Configuration(Base base) : base(base) {}

  Base getBase() const { return base; }
  bool hasTemperature() const { return temperature; }
  bool isSimplified() const { return simplified; }
  /// The feed-forward networks of how many layers, counted from the last, are
  /// removed. Whether the model has so many is known when it is rewritten.
  int64_t getPrunedLayers() const { return prunedLayers; }

  /// Variants; not every base has every one, see parseConfiguration.
  Configuration withTemperature() const;
  Configuration simplify() const;
  Configuration prune(int64_t layers) const;

  bool operator==(const Configuration &) const = default;

private:
  Base base;
  bool temperature = false, simplified = false;
  int64_t prunedLayers = 0;
};

/// What a base configuration does to a model, and what it promises.
struct ConfigurationInfo {
  Configuration::Base base;
  llvm::StringLiteral name;
  llvm::StringLiteral summary;
  /// Takes the norms out.
  bool stripNorms;
  /// The activation to put in; none keeps what there is.
  std::optional<pi::ReplacementActivation> activation;
  /// Scales the feed-forward networks that have no scales yet.
  bool scaleFFN;
  /// Merges consecutive linear maps.
  bool mergeLinear;
  /// What the result has to have, for `pi-verify-nonlinearities`.
  pi::Presence promisedNorm;
  pi::PromisedActivation promisedActivation;
};

/// All bases, in the order of the enum.
llvm::ArrayRef<ConfigurationInfo> getConfigurations();

/// What `configuration` does and promises; of its variants, the norms that a
/// simplified one keeps are in it.
ConfigurationInfo getInfo(Configuration configuration);

/// The name in the paper: "SM(t)+ScFuFFN_i(6)".
std::string getName(Configuration configuration);

/// The configuration called `name`; letters may be of either case. The error
/// says what is wrong with it, or lists the known ones.
llvm::Expected<Configuration> parseConfiguration(llvm::StringRef name);

} // namespace aero

#endif // AERO_PIPELINES_CONFIGURATIONS_H
