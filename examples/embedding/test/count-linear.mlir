// RUN: my-opt %s --pass-pipeline='builtin.module(func.func(my-count-linear))' \
// RUN:   --remarks-filter=my-count-linear -o /dev/null 2>&1 | FileCheck %s
// RUN: my-opt %s --pass-pipeline='builtin.module(func.func(my-count-linear{limit=48}))' -o /dev/null
// RUN: not my-opt %s --pass-pipeline='builtin.module(func.func(my-count-linear{limit=47}))' 2>&1 \
// RUN:   | FileCheck %s --check-prefix=LIMIT

// 2 rows of 3 x 4, then 2 rows of 4 x 3.
// CHECK: [Analysis] linear
// CHECK-SAME: my-count-linear
// CHECK-SAME: Function=two
// CHECK-SAME: 2 pi.linear with 48 multiply-adds
// LIMIT: error: 'two' has 48 multiply-adds, the limit is 47
func.func @two(%x: tensor<1x2x3xf32>, %w: tensor<3x4xf32>, %v: tensor<4x3xf32>) -> tensor<1x2x3xf32> {
  %0 = pi.linear %x, %w : tensor<1x2x3xf32>, tensor<3x4xf32> -> tensor<1x2x4xf32>
  %1 = pi.linear %0, %v : tensor<1x2x4xf32>, tensor<4x3xf32> -> tensor<1x2x3xf32>
  return %1 : tensor<1x2x3xf32>
}
