// RUN: aero-opt %s --pass-pipeline='builtin.module(func.func(pi-raise,pi-verify-raised))' --verify-diagnostics | FileCheck %s

// BERT's pooler ends in a tanh that is no part of a GELU.
// CHECK-LABEL: func @pooler
func.func @pooler(%x: tensor<1x3x4xf32>) -> tensor<1x4xf32> {
  %w = pi.weight "w" dense<0.1> : tensor<4x4xf32>
  %s = pi.slice %x axis 1 offset 0 : tensor<1x3x4xf32> -> tensor<1x1x4xf32>
  %r = pi.reshape %s : tensor<1x1x4xf32> -> tensor<1x4xf32>
  %l = pi.matmul %r, %w : tensor<1x4xf32>, tensor<4x4xf32> -> tensor<1x4xf32>
  // CHECK: pi.tanh
  %y = pi.tanh %l : tensor<1x4xf32>
  return %y : tensor<1x4xf32>
}

// A gated feed-forward network multiplies two activations.
// CHECK-LABEL: func @gated
func.func @gated(%x: tensor<1x3x4xf32>) -> tensor<1x3x4xf32> {
  %w = pi.weight "w" dense<0.1> : tensor<4x8xf32>
  %v = pi.weight "v" dense<0.1> : tensor<4x8xf32>
  %u = pi.weight "u" dense<0.1> : tensor<8x4xf32>
  %g = pi.matmul %x, %w : tensor<1x3x4xf32>, tensor<4x8xf32> -> tensor<1x3x8xf32>
  %s = pi.sigmoid %g : tensor<1x3x8xf32>
  // CHECK: pi.silu
  %a = pi.mul %g, %s : tensor<1x3x8xf32>, tensor<1x3x8xf32> -> tensor<1x3x8xf32>
  %b = pi.matmul %x, %v : tensor<1x3x4xf32>, tensor<4x8xf32> -> tensor<1x3x8xf32>
  // CHECK: pi.mul
  %m = pi.mul %a, %b : tensor<1x3x8xf32>, tensor<1x3x8xf32> -> tensor<1x3x8xf32>
  %y = pi.matmul %m, %u : tensor<1x3x8xf32>, tensor<8x4xf32> -> tensor<1x3x4xf32>
  return %y : tensor<1x3x4xf32>
}

// OPT numbers the tokens of a padded prompt by the running sum of its mask.
// CHECK-LABEL: func @positions
func.func @positions(%m: tensor<1x3xi64>) -> tensor<1x3x4xf32> {
  %t = pi.weight "wpe" dense<0.1> : tensor<6x4xf32>
  %one = pi.constant dense<1> : tensor<i64>
  // CHECK: pi.cumsum
  %c = pi.cumsum %m axis 1 : tensor<1x3xi64>
  %d = pi.mul %c, %m : tensor<1x3xi64>, tensor<1x3xi64> -> tensor<1x3xi64>
  %e = pi.sub %d, %one : tensor<1x3xi64>, tensor<i64> -> tensor<1x3xi64>
  %y = pi.embedding %t[%e] : tensor<6x4xf32>, tensor<1x3xi64> -> tensor<1x3x4xf32>
  return %y : tensor<1x3x4xf32>
}

// Moving data is free, wherever it happens.
// CHECK-LABEL: func @moved
func.func @moved(%x: tensor<1x3x4xf32>) -> tensor<4x3x2xf32> {
  // CHECK: pi.transpose
  %t = pi.transpose %x [2, 1, 0] : tensor<1x3x4xf32> -> tensor<4x3x1xf32>
  %b = pi.broadcast %t : tensor<4x3x1xf32> -> tensor<4x3x2xf32>
  return %b : tensor<4x3x2xf32>
}

// Angles of positions that are an input.
// CHECK-LABEL: func @angles
func.func @angles(%x: tensor<1x3x4xf32>, %p: tensor<1x3xi64>) -> tensor<1x3x4xf32> {
  %f = pi.cast %p : tensor<1x3xi64> -> tensor<1x3xf32>
  %r = pi.reshape %f : tensor<1x3xf32> -> tensor<3x1xf32>
  %i = pi.constant dense<0.5> : tensor<1x2xf32>
  %a = pi.matmul %r, %i : tensor<3x1xf32>, tensor<1x2xf32> -> tensor<3x2xf32>
  // CHECK: pi.cos
  %c = pi.cos %a : tensor<3x2xf32>
  %s = pi.sin %a : tensor<3x2xf32>
  %y = pi.rotary_embedding %x cos %c sin %s heads 1 : tensor<1x3x4xf32>, tensor<3x2xf32>
  return %y : tensor<1x3x4xf32>
}
