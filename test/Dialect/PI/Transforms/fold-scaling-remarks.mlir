// RUN: aero-opt %s --pi-fold-scaling --remarks-filter=pi-fold-scaling -verify-diagnostics -split-input-file
// What was folded, and which op stood in the way.

func.func @folded(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %w = pi.weight "w" dense<0.5> : tensor<4x4xf32>
  %c = pi.weight "c" dense<4.0> : tensor<f32>
  %f = pi.linear %x, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  // expected-remark @below {{folded the factor of pi.mul backwards}}
  %y = pi.mul %f, %c : tensor<1x2x4xf32>, tensor<f32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

func.func @folded_forwards(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %w = pi.weight "w" dense<0.5> : tensor<4x4xf32>
  %c = pi.weight "c" dense<4.0> : tensor<f32>
  // expected-remark @below {{folded the factor of pi.mul forwards}}
  %y = pi.mul %x, %c : tensor<1x2x4xf32>, tensor<f32> -> tensor<1x2x4xf32>
  %f = pi.linear %y, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  return %f : tensor<1x2x4xf32>
}

// -----

func.func @argument_and_result(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %c = pi.weight "c" dense<4.0> : tensor<f32>
  // expected-remark @below {{the factor of pi.mul stays: forwards: func.return: it is a result of the function; backwards: it is an argument of the function}}
  %y = pi.mul %x, %c : tensor<1x2x4xf32>, tensor<f32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

func.func @nonlinear(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %c = pi.weight "c" dense<4.0> : tensor<f32>
  %g = pi.gelu %x : tensor<1x2x4xf32>
  // expected-remark @below {{the factor of pi.mul stays: forwards: pi.softmax: a factor does not pass through it; backwards: pi.gelu: a factor does not pass through it}}
  %y = pi.mul %g, %c : tensor<1x2x4xf32>, tensor<f32> -> tensor<1x2x4xf32>
  %s = pi.softmax %y axis 2 : tensor<1x2x4xf32>
  return %s : tensor<1x2x4xf32>
}

// -----

func.func @unknown_matrix(%x: tensor<1x2x4xf32>, %w: tensor<4x4xf32>) -> tensor<1x2x4xf32> {
  %c = pi.weight "c" dense<4.0> : tensor<f32>
  // expected-remark @below {{forwards: pi.linear: its matrix is not a weight}}
  %y = pi.mul %x, %c : tensor<1x2x4xf32>, tensor<f32> -> tensor<1x2x4xf32>
  %f = pi.linear %y, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  return %f : tensor<1x2x4xf32>
}

// -----

func.func @zero(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %c = pi.constant dense<0.0> : tensor<f32>
  // expected-remark @below {{the factor of pi.mul stays: it is zero or not finite}}
  %y = pi.mul %x, %c : tensor<1x2x4xf32>, tensor<f32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

// The summands are one value and its product: both would have to be divided.
func.func @comes_back(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %w = pi.weight "w" dense<0.5> : tensor<4x4xf32>
  %c = pi.weight "c" dense<4.0> : tensor<f32>
  %f = pi.linear %x, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  // expected-remark @below {{the factor of pi.mul stays: forwards: it comes back to where it started; backwards: it comes back to where it started}}
  %y = pi.mul %f, %c : tensor<1x2x4xf32>, tensor<f32> -> tensor<1x2x4xf32>
  %s = pi.add %f, %y : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  %r = pi.linear %s, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  return %r : tensor<1x2x4xf32>
}

// -----

func.func @attention(%q: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %w = pi.weight "w" dense<0.5> : tensor<4x4xf32>
  %k = pi.linear %q, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  // expected-remark @below {{folded the scale of pi.attention into its key}}
  %a = pi.attention %q, %k, %q heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  return %a : tensor<1x2x4xf32>
}

// -----

func.func @shared_query_key(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %w = pi.weight "w" dense<0.5> : tensor<4x4xf32>
  %q = pi.linear %x, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  // expected-remark @below {{the scale of pi.attention stays; query: pi.attention: its scale would change; key: pi.attention: its scale would change}}
  %a = pi.attention %q, %q, %x heads 2 scale 5.000000e-01 causal : tensor<1x2x4xf32>, tensor<1x2x4xf32>
  return %a : tensor<1x2x4xf32>
}

// -----

func.func @norm(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %g = pi.weight "g" dense<0.5> : tensor<4xf32>
  // expected-remark @below {{gamma and beta of pi.rms_norm stay: pi.gelu reads it and is no linear map}}
  %n = pi.rms_norm %x gamma %g : tensor<4xf32> epsilon 1.000000e-05 : tensor<1x2x4xf32>
  %a = pi.gelu %n : tensor<1x2x4xf32>
  return %a : tensor<1x2x4xf32>
}
