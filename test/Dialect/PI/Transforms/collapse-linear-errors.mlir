// RUN: aero-opt %s --pi-collapse-linear=growth=0.5 -verify-diagnostics

// expected-error @below {{expected 'growth' to be at least 1, got 5.0}}
func.func @growth(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  return %x : tensor<2x4xf32>
}
