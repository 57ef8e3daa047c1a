// RUN: aero-opt %s --split-input-file --verify-diagnostics --convert-pi-to-mpc

func.func @mask(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %m = pi.constant dense<1> : tensor<1x8xi64>
  // expected-error @below {{no secure form of pi.attention with a padding mask yet}}
  %1 = pi.attention %0, %0, %0 mask %m : tensor<1x8xi64> heads 1 scale 0.693147182 : tensor<1x8x4xf32>, tensor<1x8x4xf32>
  return %1 : tensor<1x8x4xf32>
}

// -----

func.func @bias(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %b = pi.weight "b" dense<0.5> : tensor<1x1x8x8xf32>
  // expected-error @below {{no secure form of pi.attention with a bias yet}}
  %1 = pi.attention %0, %0, %0 bias %b : tensor<1x1x8x8xf32> heads 1 scale 0.693147182 : tensor<1x8x4xf32>, tensor<1x8x4xf32>
  return %1 : tensor<1x8x4xf32>
}

// -----

func.func @fewer_queries(%tokens: tensor<1x8xi64>) -> tensor<1x2x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %q = pi.slice %0 axis 1 offset 0 : tensor<1x8x4xf32> -> tensor<1x2x4xf32>
  // expected-error @below {{expected queries and keys of the same tokens and a batch of 1}}
  %1 = pi.attention %q, %0, %0 heads 1 scale 0.693147182 causal : tensor<1x2x4xf32>, tensor<1x8x4xf32>
  return %1 : tensor<1x2x4xf32>
}

// -----

func.func @private_angles(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %c = pi.weight "c" dense<1.0> : tensor<8x2xf32>
  %s = pi.constant dense<0.0> : tensor<8x2xf32>
  // expected-error @below {{expected the angles of pi.rotary_embedding to be constants of one prompt}}
  %1 = pi.rotary_embedding %0 cos %c sin %s heads 1 : tensor<1x8x4xf32>, tensor<8x2xf32>
  return %1 : tensor<1x8x4xf32>
}

// -----

func.func @constant_without_rotary(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  // expected-error @below {{no secure form of pi.constant yet}}
  // expected-note @below {{pi-raise, pi-fold-scaling and canonicalize should have turned it into weights}}
  %c = pi.constant dense<1.0> : tensor<4xf32>
  %1 = pi.add %0, %c : tensor<1x8x4xf32>, tensor<4xf32> -> tensor<1x8x4xf32>
  return %1 : tensor<1x8x4xf32>
}

// -----

func.func @division(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  // expected-error @below {{no secure form of pi.div yet}}
  %1 = pi.div %0, %0 : tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  return %1 : tensor<1x8x4xf32>
}

// -----

func.func @zero_temperature(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %h = pi.weight "t0" dense<0.0> : tensor<1x8xf32>
  // expected-error @below {{weight 't0^-1' holds inf, but fixed point with 20 fraction bits needs |w| < 2048 here}}
  %1 = pi.attention %0, %0, %0 temperature %h : tensor<1x8xf32> heads 1 scale 0.693147182 causal : tensor<1x8x4xf32>, tensor<1x8x4xf32>
  return %1 : tensor<1x8x4xf32>
}

// -----

func.func @large_epsilon(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  // expected-error @below {{pi.layer_norm with an epsilon of 1.34218e+08, the secure form is made for less}}
  %1 = pi.layer_norm %0 epsilon 1.34217728e8 : tensor<1x8x4xf32>
  return %1 : tensor<1x8x4xf32>
}

// -----

func.func @long_rows(%tokens: tensor<1x1xi64>) -> tensor<1x1x8193xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x8193xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x8193xf32>, tensor<1x1xi64> -> tensor<1x1x8193xf32>
  // expected-error @below {{no secure form of pi.rms_norm over rows of 8193 elements, at most 8192}}
  %1 = pi.rms_norm %0 epsilon 1.0e-5 : tensor<1x1x8193xf32>
  return %1 : tensor<1x1x8193xf32>
}

// -----

func.func @private_gain(%tokens: tensor<1x1xi64>) -> tensor<1x1x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x1xi64> -> tensor<1x1x4xf32>
  // expected-note @below {{the operand; pi-raise and canonicalize should have folded it}}
  %g = pi.reshape %0 : tensor<1x1x4xf32> -> tensor<4xf32>
  // expected-error @below {{expected an operand that the server owns, pi.weight}}
  %1 = pi.rms_norm %0 gamma %g : tensor<4xf32> epsilon 1.0e-5 : tensor<1x1x4xf32>
  return %1 : tensor<1x1x4xf32>
}

// -----

func.func @sub_of_a_weight(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %w = pi.weight "w" dense<0.5> : tensor<4xf32>
  // expected-error @below {{expected a difference of two private values of one shape}}
  %1 = pi.sub %0, %w : tensor<1x8x4xf32>, tensor<4xf32> -> tensor<1x8x4xf32>
  return %1 : tensor<1x8x4xf32>
}

// -----

func.func @mul_by_rows(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %w = pi.weight "w" dense<0.5> : tensor<8x1xf32>
  // expected-error @below {{no secure form of a weight of shape 'tensor<8x1xf32>' broadcast to}}
  %1 = pi.mul %0, %w : tensor<1x8x4xf32>, tensor<8x1xf32> -> tensor<1x8x4xf32>
  return %1 : tensor<1x8x4xf32>
}

// -----

func.func @mul_that_broadcasts(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %s = pi.slice %0 axis 1 offset 0 : tensor<1x8x4xf32> -> tensor<1x1x4xf32>
  // expected-error @below {{no secure form of pi.mul that broadcasts a private value}}
  %1 = pi.mul %0, %s : tensor<1x8x4xf32>, tensor<1x1x4xf32> -> tensor<1x8x4xf32>
  return %1 : tensor<1x8x4xf32>
}

// -----

func.func @large_factor(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %w = pi.weight "w" dense<2048.0> : tensor<4xf32>
  // expected-error @below {{weight 'w' holds 2048 at element 0, but fixed point with 20 fraction bits needs |w| < 2048 here}}
  // expected-note @below {{otherwise lower weight-frac}}
  %1 = pi.mul %0, %w : tensor<1x8x4xf32>, tensor<4xf32> -> tensor<1x8x4xf32>
  return %1 : tensor<1x8x4xf32>
}

// -----

func.func @moved_batch(%tokens: tensor<1x8xi64>) -> tensor<8x1x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  // expected-error @below {{no secure form of pi.transpose that moves the batch}}
  %1 = pi.transpose %0 [1, 0, 2] : tensor<1x8x4xf32> -> tensor<8x1x4xf32>
  return %1 : tensor<8x1x4xf32>
}

// -----

func.func @relu_of_a_weight(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %w = pi.weight "w" dense<2048.0> : tensor<4xf32>
  // expected-error @below {{expected a private input}}
  %1 = pi.relu %w : tensor<4xf32>
  return %0 : tensor<1x8x4xf32>
}
