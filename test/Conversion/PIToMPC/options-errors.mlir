// RUN: not aero-opt %s --convert-pi-to-mpc=activation-frac=25 2>&1 | FileCheck %s --check-prefix=FRAC
// RUN: not aero-opt %s --convert-pi-to-mpc=weight-frac=7 2>&1 | FileCheck %s --check-prefix=WEIGHT
// RUN: not aero-opt %s --convert-pi-to-mpc=compare-bits=28 2>&1 | FileCheck %s --check-prefix=NARROW
// RUN: not aero-opt %s --convert-pi-to-mpc=compare-bits=34 2>&1 | FileCheck %s --check-prefix=NARROW
// RUN: not aero-opt %s --convert-pi-to-mpc='activation-frac=24 compare-bits=44' 2>&1 | FileCheck %s --check-prefix=WIDE
// RUN: aero-opt %s --convert-pi-to-mpc='activation-frac=24 compare-bits=16' | FileCheck %s --check-prefix=OK
// RUN: aero-opt %s --convert-pi-to-mpc=compare-bits=0 | FileCheck %s --check-prefix=PROVED

// FRAC: error: activation-frac is 25, expected 8 to 24
// WEIGHT: error: weight-frac is 7, expected 8 to 28
// NARROW: error: compare-bits is {{28|34}}, expected 0 or a multiple of 4 from 32 to 48 for scores with 16 fraction bits
// WIDE: error: compare-bits is 44, expected 0 or a multiple of 4 from 16 to 40 for scores with 24 fraction bits
// OK: mpc.max_row {{.*}} bits 16 range <{{2.3.*e\+01}}, proved>
// PROVED: mpc.max_row {{.*}} bits 8 range <{{2.3.*e\+01}}, proved>
func.func @main(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %1 = pi.attention %0, %0, %0 heads 1 scale 0.693147182 causal : tensor<1x8x4xf32>, tensor<1x8x4xf32>
  return %1 : tensor<1x8x4xf32>
}
