// RUN: aero-opt %s --pass-pipeline='builtin.module(func.func(pi-raise))' --split-input-file | FileCheck %s

// [example] --pass-pipeline='builtin.module(func.func(pi-raise))'
// As torch.onnx.export writes F.gelu: x * (1 + erf(x / sqrt 2)) * 0.5.
// CHECK-LABEL: func @erf
// CHECK-SAME: (%[[X:.*]]: tensor<2x4xf32>)
func.func @erf(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %sqrt2 = pi.constant dense<1.41421354> : tensor<f32>
  %one = pi.constant dense<1.0> : tensor<f32>
  %half = pi.constant dense<0.5> : tensor<f32>
  %d = pi.div %x, %sqrt2 : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  %e = pi.erf %d : tensor<2x4xf32>
  %a = pi.add %e, %one : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  %m = pi.mul %x, %a : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  // CHECK-NOT: pi.{{div|erf|mul|add}}
  // CHECK: %[[Y:.*]] = pi.gelu %[[X]] : tensor<2x4xf32>
  // CHECK-NEXT: return %[[Y]]
  %y = pi.mul %m, %half : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}
// [end of example]

// -----

// x * (0.5 + 0.5 erf(0.7071 x)), the half inside and a product inside erf.
// CHECK-LABEL: func @erf_in_another_order
func.func @erf_in_another_order(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %c = pi.constant dense<0.707106769> : tensor<1xf32>
  %half = pi.constant dense<0.5> : tensor<f32>
  %d = pi.mul %c, %x : tensor<1xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %e = pi.erf %d : tensor<2x4xf32>
  %h = pi.mul %half, %e : tensor<f32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %a = pi.add %half, %h : tensor<f32>, tensor<2x4xf32> -> tensor<2x4xf32>
  // CHECK: pi.gelu %{{[^ ]*}} : tensor<2x4xf32>
  // CHECK-NEXT: return
  %y = pi.mul %a, %x : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// As GPT-2 writes it: 0.5 x (1 + tanh(c (x + 0.044715 x^3))).
// CHECK-LABEL: func @tanh
func.func @tanh(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %three = pi.constant dense<3.0> : tensor<f32>
  %k = pi.constant dense<4.471500e-02> : tensor<f32>
  %c = pi.constant dense<0.797884583> : tensor<f32>
  %one = pi.constant dense<1.0> : tensor<f32>
  %half = pi.constant dense<0.5> : tensor<f32>
  %p = pi.pow %x, %three : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  %kp = pi.mul %p, %k : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  %s = pi.add %x, %kp : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %i = pi.mul %s, %c : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  %hx = pi.mul %x, %half : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  %t = pi.tanh %i : tensor<2x4xf32>
  %a = pi.add %t, %one : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  // CHECK: %[[Y:.*]] = pi.gelu %{{[^ ]*}} approximation{{ *<?}}tanh
  // CHECK-NEXT: return %[[Y]]
  %y = pi.mul %hx, %a : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// "gelu_fast": c x (1 + 0.044715 x x).
// CHECK-LABEL: func @tanh_factored
func.func @tanh_factored(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %k = pi.constant dense<4.471500e-02> : tensor<f32>
  %c = pi.constant dense<0.797884583> : tensor<f32>
  %one = pi.constant dense<1.0> : tensor<f32>
  %half = pi.constant dense<0.5> : tensor<f32>
  %cx = pi.mul %x, %c : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  %kx = pi.mul %x, %k : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  %kxx = pi.mul %kx, %x : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %s = pi.add %one, %kxx : tensor<f32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %i = pi.mul %cx, %s : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %t = pi.tanh %i : tensor<2x4xf32>
  %a = pi.add %one, %t : tensor<f32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %m = pi.mul %x, %a : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  // CHECK: pi.gelu %{{[^ ]*}} approximation{{ *<?}}tanh
  // CHECK-NEXT: return
  %y = pi.mul %half, %m : tensor<f32>, tensor<2x4xf32> -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// erf(x) without the square root of 2 is another function.
// CHECK-LABEL: func @wrong_coefficient
func.func @wrong_coefficient(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %one = pi.constant dense<1.0> : tensor<f32>
  %half = pi.constant dense<0.5> : tensor<f32>
  %e = pi.erf %x : tensor<2x4xf32>
  %a = pi.add %e, %one : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  %m = pi.mul %x, %a : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  // CHECK-NOT: pi.gelu
  // CHECK: pi.erf
  %y = pi.mul %m, %half : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// Without the half it is twice GELU.
// CHECK-LABEL: func @no_half
func.func @no_half(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %sqrt2 = pi.constant dense<1.41421354> : tensor<f32>
  %one = pi.constant dense<1.0> : tensor<f32>
  %d = pi.div %x, %sqrt2 : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  %e = pi.erf %d : tensor<2x4xf32>
  %a = pi.add %e, %one : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  // CHECK-NOT: pi.gelu
  // CHECK: pi.erf
  %y = pi.mul %x, %a : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// The gate is of another value than what it multiplies.
// CHECK-LABEL: func @gate_of_another_value
func.func @gate_of_another_value(%x: tensor<2x4xf32>, %z: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %sqrt2 = pi.constant dense<1.41421354> : tensor<f32>
  %one = pi.constant dense<1.0> : tensor<f32>
  %half = pi.constant dense<0.5> : tensor<f32>
  %d = pi.div %x, %sqrt2 : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  %e = pi.erf %d : tensor<2x4xf32>
  %a = pi.add %e, %one : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  %m = pi.mul %z, %a : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  // CHECK-NOT: pi.gelu
  // CHECK: pi.erf
  %y = pi.mul %m, %half : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// x^4 inside tanh is no polynomial of degree 3.
// CHECK-LABEL: func @degree_too_high
func.func @degree_too_high(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %one = pi.constant dense<1.0> : tensor<f32>
  %half = pi.constant dense<0.5> : tensor<f32>
  %two = pi.constant dense<2.0> : tensor<f32>
  %p = pi.pow %x, %two : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  %q = pi.pow %p, %two : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  %t = pi.tanh %q : tensor<2x4xf32>
  %a = pi.add %t, %one : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  %m = pi.mul %x, %a : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  // CHECK-NOT: pi.gelu
  // CHECK: pi.tanh
  %y = pi.mul %m, %half : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// The cube as x * (x * x), and a half that multiplies x first.
// CHECK-LABEL: func @tanh_with_products
// CHECK-SAME: (%[[X:.*]]: tensor<2x4xf32>)
func.func @tanh_with_products(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %half = pi.constant dense<0.5> : tensor<f32>
  %one = pi.constant dense<1.0> : tensor<f32>
  %a = pi.constant dense<0.044715> : tensor<f32>
  %c = pi.constant dense<0.797884583> : tensor<f32>
  %x2 = pi.mul %x, %x : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %x3 = pi.mul %x, %x2 : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %0 = pi.mul %x3, %a : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  %1 = pi.add %x, %0 : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %2 = pi.mul %1, %c : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  %3 = pi.tanh %2 : tensor<2x4xf32>
  %4 = pi.add %3, %one : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  %5 = pi.mul %x, %half : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  // CHECK-NEXT: %[[Y:.*]] = pi.gelu %[[X]] approximation tanh
  // CHECK-NEXT: return %[[Y]]
  %6 = pi.mul %5, %4 : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  return %6 : tensor<2x4xf32>
}
