/* Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */

#include "aero-c/Aero.h"

#include <stdio.h>

int main(void) {
  AeroContext *context = aeroContextCreate(NULL, NULL);
  puts(aeroGetVersion());
  aeroContextDestroy(context);
  return 0;
}
