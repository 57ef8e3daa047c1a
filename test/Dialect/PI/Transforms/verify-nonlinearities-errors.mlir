// RUN: aero-opt %s --pi-verify-nonlinearities='configuration=SM+LN+G norm=required' -verify-diagnostics=only-expected -split-input-file
// RUN: not aero-opt %s --pi-verify-nonlinearities='configuration=SM+G activation=gelu' -split-input-file 2>&1 | FileCheck %s --check-prefix=GELU
// RUN: not aero-opt %s --pi-verify-nonlinearities='configuration=SM+R activation=relu' -split-input-file 2>&1 | FileCheck %s --check-prefix=RELU
// RUN: not aero-opt %s --pi-verify-nonlinearities='configuration=SM+R activation=leaky_relu' -split-input-file 2>&1 | FileCheck %s --check-prefix=LEAKY

// GELU: error: configuration 'SM+G' needs GELU, and the model 'nothing' has none
// GELU: note: no pass can add a GELU to a network; choose a configuration without it, or as-is
// RELU: error: configuration 'SM+R' needs ReLU, and the model 'nothing' has none
// RELU: note: only an activation of the model can become a ReLU
// LEAKY: error: configuration 'SM+R' needs ReLU, and the model 'nothing' has none
// expected-error @below {{configuration 'SM+LN+G' needs LayerNorm, and the model 'nothing' has none}}
// expected-note @below {{no pass can add a norm to a network; choose a configuration without it, or as-is}}
func.func @nothing(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  return %x : tensor<1x2x4xf32>
}

// -----

// A ReLU cannot become the GELU that a configuration promises.
// LEAKY: error: 'pi.relu' op is not part of configuration 'SM+R'
// GELU: error: 'pi.relu' op is not part of configuration 'SM+G'
// expected-error @below {{configuration 'SM+LN+G' needs LayerNorm, and the model 'relu' has none}}
// expected-note @below {{no pass can add a norm to a network}}
func.func @relu(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %y = pi.relu %x : tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

func.func @norm(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %y = pi.rms_norm %x epsilon 1.000000e-05 : tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}
