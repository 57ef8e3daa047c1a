// RUN: aero-opt %s --pi-insert-entropy-scaling | FileCheck %s --check-prefixes=CHECK,ALL
// RUN: aero-opt %s --pi-insert-entropy-scaling='initial=0.25 threshold=0.75 shape=head layers=1' | FileCheck %s --check-prefixes=CHECK,HEAD
// RUN: aero-opt %s --pi-insert-entropy-scaling='shape=head-and-position' | FileCheck %s --check-prefixes=CHECK,ALL

// [example] --pi-insert-entropy-scaling
// Each layer has its own.
// CHECK-LABEL: func @two_layers
// ALL: %[[T0:.*]] = pi.weight "aero.temperature.0" dense<1.000000e+00> : tensor<2x6xf32>
// ALL: pi.attention {{.*}} temperature %[[T0]] : tensor<2x6xf32> heads 2 scale 5.000000e-01 causal entropy_thresholds [5.000000e-01, 5.000000e-01] : tensor<1x6x8xf32>, tensor<1x6x8xf32>
// ALL: %[[T1:.*]] = pi.weight "aero.temperature.1"
// ALL: pi.attention {{.*}} temperature %[[T1]]
// HEAD: pi.attention %{{.*}} heads 2 scale 5.000000e-01 causal : tensor<1x6x8xf32>
// HEAD: %[[T1:.*]] = pi.weight "aero.temperature.1" dense<2.500000e-01> : tensor<2x1xf32>
// HEAD: pi.attention {{.*}} temperature %[[T1]] : tensor<2x1xf32> heads 2 scale 5.000000e-01 causal entropy_thresholds [7.500000e-01, 7.500000e-01]
func.func @two_layers(%x: tensor<1x6x8xf32>) -> tensor<1x6x8xf32> {
  %a = pi.attention %x, %x, %x heads 2 scale 5.000000e-01 causal : tensor<1x6x8xf32>, tensor<1x6x8xf32>
  %y = pi.add %x, %a : tensor<1x6x8xf32>, tensor<1x6x8xf32> -> tensor<1x6x8xf32>
  %b = pi.attention %y, %y, %y heads 2 scale 5.000000e-01 causal : tensor<1x6x8xf32>, tensor<1x6x8xf32>
  %z = pi.add %y, %b : tensor<1x6x8xf32>, tensor<1x6x8xf32> -> tensor<1x6x8xf32>
  return %z : tensor<1x6x8xf32>
}
// [end of example]

// What there is stays.
// CHECK-LABEL: func @trained
// CHECK-SAME: %[[T:[^:]*]]: tensor<2x6xf32>
// CHECK-NOT: pi.weight
// CHECK: pi.attention {{.*}} temperature %[[T]] {{.*}} entropy_thresholds [1.250000e-01, 2.500000e-01]
// HEAD: pi.weight
// ALL: pi.weight
func.func @trained(%x: tensor<1x6x8xf32>, %t: tensor<2x6xf32>) -> tensor<1x6x8xf32> {
  %a = pi.attention %x, %x, %x temperature %t : tensor<2x6xf32> heads 2 scale 5.000000e-01 causal entropy_thresholds [0.125, 0.25] : tensor<1x6x8xf32>, tensor<1x6x8xf32>
  %b = pi.attention %a, %a, %a heads 2 scale 5.000000e-01 causal : tensor<1x6x8xf32>, tensor<1x6x8xf32>
  return %b : tensor<1x6x8xf32>
}
