// RUN: aero-opt %s --split-input-file --verify-diagnostics

// pi.weight C1
func.func @f() {
  // expected-error @below {{'pi.weight' op expected a name, got an empty string}}
  %0 = pi.weight "" dense<0.0> : tensor<2xf32>
  return
}

// -----

// pi.weight: the value has the type of the result (ODS).
func.func @f() {
  // expected-error @below {{failed to verify that all of {value, result} have same type}}
  %0 = "pi.weight"() {name = "w", value = dense<0.0> : tensor<2xf32>} : () -> tensor<3xf32>
  return
}

// -----

// pi.constant: the value has the type of the result (ODS).
func.func @f() {
  // expected-error @below {{failed to verify that all of {value, result} have same type}}
  %0 = "pi.constant"() {value = dense<0.0> : tensor<2xf32>} : () -> tensor<3xf32>
  return
}

// -----

// Element types other than f32, i64 and i1 are no part of pi (ODS).
func.func @f() {
  // expected-error @below {{result #0 must be statically shaped tensor of 32-bit float or 64-bit signless integer or 1-bit signless integer values}}
  %0 = pi.constant dense<0.0> : tensor<2xf64>
  return
}

// -----

// Nor are dynamic shapes (ODS).
func.func @f(%x: tensor<?xf32>) {
  // expected-error @below {{operand #0 must be statically shaped tensor of 32-bit float values, but got 'tensor<?xf32>'}}
  %0 = pi.relu %x : tensor<?xf32>
  return
}

// -----

// pi.embedding C1
func.func @f(%t: tensor<4xf32>, %i: tensor<2xi64>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @below {{'pi.embedding' op expected a table of rank 2 (vocabulary, width), got 'tensor<4xf32>'}}
  %0 = pi.embedding %t[%i] : tensor<4xf32>, tensor<2xi64> -> tensor<2xf32>
  return
}

// -----

// pi.linear C1
func.func @f(%x: tensor<2x3xf32>, %w: tensor<3xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @below {{'pi.linear' op expected a weight of rank 2 (K, N), got 'tensor<3xf32>'}}
  %0 = pi.linear %x, %w : tensor<2x3xf32>, tensor<3xf32> -> tensor<2x3xf32>
  return
}

// -----

// pi.linear C2: another size
func.func @f(%x: tensor<2x3xf32>, %w: tensor<4x5xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @below {{'pi.linear' op expected an input with a last dimension of 4, the weight's first, got 'tensor<2x3xf32>'}}
  %0 = pi.linear %x, %w : tensor<2x3xf32>, tensor<4x5xf32> -> tensor<2x5xf32>
  return
}

// -----

// pi.linear C2: a scalar
func.func @f(%x: tensor<f32>, %w: tensor<4x5xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @below {{'pi.linear' op expected an input with a last dimension of 4, the weight's first, got 'tensor<f32>'}}
  %0 = pi.linear %x, %w : tensor<f32>, tensor<4x5xf32> -> tensor<5xf32>
  return
}

// -----

// pi.linear C3
func.func @f(%x: tensor<2x4xf32>, %w: tensor<4x5xf32>, %b: tensor<1xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @below {{'pi.linear' op expected a bias of shape (5), the weight's last dimension, got 'tensor<1xf32>'}}
  %0 = pi.linear %x, %w bias %b : tensor<1xf32> : tensor<2x4xf32>, tensor<4x5xf32> -> tensor<2x5xf32>
  return
}

// -----

// pi.matmul C1
func.func @f(%a: tensor<3xf32>, %b: tensor<3x4xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @below {{'pi.matmul' op expected operands of at least rank 2, got 'tensor<3xf32>' and 'tensor<3x4xf32>'}}
  %0 = pi.matmul %a, %b : tensor<3xf32>, tensor<3x4xf32> -> tensor<4xf32>
  return
}

// -----

// pi.matmul C2
func.func @f(%a: tensor<2x3xf32>, %b: tensor<4x5xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @below {{'pi.matmul' op expected the last dimension of lhs to be the last but one of rhs, got 'tensor<2x3xf32>' and 'tensor<4x5xf32>'}}
  %0 = pi.matmul %a, %b : tensor<2x3xf32>, tensor<4x5xf32> -> tensor<2x5xf32>
  return
}

// -----

// pi.matmul C3
func.func @f(%a: tensor<2x2x3xf32>, %b: tensor<3x3x5xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @below {{'pi.matmul' op cannot broadcast the batch dimensions of 'tensor<2x2x3xf32>' and 'tensor<3x3x5xf32>'}}
  %0 = pi.matmul %a, %b : tensor<2x2x3xf32>, tensor<3x3x5xf32> -> tensor<2x2x5xf32>
  return
}

// -----

// pi.add C1
func.func @f(%a: tensor<2x3xf32>, %b: tensor<4x3xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @below {{'pi.add' op cannot broadcast 'tensor<2x3xf32>' and 'tensor<4x3xf32>': they disagree in dimension -2}}
  %0 = pi.add %a, %b : tensor<2x3xf32>, tensor<4x3xf32> -> tensor<4x3xf32>
  return
}

// -----

// pi.sub C1
func.func @f(%a: tensor<2x3xf32>, %b: tensor<4x3xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @below {{'pi.sub' op cannot broadcast 'tensor<2x3xf32>' and 'tensor<4x3xf32>': they disagree in dimension -2}}
  %0 = pi.sub %a, %b : tensor<2x3xf32>, tensor<4x3xf32> -> tensor<4x3xf32>
  return
}

// -----

// pi.mul C1
func.func @f(%a: tensor<2x3xf32>, %b: tensor<4x3xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @below {{'pi.mul' op cannot broadcast 'tensor<2x3xf32>' and 'tensor<4x3xf32>': they disagree in dimension -2}}
  %0 = pi.mul %a, %b : tensor<2x3xf32>, tensor<4x3xf32> -> tensor<4x3xf32>
  return
}

// -----

// pi.div C1
func.func @f(%a: tensor<2x3xf32>, %b: tensor<4x3xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @below {{'pi.div' op cannot broadcast 'tensor<2x3xf32>' and 'tensor<4x3xf32>': they disagree in dimension -2}}
  %0 = pi.div %a, %b : tensor<2x3xf32>, tensor<4x3xf32> -> tensor<4x3xf32>
  return
}

// -----

// pi.pow C1
func.func @f(%a: tensor<2x3xf32>, %b: tensor<4x3xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @below {{'pi.pow' op cannot broadcast 'tensor<2x3xf32>' and 'tensor<4x3xf32>': they disagree in dimension -2}}
  %0 = pi.pow %a, %b : tensor<2x3xf32>, tensor<4x3xf32> -> tensor<4x3xf32>
  return
}

// -----

// A result type that does not follow from the operands (inference).
func.func @f(%a: tensor<2x1xf32>, %b: tensor<3xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @below {{'pi.add' op inferred type(s) 'tensor<2x3xf32>' are incompatible with return type(s) of operation 'tensor<2x1xf32>'}}
  %0 = pi.add %a, %b : tensor<2x1xf32>, tensor<3xf32> -> tensor<2x1xf32>
  return
}

// -----

// pi.where C1
func.func @f(%c: tensor<2xi1>, %a: tensor<3xf32>, %b: tensor<f32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @below {{'pi.where' op cannot broadcast 'tensor<2xi1>' and 'tensor<3xf32>' and 'tensor<f32>': they disagree in dimension -1}}
  %0 = pi.where %c, %a, %b : tensor<2xi1>, tensor<3xf32>, tensor<f32> -> tensor<3xf32>
  return
}

// -----

// pi.reduce_mean C1
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @below {{'pi.reduce_mean' op expected at least one axis}}
  %0 = pi.reduce_mean %x axes [] : tensor<2x3xf32> -> tensor<2xf32>
  return
}

// -----

// pi.reduce_mean C2: too large
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @below {{'pi.reduce_mean' op expected axes in [0, 2), got 2}}
  %0 = pi.reduce_mean %x axes [2] : tensor<2x3xf32> -> tensor<2xf32>
  return
}

// -----

// pi.reduce_mean C2: negative
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @below {{'pi.reduce_mean' op expected axes in [0, 2), got -1}}
  %0 = pi.reduce_mean %x axes [-1] : tensor<2x3xf32> -> tensor<2xf32>
  return
}

// -----

// pi.reduce_mean C3
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @below {{'pi.reduce_mean' op axis 1 appears twice}}
  %0 = pi.reduce_mean %x axes [1, 1] : tensor<2x3xf32> -> tensor<2xf32>
  return
}

// -----

// pi.leaky_relu C1
func.func @f(%x: tensor<2xf32>) {
  // expected-error @below {{'pi.leaky_relu' op expected a finite slope}}
  %0 = pi.leaky_relu %x slope 0x7F800000 : tensor<2xf32>
  return
}

// -----

// pi.softmax C1: too large
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @below {{'pi.softmax' op expected axis in [0, 2), got 2}}
  %0 = pi.softmax %x axis 2 : tensor<2x3xf32>
  return
}

// -----

// pi.softmax C2: rank
func.func @softmax_thresholds_rank(%x: tensor<2x3xf32>) {
  // expected-error @below {{'pi.softmax' op expected entropy thresholds of (batch, heads, queries, keys), got 'tensor<2x3xf32>'}}
  %0 = pi.softmax %x axis 1 entropy_thresholds [0.5, 0.5] : tensor<2x3xf32>
  return
}

// -----

// pi.softmax C2: count
func.func @softmax_thresholds_count(%x: tensor<1x2x3x3xf32>) {
  // expected-error @below {{'pi.softmax' op expected an entropy threshold for each of 2 heads, got 3}}
  %0 = pi.softmax %x axis 3 entropy_thresholds [0.5, 0.5, 0.5] : tensor<1x2x3x3xf32>
  return
}

// -----

// pi.softmax C2: range
func.func @softmax_thresholds_range(%x: tensor<1x2x3x3xf32>) {
  // expected-error @below {{'pi.softmax' op expected entropy thresholds in [0, 1]}}
  %0 = pi.softmax %x axis 3 entropy_thresholds [0.5, 1.5] : tensor<1x2x3x3xf32>
  return
}

// -----

// pi.softmax C1: negative
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @below {{'pi.softmax' op expected axis in [0, 2), got -1}}
  %0 = pi.softmax %x axis -1 : tensor<2x3xf32>
  return
}

// -----

// pi.layer_norm C1
func.func @f(%x: tensor<f32>) {
  // expected-error @below {{'pi.layer_norm' op expected an input of at least rank 1, got 'tensor<f32>'}}
  %0 = pi.layer_norm %x epsilon 0.0 : tensor<f32>
  return
}

// -----

// pi.layer_norm C2
func.func @f(%x: tensor<2x3xf32>, %g: tensor<2xf32>) {
  // expected-error @below {{'pi.layer_norm' op expected gamma of shape (3) as the last dimension of the input, got 'tensor<2xf32>'}}
  %0 = pi.layer_norm %x gamma %g : tensor<2xf32> epsilon 0.0 : tensor<2x3xf32>
  return
}

// -----

// pi.layer_norm C3
func.func @f(%x: tensor<2x3xf32>, %b: tensor<1x3xf32>) {
  // expected-error @below {{'pi.layer_norm' op expected beta of shape (3) as the last dimension of the input, got 'tensor<1x3xf32>'}}
  %0 = pi.layer_norm %x beta %b : tensor<1x3xf32> epsilon 0.0 : tensor<2x3xf32>
  return
}

// -----

// pi.layer_norm C4: negative
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @below {{'pi.layer_norm' op expected epsilon to be finite and not negative}}
  %0 = pi.layer_norm %x epsilon -1.0 : tensor<2x3xf32>
  return
}

// -----

// pi.layer_norm C4: not a number
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @below {{'pi.layer_norm' op expected epsilon to be finite and not negative}}
  %0 = pi.layer_norm %x epsilon 0x7FC00000 : tensor<2x3xf32>
  return
}

// -----

// pi.rms_norm C1
func.func @f(%x: tensor<f32>) {
  // expected-error @below {{'pi.rms_norm' op expected an input of at least rank 1, got 'tensor<f32>'}}
  %0 = pi.rms_norm %x epsilon 0.0 : tensor<f32>
  return
}

// -----

// pi.rms_norm C2
func.func @f(%x: tensor<2x3xf32>, %g: tensor<2xf32>) {
  // expected-error @below {{'pi.rms_norm' op expected gamma of shape (3) as the last dimension of the input, got 'tensor<2xf32>'}}
  %0 = pi.rms_norm %x gamma %g : tensor<2xf32> epsilon 0.0 : tensor<2x3xf32>
  return
}

// -----

// pi.rms_norm C3
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @below {{'pi.rms_norm' op expected epsilon to be finite and not negative}}
  %0 = pi.rms_norm %x epsilon 0x7F800000 : tensor<2x3xf32>
  return
}

// -----

// pi.reshape C1
func.func @f(%x: tensor<2xf32>) {
  // expected-error @below {{'pi.reshape' op expected a result of element type 'f32', got 'tensor<2xi64>'}}
  %0 = pi.reshape %x : tensor<2xf32> -> tensor<2xi64>
  return
}

// -----

// pi.reshape C2
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @below {{'pi.reshape' op cannot reshape 'tensor<2x3xf32>' with 6 elements to 'tensor<5xf32>' with 5}}
  %0 = pi.reshape %x : tensor<2x3xf32> -> tensor<5xf32>
  return
}

// -----

// pi.transpose C1: too short
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @below {{'pi.transpose' op expected a permutation of the 2 dimensions of 'tensor<2x3xf32>'}}
  %0 = pi.transpose %x [1] : tensor<2x3xf32> -> tensor<3x2xf32>
  return
}

// -----

// pi.transpose C1: twice the same
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @below {{'pi.transpose' op expected a permutation of the 2 dimensions of 'tensor<2x3xf32>'}}
  %0 = pi.transpose %x [1, 1] : tensor<2x3xf32> -> tensor<3x2xf32>
  return
}

// -----

// pi.transpose C1: out of range
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @below {{'pi.transpose' op expected a permutation of the 2 dimensions of 'tensor<2x3xf32>'}}
  %0 = pi.transpose %x [2, 0] : tensor<2x3xf32> -> tensor<3x2xf32>
  return
}

// -----

// pi.transpose C1: negative
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @below {{'pi.transpose' op expected a permutation of the 2 dimensions of 'tensor<2x3xf32>'}}
  %0 = pi.transpose %x [1, -1] : tensor<2x3xf32> -> tensor<3x2xf32>
  return
}

// -----

// pi.slice C1: the rank
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @below {{'pi.slice' op expected a result of the input's element type and rank, got 'tensor<2x3xf32>' and 'tensor<2xf32>'}}
  %0 = pi.slice %x axis 1 offset 0 : tensor<2x3xf32> -> tensor<2xf32>
  return
}

// -----

// pi.slice C1: the element type
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @below {{'pi.slice' op expected a result of the input's element type and rank, got 'tensor<2x3xf32>' and 'tensor<2x1xi64>'}}
  %0 = pi.slice %x axis 1 offset 0 : tensor<2x3xf32> -> tensor<2x1xi64>
  return
}

// -----

// pi.slice C2
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @below {{'pi.slice' op expected axis in [0, 2), got 2}}
  %0 = pi.slice %x axis 2 offset 0 : tensor<2x3xf32> -> tensor<2x1xf32>
  return
}

// -----

// pi.slice C3
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @below {{'pi.slice' op expected dimension 0 to stay 2, got 1}}
  %0 = pi.slice %x axis 1 offset 0 : tensor<2x3xf32> -> tensor<1x1xf32>
  return
}

// -----

// pi.slice C4: past the end
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @below {{'pi.slice' op expected the slice of 2 at offset 2 to lie within dimension 1 of size 3}}
  %0 = pi.slice %x axis 1 offset 2 : tensor<2x3xf32> -> tensor<2x2xf32>
  return
}

// -----

// pi.slice C4: before the start
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @below {{'pi.slice' op expected the slice of 2 at offset -1 to lie within dimension 1 of size 3}}
  %0 = pi.slice %x axis 1 offset -1 : tensor<2x3xf32> -> tensor<2x2xf32>
  return
}

// -----

// pi.slice C4: an offset with which a sum would overflow
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @below {{'pi.slice' op expected the slice of 2 at offset 9223372036854775807 to lie within dimension 1 of size 3}}
  %0 = pi.slice %x axis 1 offset 9223372036854775807 : tensor<2x3xf32> -> tensor<2x2xf32>
  return
}

// -----

// pi.concat C1
func.func @f() {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @below {{'pi.concat' op expected at least one input}}
  %0 = "pi.concat"() {axis = 0 : i64} : () -> tensor<1xf32>
  return
}

// -----

// pi.concat C2: the element type
func.func @f(%a: tensor<2xf32>, %b: tensor<2xi64>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @below {{'pi.concat' op expected inputs of the same element type and rank, got 'tensor<2xf32>' and 'tensor<2xi64>'}}
  %0 = pi.concat %a, %b axis 0 : tensor<2xf32>, tensor<2xi64> -> tensor<4xf32>
  return
}

// -----

// pi.concat C2: the rank
func.func @f(%a: tensor<2xf32>, %b: tensor<2x1xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @below {{'pi.concat' op expected inputs of the same element type and rank, got 'tensor<2xf32>' and 'tensor<2x1xf32>'}}
  %0 = pi.concat %a, %b axis 0 : tensor<2xf32>, tensor<2x1xf32> -> tensor<4xf32>
  return
}

// -----

// pi.concat C3
func.func @f(%a: tensor<2xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @below {{'pi.concat' op expected axis in [0, 1), got 1}}
  %0 = pi.concat %a, %a axis 1 : tensor<2xf32>, tensor<2xf32> -> tensor<4xf32>
  return
}

// -----

// pi.concat C4
func.func @f(%a: tensor<2x3xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @below {{'pi.concat' op expected inputs that differ in dimension 0 only, got 'tensor<2x3xf32>' and 'tensor<2x4xf32>'}}
  %0 = pi.concat %a, %b axis 0 : tensor<2x3xf32>, tensor<2x4xf32> -> tensor<4x3xf32>
  return
}

// -----

// pi.select_token C1
func.func @f(%x: tensor<3x4xf32>, %i: tensor<i64>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @below {{'pi.select_token' op expected an input of rank 3 (batch, tokens, width), got 'tensor<3x4xf32>'}}
  %0 = pi.select_token %x at %i : tensor<3x4xf32>, tensor<i64> -> tensor<1x4xf32>
  return
}

// -----

// pi.select_token: the position is a scalar (ODS).
func.func @f(%x: tensor<1x3x4xf32>, %i: tensor<1xi64>) {
  // expected-error @below {{operand #1 must be 0D tensor of 64-bit signless integer values}}
  %0 = pi.select_token %x at %i : tensor<1x3x4xf32>, tensor<1xi64> -> tensor<1x1x4xf32>
  return
}

// -----

// pi.prelu C1
func.func @f(%x: tensor<2xf32>, %s: tensor<2xf32>) {
  // expected-error @below {{'pi.prelu' op expected a slope of one element, got 'tensor<2xf32>'}}
  %0 = pi.prelu %x slope %s : tensor<2xf32> : tensor<2xf32>
  return
}
