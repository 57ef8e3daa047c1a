// RUN: not aero-opt %s --pi-static-norm=gain=0 2>&1 | FileCheck %s --check-prefix=GAIN
// RUN: not aero-opt %s --pi-static-norm=layers=0 2>&1 | FileCheck %s --check-prefix=RANGE
// RUN: not aero-opt %s --pi-static-norm=method=batch 2>&1 | FileCheck %s --check-prefix=METHOD
// RUN: aero-opt %s --pi-static-norm --remarks-filter=pi-static-norm 2>&1 | FileCheck %s --check-prefix=REMARK

// GAIN: error: pi-static-norm: expected a gain above 0, got gain=0.000000
// RANGE: error: pi-static-norm: there is no layer 0: the model 'main' has no layers
// METHOD: Cannot find option named 'batch'
// REMARK: remark: {{.*}}there is no matrix to normalise
func.func @main(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  return %x : tensor<1x2x4xf32>
}
