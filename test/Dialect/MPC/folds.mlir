// RUN: aero-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: func @whole_slice(
// CHECK-SAME: %[[X:.*]]: !mpc.share
// CHECK-NEXT: return %[[X]]
func.func @whole_slice(%x: !mpc.share<8x16, f = 16>) -> !mpc.share<8x16, f = 16> {
  %0 = mpc.slice %x axis 0 offset 0 : !mpc.share<8x16, f = 16> -> !mpc.share<8x16, f = 16>
  return %0 : !mpc.share<8x16, f = 16>
}

// CHECK-LABEL: func @part_stays(
// CHECK: mpc.slice
func.func @part_stays(%x: !mpc.share<8x16, f = 16>) -> !mpc.share<4x16, f = 16> {
  %0 = mpc.slice %x axis 0 offset 0 : !mpc.share<8x16, f = 16> -> !mpc.share<4x16, f = 16>
  return %0 : !mpc.share<4x16, f = 16>
}

// CHECK-LABEL: func @reshape_of_reshape(
// CHECK-SAME: %[[X:.*]]: !mpc.share
// CHECK-NEXT: %[[R:.*]] = mpc.reshape %[[X]] : <8x16, f = 16> -> <4x32, f = 16>
// CHECK-NEXT: return %[[R]]
func.func @reshape_of_reshape(%x: !mpc.share<8x16, f = 16>) -> !mpc.share<4x32, f = 16> {
  %0 = mpc.reshape %x : !mpc.share<8x16, f = 16> -> !mpc.share<128, f = 16>
  %1 = mpc.reshape %0 : !mpc.share<128, f = 16> -> !mpc.share<4x32, f = 16>
  return %1 : !mpc.share<4x32, f = 16>
}

// CHECK-LABEL: func @reshape_and_back(
// CHECK-SAME: %[[X:.*]]: !mpc.share
// CHECK-NEXT: return %[[X]]
func.func @reshape_and_back(%x: !mpc.share<8x16, f = 16>) -> !mpc.share<8x16, f = 16> {
  %0 = mpc.reshape %x : !mpc.share<8x16, f = 16> -> !mpc.share<128, f = 16>
  %1 = mpc.reshape %0 : !mpc.share<128, f = 16> -> !mpc.share<8x16, f = 16>
  return %1 : !mpc.share<8x16, f = 16>
}

// y[i, j, k] = x[j, k, i] and z[i, j, k] = y[i, k, j] = x[k, j, i].
// CHECK-LABEL: func @transpose_of_transpose(
// CHECK-SAME: %[[X:.*]]: !mpc.share
// CHECK-NEXT: %[[R:.*]] = mpc.transpose %[[X]] [2, 1, 0] : <2x3x4, f = 16> -> <4x3x2, f = 16>
// CHECK-NEXT: return %[[R]]
func.func @transpose_of_transpose(%x: !mpc.share<2x3x4, f = 16>) -> !mpc.share<4x3x2, f = 16> {
  %0 = mpc.transpose %x [2, 0, 1] : !mpc.share<2x3x4, f = 16> -> !mpc.share<4x2x3, f = 16>
  %1 = mpc.transpose %0 [0, 2, 1] : !mpc.share<4x2x3, f = 16> -> !mpc.share<4x3x2, f = 16>
  return %1 : !mpc.share<4x3x2, f = 16>
}

// CHECK-LABEL: func @transpose_and_back(
// CHECK-SAME: %[[X:.*]]: !mpc.share
// CHECK-NEXT: return %[[X]]
func.func @transpose_and_back(%x: !mpc.share<2x3x4, f = 16>) -> !mpc.share<2x3x4, f = 16> {
  %0 = mpc.transpose %x [2, 0, 1] : !mpc.share<2x3x4, f = 16> -> !mpc.share<4x2x3, f = 16>
  %1 = mpc.transpose %0 [1, 2, 0] : !mpc.share<4x2x3, f = 16> -> !mpc.share<2x3x4, f = 16>
  return %1 : !mpc.share<2x3x4, f = 16>
}
