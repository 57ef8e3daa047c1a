// RUN: aero-opt %s --convert-pi-to-mpc --verify-roundtrip | FileCheck %s
// RUN: aero-opt %s --convert-pi-to-mpc --mlir-print-debuginfo | FileCheck %s --check-prefix=LOC

// One layer: embedding, fused QKV, attention of 4 heads of width 4, residual, and
// the logits of one token.

// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[TOKENS:.*]]: !mpc.tokens<8, vocabulary = 50>, %[[AT:.*]]: !mpc.position) -> tensor<1x50xf64>
func.func @main(%tokens: tensor<1x8xi64>, %position: tensor<i64>) -> tensor<1x1x50xf32> {
  %wte = pi.weight "wte" dense<0.5> : tensor<50x16xf32>
  %wpe = pi.weight "wpe" dense<0.25> : tensor<1x8x16xf32>
  %wqkv = pi.weight "qkv" dense<0.1> : tensor<16x48xf32>
  %bqkv = pi.weight "qkv.bias" dense<0.2> : tensor<48xf32>
  %wo = pi.weight "o" dense<0.1> : tensor<16x16xf32>
  %head = pi.weight "head" dense<0.1> : tensor<16x50xf32>

  // The table lives in the 32-bit ring; what follows in the 64-bit ring.
  // CHECK: %[[WTE:.*]] = mpc.weight "wte" dense<5.000000e-01> : tensor<50x16xf32> : <50x16, f = 16>
  // CHECK: %[[E:.*]] = mpc.embedding %[[TOKENS]], %[[WTE]] : <8, vocabulary = 50>, <50x16, f = 16> -> <8x16, f = 16, bits = 32>
  // CHECK: %[[X:.*]] = mpc.extend %[[E]] : <8x16, f = 16, bits = 32> -> <8x16, f = 16>
  %0 = pi.embedding %wte[%tokens] : tensor<50x16xf32>, tensor<1x8xi64> -> tensor<1x8x16xf32> loc("wte/gather")

  // CHECK: %[[WPE:.*]] = mpc.weight "wpe" dense<2.500000e-01> : tensor<8x16xf32> : <8x16, f = 16>
  // CHECK: %[[H:.*]] = mpc.add_weight %[[X]], %[[WPE]] : <8x16, f = 16>, <8x16, f = 16> -> <8x16, f = 16>
  %1 = pi.add %0, %wpe : tensor<1x8x16xf32>, tensor<1x8x16xf32> -> tensor<1x8x16xf32> loc("wpe/add")

  // The bias has the scale of the product; one truncation for q, k and v.
  // CHECK: %[[WQKV:.*]] = mpc.weight "qkv" {{.*}} : <16x48, f = 20>
  // CHECK: %[[BQKV:.*]] = mpc.weight "qkv.bias" {{.*}} : <48, f = 36>
  // CHECK: %[[P:.*]] = mpc.linear %[[H]], %[[WQKV]] bias %[[BQKV]] : !mpc.server<48, f = 36> : <8x16, f = 16>, <16x48, f = 20> -> <8x48, f = 36>
  // CHECK: %[[QKV:.*]] = mpc.trunc %[[P]] by 20 : <8x48, f = 36> -> <8x48, f = 16>
  // LOC: mpc.trunc {{.*}} by 20 {{.*}} loc(#[[QKVLOC:.*]])
  %2 = pi.linear %1, %wqkv bias %bqkv : tensor<48xf32> : tensor<1x8x16xf32>, tensor<16x48xf32> -> tensor<1x8x48xf32> loc(fused<0 : i64>["h.0/qkv"])
  // CHECK: %[[Q0:.*]] = mpc.slice %[[QKV]] axis 1 offset 0 : <8x48, f = 16> -> <8x16, f = 16>
  // CHECK: %[[K0:.*]] = mpc.slice %[[QKV]] axis 1 offset 16
  // CHECK: %[[V0:.*]] = mpc.slice %[[QKV]] axis 1 offset 32
  %q = pi.slice %2 axis 2 offset 0 : tensor<1x8x48xf32> -> tensor<1x8x16xf32>
  %k = pi.slice %2 axis 2 offset 16 : tensor<1x8x48xf32> -> tensor<1x8x16xf32>
  %v = pi.slice %2 axis 2 offset 32 : tensor<1x8x48xf32> -> tensor<1x8x16xf32>

  // CHECK: %[[Q1:.*]] = mpc.reshape %[[Q0]] : <8x16, f = 16> -> <8x4x4, f = 16>
  // CHECK: %[[Q:.*]] = mpc.transpose %[[Q1]] [1, 0, 2] : <8x4x4, f = 16> -> <4x8x4, f = 16>
  // CHECK: %[[K1:.*]] = mpc.reshape %[[K0]]
  // CHECK: %[[K:.*]] = mpc.transpose %[[K1]] [1, 0, 2]
  // CHECK: %[[V1:.*]] = mpc.reshape %[[V0]]
  // CHECK: %[[V:.*]] = mpc.transpose %[[V1]] [1, 0, 2]
  // Only the lower triangle: 36 scores a head. They are below 7.9, and exp2
  // looks 22 further down: 8 bits compare them.
  // CHECK: %[[QK:.*]] = mpc.causal_scores %[[Q]], %[[K]] : <4x8x4, f = 16>, <4x8x4, f = 16> -> <4x36, f = 32>
  // CHECK: %[[S:.*]] = mpc.trunc %[[QK]] by 16 : <4x36, f = 32> -> <4x36, f = 16>
  // CHECK: %[[M:.*]] = mpc.max_row %[[S]] causal bits 8 range <{{2.98.*e\+01}}, proved> : <4x36, f = 16> -> <4x8, f = 0, bits = 8>
  // CHECK: %[[EXP:.*]] = mpc.exp2 %[[S]], %[[M]] causal : <4x36, f = 16>, <4x8, f = 0, bits = 8> -> <4x36, f = 20>
  // CHECK: %[[SUM:.*]] = mpc.sum_row %[[EXP]] causal : <4x36, f = 20> -> <4x8, f = 20>
  // CHECK: %[[R:.*]] = mpc.recip %[[SUM]] below 32 : <4x8, f = 20> -> <4x8, f = 28>
  // CHECK: %[[C0:.*]] = mpc.causal_context %[[EXP]], %[[V]] : <4x36, f = 20>, <4x8x4, f = 16> -> <4x8x4, f = 36>
  // CHECK: %[[C1:.*]] = mpc.trunc %[[C0]] by 20 : <4x8x4, f = 36> -> <4x8x4, f = 16>
  // CHECK: %[[C2:.*]] = mpc.mul %[[C1]], %[[R]] : <4x8x4, f = 16>, <4x8, f = 28> -> <4x8x4, f = 44>
  // CHECK: %[[C3:.*]] = mpc.trunc %[[C2]] by 28 : <4x8x4, f = 44> -> <4x8x4, f = 16>
  // CHECK: %[[C4:.*]] = mpc.transpose %[[C3]] [1, 0, 2] : <4x8x4, f = 16> -> <8x4x4, f = 16>
  // CHECK: %[[C:.*]] = mpc.reshape %[[C4]] : <8x4x4, f = 16> -> <8x16, f = 16>
  // LOC: mpc.recip {{.*}} loc(#[[ATTNLOC:.*]])
  %a = pi.attention %q, %k, %v heads 4 scale 0.693147182 causal : tensor<1x8x16xf32>, tensor<1x8x16xf32> loc(fused<0 : i64>["h.0/attn"])

  // CHECK: %[[O0:.*]] = mpc.linear %[[C]], %{{.*}} : <8x16, f = 16>, <16x16, f = 20> -> <8x16, f = 36>
  // CHECK: %[[O:.*]] = mpc.trunc %[[O0]] by 20
  // CHECK: %[[Y:.*]] = mpc.add %[[H]], %[[O]] : <8x16, f = 16>
  %o = pi.linear %a, %wo : tensor<1x8x16xf32>, tensor<16x16xf32> -> tensor<1x8x16xf32> loc(fused<0 : i64>["h.0/proj"])
  %r = pi.add %1, %o : tensor<1x8x16xf32>, tensor<1x8x16xf32> -> tensor<1x8x16xf32>

  // The logits are revealed at the scale of the product.
  // CHECK: %[[ROW:.*]] = mpc.take_row %[[Y]] at %[[AT]] : <8x16, f = 16> -> <1x16, f = 16>
  // CHECK: %[[L:.*]] = mpc.linear %[[ROW]], %{{.*}} : <1x16, f = 16>, <16x50, f = 20> -> <1x50, f = 36>
  // CHECK-NEXT: %[[OUT:.*]] = mpc.reveal %[[L]] : <1x50, f = 36> -> tensor<1x50xf64>
  // CHECK-NEXT: return %[[OUT]]
  // LOC-DAG: #[[QKVNAME:.*]] = loc("h.0/qkv")
  // LOC-DAG: #[[QKVLOC]] = loc(fused<0 : i64>[#[[QKVNAME]]])
  // LOC-DAG: #[[ATTNNAME:.*]] = loc("h.0/attn")
  // LOC-DAG: #[[ATTNLOC]] = loc(fused<0 : i64>[#[[ATTNNAME]]])
  %s = pi.select_token %r at %position : tensor<1x8x16xf32>, tensor<i64> -> tensor<1x1x16xf32>
  %l = pi.linear %s, %head : tensor<1x1x16xf32>, tensor<16x50xf32> -> tensor<1x1x50xf32> loc("head")
  return %l : tensor<1x1x50xf32>
}
