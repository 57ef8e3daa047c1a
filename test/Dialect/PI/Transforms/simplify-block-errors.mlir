// RUN: not aero-opt %s --pi-simplify-block='configuration=SOTA SM+ScFFN' 2>&1 | FileCheck %s --check-prefix=CONFIG
// RUN: not aero-opt %s --pi-simplify-block="configuration={SOTA SM+ScFFN}" 2>&1 | FileCheck %s --check-prefix=QUOTED
// RUN: not aero-opt %s --pi-simplify-block=layers=5 2>&1 | FileCheck %s --check-prefix=RANGE
// RUN: aero-opt %s --pi-simplify-block --remarks-filter=pi-simplify-block 2>&1 | FileCheck %s --check-prefix=REMARK

// CONFIG: no such option SM+ScFFN
// QUOTED: error: {{.*}}configuration 'SOTA SM+ScFFN' removes value and output projection, which 'attn' (pi.attention) cannot do without: its result is not read by a linear map
// QUOTED: note: {{.*}}choose a configuration without SOTA
// QUOTED: error: configuration 'SOTA SM+ScFFN' simplifies attention, and the model 'nothing' has none
// RANGE: error: pi-simplify-block: there is no layer 5: the model 'main' has 1 layer (0)
// REMARK: remark: {{.*}}there is no attention to simplify
func.func @main(%x: tensor<1x2x4xf32>, %w: tensor<4x4xf32>) -> tensor<1x2x4xf32> {
  %v = pi.linear %x, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  %a = pi.attention %x, %x, %v heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32> loc("attn")
  %y = pi.add %x, %a : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

func.func @nothing(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  return %x : tensor<1x2x4xf32>
}
