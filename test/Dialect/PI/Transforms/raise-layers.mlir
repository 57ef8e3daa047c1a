// RUN: aero-opt %s --pass-pipeline='builtin.module(func.func(pi-raise))' --split-input-file --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s

!x = tensor<1x2x4xf32>
!w = tensor<4x4xf32>

// Two blocks with norms; the sum after the second closes it.
// CHECK-LABEL: func @blocks
func.func @blocks(%x: !x) -> !x {
  // A weight has its user's layer, one that two layers share has none.
  // CHECK-DAG: pi.weight "first" {{.*}} loc(fused<0 : i64>
  // CHECK-DAG: pi.weight "shared" {{.*}} loc("w")
  %w = pi.weight "shared" dense<0.1> : !w loc("w")
  %w0 = pi.weight "first" dense<0.1> : !w loc("w0")
  // CHECK: pi.layer_norm {{.*}} loc(fused<0 : i64>["ln_1"])
  %n0 = pi.layer_norm %x epsilon 1.0e-5 : !x loc("ln_1")
  // CHECK: pi.linear {{.*}} loc(fused<0 : i64>["qkv"])
  %q0 = pi.linear %n0, %w0 : !x, !w -> !x loc("qkv")
  // CHECK: pi.attention {{.*}} loc(fused<0 : i64>["attention"])
  %a0 = pi.attention %q0, %q0, %q0 heads 2 scale 0.5 causal : !x, !x loc("attention")
  // CHECK: pi.linear {{.*}} loc(fused<0 : i64>["projection"])
  %o0 = pi.linear %a0, %w : !x, !w -> !x loc("projection")
  // CHECK: pi.add {{.*}} loc(fused<0 : i64>["residual"])
  %y0 = pi.add %x, %o0 : !x, !x -> !x loc("residual")
  // CHECK: pi.layer_norm {{.*}} loc(fused<0 : i64>["ln_2"])
  %m0 = pi.layer_norm %y0 epsilon 1.0e-5 : !x loc("ln_2")
  // CHECK: pi.linear {{.*}} loc(fused<0 : i64>["ffn"])
  %f0 = pi.linear %m0, %w : !x, !w -> !x loc("ffn")
  // CHECK: pi.add {{.*}} loc(fused<0 : i64>["out"])
  %z0 = pi.add %y0, %f0 : !x, !x -> !x loc("out")
  // CHECK: pi.layer_norm {{.*}} loc(fused<1 : i64>["ln_1"])
  %n1 = pi.layer_norm %z0 epsilon 1.0e-5 : !x loc("ln_1")
  // CHECK: pi.attention {{.*}} loc(fused<1 : i64>["attention"])
  %a1 = pi.attention %n1, %n1, %n1 heads 2 scale 0.5 causal : !x, !x loc("attention")
  // CHECK: pi.add {{.*}} loc(fused<1 : i64>["residual"])
  %y1 = pi.add %z0, %a1 : !x, !x -> !x loc("residual")
  // CHECK: pi.linear {{.*}} loc(fused<1 : i64>["ffn"])
  %f1 = pi.linear %y1, %w : !x, !w -> !x loc("ffn")
  // CHECK: pi.add {{.*}} loc(fused<1 : i64>["out"])
  %z1 = pi.add %y1, %f1 : !x, !x -> !x loc("out")
  // CHECK: pi.layer_norm {{.*}} loc("ln_f")
  %n = pi.layer_norm %z1 epsilon 1.0e-5 : !x loc("ln_f")
  // CHECK: pi.linear {{.*}} loc("logits")
  %l = pi.linear %n, %w : !x, !w -> !x loc("logits")
  return %l : !x
}

// -----

!x = tensor<1x2x4xf32>
!w = tensor<4x4xf32>

// No norms, scaled residuals, and an embedding sum that is no residual.
// CHECK-LABEL: func @scaled
func.func @scaled(%x: !x, %p: !x) -> !x {
  %w = pi.weight "w" dense<0.1> : !w
  %beta = pi.weight "beta" dense<0.9> : tensor<f32>
  // CHECK: pi.add {{.*}} loc("embedding")
  %e = pi.add %x, %p : !x, !x -> !x loc("embedding")
  // CHECK: pi.linear {{.*}} loc(fused<0 : i64>["qkv0"])
  %q0 = pi.linear %e, %w : !x, !w -> !x loc("qkv0")
  %a0 = pi.attention %q0, %q0, %q0 heads 2 scale 0.5 causal : !x, !x
  %y0 = pi.add %e, %a0 : !x, !x -> !x
  // CHECK: pi.linear {{.*}} loc(fused<0 : i64>["ffn0"])
  %f0 = pi.linear %y0, %w : !x, !w -> !x loc("ffn0")
  // CHECK: pi.mul {{.*}} loc(fused<0 : i64>["beta0"])
  %b0 = pi.mul %beta, %y0 : tensor<f32>, !x -> !x loc("beta0")
  // CHECK: pi.div {{.*}} loc(fused<0 : i64>["alpha0"])
  %d0 = pi.div %f0, %beta : !x, tensor<f32> -> !x loc("alpha0")
  // CHECK: pi.add {{.*}} loc(fused<0 : i64>["out0"])
  %z0 = pi.add %b0, %d0 : !x, !x -> !x loc("out0")
  // CHECK: pi.linear {{.*}} loc(fused<1 : i64>["qkv1"])
  %q1 = pi.linear %z0, %w : !x, !w -> !x loc("qkv1")
  %a1 = pi.attention %q1, %q1, %q1 heads 2 scale 0.5 causal : !x, !x
  // The last block has no feed-forward network.
  // CHECK: pi.add {{.*}} loc(fused<1 : i64>["out1"])
  %z1 = pi.add %z0, %a1 : !x, !x -> !x loc("out1")
  // CHECK: pi.linear {{.*}} loc("logits")
  %l = pi.linear %z1, %w : !x, !w -> !x loc("logits")
  return %l : !x
}

// -----

!x = tensor<1x2x4xf32>
!w = tensor<4x4xf32>

// The feed-forward network beside attention belongs to the same block.
// CHECK-LABEL: func @parallel
func.func @parallel(%x: !x) -> !x {
  %w = pi.weight "w" dense<0.1> : !w
  %a0 = pi.attention %x, %x, %x heads 2 scale 0.5 causal : !x, !x
  // CHECK: pi.linear {{.*}} loc(fused<0 : i64>["ffn0"])
  %f0 = pi.linear %x, %w : !x, !w -> !x loc("ffn0")
  %y0 = pi.add %x, %a0 : !x, !x -> !x
  // CHECK: pi.add {{.*}} loc(fused<0 : i64>["out0"])
  %z0 = pi.add %y0, %f0 : !x, !x -> !x loc("out0")
  %a1 = pi.attention %z0, %z0, %z0 heads 2 scale 0.5 causal : !x, !x
  // CHECK: pi.linear {{.*}} loc(fused<1 : i64>["ffn1"])
  %f1 = pi.linear %z0, %w : !x, !w -> !x loc("ffn1")
  %y1 = pi.add %z0, %a1 : !x, !x -> !x
  %z1 = pi.add %y1, %f1 : !x, !x -> !x
  // CHECK: pi.linear {{.*}} loc("logits")
  %l = pi.linear %z1, %w : !x, !w -> !x loc("logits")
  return %l : !x
}

// -----

!x = tensor<1x2x4xf32>
!w = tensor<4x4xf32>

// GPT-NeoX: the feed-forward network is summed first, the input last.
// CHECK-LABEL: func @parallel_in_another_order
func.func @parallel_in_another_order(%e: !x, %c: tensor<2x1xf32>) -> !x {
  %w = pi.weight "w" dense<0.1> : !w
  // Angles that all layers share belong to none.
  // CHECK: pi.cos {{.*}} loc("angles")
  %cos = pi.cos %c : tensor<2x1xf32> loc("angles")
  %n0 = pi.layer_norm %e epsilon 1.0e-5 : !x
  // CHECK: pi.rotary_embedding {{.*}} loc(fused<0 : i64>["rotary0"])
  %r0 = pi.rotary_embedding %n0 cos %cos sin %cos heads 2 : !x, tensor<2x1xf32> loc("rotary0")
  %a0 = pi.attention %r0, %r0, %n0 heads 2 scale 0.5 causal : !x, !x
  // CHECK: pi.layer_norm {{.*}} loc(fused<0 : i64>["ln0"])
  %m0 = pi.layer_norm %e epsilon 1.0e-5 : !x loc("ln0")
  // CHECK: pi.linear {{.*}} loc(fused<0 : i64>["ffn0"])
  %f0 = pi.linear %m0, %w : !x, !w -> !x loc("ffn0")
  // CHECK: pi.add {{.*}} loc(fused<0 : i64>["sum0"])
  %s0 = pi.add %f0, %a0 : !x, !x -> !x loc("sum0")
  // CHECK: pi.add {{.*}} loc(fused<0 : i64>["out0"])
  %z0 = pi.add %s0, %e : !x, !x -> !x loc("out0")
  %n1 = pi.layer_norm %z0 epsilon 1.0e-5 : !x
  // CHECK: pi.rotary_embedding {{.*}} loc(fused<1 : i64>["rotary1"])
  %r1 = pi.rotary_embedding %n1 cos %cos sin %cos heads 2 : !x, tensor<2x1xf32> loc("rotary1")
  %a1 = pi.attention %r1, %r1, %n1 heads 2 scale 0.5 causal : !x, !x
  // CHECK: pi.layer_norm {{.*}} loc(fused<1 : i64>["ln1"])
  %m1 = pi.layer_norm %z0 epsilon 1.0e-5 : !x loc("ln1")
  %f1 = pi.linear %m1, %w : !x, !w -> !x
  %s1 = pi.add %f1, %a1 : !x, !x -> !x
  // CHECK: pi.add {{.*}} loc(fused<1 : i64>["out1"])
  %z1 = pi.add %s1, %z0 : !x, !x -> !x loc("out1")
  // CHECK: pi.layer_norm {{.*}} loc("final")
  %n = pi.layer_norm %z1 epsilon 1.0e-5 : !x loc("final")
  return %n : !x
}

// -----

!x = tensor<1x2x4xf32>
!w = tensor<4x4xf32>

// BERT: norms after the sums, so the last one belongs to the last block; and a
// norm of the embeddings, which belongs to none.
// CHECK-LABEL: func @norms_after
func.func @norms_after(%e: !x, %p: !x) -> !x {
  %w = pi.weight "w" dense<0.1> : !w
  %s = pi.add %e, %p : !x, !x -> !x
  // CHECK: pi.layer_norm {{.*}} loc("embeddings")
  %x = pi.layer_norm %s epsilon 1.0e-5 : !x loc("embeddings")
  %a0 = pi.attention %x, %x, %x heads 2 scale 0.5 : !x, !x
  // CHECK: pi.add {{.*}} loc(fused<0 : i64>["residual0"])
  %r0 = pi.add %a0, %x : !x, !x -> !x loc("residual0")
  // CHECK: pi.layer_norm {{.*}} loc(fused<0 : i64>["ln0"])
  %n0 = pi.layer_norm %r0 epsilon 1.0e-5 : !x loc("ln0")
  // CHECK: pi.linear {{.*}} loc(fused<0 : i64>["ffn0"])
  %f0 = pi.linear %n0, %w : !x, !w -> !x loc("ffn0")
  %o0 = pi.add %f0, %n0 : !x, !x -> !x
  // CHECK: pi.layer_norm {{.*}} loc(fused<0 : i64>["out0"])
  %z0 = pi.layer_norm %o0 epsilon 1.0e-5 : !x loc("out0")
  %a1 = pi.attention %z0, %z0, %z0 heads 2 scale 0.5 : !x, !x
  %r1 = pi.add %a1, %z0 : !x, !x -> !x
  %n1 = pi.layer_norm %r1 epsilon 1.0e-5 : !x
  %f1 = pi.linear %n1, %w : !x, !w -> !x
  %o1 = pi.add %f1, %n1 : !x, !x -> !x
  // CHECK: pi.layer_norm {{.*}} loc(fused<1 : i64>["out1"])
  %z1 = pi.layer_norm %o1 epsilon 1.0e-5 : !x loc("out1")
  // CHECK: pi.linear {{.*}} loc("pooler")
  %y = pi.linear %z1, %w : !x, !w -> !x loc("pooler")
  return %y : !x
}

// -----

!x = tensor<1x2x4xf32>
!w = tensor<4x4xf32>

// LLaMA: both branches of a gated feed-forward network and their product.
// CHECK-LABEL: func @gated
func.func @gated(%x: !x) -> !x {
  %w = pi.weight "w" dense<0.1> : !w
  %a0 = pi.attention %x, %x, %x heads 2 scale 0.5 causal : !x, !x
  %y0 = pi.add %x, %a0 : !x, !x -> !x
  %n0 = pi.rms_norm %y0 epsilon 1.0e-5 : !x
  // CHECK: pi.linear {{.*}} loc(fused<0 : i64>["gate"])
  %g0 = pi.linear %n0, %w : !x, !w -> !x loc("gate")
  // CHECK: pi.silu {{.*}} loc(fused<0 : i64>["silu"])
  %s0 = pi.silu %g0 : !x loc("silu")
  // CHECK: pi.linear {{.*}} loc(fused<0 : i64>["up"])
  %u0 = pi.linear %n0, %w : !x, !w -> !x loc("up")
  // CHECK: pi.mul {{.*}} loc(fused<0 : i64>["product"])
  %p0 = pi.mul %s0, %u0 : !x, !x -> !x loc("product")
  // CHECK: pi.linear {{.*}} loc(fused<0 : i64>["down"])
  %f0 = pi.linear %p0, %w : !x, !w -> !x loc("down")
  %z0 = pi.add %y0, %f0 : !x, !x -> !x
  // CHECK: pi.rms_norm {{.*}} loc("final")
  %n = pi.rms_norm %z0 epsilon 1.0e-5 : !x loc("final")
  return %n : !x
}

// -----

// CHECK-LABEL: func @no_attention
func.func @no_attention(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // CHECK: pi.relu {{.*}} loc("relu")
  %0 = pi.relu %x : tensor<2x4xf32> loc("relu")
  return %0 : tensor<2x4xf32>
}
