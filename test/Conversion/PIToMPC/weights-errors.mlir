// RUN: aero-opt %s --split-input-file --verify-diagnostics --convert-pi-to-mpc

// A weight of a product is stored in 32 bits with 20 of them fractional.
func.func @main(%tokens: tensor<1x8xi64>) -> tensor<1x8x2xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x2xf32>
  %w = pi.weight "h.0.mlp" dense<[[1.0, 2.0], [-2048.0, 3.0]]> : tensor<2x2xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x2xf32>, tensor<1x8xi64> -> tensor<1x8x2xf32>
  // expected-error @below {{weight 'h.0.mlp' holds -2048 at element 2, but fixed point with 20 fraction bits needs |w| < 2048 here}}
  // expected-note @below {{so large a weight usually means that training diverged; otherwise lower weight-frac}}
  %1 = pi.linear %0, %w : tensor<1x8x2xf32>, tensor<2x2xf32> -> tensor<1x8x2xf32>
  return %1 : tensor<1x8x2xf32>
}

// -----

// The largest value that fits is fine.
func.func @main(%tokens: tensor<1x8xi64>) -> tensor<1x8x2xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x2xf32>
  %w = pi.weight "h.0.mlp" dense<[[1.0, 2.0], [-2047.99988, 2047.99988]]> : tensor<2x2xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x2xf32>, tensor<1x8xi64> -> tensor<1x8x2xf32>
  %1 = pi.linear %0, %w : tensor<1x8x2xf32>, tensor<2x2xf32> -> tensor<1x8x2xf32>
  return %1 : tensor<1x8x2xf32>
}

// -----

func.func @main(%tokens: tensor<1x8xi64>) -> tensor<1x8x2xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x2xf32>
  %w = pi.weight "w" dense<[[1.0, 2.0], [0x7FC00000, 3.0]]> : tensor<2x2xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x2xf32>, tensor<1x8xi64> -> tensor<1x8x2xf32>
  // expected-error @below {{weight 'w' holds nan at element 2}}
  // expected-note @below {{training diverged}}
  %1 = pi.linear %0, %w : tensor<1x8x2xf32>, tensor<2x2xf32> -> tensor<1x8x2xf32>
  return %1 : tensor<1x8x2xf32>
}

// -----

// The 32-bit ring of the table, with the two bits that extend needs.
func.func @main(%tokens: tensor<1x8xi64>) -> tensor<1x8x2xf32> {
  %t = pi.weight "t" dense<16384.0> : tensor<50x2xf32>
  // expected-error @below {{weight 't' holds 16384 at element 0, but fixed point with 16 fraction bits needs |w| < 16384 here}}
  // expected-note @below {{otherwise lower activation-frac}}
  %0 = pi.embedding %t[%tokens] : tensor<50x2xf32>, tensor<1x8xi64> -> tensor<1x8x2xf32>
  return %0 : tensor<1x8x2xf32>
}

// -----

// A bias has the scale of the product, which is truncated.
func.func @main(%tokens: tensor<1x8xi64>) -> tensor<1x8x2xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x2xf32>
  %w = pi.weight "w" dense<1.0> : tensor<2x2xf32>
  %b = pi.weight "b" dense<6.7108864e7> : tensor<2xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x2xf32>, tensor<1x8xi64> -> tensor<1x8x2xf32>
  // expected-error @below {{weight 'b' holds 6.71089e+07 at element 0, but fixed point with 36 fraction bits needs |w| < 6.71089e+07 here}}
  // expected-note @below {{otherwise lower activation-frac}}
  %1 = pi.linear %0, %w bias %b : tensor<2xf32> : tensor<1x8x2xf32>, tensor<2x2xf32> -> tensor<1x8x2xf32>
  return %1 : tensor<1x8x2xf32>
}

// -----

// IR that was printed without its weights.
func.func @main(%tokens: tensor<1x8xi64>) -> tensor<1x8x2xf32> {
  %t = pi.weight "t" dense_resource<__elided__> : tensor<50x2xf32>
  // expected-error @below {{weight 't' cannot be read: }}
  %0 = pi.embedding %t[%tokens] : tensor<50x2xf32>, tensor<1x8xi64> -> tensor<1x8x2xf32>
  return %0 : tensor<1x8x2xf32>
}

// -----

func.func @main(%tokens: tensor<1x8xi64>) -> tensor<1x8x2xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x2xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x2xf32>, tensor<1x8xi64> -> tensor<1x8x2xf32>
  // expected-note @below {{the operand; pi-raise and canonicalize should have folded it}}
  %2 = pi.reshape %0 : tensor<1x8x2xf32> -> tensor<2x8xf32>
  // expected-error @below {{expected an operand that the server owns, pi.weight}}
  %1 = pi.linear %0, %2 : tensor<1x8x2xf32>, tensor<2x8xf32> -> tensor<1x8x8xf32>
  return %0 : tensor<1x8x2xf32>
}

// -----

func.func @main(%tokens: tensor<1x8xi64>) -> tensor<4x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x2xf32>
  %s = pi.weight "s" dense<0.5> : tensor<8x2xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x2xf32>, tensor<1x8xi64> -> tensor<1x8x2xf32>
  // expected-error @below {{no secure form of a reshaped weight}}
  %1 = pi.reshape %s : tensor<8x2xf32> -> tensor<4x4xf32>
  return %1 : tensor<4x4xf32>
}
