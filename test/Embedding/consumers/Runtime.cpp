//===- Runtime.cpp - Is no compiler ---------------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Runtime/Prg.h"
#include "aero/Runtime/Program.h"

#include <cstdio>

int main() {
  std::puts("party");
  return 0;
}
