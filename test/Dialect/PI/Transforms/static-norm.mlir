// RUN: aero-opt %s --pi-static-norm | FileCheck %s --check-prefixes=CHECK,WEIGHT
// RUN: aero-opt %s --pi-static-norm='method=weight which=ffn gain=2.0' | FileCheck %s --check-prefixes=CHECK,GAIN
// RUN: aero-opt %s --pi-static-norm=method=spectral | FileCheck %s --check-prefixes=CHECK,SPECTRAL
// RUN: aero-opt %s --pi-static-norm=which=attention | FileCheck %s --check-prefixes=CHECK,ATTENTION
// RUN: aero-opt %s --pi-static-norm='which=all layers=0' | FileCheck %s --check-prefixes=CHECK,ALL
// RUN: aero-opt %s --pi-static-norm --remarks-filter=pi-static-norm 2>&1 | FileCheck %s --check-prefix=REMARK

// [example] --pi-static-norm
// Columns of length 5 and 2. What is
// normalised is a resource, which a reader of the numbers is in the unit test.
// CHECK-LABEL: func @ffn
// WEIGHT-DAG: pi.weight "w" dense_resource
// WEIGHT-DAG: pi.weight "q" dense<1.000000e+00>
// GAIN-DAG: pi.weight "w" dense_resource
// SPECTRAL-DAG: pi.weight "w" dense_resource
// ATTENTION-DAG: pi.weight "q" dense_resource
// ATTENTION-DAG: pi.weight "w" dense<{{\[\[}}3.0
// ALL-DAG: pi.weight "q" dense_resource
// ALL-DAG: pi.weight "w" dense_resource
// CHECK: return
func.func @ffn(%x: tensor<1x2x2xf32>) -> tensor<1x2x2xf32> {
  %q = pi.weight "q" dense<1.0> : tensor<2x2xf32>
  %w = pi.weight "w" dense<[[3.0, 0.0], [4.0, 2.0]]> : tensor<2x2xf32>
  %p = pi.linear %x, %q : tensor<1x2x2xf32>, tensor<2x2xf32> -> tensor<1x2x2xf32>
  %a = pi.attention %p, %p, %p heads 2 scale 5.000000e-01 causal : tensor<1x2x2xf32>, tensor<1x2x2xf32>
  %y = pi.add %x, %a : tensor<1x2x2xf32>, tensor<1x2x2xf32> -> tensor<1x2x2xf32>
  %f = pi.linear %y, %w : tensor<1x2x2xf32>, tensor<2x2xf32> -> tensor<1x2x2xf32>
  %z = pi.add %y, %f : tensor<1x2x2xf32>, tensor<1x2x2xf32> -> tensor<1x2x2xf32>
  return %z : tensor<1x2x2xf32>
}
// [end of example]

// A matrix that is an embedding table as well stays, and so does one that is
// computed.
// CHECK-LABEL: func @other_readers
// CHECK: pi.weight "w" dense<5.000000e-01>
// CHECK: return
// REMARK-DAG: remark: {{.*}}is not normalised: the weight has readers that are not chosen
// REMARK-DAG: remark: {{.*}}is not normalised: it is computed, not a weight
func.func @other_readers(%x: tensor<1x2x2xf32>, %t: tensor<1x2xi64>, %v: tensor<2x2xf32>) -> tensor<1x2x2xf32> {
  %w = pi.weight "w" dense<0.5> : tensor<2x2xf32>
  %e = pi.embedding %w[%t] : tensor<2x2xf32>, tensor<1x2xi64> -> tensor<1x2x2xf32>
  %a = pi.attention %e, %e, %e heads 2 scale 5.000000e-01 causal : tensor<1x2x2xf32>, tensor<1x2x2xf32>
  %y = pi.add %e, %a : tensor<1x2x2xf32>, tensor<1x2x2xf32> -> tensor<1x2x2xf32>
  %h = pi.linear %y, %w : tensor<1x2x2xf32>, tensor<2x2xf32> -> tensor<1x2x2xf32>
  %f = pi.linear %h, %v : tensor<1x2x2xf32>, tensor<2x2xf32> -> tensor<1x2x2xf32>
  %z = pi.add %y, %f : tensor<1x2x2xf32>, tensor<1x2x2xf32> -> tensor<1x2x2xf32>
  return %z : tensor<1x2x2xf32>
}
