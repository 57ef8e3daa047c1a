// RUN: aero-translate --pi-to-stablehlo --split-input-file %s | FileCheck %s

// The weights are arguments in the order of their first use, then the prompt as
// one-hot rows, then the public position.
// CHECK-LABEL: module @"program" {
// CHECK-NEXT: func.func public @main(
// CHECK-NEXT: %weight0: tensor<16x4xf32>, // server: wte
// CHECK-NEXT: %weight1: tensor<4x16xf32>, // server: head
// CHECK-NEXT: %tokens: tensor<8x16xi32>, // client: tokens
// CHECK-NEXT: %position: tensor<i64>) // public: position
// CHECK-NEXT: -> tensor<1x1x16xf32> {
// CHECK-NEXT: %0 = stablehlo.convert %tokens : (tensor<8x16xi32>) -> tensor<8x16xf32>
// CHECK-NEXT: %1 = stablehlo.dot_general %0, %weight0, contracting_dims = [1] x [0] : (tensor<8x16xf32>, tensor<16x4xf32>) -> tensor<8x4xf32>
// CHECK-NEXT: %2 = stablehlo.reshape %1 : (tensor<8x4xf32>) -> tensor<1x8x4xf32>
// CHECK-NEXT: %3 = stablehlo.constant dense<0> : tensor<i64>
// CHECK-NEXT: %4 = stablehlo.dynamic_slice %2, %3, %position, %3, sizes = [1, 1, 4] : (tensor<1x8x4xf32>, tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<1x1x4xf32>
// CHECK-NEXT: %5 = stablehlo.dot_general %4, %weight1, contracting_dims = [2] x [0] : (tensor<1x1x4xf32>, tensor<4x16xf32>) -> tensor<1x1x16xf32>
// CHECK-NEXT: return %5 : tensor<1x1x16xf32>
func.func @main(%tokens: tensor<1x8xi64>, %position: tensor<i64>) -> tensor<1x1x16xf32> {
  %head = pi.weight "head" dense<1.0> : tensor<4x16xf32>
  %wte = pi.weight "wte" dense<1.0> : tensor<16x4xf32>
  %0 = pi.embedding %wte[%tokens] : tensor<16x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %1 = pi.select_token %0 at %position : tensor<1x8x4xf32>, tensor<i64> -> tensor<1x1x4xf32>
  %2 = pi.linear %1, %head : tensor<1x1x4xf32>, tensor<4x16xf32> -> tensor<1x1x16xf32>
  return %2 : tensor<1x1x16xf32>
}

// -----

// A weight of the name of an argument, two of one name, and a name that is more
// than a line.
// CHECK: %weight0: tensor<16x4xf32>, // server: tokens#2
// CHECK-NEXT: %weight1: tensor<4xf32>, // server: a?b
// CHECK-NEXT: %weight2: tensor<4xf32>, // server: a?b#2
// CHECK-NEXT: %tokens: tensor<8x16xi32>) // client: tokens
func.func @main(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %wte = pi.weight "tokens" dense<1.0> : tensor<16x4xf32>
  %a = pi.weight "a\0Ab" dense<1.0> : tensor<4xf32>
  %b = pi.weight "a\0Ab" dense<2.0> : tensor<4xf32>
  %0 = pi.embedding %wte[%tokens] : tensor<16x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %1 = pi.add %0, %a : tensor<1x8x4xf32>, tensor<4xf32> -> tensor<1x8x4xf32>
  %2 = pi.mul %1, %b : tensor<1x8x4xf32>, tensor<4xf32> -> tensor<1x8x4xf32>
  return %2 : tensor<1x8x4xf32>
}

// -----

// Attention: hidden scores are finite, hidden weights are 0, and the division is
// one a row, after the product with the values.
// CHECK: [[K:%.*]] = stablehlo.transpose
// CHECK: [[S:%.*]] = stablehlo.dot_general {{.*}}, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [3] : (tensor<1x2x8x2xf32>, tensor<1x2x8x2xf32>) -> tensor<1x2x8x8xf32>
// CHECK: stablehlo.iota dim = 1 : tensor<8x8xi64>
// CHECK: stablehlo.iota dim = 0 : tensor<8x8xi64>
// CHECK: stablehlo.compare LE
// CHECK: [[VISIBLE:%.*]] = stablehlo.broadcast_in_dim {{.*}}, dims = [2, 3] : (tensor<8x8xi1>) -> tensor<1x2x8x8xi1>
// CHECK: stablehlo.constant dense<-1.000000e+04>
// CHECK: stablehlo.select [[VISIBLE]]
// CHECK: stablehlo.constant dense<0xFF800000> : tensor<f32>
// CHECK-NEXT: stablehlo.reduce({{.*}}) applies stablehlo.maximum across dimensions = [3]
// CHECK: stablehlo.exponential
// CHECK: stablehlo.select [[VISIBLE]]
// CHECK: stablehlo.reduce({{.*}}) applies stablehlo.add across dimensions = [3]
// CHECK: stablehlo.divide {{.*}} : tensor<1x2x8x1xf32>
// CHECK: stablehlo.dot_general {{.*}} contracting_dims = [3] x [2]
// CHECK-NOT: stablehlo.divide
func.func @main(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %wte = pi.weight "wte" dense<1.0> : tensor<16x4xf32>
  %0 = pi.embedding %wte[%tokens] : tensor<16x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %1 = pi.attention %0, %0, %0 heads 2 scale 1.000000e+00 causal : tensor<1x8x4xf32>, tensor<1x8x4xf32>
  return %1 : tensor<1x8x4xf32>
}

// -----

// Without a mask no score is hidden.
// CHECK-NOT: stablehlo.select
// CHECK: return
func.func @main(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %wte = pi.weight "wte" dense<1.0> : tensor<16x4xf32>
  %0 = pi.embedding %wte[%tokens] : tensor<16x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %1 = pi.attention %0, %0, %0 heads 2 scale 1.000000e+00 : tensor<1x8x4xf32>, tensor<1x8x4xf32>
  return %1 : tensor<1x8x4xf32>
}

// -----

// A norm has one root a row, spread after it; erf is SPU's custom call.
// CHECK: stablehlo.rsqrt {{.*}} : tensor<1x8x1xf32>
// CHECK: stablehlo.custom_call @mhlo.erf({{%.*}}) {mhlo.attributes = {}, mhlo.version = 1 : i64} : (tensor<1x8x4xf32>) -> tensor<1x8x4xf32>
// CHECK: stablehlo.tanh
// CHECK: stablehlo.logistic
// CHECK: stablehlo.compare GE
// CHECK-NEXT: stablehlo.broadcast_in_dim {{.*}}, dims = [] : (tensor<f32>)
func.func @main(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %wte = pi.weight "wte" dense<1.0> : tensor<16x4xf32>
  %0 = pi.embedding %wte[%tokens] : tensor<16x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %1 = pi.layer_norm %0 epsilon 9.99999974E-6 : tensor<1x8x4xf32>
  %2 = pi.gelu %1 : tensor<1x8x4xf32>
  %3 = pi.gelu %2 approximation tanh : tensor<1x8x4xf32>
  %4 = pi.silu %3 : tensor<1x8x4xf32>
  %5 = pi.leaky_relu %4 slope 1.000000e-01 : tensor<1x8x4xf32>
  return %5 : tensor<1x8x4xf32>
}

// -----

// Temperatures divide the queries: a division for each head and position.
// CHECK: stablehlo.divide {{.*}} : tensor<2x8xf32>
// CHECK: stablehlo.multiply {{.*}} : tensor<1x2x8x2xf32>
func.func @main(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %wte = pi.weight "wte" dense<1.0> : tensor<16x4xf32>
  %t = pi.weight "t" dense<2.0> : tensor<2x8xf32>
  %0 = pi.embedding %wte[%tokens] : tensor<16x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %1 = pi.attention %0, %0, %0 temperature %t : tensor<2x8xf32> heads 2 scale 1.000000e+00 : tensor<1x8x4xf32>, tensor<1x8x4xf32>
  return %1 : tensor<1x8x4xf32>
}
