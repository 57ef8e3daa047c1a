// What cannot be built says why.

// RUN: not aero-opt %s --aero-rewrite=config=SM+ScFuFN 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not aero-opt %s --aero-compile=config=SM+ScFuFN 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not aero-opt %s --aero-rewrite=configuration=SM 2>&1 | FileCheck %s --check-prefix=OPTION
// RUN: not aero-opt %s --aero-rewrite=config=SM+LN+G 2>&1 | FileCheck %s --check-prefix=NORM
// RUN: not aero-opt %s --aero-rewrite=config=SM+LN 2>&1 | FileCheck %s --check-prefix=NORM
// RUN: not aero-opt %s --aero-rewrite=config=SM+G 2>&1 | FileCheck %s --check-prefix=GELU
// RUN: not aero-opt %s --aero-rewrite=config=SM+R 2>&1 | FileCheck %s --check-prefix=RELU
// RUN: not aero-opt %s --aero-compile=config=SM+R 2>&1 | FileCheck %s --check-prefix=RELU

// RUN: not aero-opt %s --aero-rewrite='config=SM+ScFuFFN_i(2)' 2>&1 | FileCheck %s --check-prefix=RANGE
// RUN: not aero-opt %s --aero-rewrite='config=SM+ScFuFFN_i(0)' 2>&1 | FileCheck %s --check-prefix=NUMBER
// RUN: not aero-opt %s --aero-rewrite='config=SM+ScFuFFN_i(six)' 2>&1 | FileCheck %s --check-prefix=WORD
// RUN: not aero-opt %s --aero-rewrite='config=SM+ScFuFFN_i(1' 2>&1 | FileCheck %s --check-prefix=VARIANT
// RUN: not aero-opt %s --aero-rewrite='config=SM+LN+G_i(1)' 2>&1 | FileCheck %s --check-prefix=VARIANT
// RUN: not aero-opt %s --aero-rewrite='config=SM(t)+LN' 2>&1 | FileCheck %s --check-prefix=VARIANT
// RUN: not aero-opt %s --aero-rewrite='config={SOTA SM}' 2>&1 | FileCheck %s --check-prefix=VARIANT
// RUN: not aero-opt %s --aero-rewrite='config={SOTA SM(t)+ScFFN}' 2>&1 | FileCheck %s --check-prefix=VARIANT
// RUN: not aero-opt %s --aero-rewrite='config={SOTA SM+ScFFN}' 2>&1 | FileCheck %s --check-prefix=SOTA

// RUN: not aero-opt %s --aero-rewrite='config=SM initial-alpha=2 initial-slope=0.1' 2>&1 | FileCheck %s --check-prefix=UNUSED
// RUN: not aero-opt %s --aero-rewrite='config=SM+LN norm-mode=affine' 2>&1 | FileCheck %s --check-prefix=MODE
// RUN: not aero-opt %s --aero-compile='config=SM+ScFFN initial-temperature=1 initial-threshold=0.5 temperature-shape=head initial-beta=2' 2>&1 | FileCheck %s --check-prefix=TEMPER
// RUN: not aero-opt %s --aero-rewrite='config=SM initial-alpha=two' 2>&1 | FileCheck %s --check-prefix=TYPE
// RUN: not aero-opt %s --aero-rewrite='config=SM+R initial-slope=0.1' 2>&1 | FileCheck %s --check-prefix=RELU

// UNUSED: error: option 'initial-alpha' needs a configuration that scales FFNs, e.g. SM+ScFFN, 'SM' does not
// UNUSED-NEXT: option 'initial-slope' needs a configuration that puts a ReLU in, SM+LN+R or SM+R, 'SM' does not
// MODE: error: option 'norm-mode' needs a configuration that takes norms out, 'SM+LN' does not
// TEMPER-NOT: initial-beta
// TEMPER: error: option 'initial-temperature' needs a configuration that has a temperature, e.g. SM(t)+ScFFN, 'SM+ScFFN' does not
// TEMPER-NEXT: option 'initial-threshold' needs
// TEMPER-NEXT: option 'temperature-shape' needs
// TYPE: 'two' value invalid for floating point argument
// RANGE: error: configuration 'SM+ScFuFFN_i(2)': cannot remove the feed-forward networks of the 2 deepest layers, the model 'main' has 1 layer (0)
// NUMBER: error: expected a number of layers, from 1 on, in configuration 'SM+ScFuFFN_i(0)', got '0'
// WORD: error: expected a number of layers, from 1 on, in configuration 'SM+ScFuFFN_i(six)', got 'six'
// VARIANT: error: unknown configuration '{{.*}}'; known are as-is, {{.*}} SM+ScFuFFN_i(n) without the FFNs of the n deepest layers, SM(t)
// SOTA: error: configuration 'SOTA SM+ScFFN' needs LayerNorm, and the model 'main' has none
// UNKNOWN: error: unknown configuration 'SM+ScFuFN'; known are as-is, SM+LN+G, SM+LN+R, SM+LN, SM+G, SM+R, SM, SM+ScFFN, SM+ScFuFFN
// OPTION: no such option configuration
// NORM: error: configuration 'SM+LN{{(\+G)?}}' needs LayerNorm, and the model 'main' has none
// NORM: note: no pass can add a norm to a network; choose a configuration without it, or as-is
// GELU: error: configuration 'SM+G' needs GELU, and the model 'main' has none
// RELU: error: configuration 'SM+R' needs ReLU, and the model 'main' has none
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
