// RUN: aero-opt %s --split-input-file --verify-diagnostics

// pi.attention C1: the rank
func.func @f(%q: tensor<3x4xf32>, %k: tensor<3x4xf32>) {
  // expected-error @below {{'pi.attention' op expected query and key of rank 3 (batch, tokens, width) and the same batch, got 'tensor<3x4xf32>' and 'tensor<3x4xf32>'}}
  %0 = pi.attention %q, %k, %k heads 2 scale 0.5 : tensor<3x4xf32>, tensor<3x4xf32>
  return
}

// -----

// pi.attention C1: the batch
func.func @f(%q: tensor<1x3x4xf32>, %k: tensor<2x3x4xf32>) {
  // expected-error @below {{'pi.attention' op expected query and key of rank 3 (batch, tokens, width) and the same batch, got 'tensor<1x3x4xf32>' and 'tensor<2x3x4xf32>'}}
  %0 = pi.attention %q, %k, %k heads 2 scale 0.5 : tensor<1x3x4xf32>, tensor<2x3x4xf32>
  return
}

// -----

// pi.attention C2: no divisor
func.func @f(%q: tensor<1x3x4xf32>, %k: tensor<1x3x4xf32>) {
  // expected-error @below {{'pi.attention' op expected a number of heads that divides the width 4, got 3}}
  %0 = pi.attention %q, %k, %k heads 3 scale 0.5 : tensor<1x3x4xf32>, tensor<1x3x4xf32>
  return
}

// -----

// pi.attention C2: no heads
func.func @f(%q: tensor<1x3x4xf32>, %k: tensor<1x3x4xf32>) {
  // expected-error @below {{'pi.attention' op expected a number of heads that divides the width 4, got 0}}
  %0 = pi.attention %q, %k, %k heads 0 scale 0.5 : tensor<1x3x4xf32>, tensor<1x3x4xf32>
  return
}

// -----

// pi.attention C3: no divisor of the heads
func.func @f(%q: tensor<1x3x8xf32>, %k: tensor<1x3x6xf32>) {
  // expected-error @below {{'pi.attention' op expected a number of key heads that divides the 4 heads, got 3}}
  %0 = pi.attention %q, %k, %k heads 4 key_heads 3 scale 0.5 : tensor<1x3x8xf32>, tensor<1x3x6xf32>
  return
}

// -----

// pi.attention C3: no key heads
func.func @f(%q: tensor<1x3x4xf32>, %k: tensor<1x3x4xf32>) {
  // expected-error @below {{'pi.attention' op expected a number of key heads that divides the 2 heads, got 0}}
  %0 = pi.attention %q, %k, %k heads 2 key_heads 0 scale 0.5 : tensor<1x3x4xf32>, tensor<1x3x4xf32>
  return
}

// -----

// pi.attention C3: the width of a head
func.func @f(%q: tensor<1x3x4xf32>, %k: tensor<1x3x6xf32>) {
  // expected-error @below {{'pi.attention' op expected 2 key heads of width 2 as those of the query, got 'tensor<1x3x6xf32>'}}
  %0 = pi.attention %q, %k, %k heads 2 scale 0.5 : tensor<1x3x4xf32>, tensor<1x3x6xf32>
  return
}

// -----

// pi.attention C3: a rest of the width
func.func @f(%q: tensor<1x3x4xf32>, %k: tensor<1x3x5xf32>) {
  // expected-error @below {{'pi.attention' op expected 2 key heads of width 2 as those of the query, got 'tensor<1x3x5xf32>'}}
  %0 = pi.attention %q, %k, %k heads 2 scale 0.5 : tensor<1x3x4xf32>, tensor<1x3x5xf32>
  return
}

// -----

// pi.attention C4
func.func @f(%q: tensor<1x3x4xf32>, %k: tensor<1x3x4xf32>) {
  // expected-error @below {{'pi.attention' op expected a finite scale}}
  %0 = pi.attention %q, %k, %k heads 2 scale 0x7FC00000 : tensor<1x3x4xf32>, tensor<1x3x4xf32>
  return
}

// -----

// pi.attention C5
func.func @f(%q: tensor<1x5x4xf32>, %k: tensor<1x3x4xf32>) {
  // expected-error @below {{'pi.attention' op expected at least as many keys as queries under a causal mask, got 3 and 5}}
  %0 = pi.attention %q, %k, %k heads 2 scale 0.5 causal : tensor<1x5x4xf32>, tensor<1x3x4xf32>
  return
}

// -----

// pi.attention C6: one number a key
func.func @f(%q: tensor<2x3x4xf32>, %m: tensor<1x3xi64>) {
  // expected-error @below {{'pi.attention' op expected a mask of shape (2, 3), batch and keys, got 'tensor<1x3xi64>'}}
  %0 = pi.attention %q, %q, %q mask %m : tensor<1x3xi64> heads 2 scale 0.5 : tensor<2x3x4xf32>, tensor<2x3x4xf32>
  return
}

// -----

// pi.attention: a mask is of integers or truth values (ODS).
func.func @f(%q: tensor<1x3x4xf32>, %m: tensor<1x3xf32>) {
  // expected-error @below {{'pi.attention' op operand #3 must be statically shaped tensor of 64-bit signless integer or 1-bit signless integer values, but got 'tensor<1x3xf32>'}}
  %0 = pi.attention %q, %q, %q mask %m : tensor<1x3xf32> heads 2 scale 0.5 : tensor<1x3x4xf32>, tensor<1x3x4xf32>
  return
}

// -----

// pi.attention C7: the size
func.func @f(%q: tensor<1x3x4xf32>, %b: tensor<3x2xf32>) {
  // expected-error @below {{'pi.attention' op expected a bias that broadcasts to (1, 2, 3, 3), got 'tensor<3x2xf32>'}}
  %0 = pi.attention %q, %q, %q bias %b : tensor<3x2xf32> heads 2 scale 0.5 : tensor<1x3x4xf32>, tensor<1x3x4xf32>
  return
}

// -----

// pi.attention C7: the rank
func.func @f(%q: tensor<1x3x4xf32>, %b: tensor<1x1x1x3x3xf32>) {
  // expected-error @below {{'pi.attention' op expected a bias that broadcasts to (1, 2, 3, 3), got 'tensor<1x1x1x3x3xf32>'}}
  %0 = pi.attention %q, %q, %q bias %b : tensor<1x1x1x3x3xf32> heads 2 scale 0.5 : tensor<1x3x4xf32>, tensor<1x3x4xf32>
  return
}

// -----

// pi.attention: value has the type of key (ODS).
func.func @f(%q: tensor<1x3x4xf32>, %v: tensor<1x5x4xf32>) {
  // expected-error @below {{'pi.attention' op failed to verify that all of {key, value} have same type}}
  %0 = "pi.attention"(%q, %q, %v) <{heads = 2 : i64, scale = 0.5 : f32, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>}> : (tensor<1x3x4xf32>, tensor<1x3x4xf32>, tensor<1x5x4xf32>) -> tensor<1x3x4xf32>
  return
}

// -----

// pi.rotary_embedding C1
func.func @f(%x: tensor<3x4xf32>, %c: tensor<3x2xf32>) {
  // expected-error @below {{'pi.rotary_embedding' op expected an input of rank 3 (batch, tokens, width), got 'tensor<3x4xf32>'}}
  %0 = pi.rotary_embedding %x cos %c sin %c heads 1 : tensor<3x4xf32>, tensor<3x2xf32>
  return
}

// -----

// pi.rotary_embedding C2
func.func @f(%x: tensor<1x3x4xf32>, %c: tensor<3x2xf32>) {
  // expected-error @below {{'pi.rotary_embedding' op expected a number of heads that divides the width 4, got 3}}
  %0 = pi.rotary_embedding %x cos %c sin %c heads 3 : tensor<1x3x4xf32>, tensor<3x2xf32>
  return
}

// -----

// pi.rotary_embedding C3: the tokens
func.func @f(%x: tensor<1x3x4xf32>, %c: tensor<2x2xf32>) {
  // expected-error @below {{'pi.rotary_embedding' op expected cos and sin for the tokens of 'tensor<1x3x4xf32>', (tokens, pairs) or (batch, tokens, pairs), got 'tensor<2x2xf32>'}}
  %0 = pi.rotary_embedding %x cos %c sin %c heads 1 : tensor<1x3x4xf32>, tensor<2x2xf32>
  return
}

// -----

// pi.rotary_embedding C3: the batch
func.func @f(%x: tensor<2x3x4xf32>, %c: tensor<1x3x2xf32>) {
  // expected-error @below {{'pi.rotary_embedding' op expected cos and sin for the tokens of}}
  %0 = pi.rotary_embedding %x cos %c sin %c heads 1 : tensor<2x3x4xf32>, tensor<1x3x2xf32>
  return
}

// -----

// pi.rotary_embedding C3: the rank
func.func @f(%x: tensor<1x3x4xf32>, %c: tensor<2xf32>) {
  // expected-error @below {{'pi.rotary_embedding' op expected cos and sin for the tokens of}}
  %0 = pi.rotary_embedding %x cos %c sin %c heads 1 : tensor<1x3x4xf32>, tensor<2xf32>
  return
}

// -----

// pi.rotary_embedding C4
func.func @f(%x: tensor<1x3x4xf32>, %c: tensor<3x2xf32>) {
  // expected-error @below {{'pi.rotary_embedding' op expected at most 2 rotated columns, the width of a head, got 4}}
  %0 = pi.rotary_embedding %x cos %c sin %c heads 2 : tensor<1x3x4xf32>, tensor<3x2xf32>
  return
}

// -----

// pi.rotary_embedding: sin has the type of cos (ODS).
func.func @f(%x: tensor<1x3x4xf32>, %c: tensor<3x2xf32>, %s: tensor<3x1xf32>) {
  // expected-error @below {{'pi.rotary_embedding' op failed to verify that all of {cos, sin} have same type}}
  %0 = "pi.rotary_embedding"(%x, %c, %s) <{heads = 1 : i64}> : (tensor<1x3x4xf32>, tensor<3x2xf32>, tensor<3x1xf32>) -> tensor<1x3x4xf32>
  return
}

// -----

// pi.attention C8
func.func @f(%q: tensor<1x3x4xf32>, %t: tensor<3x2xf32>) {
  // expected-error @below {{'pi.attention' op expected a temperature of shape (2, 3) or (2, 1), heads and queries, got 'tensor<3x2xf32>'}}
  %0 = pi.attention %q, %q, %q temperature %t : tensor<3x2xf32> heads 2 scale 1.0 : tensor<1x3x4xf32>, tensor<1x3x4xf32>
  return
}

// -----

// pi.attention C9: their number
func.func @f(%q: tensor<1x3x4xf32>) {
  // expected-error @below {{'pi.attention' op expected an entropy threshold for each of 2 heads, got 1}}
  %0 = pi.attention %q, %q, %q heads 2 scale 1.0 entropy_thresholds [0.5] : tensor<1x3x4xf32>, tensor<1x3x4xf32>
  return
}

// -----

// pi.attention C9: their range
func.func @f(%q: tensor<1x3x4xf32>) {
  // expected-error @below {{'pi.attention' op expected entropy thresholds in [0, 1]}}
  %0 = pi.attention %q, %q, %q heads 2 scale 1.0 entropy_thresholds [0.5, 1.5] : tensor<1x3x4xf32>, tensor<1x3x4xf32>
  return
}
