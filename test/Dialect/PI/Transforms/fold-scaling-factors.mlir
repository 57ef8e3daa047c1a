// RUN: aero-opt %s --pi-fold-scaling | FileCheck %s

// Factors of scalar weights and constants. The values are checked by running
// the functions before and after: test/Unit/Transforms.

// A factor after a linear map goes back into its matrix and bias.
// CHECK-LABEL: func @after_linear
// CHECK-DAG: %[[W:.*]] = pi.weight "w+alpha"
// CHECK-DAG: %[[B:.*]] = pi.weight "b+alpha"
// CHECK: %[[Y:.*]] = pi.linear %{{[^ ]*}}, %[[W]] bias %[[B]]
// CHECK-NEXT: return %[[Y]]
func.func @after_linear(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %w = pi.weight "w" dense<0.5> : tensor<4x4xf32>
  %b = pi.weight "b" dense<1.0> : tensor<4xf32>
  %alpha = pi.weight "alpha" dense<4.0> : tensor<f32>
  %f = pi.linear %x, %w bias %b : tensor<4xf32> : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  %y = pi.div %f, %alpha : tensor<1x2x4xf32>, tensor<f32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// A public constant leaves no name.
// CHECK-LABEL: func @before_linear
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x4xf32>)
// CHECK-DAG: %[[W:.*]] = pi.weight "w" dense_resource
// CHECK-DAG: %[[B:.*]] = pi.weight "b" dense<
// CHECK: %[[Y:.*]] = pi.linear %[[X]], %[[W]] bias %[[B]]
// CHECK-NEXT: return %[[Y]]
func.func @before_linear(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %w = pi.weight "w" dense<0.5> : tensor<4x4xf32>
  %b = pi.weight "b" dense<1.0> : tensor<4xf32>
  %c = pi.constant dense<4.0> : tensor<1x1x1xf32>
  %s = pi.mul %c, %x : tensor<1x1x1xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  %y = pi.linear %s, %w bias %b : tensor<4xf32> : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// Every reader of the product absorbs the factor, through slice and reshape.
// CHECK-LABEL: func @through_shapes
// CHECK-NOT: pi.mul
// CHECK: pi.slice %arg0
// CHECK: pi.linear %{{[^ ]*}}, %{{w_c|[^ ]*}} :
// CHECK: pi.reshape %arg0
// CHECK: return
func.func @through_shapes(%x: tensor<1x2x4xf32>) -> (tensor<1x2x2xf32>, tensor<2x3xf32>) {
  %w = pi.weight "w" dense<0.5> : tensor<2x2xf32>
  %v = pi.weight "v" dense<0.5> : tensor<4x3xf32>
  %c = pi.weight "c" dense<4.0> : tensor<f32>
  %s = pi.mul %x, %c : tensor<1x2x4xf32>, tensor<f32> -> tensor<1x2x4xf32>
  %a = pi.slice %s axis 2 offset 1 : tensor<1x2x4xf32> -> tensor<1x2x2xf32>
  %y = pi.linear %a, %w : tensor<1x2x2xf32>, tensor<2x2xf32> -> tensor<1x2x2xf32>
  %r = pi.reshape %s : tensor<1x2x4xf32> -> tensor<2x4xf32>
  %z = pi.linear %r, %v : tensor<2x4xf32>, tensor<4x3xf32> -> tensor<2x3xf32>
  return %y, %z : tensor<1x2x2xf32>, tensor<2x3xf32>
}

// A factor on the residual stream: beta moves to the readers of the sum, and
// 1 / beta to the other summand.
// CHECK-LABEL: func @residual_stream
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x4xf32>
// CHECK-DAG: %[[W:.*]] = pi.weight "w+beta"
// CHECK-DAG: %[[V:.*]] = pi.weight "v+beta"
// CHECK: %[[F:.*]] = pi.linear %{{[^ ]*}}, %[[W]]
// CHECK: %[[R:.*]] = pi.add %[[X]], %[[F]]
// CHECK: %[[Z:.*]] = pi.linear %[[R]], %[[V]]
// CHECK-NEXT: return %[[Z]]
func.func @residual_stream(%x: tensor<1x2x4xf32>) -> tensor<1x2x3xf32> {
  %w = pi.weight "w" dense<0.5> : tensor<4x4xf32>
  %v = pi.weight "v" dense<0.5> : tensor<4x3xf32>
  %beta = pi.weight "beta" dense<4.0> : tensor<f32>
  %g = pi.gelu %x : tensor<1x2x4xf32>
  %f = pi.linear %g, %w : tensor<1x2x4xf32>, tensor<4x4xf32> -> tensor<1x2x4xf32>
  %s = pi.mul %x, %beta : tensor<1x2x4xf32>, tensor<f32> -> tensor<1x2x4xf32>
  %r = pi.add %s, %f : tensor<1x2x4xf32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  %z = pi.linear %r, %v : tensor<1x2x4xf32>, tensor<4x3xf32> -> tensor<1x2x3xf32>
  return %z : tensor<1x2x3xf32>
}

// Backwards into embeddings; the table keeps its value for its other reader.
// CHECK-LABEL: func @embedding
// CHECK-DAG: %[[OLD:.*]] = pi.weight "wte" dense<
// CHECK-DAG: %[[NEW:.*]] = pi.weight "wte+c" dense_resource
// CHECK-DAG: %[[P:.*]] = pi.weight "wpe+c" dense_resource
// CHECK: %[[E:.*]] = pi.embedding %[[NEW]]
// CHECK: %[[R:.*]] = pi.add %[[E]], %[[P]]
// CHECK: %[[O:.*]] = pi.embedding %[[OLD]]
// CHECK: return %[[R]], %[[O]]
func.func @embedding(%t: tensor<1x2xi64>) -> (tensor<1x2x4xf32>, tensor<1x2x4xf32>) {
  %wte = pi.weight "wte" dense<0.5> : tensor<8x4xf32>
  %wpe = pi.weight "wpe" dense<0.5> : tensor<2x4xf32>
  %c = pi.weight "c" dense<4.0> : tensor<f32>
  %e = pi.embedding %wte[%t] : tensor<8x4xf32>, tensor<1x2xi64> -> tensor<1x2x4xf32>
  %s = pi.add %e, %wpe : tensor<1x2x4xf32>, tensor<2x4xf32> -> tensor<1x2x4xf32>
  %y = pi.mul %s, %c : tensor<1x2x4xf32>, tensor<f32> -> tensor<1x2x4xf32>
  %o = pi.embedding %wte[%t] : tensor<8x4xf32>, tensor<1x2xi64> -> tensor<1x2x4xf32>
  return %y, %o : tensor<1x2x4xf32>, tensor<1x2x4xf32>
}

// A normalisation undoes a positive factor: only its epsilon changes, to
// 1e-5 / 4^2.
// CHECK-LABEL: func @before_norm
// CHECK-NOT: pi.mul
// CHECK: pi.layer_norm %arg0 epsilon 6.250000e-07
func.func @before_norm(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %c = pi.weight "c" dense<4.0> : tensor<f32>
  %s = pi.mul %x, %c : tensor<1x2x4xf32>, tensor<f32> -> tensor<1x2x4xf32>
  %y = pi.layer_norm %s epsilon 1.000000e-05 : tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// But not a negative one.
// CHECK-LABEL: func @negative_before_norm_stays
// CHECK: pi.mul
// CHECK: pi.layer_norm {{.*}} epsilon 9.99999974E-6
func.func @negative_before_norm_stays(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %c = pi.weight "c" dense<-4.0> : tensor<f32>
  %s = pi.mul %x, %c : tensor<1x2x4xf32>, tensor<f32> -> tensor<1x2x4xf32>
  %y = pi.layer_norm %s epsilon 1.000000e-05 : tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}

// A ReLU lets a positive factor through, a GELU does not.
// CHECK-LABEL: func @through_relu
// CHECK-NOT: pi.mul
// CHECK: return
func.func @through_relu(%x: tensor<1x2x4xf32>) -> tensor<1x2x3xf32> {
  %v = pi.weight "v" dense<0.5> : tensor<4x3xf32>
  %c = pi.weight "c" dense<4.0> : tensor<f32>
  %s = pi.mul %x, %c : tensor<1x2x4xf32>, tensor<f32> -> tensor<1x2x4xf32>
  %r = pi.relu %s : tensor<1x2x4xf32>
  %y = pi.linear %r, %v : tensor<1x2x4xf32>, tensor<4x3xf32> -> tensor<1x2x3xf32>
  return %y : tensor<1x2x3xf32>
}

// CHECK-LABEL: func @gelu_stays
// CHECK: pi.mul
// CHECK: pi.gelu
func.func @gelu_stays(%x: tensor<1x2x4xf32>) -> tensor<1x2x3xf32> {
  %v = pi.weight "v" dense<0.5> : tensor<4x3xf32>
  %c = pi.weight "c" dense<4.0> : tensor<f32>
  %s = pi.mul %x, %c : tensor<1x2x4xf32>, tensor<f32> -> tensor<1x2x4xf32>
  %r = pi.gelu %s : tensor<1x2x4xf32>
  %y = pi.linear %r, %v : tensor<1x2x4xf32>, tensor<4x3xf32> -> tensor<1x2x3xf32>
  return %y : tensor<1x2x3xf32>
}

// The product is a result of the function, its multiplicand an argument.
// CHECK-LABEL: func @argument_to_result_stays
// CHECK: pi.mul
func.func @argument_to_result_stays(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %c = pi.weight "c" dense<4.0> : tensor<f32>
  %s = pi.mul %x, %c : tensor<1x2x4xf32>, tensor<f32> -> tensor<1x2x4xf32>
  return %s : tensor<1x2x4xf32>
}

// The result of the linear map is also a result of the function.
// CHECK-LABEL: func @other_use_stays
// CHECK: pi.mul
func.func @other_use_stays(%x: tensor<1x2x4xf32>) -> (tensor<1x2x3xf32>, tensor<1x2x3xf32>) {
  %v = pi.weight "v" dense<0.5> : tensor<4x3xf32>
  %c = pi.weight "c" dense<4.0> : tensor<f32>
  %y = pi.linear %x, %v : tensor<1x2x4xf32>, tensor<4x3xf32> -> tensor<1x2x3xf32>
  %s = pi.mul %y, %c : tensor<1x2x3xf32>, tensor<f32> -> tensor<1x2x3xf32>
  return %y, %s : tensor<1x2x3xf32>, tensor<1x2x3xf32>
}

// A product of activations is no factor.
// CHECK-LABEL: func @gate_stays
// CHECK: pi.mul
func.func @gate_stays(%x: tensor<1x2x4xf32>, %g: tensor<1x2x1xf32>) -> tensor<1x2x3xf32> {
  %v = pi.weight "v" dense<0.5> : tensor<4x3xf32>
  %s = pi.mul %x, %g : tensor<1x2x4xf32>, tensor<1x2x1xf32> -> tensor<1x2x4xf32>
  %y = pi.linear %s, %v : tensor<1x2x4xf32>, tensor<4x3xf32> -> tensor<1x2x3xf32>
  return %y : tensor<1x2x3xf32>
}

// A quotient by an activation is no factor either.
// CHECK-LABEL: func @reciprocal_stays
// CHECK: pi.div
func.func @reciprocal_stays(%x: tensor<1x2x4xf32>) -> tensor<1x2x3xf32> {
  %v = pi.weight "v" dense<0.5> : tensor<4x3xf32>
  %c = pi.constant dense<4.0> : tensor<f32>
  %s = pi.div %c, %x : tensor<f32>, tensor<1x2x4xf32> -> tensor<1x2x4xf32>
  %y = pi.linear %s, %v : tensor<1x2x4xf32>, tensor<4x3xf32> -> tensor<1x2x3xf32>
  return %y : tensor<1x2x3xf32>
}

// Zero cannot be taken out of a sum again.
// CHECK-LABEL: func @zero_stays
// CHECK: pi.mul
func.func @zero_stays(%x: tensor<1x2x4xf32>) -> tensor<1x2x3xf32> {
  %v = pi.weight "v" dense<0.5> : tensor<4x3xf32>
  %c = pi.constant dense<0.0> : tensor<f32>
  %s = pi.mul %x, %c : tensor<1x2x4xf32>, tensor<f32> -> tensor<1x2x4xf32>
  %y = pi.linear %s, %v : tensor<1x2x4xf32>, tensor<4x3xf32> -> tensor<1x2x3xf32>
  return %y : tensor<1x2x3xf32>
}
