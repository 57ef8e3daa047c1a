// RUN: aero-opt %s --mpc-schedule --mpc-verify-schedule | FileCheck %s

// [example] --mpc-schedule
// The reciprocal (12 exchanges) and the product run beside each other; what
// needs both waits for the longer one. Local ops cost no exchange.
// CHECK-LABEL: func @overlap(
// CHECK: mpc.sum_row %{{.*}} start 0
// CHECK: mpc.matmul %{{.*}}, %{{.*}} start 0
// CHECK: mpc.trunc %{{.*}} by 20 start 1
// CHECK: mpc.recip %{{.*}} below 32 start 0
// CHECK: mpc.mul %{{.*}}, %{{.*}} start 12
// CHECK: mpc.transpose %{{.*}} [1, 0, 2] start 13
// CHECK: mpc.reshape %{{.*}} start 13
// CHECK: mpc.reveal %{{.*}} start 13
func.func @overlap(%e: !mpc.share<2x8x8, f = 20>, %v: !mpc.share<2x8x4, f = 16>) -> tensor<8x8xf64> {
  %s = mpc.sum_row %e : !mpc.share<2x8x8, f = 20> -> !mpc.share<2x8, f = 20>
  %c = mpc.matmul %e, %v : !mpc.share<2x8x8, f = 20>, !mpc.share<2x8x4, f = 16> -> !mpc.share<2x8x4, f = 36>
  %t = mpc.trunc %c by 20 : !mpc.share<2x8x4, f = 36> -> !mpc.share<2x8x4, f = 16>
  %r = mpc.recip %s below 32 : !mpc.share<2x8, f = 20> -> !mpc.share<2x8, f = 28>
  %p = mpc.mul %t, %r : !mpc.share<2x8x4, f = 16>, !mpc.share<2x8, f = 28> -> !mpc.share<2x8x4, f = 44>
  %x = mpc.transpose %p [1, 0, 2] : !mpc.share<2x8x4, f = 44> -> !mpc.share<8x2x4, f = 44>
  %y = mpc.reshape %x : !mpc.share<8x2x4, f = 44> -> !mpc.share<8x8, f = 44>
  %z = mpc.reveal %y : !mpc.share<8x8, f = 44> -> tensor<8x8xf64>
  return %z : tensor<8x8xf64>
}
// [end of example]

// A start that is there already is replaced.
// CHECK-LABEL: func @reschedule(
// CHECK: mpc.trunc %{{.*}} by 8 start 0
// CHECK: mpc.reveal %{{.*}} start 1
func.func @reschedule(%x: !mpc.share<8x4, f = 16>) -> tensor<8x4xf64> {
  %0 = mpc.trunc %x by 8 start 40 : !mpc.share<8x4, f = 16> -> !mpc.share<8x4, f = 8>
  %1 = mpc.reveal %0 start 2 : !mpc.share<8x4, f = 8> -> tensor<8x4xf64>
  return %1 : tensor<8x4xf64>
}

// Comparisons: 3 rounds of 2 + ceil(log4(32 / 4)) exchanges for 8 columns.
// CHECK-LABEL: func @max_row(
// CHECK: mpc.max_row %{{.*}} bits 32 range <1073741824.0, proved> start 0
// CHECK: mpc.exp2 %{{.*}}, %{{.*}} start 12
// CHECK: mpc.sum_row %{{.*}} start 16
func.func @max_row(%s: !mpc.share<2x8x8, f = 16>) -> !mpc.share<2x8, f = 20> {
  %m = mpc.max_row %s bits 32 range <1073741824.0, proved> : !mpc.share<2x8x8, f = 16> -> !mpc.share<2x8, f = 0, bits = 32>
  %e = mpc.exp2 %s, %m : !mpc.share<2x8x8, f = 16>, !mpc.share<2x8, f = 0, bits = 32> -> !mpc.share<2x8x8, f = 20>
  %r = mpc.sum_row %e : !mpc.share<2x8x8, f = 20> -> !mpc.share<2x8, f = 20>
  return %r : !mpc.share<2x8, f = 20>
}
