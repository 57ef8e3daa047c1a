// One block of the scaled network: alpha and beta stay apart for training, and
// are folded for inference.

// RUN: aero-opt %s --aero-rewrite=config=SM+ScFFN | FileCheck %s --check-prefix=SCFFN
// RUN: aero-opt %s --aero-rewrite=config=SM+ScFuFFN | FileCheck %s --check-prefix=SCFUFFN
// RUN: aero-opt %s --aero-compile='config=SM+ScFFN to-shares=false' | FileCheck %s --check-prefix=FOLD2
// RUN: aero-opt %s --aero-compile='config=SM+ScFuFFN to-shares=false' | FileCheck %s --check-prefix=FOLD1
// RUN: aero-opt %s --aero-rewrite=config=SM+ScFuFFN --aero-lower='to-shares=false' | FileCheck %s --check-prefix=FOLD1
// RUN: aero-opt %s --aero-lower='to-shares=false last-token-only=false base2=false' | FileCheck %s --check-prefix=ALL
// RUN: aero-opt %s --aero-compile=config=SM+ScFuFFN | FileCheck %s --check-prefix=SHARES

// SCFFN: pi.attention
// SCFFN: %[[H:.*]] = pi.linear {{.*}} -> tensor<1x8x16xf32>
// SCFFN: %[[F:.*]] = pi.linear %[[H]]
// SCFFN: pi.mul
// SCFFN: pi.div %[[F]]

// SCFUFFN: pi.weight "h.0.mlp.c_fc.weight+h.0.mlp.c_proj.weight"
// SCFUFFN: pi.mul
// SCFUFFN: pi.div
// SCFUFFN: pi.add

// The FFN keeps its two matrices; beta is on the readers of the residual sum.
// FOLD2-LABEL: func @main
// FOLD2-SAME: (%{{.*}}: tensor<1x8xi64>, %[[P:.*]]: tensor<i64>) -> tensor<1x1x16xf32>
// FOLD2-DAG: pi.weight "head.weight+h.0.beta"
// FOLD2-DAG: pi.weight "h.0.mlp.c_proj.weight+h.0.beta+h.0.alpha"
// FOLD2-NOT: {{pi.mul|pi.div}}
// FOLD2: pi.attention {{.*}} scale 0.693147182
// FOLD2: pi.select_token {{.*}} at %[[P]]
// FOLD2-NOT: {{pi.mul|pi.div}}
// FOLD2: return

// One matrix holds the whole of beta * y + ffn(y) / alpha, and another one that
// behind the output projection of attention.
// FOLD1-LABEL: func @main
// FOLD1-DAG: %[[W:.*]] = pi.weight "h.0.mlp.c_fc.weight+h.0.mlp.c_proj.weight+h.0.beta+h.0.alpha" {{.*}} : tensor<4x4xf32>
// FOLD1-DAG: %[[O:.*]] = pi.weight "h.0.attn.c_proj.weight+h.0.mlp.c_fc.weight+h.0.mlp.c_proj.weight+h.0.beta+h.0.alpha" {{.*}} : tensor<4x4xf32>
// FOLD1: %[[A:.*]] = pi.attention {{.*}} scale 0.693147182
// FOLD1: %[[C:.*]] = pi.select_token %[[A]]
// FOLD1: %[[X:.*]] = pi.select_token
// FOLD1-DAG: %[[S:.*]] = pi.linear %[[X]], %[[W]]
// FOLD1-DAG: %[[T:.*]] = pi.linear %[[C]], %[[O]]
// FOLD1: %[[Z:.*]] = pi.add
// FOLD1-NEXT: pi.linear %[[Z]]
// FOLD1-NEXT: return

// ALL: func @main(%{{.*}}: tensor<1x8xi64>) -> tensor<1x8x16xf32>
// ALL: scale 1.000000e+00

// SHARES: func @main(%{{.*}}: !mpc.tokens{{.*}}, %{{.*}}: !mpc.position)
// SHARES: mpc.exp2
// SHARES: mpc.reveal {{.*}} start
func.func @main(%tokens: tensor<1x8xi64>) -> tensor<1x8x16xf32> {
  %wte = pi.weight "wte.weight" dense<0.5> : tensor<16x4xf32>
  %head = pi.weight "head.weight" dense<0.5> : tensor<4x16xf32>
  %wqkv = pi.weight "h.0.attn.c_attn.weight" dense<0.5> : tensor<4x12xf32>
  %bqkv = pi.weight "h.0.attn.c_attn.bias" dense<0.5> : tensor<12xf32>
  %wo = pi.weight "h.0.attn.c_proj.weight" dense<0.5> : tensor<4x4xf32>
  %w1 = pi.weight "h.0.mlp.c_fc.weight" dense<0.5> : tensor<4x16xf32>
  %w2 = pi.weight "h.0.mlp.c_proj.weight" dense<0.5> : tensor<16x4xf32>
  %x = pi.embedding %wte[%tokens] : tensor<16x4xf32>, tensor<1x8xi64> -> tensor<1x8x4xf32>
  %p = pi.linear %x, %wqkv bias %bqkv : tensor<12xf32> : tensor<1x8x4xf32>, tensor<4x12xf32> -> tensor<1x8x12xf32>
  %q = pi.slice %p axis 2 offset 0 : tensor<1x8x12xf32> -> tensor<1x8x4xf32>
  %k = pi.slice %p axis 2 offset 4 : tensor<1x8x12xf32> -> tensor<1x8x4xf32>
  %v = pi.slice %p axis 2 offset 8 : tensor<1x8x12xf32> -> tensor<1x8x4xf32>
  %a = pi.attention %q, %k, %v heads 2 scale 0.707106769 causal : tensor<1x8x4xf32>, tensor<1x8x4xf32>
  %o = pi.linear %a, %wo : tensor<1x8x4xf32>, tensor<4x4xf32> -> tensor<1x8x4xf32>
  %y = pi.add %x, %o : tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  %h = pi.linear %y, %w1 : tensor<1x8x4xf32>, tensor<4x16xf32> -> tensor<1x8x16xf32>
  %f = pi.linear %h, %w2 : tensor<1x8x16xf32>, tensor<16x4xf32> -> tensor<1x8x4xf32>
  %alpha = pi.weight "h.0.alpha" dense<2.0> : tensor<f32>
  %beta = pi.weight "h.0.beta" dense<0.5> : tensor<f32>
  %by = pi.mul %beta, %y : tensor<f32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  %fa = pi.div %f, %alpha : tensor<1x8x4xf32>, tensor<f32> -> tensor<1x8x4xf32>
  %z = pi.add %by, %fa : tensor<1x8x4xf32>, tensor<1x8x4xf32> -> tensor<1x8x4xf32>
  %l = pi.linear %z, %head : tensor<1x8x4xf32>, tensor<4x16xf32> -> tensor<1x8x16xf32>
  return %l : tensor<1x8x16xf32>
}
