// A network leaves as linalg, passes of MLIR work on it, and it comes back under
// the same names, so that AERO goes on: here to a configuration.

// RUN: my-opt %s --pass-pipeline='builtin.module(func.func(convert-pi-to-linalg,linalg-generalize-named-ops),linalg-fuse-elementwise-ops,canonicalize,cse)' \
// RUN:   -o %t.mlir
// RUN: FileCheck %s --check-prefix=OUT --input-file=%t.mlir
// RUN: my-opt %t.mlir --pass-pipeline='builtin.module(func.func(convert-linalg-to-pi),aero-rewrite{config=SM+ScFuFFN},func.func(my-count-linear))' \
// RUN:   | FileCheck %s

// Nothing of AERO's is in the text.
// OUT-NOT: pi.
// OUT: arith.constant dense_resource<w.q> : tensor<4x4xf32>
// OUT-NOT: pi.

// CHECK-LABEL: func @main
// CHECK-SAME: (%[[X:.+]]: tensor<1x3x4xf32>)
// CHECK-DAG: %[[WQ:.+]] = pi.weight "w.q"
// CHECK-DAG: %[[WV:.+]] = pi.weight "w.v"
// CHECK-DAG: %[[WO:.+]] = pi.weight "w.o"
// CHECK-DAG: %[[WF:.+]] = pi.weight "w.up+w.down"
// CHECK-DAG: %[[Q:.+]] = pi.linear %[[X]], %[[WQ]]
// CHECK-DAG: %[[V:.+]] = pi.linear %[[X]], %[[WV]]
// CHECK: %[[A:.+]] = pi.attention %[[Q]], %[[X]], %[[V]] heads 2 scale 5.000000e-01 causal
// CHECK: %[[O:.+]] = pi.linear %[[A]], %[[WO]]
// CHECK: %[[Y:.+]] = pi.add %[[X]], %[[O]]
// Two matrices left; the configuration makes one of them.
// CHECK-NOT: pi.linear
// CHECK: %[[F:.+]] = pi.linear %[[Y]], %[[WF]]
// CHECK-NOT: pi.linear
// CHECK: return
func.func @main(%x: tensor<1x3x4xf32>) -> tensor<1x3x4xf32> {
  %wq = pi.weight "w.q" dense<[[1.0, 2.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0], [2.0, 0.0, 1.0, 0.0], [0.0, 0.5, 0.0, 1.0]]> : tensor<4x4xf32>
  %wv = pi.weight "w.v" dense<0.5> : tensor<4x4xf32>
  %wo = pi.weight "w.o" dense<0.5> : tensor<4x4xf32>
  %up = pi.weight "w.up" dense<0.25> : tensor<4x16xf32>
  %down = pi.weight "w.down" dense<0.5> : tensor<16x4xf32>
  %q = pi.linear %x, %wq : tensor<1x3x4xf32>, tensor<4x4xf32> -> tensor<1x3x4xf32>
  %v = pi.linear %x, %wv : tensor<1x3x4xf32>, tensor<4x4xf32> -> tensor<1x3x4xf32>
  %a = pi.attention %q, %x, %v heads 2 scale 5.0e-1 causal : tensor<1x3x4xf32>, tensor<1x3x4xf32>
  %o = pi.linear %a, %wo : tensor<1x3x4xf32>, tensor<4x4xf32> -> tensor<1x3x4xf32>
  %y = pi.add %x, %o : tensor<1x3x4xf32>, tensor<1x3x4xf32> -> tensor<1x3x4xf32>
  %h = pi.linear %y, %up : tensor<1x3x4xf32>, tensor<4x16xf32> -> tensor<1x3x16xf32>
  %f = pi.linear %h, %down : tensor<1x3x16xf32>, tensor<16x4xf32> -> tensor<1x3x4xf32>
  %z = pi.add %y, %f : tensor<1x3x4xf32>, tensor<1x3x4xf32> -> tensor<1x3x4xf32>
  return %z : tensor<1x3x4xf32>
}
