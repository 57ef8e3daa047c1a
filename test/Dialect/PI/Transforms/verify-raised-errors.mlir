// RUN: aero-opt %s --pass-pipeline='builtin.module(func.func(pi-raise,pi-verify-raised))' --split-input-file --verify-diagnostics

func.func @known(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %w = pi.weight "w" dense<0.1> : tensor<4x4xf32>
  %0 = pi.matmul %x, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  %1 = pi.gelu %0 : tensor<1x2x4xf32>
  %2 = pi.add %1, %x : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  return %2 : tensor<1x2x4xf32>
}

// -----

// [example] --pass-pipeline='builtin.module(func.func(pi-raise,pi-verify-raised))'
// Every leftover is named, with its ONNX node.
func.func @all_of_them(%x: tensor<2x4xf32>, %z: tensor<4x2xf32>) -> tensor<2x2xf32> {
  // expected-error @below {{'pi.tanh' op is not part of a known transformer operation: no GELU: the factor beside x is not (1 + f(x)) / 2}}
  %0 = pi.tanh %x : tensor<2x4xf32>
  // expected-error @below {{'pi.mul' op is not part of a known transformer operation: products and quotients of two activations}}
  %1 = pi.mul %0, %x : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  // expected-error @unknown {{'pi.matmul' op (ONNX node '/h.0/MatMul') is not part of a known transformer operation: only products with a weight matrix}}
  %2 = pi.matmul %1, %z : tensor<2x4xf32>, tensor<4x2xf32> -> tensor<2x2xf32> loc("/h.0/MatMul")
  return %2 : tensor<2x2xf32>
}
// [end of example]

// -----

func.func @norm(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // expected-error @below {{'pi.reduce_mean' op}}
  %m = pi.reduce_mean %x axes [0] keepdims : tensor<2x4xf32> -> tensor<1x4xf32>
  %c = pi.sub %x, %m : tensor<2x4xf32>, tensor<1x4xf32> -> tensor<2x4xf32>
  %two = pi.constant dense<2.0> : tensor<f32>
  // expected-error @below {{'pi.pow' op}}
  %s = pi.pow %c, %two : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  // expected-error @below {{'pi.reduce_mean' op}}
  %v = pi.reduce_mean %s axes [0] keepdims : tensor<2x4xf32> -> tensor<1x4xf32>
  %eps = pi.constant dense<1.0e-5> : tensor<f32>
  %e = pi.add %v, %eps : tensor<1x4xf32>, tensor<f32> -> tensor<1x4xf32>
  // expected-error @below {{'pi.sqrt' op is not part of a known transformer operation: no norm: the variance is not a mean over the last dimension}}
  %r = pi.sqrt %e : tensor<1x4xf32>
  // expected-error @below {{'pi.div' op}}
  %y = pi.div %c, %r : tensor<2x4xf32>, tensor<1x4xf32> -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

func.func @gelu(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %one = pi.constant dense<1.0> : tensor<f32>
  %half = pi.constant dense<0.5> : tensor<f32>
  // expected-error @below {{'pi.erf' op is not part of a known transformer operation: no GELU: the coefficients inside erf or tanh are not those of GELU}}
  %e = pi.erf %x : tensor<2x4xf32>
  %a = pi.add %e, %one : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  // expected-error @below {{'pi.mul' op}}
  %m = pi.mul %x, %a : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %y = pi.mul %m, %half : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// What is wrong with a mask is said with the first wrong element.
func.func @mask(%q: tensor<1x2x2x2xf32>, %k: tensor<1x2x2x2xf32>, %v: tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> {
  %m = pi.constant dense<[[[[false, true], [true, false]]]]> : tensor<1x1x2x2xi1>
  %inf = pi.constant dense<0xFF800000> : tensor<f32>
  // expected-error @below {{'pi.matmul' op}}
  %s = pi.matmul %q, %k : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  // expected-error @below {{'pi.where' op}}
  %ms = pi.where %m, %inf, %s : tensor<1x1x2x2xi1>, tensor<f32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  // expected-error @below {{no attention: the mask is not causal: query 1 and key 0 are masked}}
  %p = pi.softmax %ms axis 3 : tensor<1x2x2x2xf32>
  // expected-error @below {{'pi.matmul' op}}
  %o = pi.matmul %p, %v : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  return %o : tensor<1x2x2x2xf32>
}

// -----

func.func @no_product(%s: tensor<1x2x2x2xf32>, %v: tensor<1x2x2x2xf32>) -> tensor<1x2x4xf32> {
  // expected-error @below {{no attention: the scores come from an argument, not from a product of queries and keys}}
  %p = pi.softmax %s axis 3 : tensor<1x2x2x2xf32>
  // expected-error @below {{'pi.matmul' op}}
  %o = pi.matmul %p, %v : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %t = pi.transpose %o [0, 2, 1, 3] : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xf32>
  %y = pi.reshape %t : tensor<1x2x2x2xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

func.func @softmax_alone(%s: tensor<2x2xf32>) -> tensor<2x2xf32> {
  // expected-error @below {{no attention: softmax is not over (batch, heads, queries, keys)}}
  %p = pi.softmax %s axis 1 : tensor<2x2xf32>
  return %p : tensor<2x2xf32>
}

// -----

func.func @rotation(%h: tensor<1x2x3x2xf32>) -> tensor<1x2x3x2xf32> {
  %cos = pi.constant dense<[[0.1, 0.1], [0.2, 0.2], [0.3, 0.4]]> : tensor<3x2xf32>
  %sin = pi.constant dense<0.5> : tensor<3x2xf32>
  %minus = pi.constant dense<-1.0> : tensor<f32>
  // expected-error @below {{no rotary embedding: columns 0 and 1 are rotated by different angles}}
  %0 = pi.mul %h, %cos : tensor<1x2x3x2xf32>, tensor<3x2xf32> -> tensor<1x2x3x2xf32>
  %1 = pi.slice %h axis 3 offset 0 : tensor<1x2x3x2xf32> -> tensor<1x2x3x1xf32>
  %2 = pi.slice %h axis 3 offset 1 : tensor<1x2x3x2xf32> -> tensor<1x2x3x1xf32>
  %3 = pi.mul %2, %minus : tensor<1x2x3x1xf32>, tensor<f32> -> tensor<1x2x3x1xf32>
  %4 = pi.concat %3, %1 axis 3 : tensor<1x2x3x1xf32>, tensor<1x2x3x1xf32> -> tensor<1x2x3x2xf32>
  // expected-error @below {{no rotary embedding}}
  %5 = pi.mul %4, %sin : tensor<1x2x3x2xf32>, tensor<3x2xf32> -> tensor<1x2x3x2xf32>
  %6 = pi.add %0, %5 : tensor<1x2x3x2xf32>, tensor<1x2x3x2xf32> -> tensor<1x2x3x2xf32>
  return %6 : tensor<1x2x3x2xf32>
}

// -----

// What belongs to masks and positions is named where it belongs to neither.
func.func @alone(%x: tensor<2x4xf32>, %m: tensor<2x4xi64>) -> (tensor<2x4xf32>, tensor<2xf32>) {
  // expected-error @below {{'pi.cumsum' op is not part of a known transformer operation: only masks and positions are computed like this}}
  %0 = pi.cumsum %m axis 1 : tensor<2x4xi64>
  // expected-error @below {{'pi.cast' op is not part of a known transformer operation: only masks and positions are computed like this}}
  %1 = pi.cast %0 : tensor<2x4xi64> -> tensor<2x4xf32>
  // expected-error @below {{'pi.compare' op is not part of a known transformer operation: only the masks of attention are known}}
  %2 = pi.compare lt %x, %1 : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xi1>
  // expected-error @below {{'pi.cos' op is not part of a known transformer operation: only the angles of rotary embeddings are known}}
  %3 = pi.cos %x : tensor<2x4xf32>
  // expected-error @below {{'pi.exp' op is not part of a known transformer operation: only the exponentials of softmax are known}}
  %4 = pi.exp %3 : tensor<2x4xf32>
  // expected-error @below {{'pi.where' op is not part of a known transformer operation: only the masks of attention are known}}
  %5 = pi.where %2, %4, %x : tensor<2x4xi1>, tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  // expected-error @below {{'pi.max' op is not part of a known transformer operation: only the maximum of an activation and 0}}
  %6 = pi.max %5, %x : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  // expected-error @below {{'pi.reduce_sum' op is not part of a known transformer operation: no operation has a sum}}
  %7 = pi.reduce_sum %6 axes [1] : tensor<2x4xf32> -> tensor<2xf32>
  return %6, %7 : tensor<2x4xf32>, tensor<2xf32>
}

// -----

func.func @gates(%x: tensor<2x4xf32>, %y: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // expected-error @below {{'pi.sigmoid' op is not part of a known transformer operation: no SiLU: it multiplies something else than its input}}
  %0 = pi.sigmoid %x : tensor<2x4xf32>
  // expected-error @below {{'pi.mul' op is not part of a known transformer operation: products and quotients of two activations}}
  %1 = pi.mul %0, %y : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %t = pi.constant dense<0.5> : tensor<2x4xf32>
  // expected-error @below {{'pi.mul' op is not part of a known transformer operation: products and quotients with a table of numbers}}
  %2 = pi.mul %1, %t : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  return %2 : tensor<2x4xf32>
}

// -----

// The power of a norm over another dimension.
func.func @power(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %two = pi.constant dense<2.0> : tensor<f32>
  %half = pi.constant dense<-0.5> : tensor<f32>
  %eps = pi.constant dense<1.0e-5> : tensor<f32>
  // expected-error @below {{'pi.pow' op}}
  %s = pi.pow %x, %two : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  // expected-error @below {{'pi.reduce_mean' op}}
  %v = pi.reduce_mean %s axes [0] keepdims : tensor<2x4xf32> -> tensor<1x4xf32>
  %e = pi.add %v, %eps : tensor<1x4xf32>, tensor<f32> -> tensor<1x4xf32>
  // expected-error @below {{'pi.pow' op is not part of a known transformer operation: no norm: the variance is not a mean over the last dimension}}
  %r = pi.pow %e, %half : tensor<1x4xf32>, tensor<f32> -> tensor<1x4xf32>
  // expected-error @below {{'pi.mul' op}}
  %y = pi.mul %x, %r : tensor<2x4xf32>, tensor<1x4xf32> -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}
