// RUN: aero-opt %s --split-input-file --convert-pi-to-mpc | FileCheck %s

// Every |x| is a table entry: 0.5 with 10 fraction bits, and two bits for signs of
// differences, in groups of four.
// CHECK-LABEL: func.func @relu(
// CHECK: %[[X:.*]] = mpc.extend
// CHECK-NEXT: mpc.relu %[[X]] bits 12 drop 6 range <{{5.0.*e-01}}, proved> : <8x4, f = 16> -> <8x4, f = 16>
func.func @relu(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %1 = pi.relu %0 : tensor<1x8x4xf32>
  return %1 : tensor<1x8x4xf32>
}

// -----

// Norms of large weights say less than that their product could be truncated:
// 2^(62 - 36).
// CHECK-LABEL: func.func @relu_of_large_products(
// CHECK: mpc.relu %{{.*}} bits 40 drop 6 range <67108864.0, proved>
func.func @relu_of_large_products(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %w = pi.weight "w" dense<1024.0> : tensor<4x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %1 = pi.linear %0, %w : tensor<1x8x4xf32>, tensor<4x4xf32> -> tensor<1x8x4xf32>
  %2 = pi.linear %1, %w : tensor<1x8x4xf32>, tensor<4x4xf32> -> tensor<1x8x4xf32>
  %3 = pi.linear %2, %w : tensor<1x8x4xf32>, tensor<4x4xf32> -> tensor<1x8x4xf32>
  %4 = pi.relu %3 : tensor<1x8x4xf32>
  return %4 : tensor<1x8x4xf32>
}

// -----

// A leaky ReLU makes nothing larger, unless its slope does.
// CHECK-LABEL: func.func @relu_of_leaky(
// CHECK: mpc.relu %{{.*}} bits 12 drop 6 range <{{5.1.*e-01}}, proved>
// CHECK: mpc.relu %{{.*}} bits 16 drop 6 range <{{2.0.*e\+00}}, proved>
func.func @relu_of_leaky(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %1 = pi.leaky_relu %0 slope 0.25 : tensor<1x8x4xf32>
  %2 = pi.leaky_relu %1 slope -4.0 : tensor<1x8x4xf32>
  %3 = pi.relu %2 : tensor<1x8x4xf32>
  return %3 : tensor<1x8x4xf32>
}

// -----

// A row of length 1 times columns of length 8.
// CHECK-LABEL: func.func @relu_of_a_product(
// CHECK: %[[X:.*]] = mpc.extend
// CHECK: %[[P:.*]] = mpc.linear %[[X]]
// CHECK-NEXT: %[[T:.*]] = mpc.trunc %[[P]] by 20
// CHECK-NEXT: mpc.relu %[[T]] bits 16 drop 6 range <{{8.00.*e\+00}}, proved>
func.func @relu_of_a_product(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %w = pi.weight "w" dense<4.0> : tensor<4x4xf32>
  %1 = pi.linear %0, %w : tensor<1x8x4xf32>, tensor<4x4xf32> -> tensor<1x8x4xf32>
  %2 = pi.relu %1 : tensor<1x8x4xf32>
  return %2 : tensor<1x8x4xf32>
}

// -----

// relu(x) - tail(|x|), where |x| = relu(x) + (relu(x) - x).
// CHECK-LABEL: func.func @gelu(
// CHECK: %[[X:.*]] = mpc.extend
// CHECK-NEXT: %[[R:.*]] = mpc.relu %[[X]] bits 12 drop 8 range <{{5.0.*e-01}}, proved> : <8x4, f = 16>
// CHECK-NEXT: %[[N:.*]] = mpc.sub %[[R]], %[[X]] : <8x4, f = 16>
// CHECK-NEXT: %[[A:.*]] = mpc.add %[[R]], %[[N]] : <8x4, f = 16>
// CHECK-NEXT: %[[T:.*]] = mpc.tail %[[A]] gelu bits 8 range <{{5.0.*e-01}}, proved> : <8x4, f = 16>
// CHECK-NEXT: %[[Y:.*]] = mpc.sub %[[R]], %[[T]] : <8x4, f = 16>
// CHECK-NEXT: mpc.reveal %[[Y]]
func.func @gelu(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %1 = pi.gelu %0 : tensor<1x8x4xf32>
  return %1 : tensor<1x8x4xf32>
}

// -----

// CHECK-LABEL: func.func @gelu_tanh(
// CHECK: %[[X:.*]] = mpc.extend
// CHECK-NEXT: %[[R:.*]] = mpc.relu %[[X]] bits 12 drop 8 range <{{5.0.*e-01}}, proved> : <8x4, f = 16>
// CHECK-NEXT: %[[N:.*]] = mpc.sub %[[R]], %[[X]] : <8x4, f = 16>
// CHECK-NEXT: %[[A:.*]] = mpc.add %[[R]], %[[N]] : <8x4, f = 16>
// CHECK-NEXT: %[[T:.*]] = mpc.tail %[[A]] gelu_tanh bits 8 range <{{5.0.*e-01}}, proved> : <8x4, f = 16>
// CHECK-NEXT: %[[Y:.*]] = mpc.sub %[[R]], %[[T]] : <8x4, f = 16>
// CHECK-NEXT: mpc.reveal %[[Y]]
func.func @gelu_tanh(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %1 = pi.gelu %0 approximation tanh : tensor<1x8x4xf32>
  return %1 : tensor<1x8x4xf32>
}

// -----

// CHECK-LABEL: func.func @silu(
// CHECK: %[[X:.*]] = mpc.extend
// CHECK-NEXT: %[[R:.*]] = mpc.relu %[[X]] bits 12 drop 8 range <{{5.0.*e-01}}, proved> : <8x4, f = 16>
// CHECK-NEXT: %[[N:.*]] = mpc.sub %[[R]], %[[X]] : <8x4, f = 16>
// CHECK-NEXT: %[[A:.*]] = mpc.add %[[R]], %[[N]] : <8x4, f = 16>
// CHECK-NEXT: %[[T:.*]] = mpc.tail %[[A]] silu bits 8 range <{{5.0.*e-01}}, proved> : <8x4, f = 16>
// CHECK-NEXT: %[[Y:.*]] = mpc.sub %[[R]], %[[T]] : <8x4, f = 16>
// CHECK-NEXT: mpc.reveal %[[Y]]
func.func @silu(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %1 = pi.silu %0 : tensor<1x8x4xf32>
  return %1 : tensor<1x8x4xf32>
}

// -----

// The slope is architecture: a local product.
// CHECK-LABEL: func.func @leaky_relu(
// CHECK: %[[X:.*]] = mpc.extend
// CHECK-NEXT: %[[R:.*]] = mpc.relu %[[X]] bits 12 drop 6
// CHECK-NEXT: %[[N:.*]] = mpc.sub %[[X]], %[[R]] : <8x4, f = 16>
// CHECK-NEXT: %[[P:.*]] = mpc.mul_public %[[N]] by dense<262144> : tensor<4xi32> f 20 : <8x4, f = 16> -> <8x4, f = 36>
// CHECK-NEXT: %[[T:.*]] = mpc.trunc %[[P]] by 20
// CHECK-NEXT: mpc.add %[[R]], %[[T]] : <8x4, f = 16>
func.func @leaky_relu(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %1 = pi.leaky_relu %0 slope 0.25 : tensor<1x8x4xf32>
  return %1 : tensor<1x8x4xf32>
}

// -----

// The slope is the server's, the same for a whole row.
// CHECK-LABEL: func.func @prelu(
// CHECK: %[[X:.*]] = mpc.extend
// CHECK-NEXT: %[[R:.*]] = mpc.relu %[[X]] bits 12 drop 6
// CHECK-NEXT: %[[N:.*]] = mpc.sub %[[X]], %[[R]] : <8x4, f = 16>
// CHECK-NEXT: %[[S:.*]] = mpc.weight "s" {{.*}} : tensor<4xf32> : <4, f = 20>
// CHECK-NEXT: %[[P:.*]] = mpc.mul_weight %[[N]], %[[S]] : <8x4, f = 16>, <4, f = 20> -> <8x4, f = 36>
// CHECK-NEXT: %[[T:.*]] = mpc.trunc %[[P]] by 20
// CHECK-NEXT: mpc.add %[[R]], %[[T]] : <8x4, f = 16>
// CHECK-NOT: mpc.mul_public
func.func @prelu(%tokens: tensor<1x8xi64>) -> tensor<1x8x4xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %s = pi.weight "s" dense<0.25> : tensor<1xf32>
  %1 = pi.prelu %0 slope %s : tensor<1xf32> : tensor<1x8x4xf32>
  return %1 : tensor<1x8x4xf32>
}
