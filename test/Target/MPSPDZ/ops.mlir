// RUN: aero-translate --pi-to-mpspdz --split-input-file %s | FileCheck %s

// The parties and the library come before the model.
// CHECK: SERVER, CLIENT = 0, 1
// CHECK: def truncate(x, bits):
// CHECK: # The model.

// The position is public; a prompt is one-hot rows; memory is freed behind its
// last use. Columns are looked at where they are, so that what they are of is
// freed after all of them.
// CHECK: p0 = Pairs(2, 8, 8, causal=True)
// CHECK-NEXT: position = read_position()
// CHECK-NEXT: tokens = read_tokens(8, 16)
// CHECK-NEXT: w0 = read_weight(16, 4, W)  # wte
// CHECK-NEXT: x0 = embedding(tokens, w0)
// CHECK-NEXT: tokens.free()
// CHECK-NEXT: w1 = read_weight(12, 4, W)  # qkv
// CHECK-NEXT: w2 = read_weight(1, 12, W)  # bias
// CHECK-NEXT: x1 = linear(x0, w1, w2)
// CHECK-NEXT: x0.free()
// CHECK-NEXT: w1.free()
// CHECK-NEXT: w2.free()
// CHECK-NEXT: x2 = x1.slice(0, 4)
// CHECK-NEXT: x3 = x1.slice(4, 4)
// CHECK-NEXT: x4 = x1.slice(8, 4)
// CHECK-NEXT: x5 = attention(x2, x3, x4, p0, 2, 0.5)
// CHECK-NEXT: x1.free()
// CHECK-NEXT: x6 = select_token(x5, position)
// CHECK-NEXT: x5.free()
// A table that is transposed is a matrix of rows as it is.
// CHECK-NEXT: x7 = linear(x6, w0)
// CHECK-NEXT: w0.free()
// CHECK-NEXT: x6.free()
// CHECK-NEXT: write_logits(x7)
// CHECK-NEXT: x7.free()
func.func @main(%tokens: tensor<1x8xi64>, %position: tensor<i64>) -> tensor<1x1x16xf32> {
  %wte = pi.weight "wte" dense<1.0> : tensor<16x4xf32>
  %qkv = pi.weight "qkv" dense<1.0> : tensor<4x12xf32>
  %bias = pi.weight "bias" dense<1.0> : tensor<12xf32>
  %0 = pi.embedding %wte[%tokens] : tensor<16x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %1 = pi.linear %0, %qkv bias %bias : tensor<12xf32> : tensor<1x8x4xf32>, tensor<4x12xf32> -> tensor<1x8x12xf32>
  %2 = pi.slice %1 axis 2 offset 0 : tensor<1x8x12xf32> -> tensor<1x8x4xf32>
  %3 = pi.slice %1 axis 2 offset 4 : tensor<1x8x12xf32> -> tensor<1x8x4xf32>
  %4 = pi.slice %1 axis 2 offset 8 : tensor<1x8x12xf32> -> tensor<1x8x4xf32>
  %5 = pi.attention %2, %3, %4 heads 2 scale 5.000000e-01 causal : tensor<1x8x4xf32>, tensor<1x8x4xf32>
  %6 = pi.select_token %5 at %position : tensor<1x8x4xf32>, tensor<i64> -> tensor<1x1x4xf32>
  %7 = pi.transpose %wte [1, 0] : tensor<16x4xf32> -> tensor<4x16xf32>
  %8 = pi.linear %6, %7 : tensor<1x1x4xf32>, tensor<4x16xf32> -> tensor<1x1x16xf32>
  return %8 : tensor<1x1x16xf32>
}

// -----

// Without a position all rows are answered. What is added to activations has
// their scale.
// CHECK: # The model.
// CHECK-NOT: read_position
// CHECK: w1 = read_weight(8, 4, F)  # wpe
// CHECK-NEXT: x1 = add(x0, w1)
// CHECK: w2 = read_weight(1, 4, F)  # gamma
// CHECK-NEXT: w3 = read_weight(1, 4, F)  # beta
// CHECK-NEXT: x2 = normalize(x1, 9.99999975e-06, center=True, gamma=w2, beta=w3)
// CHECK: x3 = normalize(x2, 0.00100000005, center=False)
// CHECK: x4 = relu(x3)
// CHECK: x5 = gelu(x4)
// CHECK: x6 = leaky_relu(x5, 0.100000001)
// CHECK: w4 = read_weight(1, 1, F)  # slope
// CHECK-NEXT: x7 = prelu(x6, w4)
// CHECK: x8 = scale(x7, 3)
// CHECK: x9 = scale(x8, 0.25)
// CHECK: x10 = offset(x9, -2)
// CHECK: x11 = sub(x10, x1)
// CHECK: x12 = mul(x11, w2)
// CHECK: write_logits(x12)
func.func @main(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %wte = pi.weight "wte" dense<1.0> : tensor<16x4xf32>
  %wpe = pi.weight "wpe" dense<1.0> : tensor<8x4xf32>
  %gamma = pi.weight "gamma" dense<1.0> : tensor<4xf32>
  %beta = pi.weight "beta" dense<1.0> : tensor<4xf32>
  %slope = pi.weight "slope" dense<0.1> : tensor<1xf32>
  %three = pi.constant dense<3.0> : tensor<f32>
  %four = pi.constant dense<4.0> : tensor<f32>
  %two = pi.constant dense<2.0> : tensor<f32>
  %0 = pi.embedding %wte[%tokens] : tensor<16x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %1 = pi.add %0, %wpe : tensor<1x8x4xf32>, tensor<8x4xf32> -> tensor<1x8x4xf32>
  %2 = pi.layer_norm %1 gamma %gamma : tensor<4xf32> beta %beta : tensor<4xf32> epsilon 9.99999974E-6 : tensor<1x8x4xf32>
  %3 = pi.rms_norm %2 epsilon 1.000000e-03 : tensor<1x8x4xf32>
  %4 = pi.relu %3 : tensor<1x8x4xf32>
  %5 = pi.gelu %4 : tensor<1x8x4xf32>
  %6 = pi.leaky_relu %5 slope 1.000000e-01 : tensor<1x8x4xf32>
  %7 = pi.prelu %6 slope %slope : tensor<1xf32> : tensor<1x8x4xf32>
  %8 = pi.mul %three, %7 : tensor<f32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  %9 = pi.div %8, %four : tensor<1x8x4xf32>, tensor<f32> -> tensor<1x8x4xf32>
  %10 = pi.sub %9, %two : tensor<1x8x4xf32>, tensor<f32> -> tensor<1x8x4xf32>
  %11 = pi.sub %10, %1 : tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  %12 = pi.mul %11, %gamma : tensor<1x8x4xf32>, tensor<4xf32> -> tensor<1x8x4xf32>
  return %12 : tensor<1x8x4xf32>
}

// -----

// Names are data: no line of the program comes from one.
// CHECK: read_weight(16, 4, W)  # a?import os
func.func @main(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %wte = pi.weight "a\0Aimport os" dense<1.0> : tensor<16x4xf32>
  %0 = pi.embedding %wte[%tokens] : tensor<16x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  return %0 : tensor<1x8x4xf32>
}

// -----

// Temperatures of heads and positions: the server's file has their inverses.
// CHECK: x1 = x0.slice(0, 2)
// CHECK-NEXT: w1 = read_weight(2, 8, W)  # t
// CHECK-NEXT: x2 = attention(x0, x1, x1, p0, 1, 1, w1)
// CHECK: w1.free()
func.func @main(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %wte = pi.weight "wte" dense<1.0> : tensor<16x4xf32>
  %t = pi.weight "t" dense<2.0> : tensor<2x8xf32>
  %0 = pi.embedding %wte[%tokens] : tensor<16x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %1 = pi.slice %0 axis 2 offset 0 : tensor<1x8x4xf32> -> tensor<1x8x2xf32>
  %2 = pi.attention %0, %1, %1 temperature %t : tensor<2x8xf32> heads 2 key_heads 1 scale 1.000000e+00 : tensor<1x8x4xf32>, tensor<1x8x2xf32>
  return %2 : tensor<1x8x4xf32>
}

// -----

// Queries, keys and values side by side in each head. The angles are written
// once, a row for each token.
// CHECK: a0 = Angles(1, [1,
// CHECK-NEXT: 0.540302277], [0,
// CHECK-NEXT: 0.841470957])
// CHECK: x1 = x0.slice_groups(2, 0, 3)
// CHECK-NEXT: x2 = x0.slice_groups(2, 3, 3)
// CHECK-NEXT: x3 = x0.slice_groups(2, 6, 3)
// CHECK-NEXT: x0.free()
// CHECK-NEXT: x4 = rotate(x1, a0, 2, interleaved=False)
// CHECK-NEXT: x1.free()
// CHECK-NEXT: x5 = rotate(x2, a0, 2, interleaved=True)
// CHECK: x6 = attention(x4, x5, x3, p0, 2, 1)
// CHECK: x7 = silu(x6)
func.func @main(%tokens: tensor<1x2xi64>) -> tensor<1x2x6xf32> {
  %wte = pi.weight "wte" dense<1.0> : tensor<16x18xf32>
  %cos = pi.constant dense<[[1.0], [0.540302277]]> : tensor<2x1xf32>
  %sin = pi.constant dense<[[0.0], [0.841470957]]> : tensor<2x1xf32>
  %0 = pi.embedding %wte[%tokens] : tensor<16x18xf32>, tensor<1x2xi64> -> tensor<1x2x18xf32>
  %1 = pi.reshape %0 : tensor<1x2x18xf32> -> tensor<1x2x2x9xf32>
  %2 = pi.slice %1 axis 3 offset 0 : tensor<1x2x2x9xf32> -> tensor<1x2x2x3xf32>
  %3 = pi.slice %1 axis 3 offset 3 : tensor<1x2x2x9xf32> -> tensor<1x2x2x3xf32>
  %4 = pi.slice %1 axis 3 offset 6 : tensor<1x2x2x9xf32> -> tensor<1x2x2x3xf32>
  %q = pi.reshape %2 : tensor<1x2x2x3xf32> -> tensor<1x2x6xf32>
  %k = pi.reshape %3 : tensor<1x2x2x3xf32> -> tensor<1x2x6xf32>
  %v = pi.reshape %4 : tensor<1x2x2x3xf32> -> tensor<1x2x6xf32>
  %5 = pi.rotary_embedding %q cos %cos sin %sin heads 2 : tensor<1x2x6xf32>, tensor<2x1xf32>
  %6 = pi.rotary_embedding %k cos %cos sin %sin heads 2 interleaved : tensor<1x2x6xf32>, tensor<2x1xf32>
  %7 = pi.attention %5, %6, %v heads 2 scale 1.000000e+00 : tensor<1x2x6xf32>, tensor<1x2x6xf32>
  %8 = pi.silu %7 : tensor<1x2x6xf32>
  return %8 : tensor<1x2x6xf32>
}

// -----

// Of parts that are not the innermost ones, whole stretches of columns are
// taken: those of one part side by side.
// CHECK: x1 = x0.slice(6, 6)
// CHECK-NEXT: x2 = x0.slice_groups(3, 2, 2)
// CHECK-NEXT: x3 = add(x1, x2)
// CHECK-NEXT: x0.free()
func.func @main(%tokens: tensor<1x2xi64>) -> tensor<1x2x6xf32> {
  %wte = pi.weight "wte" dense<1.0> : tensor<16x12xf32>
  %0 = pi.embedding %wte[%tokens] : tensor<16x12xf32>, tensor<1x2xi64> -> tensor<1x2x12xf32>
  %1 = pi.reshape %0 : tensor<1x2x12xf32> -> tensor<1x2x2x3x2xf32>
  %2 = pi.slice %1 axis 2 offset 1 : tensor<1x2x2x3x2xf32> -> tensor<1x2x1x3x2xf32>
  %3 = pi.reshape %2 : tensor<1x2x1x3x2xf32> -> tensor<1x2x6xf32>
  %4 = pi.reshape %0 : tensor<1x2x12xf32> -> tensor<1x2x3x2x2xf32>
  %5 = pi.slice %4 axis 3 offset 1 : tensor<1x2x3x2x2xf32> -> tensor<1x2x3x1x2xf32>
  %6 = pi.reshape %5 : tensor<1x2x3x1x2xf32> -> tensor<1x2x6xf32>
  %7 = pi.add %3, %6 : tensor<1x2x6xf32>, tensor<1x2x6xf32> -> tensor<1x2x6xf32>
  return %7 : tensor<1x2x6xf32>
}
