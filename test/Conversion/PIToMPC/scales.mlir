// RUN: aero-opt %s --split-input-file --convert-pi-to-mpc | FileCheck %s
// RUN: aero-opt %s --split-input-file --convert-pi-to-mpc='activation-frac=12 weight-frac=16 compare-bits=40' | FileCheck %s --check-prefix=OPTIONS

// [example] --split-input-file --convert-pi-to-mpc
// A product that is used twice is truncated once; a product that is revealed
// never is.
// CHECK-LABEL: func.func @truncated_once(
// CHECK: %[[L:.*]] = mpc.linear
// CHECK: %[[T:.*]] = mpc.trunc %[[L]] by 20
// CHECK-NOT: mpc.trunc
// CHECK: mpc.linear %[[T]],
// CHECK: %[[P:.*]] = mpc.linear %[[T]],
// CHECK: %[[SUM:.*]] = mpc.add %{{.*}}, %[[P]] : <8x4, f = 36>
// CHECK: mpc.reveal %[[SUM]]
// OPTIONS-LABEL: func.func @truncated_once(
// OPTIONS: mpc.embedding {{.*}} -> <8x4, f = 12, bits = 32>
// OPTIONS: mpc.linear {{.*}} -> <8x4, f = 28>
// OPTIONS: mpc.trunc %{{.*}} by 16 : <8x4, f = 28> -> <8x4, f = 12>
func.func @truncated_once(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %w = pi.weight "w" dense<0.5> : tensor<4x4xf32>
  %v = pi.weight "v" dense<0.25> : tensor<4x4xf32>
  %u = pi.weight "u" dense<0.75> : tensor<4x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %1 = pi.linear %0, %w : tensor<1x8x4xf32>, tensor<4x4xf32> -> tensor<1x8x4xf32>
  %2 = pi.linear %1, %v : tensor<1x8x4xf32>, tensor<4x4xf32> -> tensor<1x8x4xf32>
  %3 = pi.linear %1, %u : tensor<1x8x4xf32>, tensor<4x4xf32> -> tensor<1x8x4xf32>
  %4 = pi.add %2, %3 : tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  return %4 : tensor<1x8x4xf32>
}
// [end of example]

// -----

// A weight added to a product has the product's scale; one that is used at two
// scales becomes two.
// CHECK-LABEL: func.func @addends(
// CHECK: %[[B16:.*]] = mpc.weight "b" {{.*}} : <4, f = 16>
// CHECK: mpc.add_weight %{{.*}}, %[[B16]] : <8x4, f = 16>, <4, f = 16>
// CHECK: %[[B36:.*]] = mpc.weight "b" {{.*}} : <4, f = 36>
// CHECK: %[[S:.*]] = mpc.add_weight %{{.*}}, %[[B36]] : <8x4, f = 36>, <4, f = 36>
// CHECK: mpc.take_row %[[S]]
// CHECK-NOT: mpc.trunc
// OPTIONS-LABEL: func.func @addends(
func.func @addends(%tokens: tensor<1x8xi64>, %position: tensor<i64>) -> tensor<1x1x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %w = pi.weight "w" dense<0.5> : tensor<4x4xf32>
  %b = pi.weight "b" dense<0.25> : tensor<4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %1 = pi.add %b, %0 : tensor<4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  %2 = pi.linear %1, %w : tensor<1x8x4xf32>, tensor<4x4xf32> -> tensor<1x8x4xf32>
  %3 = pi.add %2, %b : tensor<1x8x4xf32>, tensor<4xf32> -> tensor<1x8x4xf32>
  %4 = pi.select_token %3 at %position : tensor<1x8x4xf32>, tensor<i64> -> tensor<1x1x4xf32>
  return %4 : tensor<1x1x4xf32>
}

// -----

// Wider than the proved range needs, because the option says so.
// CHECK-LABEL: func.func @attention(
// OPTIONS-LABEL: func.func @attention(
// CHECK: mpc.max_row %{{.*}} causal bits 8 range <{{2.3.*e\+01}}, proved> : <1x36, f = 16> -> <1x8, f = 0, bits = 8>
// OPTIONS: mpc.trunc %{{.*}} by 12 : <1x36, f = 24> -> <1x36, f = 12>
// OPTIONS: mpc.max_row %{{.*}} causal bits 40 range <{{2.3.*e\+01}}, proved> : <1x36, f = 12> -> <1x8, f = 0, bits = 40>
// OPTIONS: mpc.trunc %{{.*}} by 20 : <1x8x4, f = 32> -> <1x8x4, f = 12>
// OPTIONS: mpc.trunc %{{.*}} by 28 : <1x8x4, f = 40> -> <1x8x4, f = 12>
// OPTIONS: mpc.reveal %{{.*}} : <8x4, f = 12>
func.func @attention(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %1 = pi.attention %0, %0, %0 heads 1 scale 0.693147182 causal : tensor<1x8x4xf32>, tensor<1x8x4xf32>
  return %1 : tensor<1x8x4xf32>
}

// -----

// A reshape goes through at any scale, and one of the batch dimension alone is
// nothing. Resources are kept, not copied.
// CHECK-LABEL: func.func @reshapes(
// CHECK: mpc.weight "t" dense_resource<table> : tensor<2x4xf32>
// CHECK: %[[L:.*]] = mpc.linear
// CHECK-NEXT: %[[R:.*]] = mpc.reshape %[[L]] : <8x4, f = 36> -> <32, f = 36>
// CHECK-NEXT: mpc.reveal %[[R]] : <32, f = 36> -> tensor<32xf64>
// OPTIONS-LABEL: func.func @reshapes(
func.func @reshapes(%tokens: tensor<1x8xi64>) -> tensor<32xf32> {
  %t = pi.weight "t" dense_resource<table> : tensor<2x4xf32>
  %w = pi.weight "w" dense<0.5> : tensor<4x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<2x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %1 = pi.linear %0, %w : tensor<1x8x4xf32>, tensor<4x4xf32> -> tensor<1x8x4xf32>
  %2 = pi.reshape %1 : tensor<1x8x4xf32> -> tensor<8x4xf32>
  %3 = pi.reshape %2 : tensor<8x4xf32> -> tensor<32xf32>
  return %3 : tensor<32xf32>
}

{-#
  dialect_resources: {
    builtin: {
      table: "0x40000000000000000000803F0000004000004040000080400000A0400000C0400000E040"
    }
  }
#-}

// -----

// One weight is the table and, turned, the matrix of the logits.
// CHECK-LABEL: func.func @tied(
// CHECK: mpc.weight "wte" dense_resource<wte> : tensor<2x1xf32> : <2x1, f = 16>
// CHECK: %[[T:.*]] = mpc.weight "wte^T" dense_resource<[[KEY:.*]]> : tensor<1x2xf32> : <1x2, f = 20>
// CHECK: mpc.linear %{{.*}}, %[[T]]
// OPTIONS-LABEL: func.func @tied(
func.func @tied(%tokens: tensor<1x8xi64>) -> tensor<1x8x2xf32> {
  %t = pi.weight "wte" dense_resource<wte> : tensor<2x1xf32>
  %h = pi.transpose %t [1, 0] : tensor<2x1xf32> -> tensor<1x2xf32>
  %0 = pi.embedding %t[%tokens] : tensor<2x1xf32>, tensor<1x8xi64> -> tensor<1x8x1xf32>
  %1 = pi.linear %0, %h : tensor<1x8x1xf32>, tensor<1x2xf32> -> tensor<1x8x2xf32>
  return %1 : tensor<1x8x2xf32>
}

{-#
  dialect_resources: {
    builtin: {
      wte: "0x100000000000003F0000403F"
    }
  }
#-}
