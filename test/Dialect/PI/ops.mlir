// RUN: aero-opt %s --verify-roundtrip | FileCheck %s
// RUN: aero-opt %s --mlir-print-op-generic | aero-opt | FileCheck %s

// CHECK-LABEL: func @parameters
func.func @parameters() -> (tensor<2xf32>, tensor<2x2xf32>, tensor<i64>, tensor<2xi1>) {
  // The name of the SSA value follows the name of the weight.
  // CHECK: %h.0.mlp_W = pi.weight "h.0.mlp/W" dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
  %0 = pi.weight "h.0.mlp/W" dense<[1.0, 2.0]> : tensor<2xf32>
  // CHECK: pi.weight "wte" dense_resource<wte> : tensor<2x2xf32>
  %1 = pi.weight "wte" dense_resource<wte> : tensor<2x2xf32>
  // CHECK: %cst = pi.constant dense<3> : tensor<i64>
  %2 = pi.constant dense<3> : tensor<i64>
  // CHECK: pi.constant dense<[true, false]> : tensor<2xi1>
  %3 = pi.constant dense<[true, false]> : tensor<2xi1>
  return %0, %1, %2, %3 : tensor<2xf32>, tensor<2x2xf32>, tensor<i64>, tensor<2xi1>
}

// CHECK-LABEL: func @embedding
// CHECK-SAME: (%[[TABLE:.*]]: tensor<10x4xf32>, %[[IDS:.*]]: tensor<1x3xi64>)
func.func @embedding(%table: tensor<10x4xf32>, %ids: tensor<1x3xi64>) -> tensor<1x3x4xf32> {
  // CHECK: pi.embedding %[[TABLE]][%[[IDS]]] : tensor<10x4xf32>, tensor<1x3xi64> -> tensor<1x3x4xf32>
  %0 = pi.embedding %table[%ids] : tensor<10x4xf32>, tensor<1x3xi64> -> tensor<1x3x4xf32>
  return %0 : tensor<1x3x4xf32>
}

// CHECK-LABEL: func @linear
// CHECK-SAME: (%[[X:.*]]: tensor<1x3x4xf32>, %[[W:.*]]: tensor<4x5xf32>, %[[B:.*]]: tensor<5xf32>)
func.func @linear(%x: tensor<1x3x4xf32>, %w: tensor<4x5xf32>, %b: tensor<5xf32>) -> (tensor<1x3x5xf32>, tensor<1x3x5xf32>) {
  // CHECK: pi.linear %[[X]], %[[W]] bias %[[B]] : tensor<5xf32> : tensor<1x3x4xf32>, tensor<4x5xf32> -> tensor<1x3x5xf32>
  %0 = pi.linear %x, %w bias %b : tensor<5xf32> : tensor<1x3x4xf32>, tensor<4x5xf32> -> tensor<1x3x5xf32>
  // CHECK: pi.linear %[[X]], %[[W]] : tensor<1x3x4xf32>, tensor<4x5xf32> -> tensor<1x3x5xf32>
  %1 = pi.linear %x, %w : tensor<1x3x4xf32>, tensor<4x5xf32> -> tensor<1x3x5xf32>
  return %0, %1 : tensor<1x3x5xf32>, tensor<1x3x5xf32>
}

// CHECK-LABEL: func @matmul
// CHECK-SAME: (%[[A:.*]]: tensor<2x1x3x4xf32>, %[[B:.*]]: tensor<6x4x5xf32>)
func.func @matmul(%a: tensor<2x1x3x4xf32>, %b: tensor<6x4x5xf32>) -> tensor<2x6x3x5xf32> {
  // CHECK: pi.matmul %[[A]], %[[B]] : tensor<2x1x3x4xf32>, tensor<6x4x5xf32> -> tensor<2x6x3x5xf32>
  %0 = pi.matmul %a, %b : tensor<2x1x3x4xf32>, tensor<6x4x5xf32> -> tensor<2x6x3x5xf32>
  return %0 : tensor<2x6x3x5xf32>
}

// CHECK-LABEL: func @arithmetic
// CHECK-SAME: (%[[A:.*]]: tensor<2x1xf32>, %[[B:.*]]: tensor<3xf32>)
func.func @arithmetic(%a: tensor<2x1xf32>, %b: tensor<3xf32>) -> tensor<2x3xf32> {
  // CHECK: %[[V0:.*]] = pi.add %[[A]], %[[B]] : tensor<2x1xf32>, tensor<3xf32> -> tensor<2x3xf32>
  %0 = pi.add %a, %b : tensor<2x1xf32>, tensor<3xf32> -> tensor<2x3xf32>
  // CHECK: %[[V1:.*]] = pi.sub %[[V0]], %[[B]] : tensor<2x3xf32>, tensor<3xf32> -> tensor<2x3xf32>
  %1 = pi.sub %0, %b : tensor<2x3xf32>, tensor<3xf32> -> tensor<2x3xf32>
  // CHECK: %[[V2:.*]] = pi.mul %[[V1]], %[[A]] : tensor<2x3xf32>, tensor<2x1xf32> -> tensor<2x3xf32>
  %2 = pi.mul %1, %a : tensor<2x3xf32>, tensor<2x1xf32> -> tensor<2x3xf32>
  // CHECK: %[[V3:.*]] = pi.div %[[V2]], %[[V0]] : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x3xf32>
  %3 = pi.div %2, %0 : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x3xf32>
  // CHECK: pi.pow %[[V3]], %[[B]] : tensor<2x3xf32>, tensor<3xf32> -> tensor<2x3xf32>
  %4 = pi.pow %3, %b : tensor<2x3xf32>, tensor<3xf32> -> tensor<2x3xf32>
  return %4 : tensor<2x3xf32>
}

// CHECK-LABEL: func @unary
// CHECK-SAME: (%[[X:.*]]: tensor<2x3xf32>)
func.func @unary(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // CHECK: %[[V0:.*]] = pi.sqrt %[[X]] : tensor<2x3xf32>
  %0 = pi.sqrt %x : tensor<2x3xf32>
  // CHECK: %[[V1:.*]] = pi.erf %[[V0]] : tensor<2x3xf32>
  %1 = pi.erf %0 : tensor<2x3xf32>
  // CHECK: pi.tanh %[[V1]] : tensor<2x3xf32>
  %2 = pi.tanh %1 : tensor<2x3xf32>
  return %2 : tensor<2x3xf32>
}

// CHECK-LABEL: func @where
// CHECK-SAME: (%[[C:.*]]: tensor<3x3xi1>, %[[A:.*]]: tensor<2x3x3xf32>, %[[B:.*]]: tensor<f32>)
func.func @where(%c: tensor<3x3xi1>, %a: tensor<2x3x3xf32>, %b: tensor<f32>) -> tensor<2x3x3xf32> {
  // CHECK: pi.where %[[C]], %[[A]], %[[B]] : tensor<3x3xi1>, tensor<2x3x3xf32>, tensor<f32> -> tensor<2x3x3xf32>
  %0 = pi.where %c, %a, %b : tensor<3x3xi1>, tensor<2x3x3xf32>, tensor<f32> -> tensor<2x3x3xf32>
  return %0 : tensor<2x3x3xf32>
}

// CHECK-LABEL: func @reduce_mean
// CHECK-SAME: (%[[X:.*]]: tensor<2x3x4xf32>)
func.func @reduce_mean(%x: tensor<2x3x4xf32>) -> (tensor<2x3x1xf32>, tensor<3xf32>) {
  // CHECK: pi.reduce_mean %[[X]] axes [2] keepdims : tensor<2x3x4xf32> -> tensor<2x3x1xf32>
  %0 = pi.reduce_mean %x axes [2] keepdims : tensor<2x3x4xf32> -> tensor<2x3x1xf32>
  // CHECK: pi.reduce_mean %[[X]] axes [2, 0] : tensor<2x3x4xf32> -> tensor<3xf32>
  %1 = pi.reduce_mean %x axes [2, 0] : tensor<2x3x4xf32> -> tensor<3xf32>
  return %0, %1 : tensor<2x3x1xf32>, tensor<3xf32>
}

// CHECK-LABEL: func @activations
// CHECK-SAME: (%[[X:.*]]: tensor<2x3xf32>)
func.func @activations(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // The default approximation is not printed.
  // CHECK: %[[V0:.*]] = pi.gelu %[[X]] : tensor<2x3xf32>
  %0 = pi.gelu %x approximation none : tensor<2x3xf32>
  // CHECK: %[[V1:.*]] = pi.gelu %[[V0]] approximation tanh : tensor<2x3xf32>
  %1 = pi.gelu %0 approximation tanh : tensor<2x3xf32>
  // CHECK: %[[V2:.*]] = pi.relu %[[V1]] : tensor<2x3xf32>
  %2 = pi.relu %1 : tensor<2x3xf32>
  // CHECK: %[[V3:.*]] = pi.leaky_relu %[[V2]] slope 5.000000e-01 : tensor<2x3xf32>
  %3 = pi.leaky_relu %2 slope 0.5 : tensor<2x3xf32>
  // CHECK: pi.silu %[[V3]] : tensor<2x3xf32>
  %4 = pi.silu %3 : tensor<2x3xf32>
  return %4 : tensor<2x3xf32>
}

// CHECK-LABEL: func @softmax_thresholds
func.func @softmax_thresholds(%x: tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32> {
  // CHECK: pi.softmax %{{.*}} axis 3 entropy_thresholds [0.000000e+00, 1.000000e+00] : tensor<1x2x3x3xf32>
  %0 = pi.softmax %x axis 3 entropy_thresholds [0.0, 1.0] : tensor<1x2x3x3xf32>
  return %0 : tensor<1x2x3x3xf32>
}

// CHECK-LABEL: func @softmax
// CHECK-SAME: (%[[X:.*]]: tensor<2x3xf32>)
func.func @softmax(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  // CHECK: pi.softmax %[[X]] axis 1 : tensor<2x3xf32>
  %0 = pi.softmax %x axis 1 : tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: func @norms
// CHECK-SAME: (%[[X:.*]]: tensor<2x3xf32>, %[[G:.*]]: tensor<3xf32>, %[[B:.*]]: tensor<3xf32>)
func.func @norms(%x: tensor<2x3xf32>, %g: tensor<3xf32>, %b: tensor<3xf32>) -> tensor<2x3xf32> {
  // CHECK: %[[V0:.*]] = pi.layer_norm %[[X]] gamma %[[G]] : tensor<3xf32> beta %[[B]] : tensor<3xf32> epsilon 9.99999974E-6 : tensor<2x3xf32>
  %0 = pi.layer_norm %x gamma %g : tensor<3xf32> beta %b : tensor<3xf32> epsilon 1.0e-5 : tensor<2x3xf32>
  // CHECK: %[[V1:.*]] = pi.layer_norm %[[V0]] beta %[[B]] : tensor<3xf32> epsilon 0.000000e+00 : tensor<2x3xf32>
  %1 = pi.layer_norm %0 beta %b : tensor<3xf32> epsilon 0.0 : tensor<2x3xf32>
  // CHECK: %[[V2:.*]] = pi.layer_norm %[[V1]] epsilon 0.000000e+00 : tensor<2x3xf32>
  %2 = pi.layer_norm %1 epsilon 0.0 : tensor<2x3xf32>
  // CHECK: %[[V3:.*]] = pi.rms_norm %[[V2]] gamma %[[G]] : tensor<3xf32> epsilon 0.000000e+00 : tensor<2x3xf32>
  %3 = pi.rms_norm %2 gamma %g : tensor<3xf32> epsilon 0.0 : tensor<2x3xf32>
  // CHECK: pi.rms_norm %[[V3]] epsilon 0.000000e+00 : tensor<2x3xf32>
  %4 = pi.rms_norm %3 epsilon 0.0 : tensor<2x3xf32>
  return %4 : tensor<2x3xf32>
}

// CHECK-LABEL: func @attention
// CHECK-SAME: (%[[Q:.*]]: tensor<1x3x4xf32>, %[[K:.*]]: tensor<1x5x4xf32>)
func.func @attention(%q: tensor<1x3x4xf32>, %k: tensor<1x5x4xf32>) -> (tensor<1x3x4xf32>, tensor<1x3x4xf32>, tensor<1x3x4xf32>) {
  // CHECK: pi.attention %[[Q]], %[[Q]], %[[Q]] heads 2 scale 5.000000e-01 causal : tensor<1x3x4xf32>, tensor<1x3x4xf32>
  %0 = pi.attention %q, %q, %q heads 2 scale 0.5 causal : tensor<1x3x4xf32>, tensor<1x3x4xf32>
  // CHECK: pi.attention %[[Q]], %[[K]], %[[K]] heads 1 scale 5.000000e-01 : tensor<1x3x4xf32>, tensor<1x5x4xf32>
  %1 = pi.attention %q, %k, %k heads 1 scale 0.5 : tensor<1x3x4xf32>, tensor<1x5x4xf32>
  // After a past of two tokens.
  // CHECK: pi.attention %[[Q]], %[[K]], %[[K]] heads 1 scale 5.000000e-01 causal : tensor<1x3x4xf32>, tensor<1x5x4xf32>
  %2 = pi.attention %q, %k, %k heads 1 scale 0.5 causal : tensor<1x3x4xf32>, tensor<1x5x4xf32>
  return %0, %1, %2 : tensor<1x3x4xf32>, tensor<1x3x4xf32>, tensor<1x3x4xf32>
}

// CHECK-LABEL: func @masked_attention
// CHECK-SAME: (%[[Q:.*]]: tensor<2x3x8xf32>, %[[K:.*]]: tensor<2x5x4xf32>, %[[M:.*]]: tensor<2x5xi64>, %[[N:.*]]: tensor<2x5xi1>, %[[B:.*]]: tensor<4x1x5xf32>)
func.func @masked_attention(%q: tensor<2x3x8xf32>, %k: tensor<2x5x4xf32>, %m: tensor<2x5xi64>, %n: tensor<2x5xi1>, %b: tensor<4x1x5xf32>) -> (tensor<2x3x8xf32>, tensor<2x3x8xf32>) {
  // CHECK: pi.attention %[[Q]], %[[K]], %[[K]] mask %[[M]] : tensor<2x5xi64> heads 4 key_heads 2 scale 5.000000e-01 causal : tensor<2x3x8xf32>, tensor<2x5x4xf32>
  %0 = pi.attention %q, %k, %k mask %m : tensor<2x5xi64> heads 4 key_heads 2 scale 0.5 causal : tensor<2x3x8xf32>, tensor<2x5x4xf32>
  // CHECK: pi.attention %[[Q]], %[[K]], %[[K]] mask %[[N]] : tensor<2x5xi1> bias %[[B]] : tensor<4x1x5xf32> heads 4 key_heads 2 scale 5.000000e-01 : tensor<2x3x8xf32>, tensor<2x5x4xf32>
  %1 = pi.attention %q, %k, %k mask %n : tensor<2x5xi1> bias %b : tensor<4x1x5xf32> heads 4 key_heads 2 scale 0.5 : tensor<2x3x8xf32>, tensor<2x5x4xf32>
  return %0, %1 : tensor<2x3x8xf32>, tensor<2x3x8xf32>
}

// CHECK-LABEL: func @rotary_embedding
// CHECK-SAME: (%[[X:.*]]: tensor<2x3x8xf32>, %[[C:.*]]: tensor<3x2xf32>, %[[D:.*]]: tensor<2x3x1xf32>)
func.func @rotary_embedding(%x: tensor<2x3x8xf32>, %c: tensor<3x2xf32>, %d: tensor<2x3x1xf32>) -> tensor<2x3x8xf32> {
  // CHECK: %[[Y:.*]] = pi.rotary_embedding %[[X]] cos %[[C]] sin %[[C]] heads 2 : tensor<2x3x8xf32>, tensor<3x2xf32>
  %0 = pi.rotary_embedding %x cos %c sin %c heads 2 : tensor<2x3x8xf32>, tensor<3x2xf32>
  // CHECK: pi.rotary_embedding %[[Y]] cos %[[D]] sin %[[D]] heads 2 interleaved : tensor<2x3x8xf32>, tensor<2x3x1xf32>
  %1 = pi.rotary_embedding %0 cos %d sin %d heads 2 interleaved : tensor<2x3x8xf32>, tensor<2x3x1xf32>
  return %1 : tensor<2x3x8xf32>
}

// CHECK-LABEL: func @positions
// CHECK-SAME: (%[[M:.*]]: tensor<2x3xi64>, %[[C:.*]]: tensor<3xi64>)
func.func @positions(%m: tensor<2x3xi64>, %c: tensor<3xi64>) -> (tensor<2x3xf32>, tensor<2x3xi1>) {
  // CHECK: %[[V0:.*]] = pi.cumsum %[[M]] axis 1 : tensor<2x3xi64>
  %0 = pi.cumsum %m axis 1 : tensor<2x3xi64>
  // CHECK: %[[V1:.*]] = pi.mul %[[V0]], %[[M]] : tensor<2x3xi64>, tensor<2x3xi64> -> tensor<2x3xi64>
  %1 = pi.mul %0, %m : tensor<2x3xi64>, tensor<2x3xi64> -> tensor<2x3xi64>
  // CHECK: %[[V2:.*]] = pi.sub %[[V1]], %[[C]] : tensor<2x3xi64>, tensor<3xi64> -> tensor<2x3xi64>
  %2 = pi.sub %1, %c : tensor<2x3xi64>, tensor<3xi64> -> tensor<2x3xi64>
  // CHECK: %[[V3:.*]] = pi.add %[[V2]], %[[C]] : tensor<2x3xi64>, tensor<3xi64> -> tensor<2x3xi64>
  %3 = pi.add %2, %c : tensor<2x3xi64>, tensor<3xi64> -> tensor<2x3xi64>
  // CHECK: %[[F:.*]] = pi.cast %[[V3]] : tensor<2x3xi64> -> tensor<2x3xf32>
  %4 = pi.cast %3 : tensor<2x3xi64> -> tensor<2x3xf32>
  // CHECK: %[[P:.*]] = pi.compare lt %[[M]], %[[C]] : tensor<2x3xi64>, tensor<3xi64> -> tensor<2x3xi1>
  %5 = pi.compare lt %m, %c : tensor<2x3xi64>, tensor<3xi64> -> tensor<2x3xi1>
  // CHECK: %[[R:.*]] = pi.compare eq %[[F]], %[[F]] : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x3xi1>
  %6 = pi.compare eq %4, %4 : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x3xi1>
  // CHECK: %[[N:.*]] = pi.not %[[R]] : tensor<2x3xi1>
  %7 = pi.not %6 : tensor<2x3xi1>
  // CHECK: %[[A:.*]] = pi.and %[[P]], %[[N]] : tensor<2x3xi1>, tensor<2x3xi1> -> tensor<2x3xi1>
  %8 = pi.and %5, %7 : tensor<2x3xi1>, tensor<2x3xi1> -> tensor<2x3xi1>
  // CHECK: %[[O:.*]] = pi.or %[[A]], %[[P]] : tensor<2x3xi1>, tensor<2x3xi1> -> tensor<2x3xi1>
  %9 = pi.or %8, %5 : tensor<2x3xi1>, tensor<2x3xi1> -> tensor<2x3xi1>
  // CHECK: %[[L:.*]] = pi.compare le %[[F]], %[[F]]
  %10 = pi.compare le %4, %4 : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x3xi1>
  // CHECK: pi.and %[[O]], %[[L]]
  %11 = pi.and %9, %10 : tensor<2x3xi1>, tensor<2x3xi1> -> tensor<2x3xi1>
  return %4, %11 : tensor<2x3xf32>, tensor<2x3xi1>
}

// CHECK-LABEL: func @more_arithmetic
// CHECK-SAME: (%[[A:.*]]: tensor<2x1xf32>, %[[B:.*]]: tensor<3xf32>)
func.func @more_arithmetic(%a: tensor<2x1xf32>, %b: tensor<3xf32>) -> tensor<2xf32> {
  // CHECK: %[[V0:.*]] = pi.min %[[A]], %[[B]] : tensor<2x1xf32>, tensor<3xf32> -> tensor<2x3xf32>
  %0 = pi.min %a, %b : tensor<2x1xf32>, tensor<3xf32> -> tensor<2x3xf32>
  // CHECK: %[[V1:.*]] = pi.max %[[V0]], %[[B]] : tensor<2x3xf32>, tensor<3xf32> -> tensor<2x3xf32>
  %1 = pi.max %0, %b : tensor<2x3xf32>, tensor<3xf32> -> tensor<2x3xf32>
  // CHECK: %[[V2:.*]] = pi.exp %[[V1]] : tensor<2x3xf32>
  %2 = pi.exp %1 : tensor<2x3xf32>
  // CHECK: %[[V3:.*]] = pi.sigmoid %[[V2]] : tensor<2x3xf32>
  %3 = pi.sigmoid %2 : tensor<2x3xf32>
  // CHECK: %[[V4:.*]] = pi.sin %[[V3]] : tensor<2x3xf32>
  %4 = pi.sin %3 : tensor<2x3xf32>
  // CHECK: %[[V5:.*]] = pi.cos %[[V4]] : tensor<2x3xf32>
  %5 = pi.cos %4 : tensor<2x3xf32>
  // CHECK: pi.reduce_sum %[[V5]] axes [1] : tensor<2x3xf32> -> tensor<2xf32>
  %6 = pi.reduce_sum %5 axes [1] : tensor<2x3xf32> -> tensor<2xf32>
  return %6 : tensor<2xf32>
}

// CHECK-LABEL: func @repeated_and_taken
// CHECK-SAME: (%[[X:.*]]: tensor<2x1xf32>)
func.func @repeated_and_taken(%x: tensor<2x1xf32>) -> tensor<4x2x2xf32> {
  // CHECK: %[[V0:.*]] = pi.broadcast %[[X]] : tensor<2x1xf32> -> tensor<4x2x3xf32>
  %0 = pi.broadcast %x : tensor<2x1xf32> -> tensor<4x2x3xf32>
  // CHECK: pi.take %[[V0]] axis 2 at [2, 0] : tensor<4x2x3xf32> -> tensor<4x2x2xf32>
  %1 = pi.take %0 axis 2 at [2, 0] : tensor<4x2x3xf32> -> tensor<4x2x2xf32>
  return %1 : tensor<4x2x2xf32>
}

// CHECK-LABEL: func @shape
// CHECK-SAME: (%[[X:.*]]: tensor<2x3x4xi64>)
func.func @shape(%x: tensor<2x3x4xi64>) -> tensor<4x7xi64> {
  // CHECK: %[[V0:.*]] = pi.reshape %[[X]] : tensor<2x3x4xi64> -> tensor<6x4xi64>
  %0 = pi.reshape %x : tensor<2x3x4xi64> -> tensor<6x4xi64>
  // CHECK: %[[V1:.*]] = pi.transpose %[[V0]] [1, 0] : tensor<6x4xi64> -> tensor<4x6xi64>
  %1 = pi.transpose %0 [1, 0] : tensor<6x4xi64> -> tensor<4x6xi64>
  // CHECK: %[[V2:.*]] = pi.slice %[[V1]] axis 1 offset 5 : tensor<4x6xi64> -> tensor<4x1xi64>
  %2 = pi.slice %1 axis 1 offset 5 : tensor<4x6xi64> -> tensor<4x1xi64>
  // CHECK: pi.concat %[[V1]], %[[V2]] axis 1 : tensor<4x6xi64>, tensor<4x1xi64> -> tensor<4x7xi64>
  %3 = pi.concat %1, %2 axis 1 : tensor<4x6xi64>, tensor<4x1xi64> -> tensor<4x7xi64>
  return %3 : tensor<4x7xi64>
}

// CHECK-LABEL: func @select_token
// CHECK-SAME: (%[[X:.*]]: tensor<1x3x4xf32>, %[[I:.*]]: tensor<i64>)
func.func @select_token(%x: tensor<1x3x4xf32>, %i: tensor<i64>) -> tensor<1x1x4xf32> {
  // CHECK: pi.select_token %[[X]] at %[[I]] : tensor<1x3x4xf32>, tensor<i64> -> tensor<1x1x4xf32>
  %0 = pi.select_token %x at %i : tensor<1x3x4xf32>, tensor<i64> -> tensor<1x1x4xf32>
  return %0 : tensor<1x1x4xf32>
}

{-#
  dialect_resources: {
    builtin: {
      wte: "0x100000000000803F000000400000404000008040"
    }
  }
#-}

// CHECK-LABEL: func @learnable_slope
// CHECK-SAME: (%[[X:.*]]: tensor<2x3xf32>, %[[S:.*]]: tensor<f32>)
func.func @learnable_slope(%x: tensor<2x3xf32>, %s: tensor<f32>) -> tensor<2x3xf32> {
  // CHECK: pi.prelu %[[X]] slope %[[S]] : tensor<f32> : tensor<2x3xf32>
  %0 = pi.prelu %x slope %s : tensor<f32> : tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// CHECK-LABEL: func @attention_temperature
// CHECK-SAME: (%[[Q:.*]]: tensor<1x3x4xf32>, %[[B:.*]]: tensor<3x3xf32>, %[[T:.*]]: tensor<2x3xf32>, %[[H:.*]]: tensor<2x1xf32>)
func.func @attention_temperature(%q: tensor<1x3x4xf32>, %b: tensor<3x3xf32>, %t: tensor<2x3xf32>, %h: tensor<2x1xf32>) -> (tensor<1x3x4xf32>, tensor<1x3x4xf32>) {
  // CHECK: pi.attention %[[Q]], %[[Q]], %[[Q]] bias %[[B]] : tensor<3x3xf32> temperature %[[T]] : tensor<2x3xf32> heads 2 scale 5.000000e-01 causal entropy_thresholds [2.500000e-01, 5.000000e-01] : tensor<1x3x4xf32>, tensor<1x3x4xf32>
  %0 = pi.attention %q, %q, %q bias %b : tensor<3x3xf32> temperature %t : tensor<2x3xf32> heads 2 scale 0.5 causal entropy_thresholds [0.25, 0.5] : tensor<1x3x4xf32>, tensor<1x3x4xf32>
  // CHECK: pi.attention %[[Q]], %[[Q]], %[[Q]] temperature %[[H]] : tensor<2x1xf32> heads 2 scale 5.000000e-01 : tensor<1x3x4xf32>, tensor<1x3x4xf32>
  %1 = pi.attention %q, %q, %q temperature %h : tensor<2x1xf32> heads 2 scale 0.5 : tensor<1x3x4xf32>, tensor<1x3x4xf32>
  return %0, %1 : tensor<1x3x4xf32>, tensor<1x3x4xf32>
}
