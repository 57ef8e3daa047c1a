// RUN: not aero-opt %s --pi-prune-ffn=deepest=3 2>&1 | FileCheck %s --check-prefix=MANY
// RUN: not aero-opt %s --pi-prune-ffn='deepest=3 configuration=SM+ScFuFFN_i(3)' 2>&1 | FileCheck %s --check-prefix=CONFIG
// RUN: not aero-opt %s --pi-prune-ffn 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not aero-opt %s --pi-prune-ffn='deepest=1 layers=0' 2>&1 | FileCheck %s --check-prefix=BOTH
// RUN: not aero-opt %s --pi-prune-ffn='deepest=-1' 2>&1 | FileCheck %s --check-prefix=NEGATIVE
// RUN: not aero-opt %s --pi-prune-ffn='layers=0,2' 2>&1 | FileCheck %s --check-prefix=RANGE
// RUN: aero-opt %s --pi-prune-ffn=deepest=2 --remarks-filter=pi-prune-ffn 2>&1 | FileCheck %s --check-prefix=REMARK

// MANY: error: pi-prune-ffn: cannot remove the feed-forward networks of the 3 deepest layers, the model 'main' has 2 layers (0 to 1)
// CONFIG: error: configuration 'SM+ScFuFFN_i(3)': cannot remove the feed-forward networks of the 3 deepest layers, the model 'main' has 2 layers (0 to 1)
// NONE: error: pi-prune-ffn: which networks? Give deepest=N or layers=LIST
// BOTH: error: pi-prune-ffn: deepest and layers both say which networks to remove; give one
// NEGATIVE: error: pi-prune-ffn: expected a number of layers, got deepest=-1
// RANGE: error: pi-prune-ffn: there is no layer 2: the model 'main' has 2 layers (0 to 1)
// REMARK: remark: {{.*}}layer 1 has no feed-forward network to remove
// REMARK: remark: {{.*}}removed the feed-forward network of layer 0
func.func @main(%x: tensor<1x2x4xf32>, %w: tensor<4x4xf32>) -> tensor<1x2x4xf32> {
  %a = pi.attention %x, %x, %x heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  %y = pi.add %x, %a : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  %f = pi.linear %y, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  %z = pi.add %y, %f : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  %b = pi.attention %z, %z, %z heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  %r = pi.add %z, %b : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  return %r : tensor<1x2x4xf32>
}
