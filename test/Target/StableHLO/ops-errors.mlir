// RUN: not aero-translate --pi-to-stablehlo --split-input-file %s 2>&1 >/dev/null | FileCheck %s

// CHECK: error: the module has no function @main with a body of one block
func.func @other() {
  return
}

// -----

// CHECK: error: no language model with a folded signature
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

// The prompt is a matrix of one-hot rows: nothing but a lookup can use its ids.
// CHECK: error: 'pi.cumsum' (ONNX node '/CumSum') has no form in StableHLO for SPU
// CHECK-NEXT: 'pi.attention' (ONNX node '/h.0/Softmax') has no form in StableHLO for SPU
// CHECK-NOT: has no form
func.func @main(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %wte = pi.weight "wte" dense<1.0> : tensor<16x4xf32>
  %mask = pi.constant dense<1> : tensor<1x8xi64>
  %0 = pi.embedding %wte[%tokens] : tensor<16x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %1 = pi.cumsum %0 axis 1 : tensor<1x8x4xf32> loc("/CumSum")
  %2 = pi.attention %1, %1, %1 mask %mask : tensor<1x8xi64> heads 2 scale 1.000000e+00 : tensor<1x8x4xf32>, tensor<1x8x4xf32> loc("/h.0/Softmax")
  return %2 : tensor<1x8x4xf32>
}

// -----

// A bias that hides keys.
// CHECK: error: 'pi.attention' has no form in StableHLO for SPU
func.func @main(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %wte = pi.weight "wte" dense<1.0> : tensor<16x4xf32>
  %bias = pi.constant dense<-1.0e9> : tensor<8x8xf32>
  %0 = pi.embedding %wte[%tokens] : tensor<16x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %1 = pi.attention %0, %0, %0 bias %bias : tensor<8x8xf32> heads 2 scale 1.000000e+00 : tensor<1x8x4xf32>, tensor<1x8x4xf32>
  return %1 : tensor<1x8x4xf32>
}
