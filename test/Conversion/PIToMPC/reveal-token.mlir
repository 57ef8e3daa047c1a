// RUN: aero-opt %s --convert-pi-to-mpc=reveal-token | FileCheck %s
// RUN: aero-opt %s --convert-pi-to-mpc | FileCheck %s --check-prefix=LOGITS

// The client learns the column of the largest logit: of the 36 fraction bits of
// the product, 28 are dropped, and what is left is compared.
// CHECK: %[[L:.*]] = mpc.linear {{.*}} -> <1x50, f = 36>
// CHECK-NEXT: %[[T:.*]] = mpc.argmax %[[L]] bits 36 drop 28 range <67108864.0, proved> : <1x50, f = 36> -> <1, f = 0, bits = 32>
// CHECK-NEXT: %[[E:.*]] = mpc.extend %[[T]] : <1, f = 0, bits = 32> -> <1, f = 0>
// CHECK-NEXT: mpc.reveal %[[E]] : <1, f = 0> -> tensor<1xf64>
// LOGITS-NOT: mpc.argmax
// LOGITS: mpc.reveal {{.*}} -> tensor<1x50xf64>
func.func @main(%tokens: tensor<1x8xi64>, %position: tensor<i64>) -> tensor<1x1x50xf32> {
  %t = pi.weight "t" dense<0.5> : tensor<50x4xf32>
  %h = pi.weight "h" dense<0.5> : tensor<4x50xf32>
  %0 = pi.embedding %t[%tokens] : tensor<50x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %1 = pi.select_token %0 at %position : tensor<1x8x4xf32>, tensor<i64> -> tensor<1x1x4xf32>
  %2 = pi.linear %1, %h : tensor<1x1x4xf32>, tensor<4x50xf32> -> tensor<1x1x50xf32>
  return %2 : tensor<1x1x50xf32>
}
