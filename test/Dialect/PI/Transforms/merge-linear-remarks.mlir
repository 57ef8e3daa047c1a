// RUN: aero-opt %s --pi-merge-linear=residual=true --remarks-filter=pi-merge-linear -verify-diagnostics -split-input-file
// Remarks stand where the merged op was.

// expected-remark @below {{merged: 1}}
func.func @merged(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %w1 = pi.weight "w1" dense<0.5> : tensor<4x8xf32>
  %w2 = pi.weight "w2" dense<0.25> : tensor<8x4xf32>
  %h = pi.linear %x, %w1 : tensor<1x2x4xf32>, tensor<4x8xf32> -> tensor<1x2x8xf32>
  // expected-remark @below {{merged pi.linear into pi.linear: 16 multiply-adds a row instead of 64}}
  %y = pi.linear %h, %w2 : tensor<1x2x8xf32>, tensor<8x4xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

// The ONNX nodes are named where they are known.
// expected-remark @below {{merged: 1}}
func.func @merged_nodes(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %w1 = pi.weight "w1" dense<0.5> : tensor<4x8xf32>
  %w2 = pi.weight "w2" dense<0.25> : tensor<8x4xf32>
  %h = pi.linear %x, %w1 : tensor<1x2x4xf32>, tensor<4x8xf32> -> tensor<1x2x8xf32> loc("/h.0/mlp/c_fc")
  // expected-remark @unknown {{merged '/h.0/mlp/c_fc' (pi.linear) into '/h.0/mlp/c_proj' (pi.linear)}}
  %y = pi.linear %h, %w2 : tensor<1x2x8xf32>, tensor<8x4xf32> -> tensor<1x2x4xf32> loc("/h.0/mlp/c_proj")
  return %y : tensor<1x2x4xf32>
}

// -----

// expected-remark @below {{merged: 1}}
func.func @residual(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %w = pi.weight "w" dense<0.5> : tensor<4x4xf32>
  %f = pi.linear %x, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  // expected-remark @below {{merged the residual sum pi.add into pi.linear}}
  %r = pi.add %x, %f : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  return %r : tensor<1x2x4xf32>
}

// -----

// expected-remark @below {{merged: 0; not merged, as merging would take more multiply-adds: 1}}
func.func @bottleneck(%x: tensor<1x2x8xf32>) -> tensor<1x2x8xf32> {
  %w1 = pi.weight "w1" dense<0.5> : tensor<8x1xf32>
  %w2 = pi.weight "w2" dense<0.25> : tensor<1x8xf32>
  %h = pi.linear %x, %w1 : tensor<1x2x8xf32>, tensor<8x1xf32> -> tensor<1x2x1xf32>
  // expected-remark @below {{pi.linear is not merged: merging would take 64 multiply-adds a row instead of 16}}
  %y = pi.linear %h, %w2 : tensor<1x2x1xf32>, tensor<1x8xf32> -> tensor<1x2x8xf32>
  return %y : tensor<1x2x8xf32>
}

// -----

// expected-remark @below {{merged: 0; not merged, as the inner result has another use: 1}}
func.func @other_use(%x: tensor<1x2x4xf32>) -> (tensor<1x2x8xf32>, tensor<1x2x4xf32>) {
  %w1 = pi.weight "w1" dense<0.5> : tensor<4x8xf32>
  %w2 = pi.weight "w2" dense<0.25> : tensor<8x4xf32>
  %h = pi.linear %x, %w1 : tensor<1x2x4xf32>, tensor<4x8xf32> -> tensor<1x2x8xf32>
  // expected-remark @below {{pi.linear is not merged: the inner result has another use}}
  %y = pi.linear %h, %w2 : tensor<1x2x8xf32>, tensor<8x4xf32> -> tensor<1x2x4xf32>
  return %h, %y : tensor<1x2x8xf32>, tensor<1x2x4xf32>
}

// -----

// expected-remark @below {{merged: 0; not merged, as the matrix is computed, not a weight: 1}}
func.func @unknown_matrix(%x: tensor<1x2x4xf32>, %w1: tensor<4x8xf32>) -> tensor<1x2x4xf32> {
  %w2 = pi.weight "w2" dense<0.25> : tensor<8x4xf32>
  %h = pi.linear %x, %w1 : tensor<1x2x4xf32>, tensor<4x8xf32> -> tensor<1x2x8xf32>
  // expected-remark @below {{pi.linear is not merged: the matrix is computed, not a weight}}
  %y = pi.linear %h, %w2 : tensor<1x2x8xf32>, tensor<8x4xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

// expected-remark @below {{merged: 0; not merged, as the bias is computed, not a weight: 1}}
func.func @unknown_bias(%x: tensor<1x2x4xf32>, %b: tensor<4xf32>) -> tensor<1x2x4xf32> {
  %w1 = pi.weight "w1" dense<0.5> : tensor<4x8xf32>
  %w2 = pi.weight "w2" dense<0.25> : tensor<8x4xf32>
  %h = pi.linear %x, %w1 : tensor<1x2x4xf32>, tensor<4x8xf32> -> tensor<1x2x8xf32>
  // expected-remark @below {{pi.linear is not merged: the bias is computed, not a weight}}
  %y = pi.linear %h, %w2 bias %b : tensor<4xf32> : tensor<1x2x8xf32>, tensor<8x4xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// -----

// expected-remark @below {{merged: 0; not merged, as the result of the linear map has another use: 1}}
func.func @residual_other_use(%x: tensor<1x2x4xf32>) -> (tensor<1x2x4xf32>, tensor<1x2x4xf32>) {
  %w = pi.weight "w" dense<0.5> : tensor<4x4xf32>
  %f = pi.linear %x, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  // expected-remark @below {{pi.add is not merged: the result of the linear map has another use}}
  %r = pi.add %x, %f : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  return %f, %r : tensor<1x2x4xf32>, tensor<1x2x4xf32>
}
