// RUN: not aero-opt %s --convert-pi-to-mpc 2>&1 | FileCheck %s

// What a user sees: the ONNX node and the layer, for each op in the way.
// CHECK: error: {{.*}}no secure form of pi.tanh yet: node '/h.3/act' in layer 3; choose a configuration without it, e.g. --config SM+ScFuFFN
// CHECK: error: {{.*}}no secure form of pi.exp yet: node '/h.3/mlp/{{.*}}' in layer 3; choose
// CHECK: error: {{.*}}no secure form of pi.erf yet: node 'head'; choose
func.func @main(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %1 = pi.tanh %0 : tensor<1x8x4xf32> loc(fused<3 : i64>["/h.3/act"])
  %2 = pi.exp %1 : tensor<1x8x4xf32> loc(fused<3 : i64>["/h.3/mlp/Exp", "/h.3/mlp/Mul"])
  %3 = pi.erf %2 : tensor<1x8x4xf32> loc("head")
  return %3 : tensor<1x8x4xf32>
}
