// RUN: not aero-translate --pi-to-mpspdz --split-input-file %s 2>&1 >/dev/null | FileCheck %s

// CHECK: error: the module has no function @main with a body of one block
func.func @other() {
  return
}

// -----

// CHECK: error: no language model with a folded signature: expected @main of token ids (1, T) and perhaps a position to logits (1, T, V)
func.func @main(%x: tensor<1x8x4xf32>) -> tensor<1x8x4xf32> {
  return %x : tensor<1x8x4xf32>
}

// -----

// CHECK: error: no embedding of the token ids
func.func @main(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %0 = pi.constant dense<0.0> : tensor<1x8x4xf32>
  return %0 : tensor<1x8x4xf32>
}

// -----

// All that cannot be said, with the nodes; what follows from it is not.
// CHECK: error: 'pi.tanh' (ONNX node '/h.0/Tanh') has no form for MP-SPDZ
// CHECK-NEXT: 'pi.add' has no form for MP-SPDZ
// CHECK-NEXT: 'pi.attention' (ONNX node '/h.0/Softmax') has no form for MP-SPDZ
// CHECK-NOT: has no form
func.func @main(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %wte = pi.weight "wte" dense<1.0> : tensor<16x4xf32>
  %column = pi.weight "column" dense<1.0> : tensor<8x1xf32>
  %bias = pi.weight "bias" dense<1.0> : tensor<8x8xf32>
  %0 = pi.embedding %wte[%tokens] : tensor<16x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %1 = pi.tanh %0 : tensor<1x8x4xf32> loc("/h.0/Tanh")
  %2 = pi.add %1, %column : tensor<1x8x4xf32>, tensor<8x1xf32> -> tensor<1x8x4xf32>
  %3 = pi.attention %2, %2, %2 bias %bias : tensor<8x8xf32> heads 2 scale 1.000000e+00 : tensor<1x8x4xf32>, tensor<1x8x4xf32> loc("/h.0/Softmax")
  %4 = pi.relu %3 : tensor<1x8x4xf32>
  return %4 : tensor<1x8x4xf32>
}

// -----

// What mixes rows and columns, takes rows, or counts columns that are split.
// CHECK: error: 'pi.reshape' has no form for MP-SPDZ
// CHECK-NEXT: 'pi.slice' has no form for MP-SPDZ
// CHECK-NEXT: 'pi.relu' has no form for MP-SPDZ
// CHECK-NEXT: 'pi.rotary_embedding' has no form for MP-SPDZ
// CHECK-NOT: has no form
func.func @main(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %wte = pi.weight "wte" dense<1.0> : tensor<16x4xf32>
  %cos = pi.weight "cos" dense<1.0> : tensor<8x1xf32>
  %0 = pi.embedding %wte[%tokens] : tensor<16x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %1 = pi.reshape %0 : tensor<1x8x4xf32> -> tensor<1x16x2xf32>
  %2 = pi.slice %0 axis 1 offset 2 : tensor<1x8x4xf32> -> tensor<1x4x4xf32>
  %3 = pi.reshape %0 : tensor<1x8x4xf32> -> tensor<1x8x2x2xf32>
  %4 = pi.relu %3 : tensor<1x8x2x2xf32>
  %5 = pi.rotary_embedding %0 cos %cos sin %cos heads 2 : tensor<1x8x4xf32>, tensor<8x1xf32>
  return %5 : tensor<1x8x4xf32>
}
