// RUN: not aero-translate --export-onnx --split-input-file %s 2>&1 >/dev/null | FileCheck %s
// RUN: not aero-translate --export-onnx --export-opset=24 --split-input-file %s 2>&1 >/dev/null | FileCheck %s --check-prefix=OPSET

// OPSET: error: operator set 24 cannot be written; choose one from 17 to 23

// CHECK: error: cannot be written as ONNX: the module has no function @main with a body
func.func @other() {
  return
}

// -----

// CHECK: error: 'func.call' has no ONNX form (ONNX node '/h.0/Call'); export the model before it is lowered
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = func.call @f(%x) : (tensor<2xf32>) -> tensor<2xf32> loc("/h.0/Call")
  return %0 : tensor<2xf32>
}
func.func private @f(tensor<2xf32>) -> tensor<2xf32>

// -----

// CHECK: error: weight 'w' cannot be read: resource 'gone' holds no data
func.func @main(%x: tensor<1x8xf32>) -> tensor<1x8xf32> {
  %w = pi.weight "w" dense_resource<gone> : tensor<8x8xf32>
  %0 = pi.linear %x, %w : tensor<1x8xf32>, tensor<8x8xf32> -> tensor<1x8xf32>
  return %0 : tensor<1x8xf32>
}
