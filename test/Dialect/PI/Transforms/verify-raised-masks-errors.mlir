// RUN: aero-opt %s --pass-pipeline='builtin.module(func.func(pi-raise,pi-verify-raised))' --split-input-file --verify-diagnostics

// What keeps a mask from being one, said with the query and key where it shows.

// A score is replaced by a number that softmax would see.
func.func @f(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x4x3xf32>, %v: tensor<2x2x3x4xf32>) -> tensor<2x2x3x4xf32> {
  // expected-error @below {{'pi.matmul' op}}
  %s = pi.matmul %q, %k : tensor<2x2x3x4xf32>, tensor<2x2x4x3xf32> -> tensor<2x2x3x3xf32>
  %c = pi.constant dense<[[true, false, false], [true, true, false], [true, true, true]]> : tensor<3x3xi1>
  %x = pi.constant dense<-5.0> : tensor<f32>
  // expected-error @below {{'pi.where' op}}
  %m = pi.where %c, %s, %x : tensor<3x3xi1>, tensor<2x2x3x3xf32>, tensor<f32> -> tensor<2x2x3x3xf32>
  // expected-error @below {{no attention: a score is replaced by -5 (query 0 and key 1), which is not minus infinity}}
  %p = pi.softmax %m axis 3 : tensor<2x2x3x3xf32>
  // expected-error @below {{'pi.matmul' op}}
  %o = pi.matmul %p, %v : tensor<2x2x3x3xf32>, tensor<2x2x3x4xf32> -> tensor<2x2x3x4xf32>
  return %o : tensor<2x2x3x4xf32>
}

// -----

// A mask of 1 for padding.
func.func @f(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x4x3xf32>, %v: tensor<2x2x3x4xf32>, %mask: tensor<2x3xi64>) -> tensor<2x2x3x4xf32> {
  // expected-error @below {{'pi.matmul' op}}
  %s = pi.matmul %q, %k : tensor<2x2x3x4xf32>, tensor<2x2x4x3xf32> -> tensor<2x2x3x3xf32>
  %low = pi.constant dense<-1.0e9> : tensor<f32>
  %e = pi.reshape %mask : tensor<2x3xi64> -> tensor<2x1x1x3xi64>
  // expected-error @below {{'pi.cast' op}}
  %f = pi.cast %e : tensor<2x1x1x3xi64> -> tensor<2x1x1x3xf32>
  %a = pi.mul %f, %low : tensor<2x1x1x3xf32>, tensor<f32> -> tensor<2x1x1x3xf32>
  %m = pi.add %s, %a : tensor<2x2x3x3xf32>, tensor<2x1x1x3xf32> -> tensor<2x2x3x3xf32>
  // expected-error @below {{no attention: the mask hides the keys where its input is 1 (query 0 and key 0), not those where it is 0}}
  %p = pi.softmax %m axis 3 : tensor<2x2x3x3xf32>
  // expected-error @below {{'pi.matmul' op}}
  %o = pi.matmul %p, %v : tensor<2x2x3x3xf32>, tensor<2x2x3x4xf32> -> tensor<2x2x3x4xf32>
  return %o : tensor<2x2x3x4xf32>
}

// -----

// Padding that weakens a key instead of hiding it.
func.func @f(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x4x3xf32>, %v: tensor<2x2x3x4xf32>, %mask: tensor<2x3xi64>) -> tensor<2x2x3x4xf32> {
  // expected-error @below {{'pi.matmul' op}}
  %s = pi.matmul %q, %k : tensor<2x2x3x4xf32>, tensor<2x2x4x3xf32> -> tensor<2x2x3x3xf32>
  %one = pi.constant dense<1.0> : tensor<f32>
  %low = pi.constant dense<-3.0> : tensor<f32>
  %e = pi.reshape %mask : tensor<2x3xi64> -> tensor<2x1x1x3xi64>
  // expected-error @below {{'pi.cast' op}}
  %f = pi.cast %e : tensor<2x1x1x3xi64> -> tensor<2x1x1x3xf32>
  %i = pi.sub %one, %f : tensor<f32>, tensor<2x1x1x3xf32> -> tensor<2x1x1x3xf32>
  %a = pi.mul %i, %low : tensor<2x1x1x3xf32>, tensor<f32> -> tensor<2x1x1x3xf32>
  %m = pi.add %s, %a : tensor<2x2x3x3xf32>, tensor<2x1x1x3xf32> -> tensor<2x2x3x3xf32>
  // expected-error @below {{no attention: padding adds -3 to a score (query 0 and key 0), which is not minus infinity}}
  %p = pi.softmax %m axis 3 : tensor<2x2x3x3xf32>
  // expected-error @below {{'pi.matmul' op}}
  %o = pi.matmul %p, %v : tensor<2x2x3x3xf32>, tensor<2x2x3x4xf32> -> tensor<2x2x3x4xf32>
  return %o : tensor<2x2x3x4xf32>
}

// -----

// Padding of queries.
func.func @f(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x4x3xf32>, %v: tensor<2x2x3x4xf32>, %mask: tensor<2x3xi64>) -> tensor<2x2x3x4xf32> {
  // expected-error @below {{'pi.matmul' op}}
  %s = pi.matmul %q, %k : tensor<2x2x3x4xf32>, tensor<2x2x4x3xf32> -> tensor<2x2x3x3xf32>
  %inf = pi.constant dense<0xFF800000> : tensor<f32>
  // expected-error @below {{'pi.cast' op}}
  %c = pi.cast %mask : tensor<2x3xi64> -> tensor<2x3xi1>
  %e = pi.reshape %c : tensor<2x3xi1> -> tensor<2x1x3x1xi1>
  // expected-error @below {{'pi.where' op}}
  %m = pi.where %e, %s, %inf : tensor<2x1x3x1xi1>, tensor<2x2x3x3xf32>, tensor<f32> -> tensor<2x2x3x3xf32>
  // expected-error @below {{no attention: the padding mask hides query 0 and key 1 by its element 0, not by that of the key}}
  %p = pi.softmax %m axis 3 : tensor<2x2x3x3xf32>
  // expected-error @below {{'pi.matmul' op}}
  %o = pi.matmul %p, %v : tensor<2x2x3x3xf32>, tensor<2x2x3x4xf32> -> tensor<2x2x3x4xf32>
  return %o : tensor<2x2x3x4xf32>
}

// -----

// Pairs of tokens.
func.func @f(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x4x3xf32>, %v: tensor<2x2x3x4xf32>, %mask: tensor<2x3xi64>) -> tensor<2x2x3x4xf32> {
  // expected-error @below {{'pi.matmul' op}}
  %s = pi.matmul %q, %k : tensor<2x2x3x4xf32>, tensor<2x2x4x3xf32> -> tensor<2x2x3x3xf32>
  %inf = pi.constant dense<0xFF800000> : tensor<f32>
  %e = pi.reshape %mask : tensor<2x3xi64> -> tensor<2x1x3x1xi64>
  %g = pi.reshape %mask : tensor<2x3xi64> -> tensor<2x1x1x3xi64>
  // expected-error @below {{'pi.compare' op}}
  %c = pi.compare eq %e, %g : tensor<2x1x3x1xi64>, tensor<2x1x1x3xi64> -> tensor<2x1x3x3xi1>
  // expected-error @below {{'pi.where' op}}
  %m = pi.where %c, %s, %inf : tensor<2x1x3x3xi1>, tensor<2x2x3x3xf32>, tensor<f32> -> tensor<2x2x3x3xf32>
  // expected-error @below {{no attention: an element of the mask depends on two elements of its input}}
  %p = pi.softmax %m axis 3 : tensor<2x2x3x3xf32>
  // expected-error @below {{'pi.matmul' op}}
  %o = pi.matmul %p, %v : tensor<2x2x3x3xf32>, tensor<2x2x3x4xf32> -> tensor<2x2x3x4xf32>
  return %o : tensor<2x2x3x4xf32>
}

// -----

// Two padding masks.
func.func @f(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x4x3xf32>, %v: tensor<2x2x3x4xf32>, %mask: tensor<2x3xi64>, %other: tensor<2x3xi1>) -> tensor<2x2x3x4xf32> {
  // expected-error @below {{'pi.matmul' op}}
  %s = pi.matmul %q, %k : tensor<2x2x3x4xf32>, tensor<2x2x4x3xf32> -> tensor<2x2x3x3xf32>
  %inf = pi.constant dense<0xFF800000> : tensor<f32>
  // expected-error @below {{'pi.cast' op}}
  %c = pi.cast %mask : tensor<2x3xi64> -> tensor<2x3xi1>
  // expected-error @below {{'pi.and' op}}
  %d = pi.and %c, %other : tensor<2x3xi1>, tensor<2x3xi1> -> tensor<2x3xi1>
  %e = pi.reshape %d : tensor<2x3xi1> -> tensor<2x1x1x3xi1>
  // expected-error @below {{'pi.where' op}}
  %m = pi.where %e, %s, %inf : tensor<2x1x1x3xi1>, tensor<2x2x3x3xf32>, tensor<f32> -> tensor<2x2x3x3xf32>
  // expected-error @below {{no attention: the mask depends on two inputs}}
  %p = pi.softmax %m axis 3 : tensor<2x2x3x3xf32>
  // expected-error @below {{'pi.matmul' op}}
  %o = pi.matmul %p, %v : tensor<2x2x3x3xf32>, tensor<2x2x3x4xf32> -> tensor<2x2x3x4xf32>
  return %o : tensor<2x2x3x4xf32>
}

// -----

// A mask of (batch, queries, keys) is none for keys.
func.func @f(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x4x3xf32>, %v: tensor<2x2x3x4xf32>, %mask: tensor<2x3x3xi1>) -> tensor<2x2x3x4xf32> {
  // expected-error @below {{'pi.matmul' op}}
  %s = pi.matmul %q, %k : tensor<2x2x3x4xf32>, tensor<2x2x4x3xf32> -> tensor<2x2x3x3xf32>
  %inf = pi.constant dense<0xFF800000> : tensor<f32>
  %e = pi.reshape %mask : tensor<2x3x3xi1> -> tensor<2x1x3x3xi1>
  // expected-error @below {{'pi.where' op}}
  %m = pi.where %e, %s, %inf : tensor<2x1x3x3xi1>, tensor<2x2x3x3xf32>, tensor<f32> -> tensor<2x2x3x3xf32>
  // expected-error @below {{no attention: the padding mask is not one number for each key, (batch, keys)}}
  %p = pi.softmax %m axis 3 : tensor<2x2x3x3xf32>
  // expected-error @below {{'pi.matmul' op}}
  %o = pi.matmul %p, %v : tensor<2x2x3x3xf32>, tensor<2x2x3x4xf32> -> tensor<2x2x3x4xf32>
  return %o : tensor<2x2x3x4xf32>
}

// -----

// Scores of two products.
func.func @f(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x4x3xf32>, %v: tensor<2x2x3x4xf32>, %k2: tensor<2x2x4x3xf32>) -> tensor<2x2x3x4xf32> {
  // expected-error @below {{'pi.matmul' op}}
  %s = pi.matmul %q, %k : tensor<2x2x3x4xf32>, tensor<2x2x4x3xf32> -> tensor<2x2x3x3xf32>
  // expected-error @below {{'pi.matmul' op}}
  %s2 = pi.matmul %q, %k2 : tensor<2x2x3x4xf32>, tensor<2x2x4x3xf32> -> tensor<2x2x3x3xf32>
  %m = pi.add %s, %s2 : tensor<2x2x3x3xf32>, tensor<2x2x3x3xf32> -> tensor<2x2x3x3xf32>
  // expected-error @below {{no attention: the scores are made of two products by pi.add}}
  %p = pi.softmax %m axis 3 : tensor<2x2x3x3xf32>
  // expected-error @below {{'pi.matmul' op}}
  %o = pi.matmul %p, %v : tensor<2x2x3x3xf32>, tensor<2x2x3x4xf32> -> tensor<2x2x3x4xf32>
  return %o : tensor<2x2x3x4xf32>
}

// -----

// The sum of a mask is no mask of 0 and 1.
func.func @f(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x4x3xf32>, %v: tensor<2x2x3x4xf32>, %mask: tensor<2x3xi64>) -> tensor<2x2x3x4xf32> {
  // expected-error @below {{'pi.matmul' op}}
  %s = pi.matmul %q, %k : tensor<2x2x3x4xf32>, tensor<2x2x4x3xf32> -> tensor<2x2x3x3xf32>
  %inf = pi.constant dense<0xFF800000> : tensor<f32>
  // expected-error @below {{'pi.cumsum' op}}
  %n = pi.cumsum %mask axis 1 : tensor<2x3xi64>
  // expected-error @below {{'pi.cast' op}}
  %c = pi.cast %n : tensor<2x3xi64> -> tensor<2x3xi1>
  %e = pi.reshape %c : tensor<2x3xi1> -> tensor<2x1x1x3xi1>
  // expected-error @below {{'pi.where' op}}
  %m = pi.where %e, %s, %inf : tensor<2x1x1x3xi1>, tensor<2x2x3x3xf32>, tensor<f32> -> tensor<2x2x3x3xf32>
  // expected-error @below {{no attention: the mask is computed by pi.cumsum}}
  %p = pi.softmax %m axis 3 : tensor<2x2x3x3xf32>
  // expected-error @below {{'pi.matmul' op}}
  %o = pi.matmul %p, %v : tensor<2x2x3x3xf32>, tensor<2x2x3x4xf32> -> tensor<2x2x3x4xf32>
  return %o : tensor<2x2x3x4xf32>
}
