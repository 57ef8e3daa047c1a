//===- Inspection.h - What aero inspect finds in a model ------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_TOOLS_AERO_INSPECTION_H
#define AERO_TOOLS_AERO_INSPECTION_H

#include "aero/Analysis/Architecture.h"
#include "aero/Analysis/Census.h"
#include "aero/Driver/Model.h"

#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace aero {

/// A reason why the engines cannot run the model, with all the ops that it is
/// the reason for.
struct Obstacle {
  struct Place {
    /// The ONNX node.
    std::string node;
    int64_t layer = -1;
    pi::NetworkPlace place = pi::NetworkPlace::Unknown;
    /// The reason in full, with the nodes that it names.
    std::string message;
  };

  /// "pi.gelu", or empty.
  std::string op;
  std::string reason;
  /// None if it is about the model as a whole.
  std::vector<Place> places;
};

struct Inspection {
  std::string model, config;
  uint64_t fileBytes = 0;
  ImportSummary summary;
  pi::Architecture architecture;
  pi::Census census;
  std::vector<Obstacle> obstacles;
};

/// Looks at all of `model`; lowers it on the way.
Inspection makeInspection(Model &model);

/// The inspection as JSON text; the keys are documented in docs/usage.md.
std::string toJsonText(const Inspection &inspection);
/// The same for a model that cannot be imported.
std::string toJsonText(llvm::StringRef model, const ImportError &error);

} // namespace aero

#endif // AERO_TOOLS_AERO_INSPECTION_H
