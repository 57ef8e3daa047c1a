// RUN: not aero-opt %s --pi-scale-ffn=configuration=SM+ScFFN -split-input-file 2>&1 | FileCheck %s --check-prefix=CONFIG
// RUN: not aero-opt %s --pi-scale-ffn=alpha=0 -split-input-file 2>&1 | FileCheck %s --check-prefix=ALPHA
// RUN: not aero-opt %s --pi-scale-ffn=layers=9 -split-input-file 2>&1 | FileCheck %s --check-prefix=RANGE
// RUN: aero-opt %s --pi-scale-ffn --remarks-filter=pi-scale-ffn -split-input-file 2>&1 | FileCheck %s --check-prefix=REMARK

// CONFIG: error: configuration 'SM+ScFFN' scales feed-forward networks, and the model 'nothing' has none
// CONFIG: note: a feed-forward network ends with a linear map that is added to what attention wrote; choose a configuration without scales, e.g. SM
// CONFIG: error: configuration 'SM+ScFFN' scales feed-forward networks, and the model 'parallel' has only such as stand beside attention
// ALPHA: error: pi-scale-ffn: expected finite initial values, and alpha not 0: it divides
// RANGE: error: pi-scale-ffn: there is no layer 9: the model 'nothing' has no layers
// REMARK: remark: {{.*}}there is no feed-forward network to scale
// REMARK: remark: {{.*}}the feed-forward network of layer 0 stands beside attention, not behind it
func.func @nothing(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  return %x : tensor<1x2x4xf32>
}

// -----

func.func @parallel(%x: tensor<1x2x4xf32>, %w: tensor<4x4xf32>) -> tensor<1x2x4xf32> {
  %a = pi.attention %x, %x, %x heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  %f = pi.linear %x, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  %s = pi.add %a, %f : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  %z = pi.add %s, %x : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  return %z : tensor<1x2x4xf32>
}
