// RUN: aero-opt %s --pi-replace-activation -verify-diagnostics=only-expected -split-input-file
// RUN: not aero-opt %s --pi-replace-activation='to=relu layers=0-3' -split-input-file 2>&1 | FileCheck %s --check-prefix=RANGE
// RUN: not aero-opt %s --pi-replace-activation='to=relu layers=1-0' -split-input-file 2>&1 | FileCheck %s --check-prefix=LIST
// RUN: not aero-opt %s --pi-replace-activation='to=relu layers=first' -split-input-file 2>&1 | FileCheck %s --check-prefix=WORD
// RUN: not aero-opt %s --pi-replace-activation='learnable=true' -split-input-file 2>&1 | FileCheck %s --check-prefix=LEARNABLE
// RUN: not aero-opt %s --pi-replace-activation='to=leaky_relu slope=nan' -split-input-file 2>&1 | FileCheck %s --check-prefix=SLOPE
// RUN: not aero-opt %s --pi-replace-activation=to=swish 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: aero-opt %s --pi-replace-activation='to=relu' --remarks-filter=pi-replace-activation -split-input-file 2>&1 | FileCheck %s --check-prefix=REMARK

// RANGE: error: pi-replace-activation: there is no layer 3: the model 'gated' has 1 layer (0)
// RANGE: error: pi-replace-activation: there is no layer 3: the model 'nothing' has no layers
// LIST: error: pi-replace-activation: '1-0' in layers=1-0 is neither a layer nor a range of layers
// LIST: note: write, e.g., layers=0-3,5
// WORD: error: pi-replace-activation: 'first' in layers=first is neither a layer nor a range of layers
// LEARNABLE: error: pi-replace-activation: learnable=true is about the slope of to=leaky_relu
// SLOPE: error: pi-replace-activation: expected a finite slope, got nan
// UNKNOWN: Cannot find option named 'swish'
// REMARK: remark: {{.*}}there is no activation to replace
func.func @gated(%x: tensor<1x2x4xf32>, %u: tensor<4x8xf32>, %v: tensor<4x8xf32>, %d: tensor<8x4xf32>) -> tensor<1x2x4xf32> {
  %a = pi.attention %x, %x, %x heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  %y = pi.add %x, %a : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  %g = pi.linear %y, %u : tensor<1x2x4xf32>, tensor<4x8xf32> -> tensor<1x2x8xf32>
  // expected-error @unknown {{pi-replace-activation: '/act' (pi.silu) is the gate of a feed-forward network: without it the network is a product of two linear maps, which is not linear}}
  // expected-note @unknown {{choose to=relu, gate=drop (the gate and its matrix go as well) or gate=keep (the product stays)}}
  %s = pi.silu %g : tensor<1x2x8xf32> loc("/act")
  %l = pi.linear %y, %v : tensor<1x2x4xf32>, tensor<4x8xf32> -> tensor<1x2x8xf32>
  %p = pi.mul %s, %l : tensor<1x2x8xf32>, tensor<1x2x8xf32> -> tensor<1x2x8xf32>
  %f = pi.linear %p, %d : tensor<1x2x8xf32>, tensor<8x4xf32> -> tensor<1x2x4xf32>
  %z = pi.add %y, %f : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  return %z : tensor<1x2x4xf32>
}

// -----

func.func @nothing(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  return %x : tensor<1x2x4xf32>
}
