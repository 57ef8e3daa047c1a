// RUN: echo '{"0/attention": 2.0, "1/attention": 2.0}' > %t.few.json
// RUN: echo '{"0/attention": [2.0, 3.0]}' > %t.shape.json
// RUN: echo '[1.0, 2.0]' > %t.list.json
// RUN: echo '{"7/attention": 2.0}' > %t.other.json
// RUN: echo '{"0/attention": 0.0}' > %t.zero.json
// RUN: echo '{"0/attention"' > %t.broken.json
// RUN: not aero-opt %s --pi-strip-layernorm='mode=static calibration=%t.few.json' 2>&1 | FileCheck %s --check-prefix=FEW
// RUN: aero-opt %s --pi-strip-layernorm='mode=static calibration=%t.few.json layers=1' 2>&1 | FileCheck %s --check-prefix=ENOUGH
// RUN: not aero-opt %s --pi-strip-layernorm='mode=static calibration=%t.shape.json' 2>&1 | FileCheck %s --check-prefix=SHAPE
// RUN: not aero-opt %s --pi-strip-layernorm='mode=static calibration=%t.list.json' 2>&1 | FileCheck %s --check-prefix=ARRAY
// RUN: not aero-opt %s --pi-strip-layernorm='mode=static calibration=%t.other.json' 2>&1 | FileCheck %s --check-prefix=OTHER
// RUN: not aero-opt %s --pi-strip-layernorm='mode=static calibration=%t.zero.json' 2>&1 | FileCheck %s --check-prefix=ZERO
// RUN: not aero-opt %s --pi-strip-layernorm='mode=static calibration=%t.broken.json' 2>&1 | FileCheck %s --check-prefix=BROKEN
// RUN: not aero-opt %s --pi-strip-layernorm='mode=static calibration=%t.none.json' 2>&1 | FileCheck %s --check-prefix=FILE
// RUN: not aero-opt %s --pi-strip-layernorm='mode=static' 2>&1 | FileCheck %s --check-prefix=MISSING
// RUN: not aero-opt %s --pi-strip-layernorm='calibration=%t.few.json' 2>&1 | FileCheck %s --check-prefix=MODE
// RUN: not aero-opt %s --pi-strip-layernorm='which=final layers=0' 2>&1 | FileCheck %s --check-prefix=BOTH
// RUN: not aero-opt %s --pi-strip-layernorm='layers=2' 2>&1 | FileCheck %s --check-prefix=RANGE
// RUN: aero-opt %s --pi-strip-layernorm --pi-strip-layernorm --remarks-filter=pi-strip-layernorm 2>&1 | FileCheck %s --check-prefix=REMARK

// FEW: error: pi-strip-layernorm: '{{.*}}few.json' has no sigma for '0/feed_forward', '/ln_f'
// ENOUGH: func @main
// SHAPE: error: pi-strip-layernorm: cannot read calibration data '{{.*}}shape.json': expected one number for norm '0/attention'
// ARRAY: error: pi-strip-layernorm: cannot read calibration data '{{.*}}list.json': expected an object, {"name of the norm": sigma, ...}
// OTHER: error: pi-strip-layernorm: '{{.*}}other.json' names '7/attention', which is no norm of the model 'main'
// ZERO: error: pi-strip-layernorm: expected a sigma above 0 for norm '0/attention', got 0.000000
// BROKEN: error: pi-strip-layernorm: cannot read calibration data '{{.*}}broken.json':
// FILE: error: pi-strip-layernorm: cannot read calibration data '{{.*}}none.json': No such file or directory
// MISSING: error: pi-strip-layernorm: mode=static needs calibration=FILE
// MISSING: note: a JSON object of the sigma of each norm
// MODE: error: pi-strip-layernorm: calibration is for mode=static
// BOTH: error: pi-strip-layernorm: which=final and layers contradict: the final norm is of no layer
// RANGE: error: pi-strip-layernorm: there is no layer 2: the model 'main' has 2 layers (0 to 1)
// REMARK: remark: {{.*}}there is no norm to take out
func.func @main(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %w = pi.weight "w" dense<0.5> : tensor<4x4xf32>
  %n0 = pi.layer_norm %x epsilon 1.000000e-05 : tensor<1x2x4xf32>
  %a0 = pi.attention %n0, %n0, %n0 heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  %y0 = pi.add %x, %a0 : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  %m0 = pi.rms_norm %y0 epsilon 1.000000e-05 : tensor<1x2x4xf32>
  %f0 = pi.linear %m0, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  %z0 = pi.add %y0, %f0 : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  %n1 = pi.layer_norm %z0 epsilon 1.000000e-05 : tensor<1x2x4xf32>
  %a1 = pi.attention %n1, %n1, %n1 heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  %y1 = pi.add %z0, %a1 : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  %l = pi.layer_norm %y1 epsilon 1.000000e-05 : tensor<1x2x4xf32> loc("/ln_f")
  %o = pi.linear %l, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  return %o : tensor<1x2x4xf32>
}
