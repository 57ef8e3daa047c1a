// RUN: aero-opt %s --split-input-file --verify-diagnostics --convert-pi-to-mpc

// Everything without a secure form is reported at once, with node and layer.
func.func @main(%tokens: tensor<1x8xi64>, %x: tensor<i64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %m = pi.weight "m" dense<0.5> : tensor<4x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  // expected-error @below {{no secure form of pi.tanh yet; choose a configuration without it, e.g. --config SM+ScFuFFN}}
  %1 = pi.tanh %0 : tensor<1x8x4xf32>
  // expected-error @below {{no secure form of pi.exp yet; choose a configuration without it, e.g. --config SM+ScFuFFN}}
  %2 = pi.exp %1 : tensor<1x8x4xf32>
  // expected-error @below {{no secure form of pi.matmul yet}}
  // expected-note @below {{pi-raise, pi-fold-scaling and canonicalize should have turned it into weights, pi.linear or pi.attention}}
  %3 = pi.matmul %2, %m : tensor<1x8x4xf32>, tensor<4x4xf32> -> tensor<1x8x4xf32>
  return %3 : tensor<1x8x4xf32>
}

// -----

func.func @main(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  // expected-error @below {{pi.attention with scale 2000, the secure form is made for less than 1419.57}}
  %1 = pi.attention %0, %0, %0 heads 1 scale 2000.0 causal : tensor<1x8x4xf32>, tensor<1x8x4xf32>
  return %1 : tensor<1x8x4xf32>
}

// -----

func.func @main(%tokens: tensor<1x2048xi64>) -> tensor<1x2048x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x2048xi64> -> tensor<1x2048x4xf32>
  // expected-error @below {{pi.attention over 2048 tokens, the reciprocal of the row sums is made for at most 1024}}
  %1 = pi.attention %0, %0, %0 heads 1 scale 0.693147182 causal : tensor<1x2048x4xf32>, tensor<1x2048x4xf32>
  return %1 : tensor<1x2048x4xf32>
}

// -----

// expected-error @below {{expected the tokens of one prompt, tensor<1xTxi64>, as the first input of 'main': export the model with a batch of 1}}
func.func @main(%tokens: tensor<2x8xi64>) -> tensor<2x8xi64> {
  return %tokens : tensor<2x8xi64>
}

// -----

// expected-error @below {{expected tokens and, optionally, a position of type tensor<i64> as the inputs of 'main'}}
func.func @main(%tokens: tensor<1x8xi64>, %mask: tensor<8xf32>) -> tensor<1x8xi64> {
  return %tokens : tensor<1x8xi64>
}

// -----

// expected-error @below {{expected one result, the logits, got 0}}
func.func @main(%tokens: tensor<1x8xi64>) {
  return
}

// -----

// expected-error @below {{expected a body of one block in 'main'}}
func.func private @main(tensor<1x8xi64>) -> tensor<1x8x4xf32>

// -----

// expected-error @below {{expected an embedding of the prompt's tokens in 'main'}}
func.func @main(%tokens: tensor<1x8xi64>) -> tensor<50x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  return %t : tensor<50x4xf32>
}

// -----

func.func @main(%tokens: tensor<1x8xi64>) -> tensor<50x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  // expected-error @below {{the result does not depend on the prompt}}
  return %t : tensor<50x4xf32>
}

// -----

func.func @main(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %u = pi.weight "u" dense<0.5> : tensor<60x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  // expected-error @below {{expected tables of one vocabulary, got 50 and 60 rows}}
  %1 = pi.embedding %u[%tokens] : tensor<60x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  return %0 : tensor<1x8x4xf32>
}

// -----

func.func @main(%tokens: tensor<1x8xi64>, %position: tensor<i64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %s = pi.select_token %0 at %position : tensor<1x8x4xf32>, tensor<i64> -> tensor<1x1x4xf32>
  // expected-error @below {{no secure form of pi.add that broadcasts a private value}}
  %1 = pi.add %0, %s : tensor<1x8x4xf32>, tensor<1x1x4xf32> -> tensor<1x8x4xf32>
  return %1 : tensor<1x8x4xf32>
}

// -----

func.func @main(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %w = pi.weight "w" dense<0.5> : tensor<8x1xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  // expected-error @below {{no secure form of a weight of shape 'tensor<8x1xf32>' broadcast to 'tensor<1x8x4xf32>'}}
  %1 = pi.add %0, %w : tensor<1x8x4xf32>, tensor<8x1xf32> -> tensor<1x8x4xf32>
  return %1 : tensor<1x8x4xf32>
}
