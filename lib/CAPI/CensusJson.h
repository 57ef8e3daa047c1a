//===- CensusJson.h - A census as JSON ------------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_CAPI_CENSUSJSON_H
#define AERO_LIB_CAPI_CENSUSJSON_H

#include "aero/Analysis/Census.h"

#include <string>

namespace aero {

/// The census under the keys of `aero inspect --json`, as far as it has them.
std::string censusToJson(const pi::Census &census);

} // namespace aero

#endif // AERO_LIB_CAPI_CENSUSJSON_H
