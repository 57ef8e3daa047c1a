// RUN: echo '{"norm": 2.0}' > %t.json
// RUN: aero-opt %s --pi-strip-layernorm='mode=static calibration=%t.json' | FileCheck %s
// RUN: aero-opt %s --pi-strip-layernorm='mode=static calibration=%t.json' --remarks-filter=pi-strip-layernorm 2>&1 | FileCheck %s --check-prefix=REMARK

// Where linear maps alone read the norm, they take it in, and carry the names
// of its parameters.
// CHECK-LABEL: func @folded
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x4xf32>)
// CHECK-DAG: %[[W:.*]] = pi.weight "w+g" {{.*}} : tensor<4x8xf32>
// CHECK-DAG: %[[B:.*]] = pi.weight "w+b" {{.*}} : tensor<8xf32>
// CHECK-NOT: pi.weight "w"
// CHECK: pi.linear %[[X]], %[[W]] bias %[[B]]
// REMARK: remark: {{.*}}folded the static scale of 'norm' (pi.layer_norm) into 1 linear maps
func.func @folded(%x: tensor<1x2x4xf32>) -> tensor<1x2x8xf32> {
  %g = pi.weight "g" dense<0.5> : tensor<4xf32>
  %b = pi.weight "b" dense<0.25> : tensor<4xf32>
  %w = pi.weight "w" dense<0.5> : tensor<4x8xf32>
  %n = pi.layer_norm %x gamma %g : tensor<4xf32> beta %b : tensor<4xf32> epsilon 1.000000e-05 : tensor<1x2x4xf32> loc("norm")
  %y = pi.linear %n, %w : tensor<1x2x4xf32>, tensor<4x8xf32> -> tensor<1x2x8xf32>
  return %y : tensor<1x2x8xf32>
}

// Something else reads it: centring and scale are a linear map of their own.
// CHECK-LABEL: func @other_reader
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x4xf32>)
// CHECK: %[[W:.*]] = pi.weight "g" {{.*}} : tensor<4x4xf32>
// CHECK: %[[N:.*]] = pi.linear %[[X]], %[[W]] bias %{{.*}} : tensor<4xf32>
// CHECK: pi.gelu %[[N]]
// REMARK: remark: {{.*}}the static scale of 'norm' (pi.layer_norm) is an op of its own: pi.gelu reads the norm and is no linear map
func.func @other_reader(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %g = pi.weight "g" dense<0.5> : tensor<4xf32>
  %b = pi.weight "b" dense<0.25> : tensor<4xf32>
  %n = pi.layer_norm %x gamma %g : tensor<4xf32> beta %b : tensor<4xf32> epsilon 1.000000e-05 : tensor<1x2x4xf32> loc("norm")
  %y = pi.gelu %n : tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// An RMS norm does not mix columns.
// CHECK-LABEL: func @rms_norm
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x4xf32>)
// CHECK: %[[S:.*]] = pi.weight "aero.static_norm.norm" {{.*}} : tensor<4xf32>
// CHECK: %[[N:.*]] = pi.mul %[[X]], %[[S]]
// CHECK: pi.gelu %[[N]]
func.func @rms_norm(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %n = pi.rms_norm %x epsilon 1.000000e-05 : tensor<1x2x4xf32> loc("norm")
  %y = pi.gelu %n : tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// Parameters that are computed stay apart.
// CHECK-LABEL: func @computed
// CHECK: %[[N:.*]] = pi.linear
// CHECK: %[[M:.*]] = pi.mul %[[N]], %arg1
// CHECK: %[[A:.*]] = pi.add %[[M]], %arg2
// CHECK: return %[[A]]
func.func @computed(%x: tensor<1x2x4xf32>, %g: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<1x2x4xf32> {
  %n = pi.layer_norm %x gamma %g : tensor<4xf32> beta %b : tensor<4xf32> epsilon 1.000000e-05 : tensor<1x2x4xf32> loc("norm")
  return %n : tensor<1x2x4xf32>
}
