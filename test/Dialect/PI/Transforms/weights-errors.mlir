// RUN: aero-opt %s --pi-fold-scaling -verify-diagnostics -split-input-file
// RUN: aero-opt %s --pi-merge-linear -verify-diagnostics -split-input-file
// RUN: aero-opt %s --pi-simplify-block -verify-diagnostics -split-input-file
// RUN: aero-opt %s --pi-static-norm -verify-diagnostics -split-input-file
// RUN: echo '{}' > %t.json
// RUN: aero-opt %s --pi-strip-layernorm='mode=static calibration=%t.json' -verify-diagnostics -split-input-file

// Every pass that reads weights says which one it cannot read.

// A weight whose elements were left out when the IR was printed.
func.func @elided(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  // expected-error @below {{'pi.weight' op cannot be read: resource 'elided' holds no data}}
  %w = pi.weight "w" dense_resource<elided> : tensor<4x4xf32>
  %y = pi.linear %x, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

func.func @wrong_size(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  // expected-error @below {{'pi.weight' op cannot be read: resource 'small' holds 8 bytes, but its type needs 64}}
  %w = pi.weight "w" dense_resource<small> : tensor<4x4xf32>
  %y = pi.linear %x, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

{-#
  dialect_resources: {
    builtin: {
      small: "0x400000000000803F0000803F"
    }
  }
#-}
