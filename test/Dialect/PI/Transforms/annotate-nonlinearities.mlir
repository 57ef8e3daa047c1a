// RUN: aero-opt %s --pi-annotate-nonlinearities --remarks-filter=pi-annotate-nonlinearities -verify-diagnostics -split-input-file | FileCheck %s
// RUN: aero-opt %s --pi-annotate-nonlinearities -split-input-file --verify-roundtrip | FileCheck %s
// RUN: aero-opt %s --pi-annotate-nonlinearities=table -split-input-file 2>&1 >/dev/null | FileCheck %s --check-prefix=TABLE

// TABLE: kind{{ +}}layer{{ +}}maps{{ +}}map{{ +}}elements{{ +}}online bytes{{ +}}offline bytes{{ +}}exchanges
// TABLE: layer_norm{{ +}}0{{ +}}1 6x8{{ +}}48
// TABLE: softmax{{ +}}0{{ +}}2 6x6{{ +}}72
// TABLE: gelu{{ +}}-{{ +}}1 6x8{{ +}}48
// TABLE: leaky_relu{{ +}}-{{ +}}1 6x8{{ +}}48
// TABLE: tanh{{ +}}-{{ +}}1 6x8{{ +}}48 no secure form
// TABLE: total{{ +}}264

// CHECK-LABEL: func.func @main(
// CHECK: pi.layer_norm {{.*}} annotated <layer_norm, layer = 0, maps = 1 of [6, 8], costs = [<dealer, online = {{[0-9]+}}, offline = {{[0-9]+}}, exchanges = 18>]>
// CHECK: pi.attention {{.*}} annotated <softmax, layer = 0, maps = 2 of [6, 6], costs = [<dealer,
// CHECK: pi.gelu %{{.*}} annotated <gelu, layer = -1, maps = 1 of [6, 8], costs = [<dealer,
// CHECK: pi.prelu %{{.*}} annotated <leaky_relu, layer = -1, maps = 1 of [6, 8], costs = [<dealer,
// CHECK: pi.tanh %{{.*}} annotated <tanh, layer = -1, maps = 1 of [6, 8]> :
// [example] --pi-annotate-nonlinearities --remarks-filter=pi-annotate-nonlinearities
func.func @main(%x: tensor<1x6x8xf32>) -> tensor<1x6x8xf32> {
  // expected-remark @below {{pi.layer_norm: layer_norm, layer 0, 1 maps of 6x8, 48 elements; dealer: }}
  %n = pi.layer_norm %x epsilon 1.000000e-05 : tensor<1x6x8xf32>
  // expected-remark @below {{pi.attention: softmax, layer 0, 2 maps of 6x6, 72 elements; dealer: }}
  %a = pi.attention %n, %n, %n heads 2 scale 5.000000e-01 causal : tensor<1x6x8xf32>, tensor<1x6x8xf32>
  %y = pi.add %x, %a : tensor<1x6x8xf32>, tensor<1x6x8xf32> -> tensor<1x6x8xf32>
  // expected-remark @below {{pi.gelu: gelu, outside of layers, 1 maps of 6x8, 48 elements; dealer: }}
  %g = pi.gelu %y : tensor<1x6x8xf32>
  %s = pi.weight "s" dense<0.5> : tensor<f32>
  // expected-remark @below {{pi.prelu: leaky_relu, outside of layers, 1 maps of 6x8, 48 elements; dealer: }}
  %p = pi.prelu %g slope %s : tensor<f32> : tensor<1x6x8xf32>
  // expected-remark @below {{pi.tanh: tanh, outside of layers, 1 maps of 6x8, 48 elements; no secure form}}
  %t = pi.tanh %p : tensor<1x6x8xf32>
  return %t : tensor<1x6x8xf32>
}
// [end of example]

// -----

// What is computed from weights alone is none of the client's data.
// CHECK-LABEL: func.func @nothing(
// CHECK-NOT: annotated
// expected-remark @below {{there is no nonlinear operation}}
func.func @nothing(%x: tensor<1x2x4xf32>) -> (tensor<1x2x4xf32>, tensor<1x2x4xf32>) {
  %w = pi.weight "w" dense<0.5> : tensor<1x2x4xf32>
  %r = pi.relu %w : tensor<1x2x4xf32>
  return %x, %r : tensor<1x2x4xf32>, tensor<1x2x4xf32>
}
