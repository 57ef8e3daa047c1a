// RUN: aero-opt %s --pi-annotate-nonlinearities --remarks-filter=pi-annotate-nonlinearities -verify-diagnostics -split-input-file

// [example] --pi-annotate-nonlinearities --remarks-filter=pi-annotate-nonlinearities
func.func @main(%x: tensor<1x6x8xf32>) -> tensor<1x6x8xf32> {
  // expected-remark @below {{pi.layer_norm: layer_norm, layer 0, 1 maps of 6x8, 48 elements}}
  %n = pi.layer_norm %x epsilon 1.000000e-05 : tensor<1x6x8xf32>
  // expected-remark @below {{pi.attention: softmax, layer 0, 2 maps of 6x6, 72 elements}}
  %a = pi.attention %n, %n, %n heads 2 scale 5.000000e-01 causal : tensor<1x6x8xf32>, tensor<1x6x8xf32>
  %y = pi.add %x, %a : tensor<1x6x8xf32>, tensor<1x6x8xf32> -> tensor<1x6x8xf32>
  // expected-remark @below {{pi.gelu: gelu, outside of layers, 1 maps of 6x8, 48 elements}}
  %g = pi.gelu %y : tensor<1x6x8xf32>
  %s = pi.weight "s" dense<0.5> : tensor<f32>
  // expected-remark @below {{pi.prelu: leaky_relu, outside of layers, 1 maps of 6x8, 48 elements}}
  %p = pi.prelu %g slope %s : tensor<f32> : tensor<1x6x8xf32>
  return %p : tensor<1x6x8xf32>
}
// [end of example]

// -----

// What is computed from weights alone is none of the client's data.
// expected-remark @below {{there is no nonlinear operation}}
func.func @nothing(%x: tensor<1x2x4xf32>) -> (tensor<1x2x4xf32>, tensor<1x2x4xf32>) {
  %w = pi.weight "w" dense<0.5> : tensor<1x2x4xf32>
  %r = pi.relu %w : tensor<1x2x4xf32>
  return %x, %r : tensor<1x2x4xf32>, tensor<1x2x4xf32>
}
