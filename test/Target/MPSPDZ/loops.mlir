// RUN: aero-translate --pi-to-mpspdz --split-input-file %s | sed -n '/^# The model/,$p' | FileCheck %s

// Three layers that differ in their weights only are one loop; the last layer
// does something else.
// CHECK: x0 = embedding(tokens, w0)
// CHECK: c0 = carried(x0)
// CHECK-NEXT: x0.free()
// CHECK-EMPTY:
// CHECK-NEXT: @for_range(3)
// CHECK-NEXT: def _(layer):
// CHECK-NEXT: w1 = read_weight(4, 4, W)  # a0
// CHECK-NEXT: x1 = linear(c0, w1)
// CHECK-NEXT: w1.free()
// CHECK-NEXT: x2 = relu(x1)
// CHECK-NEXT: x1.free()
// CHECK-NEXT: x3 = add(c0, x2)
// CHECK-NEXT: x2.free()
// CHECK-NEXT: c0.assign(x3)
// CHECK-NEXT: x3.free()
// CHECK-EMPTY:
// CHECK-NEXT: w2 = read_weight(4, 4, W)  # a3
// CHECK-NEXT: x4 = linear(c0, w2)
// CHECK: x5 = gelu(x4)
// CHECK: x6 = add(c0, x5)
// CHECK-NEXT: c0.free()
func.func @main(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %wte = pi.weight "wte" dense<1.0> : tensor<16x4xf32>
  %a0 = pi.weight "a0" dense<1.0> : tensor<4x4xf32>
  %a1 = pi.weight "a1" dense<2.0> : tensor<4x4xf32>
  %a2 = pi.weight "a2" dense<3.0> : tensor<4x4xf32>
  %a3 = pi.weight "a3" dense<4.0> : tensor<4x4xf32>
  %x0 = pi.embedding %wte[%tokens] : tensor<16x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %0 = pi.linear %x0, %a0 : tensor<1x8x4xf32>, tensor<4x4xf32> -> tensor<1x8x4xf32>
  %1 = pi.relu %0 : tensor<1x8x4xf32>
  %x1 = pi.add %x0, %1 : tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  %2 = pi.linear %x1, %a1 : tensor<1x8x4xf32>, tensor<4x4xf32> -> tensor<1x8x4xf32>
  %3 = pi.relu %2 : tensor<1x8x4xf32>
  %x2 = pi.add %x1, %3 : tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  %4 = pi.linear %x2, %a2 : tensor<1x8x4xf32>, tensor<4x4xf32> -> tensor<1x8x4xf32>
  %5 = pi.relu %4 : tensor<1x8x4xf32>
  %x3 = pi.add %x2, %5 : tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  %6 = pi.linear %x3, %a3 : tensor<1x8x4xf32>, tensor<4x4xf32> -> tensor<1x8x4xf32>
  %7 = pi.gelu %6 : tensor<1x8x4xf32>
  %x4 = pi.add %x3, %7 : tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  return %x4 : tensor<1x8x4xf32>
}

// -----

// What all iterations use is computed once, and what the last one leaves has a
// variable of its own.
// CHECK: x0 = embedding(tokens, w0)
// CHECK: x1 = relu(x0)
// CHECK: c0 = carried(x1)
// CHECK-NEXT: x1.free()
// CHECK-NEXT: c1 = Value(8, 4)
// CHECK: @for_range(2)
// CHECK: x3 = gelu(x2)
// CHECK: x4 = add(x3, x0)
// CHECK: c0.assign(x4)
// CHECK: c1.assign(x3)
// CHECK: x0.free()
// CHECK: x5 = add(c0, c1)
func.func @main(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %wte = pi.weight "wte" dense<1.0> : tensor<16x4xf32>
  %a0 = pi.weight "a0" dense<1.0> : tensor<4x4xf32>
  %a1 = pi.weight "a1" dense<2.0> : tensor<4x4xf32>
  %x0 = pi.embedding %wte[%tokens] : tensor<16x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %r = pi.relu %x0 : tensor<1x8x4xf32>
  %0 = pi.linear %r, %a0 : tensor<1x8x4xf32>, tensor<4x4xf32> -> tensor<1x8x4xf32>
  %1 = pi.gelu %0 : tensor<1x8x4xf32>
  %x1 = pi.add %1, %x0 : tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  %2 = pi.linear %x1, %a1 : tensor<1x8x4xf32>, tensor<4x4xf32> -> tensor<1x8x4xf32>
  %3 = pi.gelu %2 : tensor<1x8x4xf32>
  %x2 = pi.add %3, %x0 : tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  %4 = pi.add %x2, %3 : tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  return %4 : tensor<1x8x4xf32>
}

// -----

// Layers whose attributes differ, and layers all of which are used afterwards,
// are no loop.
// CHECK-NOT: @for_range
// CHECK: write_logits
func.func @main(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %wte = pi.weight "wte" dense<1.0> : tensor<16x4xf32>
  %a0 = pi.weight "a0" dense<1.0> : tensor<4x4xf32>
  %a1 = pi.weight "a1" dense<2.0> : tensor<4x4xf32>
  %x0 = pi.embedding %wte[%tokens] : tensor<16x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %0 = pi.linear %x0, %a0 : tensor<1x8x4xf32>, tensor<4x4xf32> -> tensor<1x8x4xf32>
  %1 = pi.leaky_relu %0 slope 1.000000e-01 : tensor<1x8x4xf32>
  %x1 = pi.add %x0, %1 : tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  %2 = pi.linear %x1, %a1 : tensor<1x8x4xf32>, tensor<4x4xf32> -> tensor<1x8x4xf32>
  %3 = pi.leaky_relu %2 slope 2.000000e-01 : tensor<1x8x4xf32>
  %x2 = pi.add %x1, %3 : tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  return %x2 : tensor<1x8x4xf32>
}

// -----

// CHECK-NOT: @for_range
// CHECK: write_logits
func.func @main(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %wte = pi.weight "wte" dense<1.0> : tensor<16x4xf32>
  %a0 = pi.weight "a0" dense<1.0> : tensor<4x4xf32>
  %a1 = pi.weight "a1" dense<2.0> : tensor<4x4xf32>
  %x0 = pi.embedding %wte[%tokens] : tensor<16x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %0 = pi.linear %x0, %a0 : tensor<1x8x4xf32>, tensor<4x4xf32> -> tensor<1x8x4xf32>
  %1 = pi.relu %0 : tensor<1x8x4xf32>
  %x1 = pi.add %x0, %1 : tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  %2 = pi.linear %x1, %a1 : tensor<1x8x4xf32>, tensor<4x4xf32> -> tensor<1x8x4xf32>
  %3 = pi.relu %2 : tensor<1x8x4xf32>
  %x2 = pi.add %x1, %3 : tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  %4 = pi.add %x2, %1 : tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  return %4 : tensor<1x8x4xf32>
}
