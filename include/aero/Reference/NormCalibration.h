//===- NormCalibration.h - What norms divide by on sample inputs ----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_REFERENCE_NORMCALIBRATION_H
#define AERO_REFERENCE_NORMCALIBRATION_H

#include "aero/Reference/Tensor.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <map>
#include <string>
#include <vector>

namespace aero::reference {

/// Runs `func`, of raised `pi`, on each sample (its inputs) and returns for
/// every norm, under its `NormSite::key`, the mean over all tokens of what it
/// divides by: sqrt(variance + epsilon), for RMS norms sqrt(mean square +
/// epsilon). Fails if there is no sample, or as `interpret` does.
llvm::Expected<std::map<std::string, double>>
measureNorms(mlir::func::FuncOp func,
             llvm::ArrayRef<std::vector<Tensor>> samples);

} // namespace aero::reference

#endif // AERO_REFERENCE_NORMCALIBRATION_H
