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

namespace aero {

/// A network of the AERO paper, named by what is left in it: SM softmax, LN
/// LayerNorm, G GELU, R ReLU, ScFFN the scaled feed-forward network, ScFuFFN
/// the same with its two matrices fused into one.
enum class Configuration {
  AsIs,
  SmLnG,
  SmLnR,
  SmLn,
  SmG,
  SmR,
  Sm,
  SmScFFN,
  SmScFuFFN
};

/// What a configuration does to a model, and what it promises.
struct ConfigurationInfo {
  Configuration configuration;
  llvm::StringLiteral name;
  llvm::StringLiteral summary;
  /// Takes the norms out.
  bool stripNorms;
  /// The activation to put in; none keeps what there is.
  std::optional<pi::ReplacementActivation> activation;
  /// Merges consecutive linear maps.
  bool mergeLinear;
  /// What the result has to have, for `pi-verify-nonlinearities`.
  pi::Presence promisedNorm;
  pi::PromisedActivation promisedActivation;
};

/// All configurations, in the order of the enum.
llvm::ArrayRef<ConfigurationInfo> getConfigurations();

const ConfigurationInfo &getInfo(Configuration configuration);
llvm::StringRef getName(Configuration configuration);

/// The configuration called `name`; letters may be of either case. The error
/// lists the known ones.
llvm::Expected<Configuration> parseConfiguration(llvm::StringRef name);

} // namespace aero

#endif // AERO_PIPELINES_CONFIGURATIONS_H
