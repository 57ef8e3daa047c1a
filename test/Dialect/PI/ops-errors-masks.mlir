// RUN: aero-opt %s --split-input-file --verify-diagnostics

// pi.add C2
func.func @f(%a: tensor<2xf32>, %b: tensor<2xi64>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @below {{'pi.add' op expected operands of the same element type, got 'tensor<2xf32>' and 'tensor<2xi64>'}}
  %0 = pi.add %a, %b : tensor<2xf32>, tensor<2xi64> -> tensor<2xf32>
  return
}

// -----

// pi.min C1
func.func @f(%a: tensor<2xf32>, %b: tensor<3xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @below {{'pi.min' op cannot broadcast 'tensor<2xf32>' and 'tensor<3xf32>': they disagree in dimension -1}}
  %0 = pi.min %a, %b : tensor<2xf32>, tensor<3xf32> -> tensor<3xf32>
  return
}

// -----

// pi.div works on floats (ODS).
func.func @f(%a: tensor<2xi64>) {
  // expected-error @below {{'pi.div' op operand #0 must be statically shaped tensor of 32-bit float values, but got 'tensor<2xi64>'}}
  %0 = pi.div %a, %a : tensor<2xi64>, tensor<2xi64> -> tensor<2xi64>
  return
}

// -----

// pi.compare C1
func.func @f(%a: tensor<2xf32>, %b: tensor<3xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @below {{'pi.compare' op cannot broadcast 'tensor<2xf32>' and 'tensor<3xf32>': they disagree in dimension -1}}
  %0 = pi.compare lt %a, %b : tensor<2xf32>, tensor<3xf32> -> tensor<3xi1>
  return
}

// -----

// pi.compare C2
func.func @f(%a: tensor<2xf32>, %b: tensor<2xi64>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @below {{'pi.compare' op expected operands of the same element type, got 'tensor<2xf32>' and 'tensor<2xi64>'}}
  %0 = pi.compare eq %a, %b : tensor<2xf32>, tensor<2xi64> -> tensor<2xi1>
  return
}

// -----

// pi.compare gives truth values (ODS).
func.func @f(%a: tensor<2xf32>) {
  // expected-error @below {{'pi.compare' op result #0 must be statically shaped tensor of 1-bit signless integer values, but got 'tensor<2xf32>'}}
  %0 = pi.compare le %a, %a : tensor<2xf32>, tensor<2xf32> -> tensor<2xf32>
  return
}

// -----

// pi.and works on truth values (ODS).
func.func @f(%a: tensor<2xi64>) {
  // expected-error @below {{'pi.and' op operand #0 must be statically shaped tensor of 1-bit signless integer values, but got 'tensor<2xi64>'}}
  %0 = pi.and %a, %a : tensor<2xi64>, tensor<2xi64> -> tensor<2xi64>
  return
}

// -----

// pi.cast keeps the shape (ODS).
func.func @f(%x: tensor<2x3xi64>) {
  // expected-error @below {{'pi.cast' op requires the same shape for all operands and results}}
  %0 = pi.cast %x : tensor<2x3xi64> -> tensor<3x2xf32>
  return
}

// -----

// pi.cumsum C1
func.func @f(%x: tensor<2x3xi64>) {
  // expected-error @below {{'pi.cumsum' op expected axis in [0, 2), got 2}}
  %0 = pi.cumsum %x axis 2 : tensor<2x3xi64>
  return
}

// -----

// pi.cumsum C1: before the first
func.func @f(%x: tensor<2x3xi64>) {
  // expected-error @below {{'pi.cumsum' op expected axis in [0, 2), got -1}}
  %0 = pi.cumsum %x axis -1 : tensor<2x3xi64>
  return
}

// -----

// pi.take C1
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @below {{'pi.take' op expected axis in [0, 2), got 2}}
  %0 = pi.take %x axis 2 at [0] : tensor<2x3xf32> -> tensor<2x1xf32>
  return
}

// -----

// pi.take C2
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @below {{'pi.take' op expected indices in [0, 3), got 3}}
  %0 = pi.take %x axis 1 at [0, 3] : tensor<2x3xf32> -> tensor<2x2xf32>
  return
}

// -----

// pi.take C2: before the first
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @below {{'pi.take' op expected indices in [0, 3), got -1}}
  %0 = pi.take %x axis 1 at [-1] : tensor<2x3xf32> -> tensor<2x1xf32>
  return
}

// -----

// pi.broadcast C1
func.func @f(%x: tensor<1xf32>) {
  // expected-error @below {{'pi.broadcast' op expected a result of element type 'f32', got 'tensor<2xi64>'}}
  %0 = pi.broadcast %x : tensor<1xf32> -> tensor<2xi64>
  return
}

// -----

// pi.broadcast C2: the size
func.func @f(%x: tensor<2xf32>) {
  // expected-error @below {{'pi.broadcast' op cannot broadcast 'tensor<2xf32>' to 'tensor<4xf32>'}}
  %0 = pi.broadcast %x : tensor<2xf32> -> tensor<4xf32>
  return
}

// -----

// pi.broadcast C2: the rank
func.func @f(%x: tensor<1x2xf32>) {
  // expected-error @below {{'pi.broadcast' op cannot broadcast 'tensor<1x2xf32>' to 'tensor<2xf32>'}}
  %0 = pi.broadcast %x : tensor<1x2xf32> -> tensor<2xf32>
  return
}

// -----

// pi.reduce_sum C3
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @below {{'pi.reduce_sum' op axis 1 appears twice}}
  %0 = pi.reduce_sum %x axes [1, 1] : tensor<2x3xf32> -> tensor<2xf32>
  return
}
