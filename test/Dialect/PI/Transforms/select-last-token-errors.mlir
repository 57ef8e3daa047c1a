// RUN: aero-opt %s --pi-select-last-token -verify-diagnostics -split-input-file

// expected-error @below {{pi-select-last-token: there is no function 'main' with a body}}
// expected-note @below {{name the model's function with function=NAME}}
module {
  func.func @other(%x: tensor<1x8x4xf32>) -> tensor<1x8x4xf32> {
    return %x : tensor<1x8x4xf32>
  }
}

// -----

// expected-error @below {{pi-select-last-token: there is no function 'main' with a body}}
// expected-note @below {{name the model's function with function=NAME}}
module {
  func.func private @main(tensor<1x8x4xf32>) -> tensor<1x8x4xf32>
}

// -----

// expected-error @below {{function 'main' does not return one tensor (batch, tokens, width) of f32}}
// expected-note @below {{the pass needs a decoder that returns its logits}}
func.func @main(%x: tensor<8x4xf32>) -> tensor<8x4xf32> {
  return %x : tensor<8x4xf32>
}

// -----

// expected-error @below {{function 'main' does not return one tensor (batch, tokens, width) of f32}}
// expected-note @below {{the pass needs a decoder that returns its logits}}
func.func @main(%x: tensor<1x8x4xf32>) -> (tensor<1x8x4xf32>, tensor<1x8x4xf32>) {
  return %x, %x : tensor<1x8x4xf32>, tensor<1x8x4xf32>
}

// -----

// expected-error @below {{function 'main' does not return one tensor (batch, tokens, width) of f32}}
// expected-note @below {{the pass needs a decoder that returns its logits}}
func.func @main(%x: tensor<1x8x4xi64>) -> tensor<1x8x4xi64> {
  return %x : tensor<1x8x4xi64>
}
