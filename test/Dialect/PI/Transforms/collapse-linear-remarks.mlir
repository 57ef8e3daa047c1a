// RUN: aero-opt %s --pi-collapse-linear --remarks-filter=pi-collapse-linear -verify-diagnostics

func.func @collapsed(%x: tensor<2x4xf32>, %c: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %w1 = pi.weight "w1" dense<0.5> : tensor<4x4xf32>
  %w2 = pi.weight "w2" dense<0.5> : tensor<4x4xf32>
  %a = pi.linear %c, %w1 : tensor<2x4xf32>, tensor<4x4xf32> -> tensor<2x4xf32>
  %s = pi.add %x, %a : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  // expected-remark @below {{collapsed pi.linear: 32 multiply-adds a token instead of 32}}
  %y = pi.linear %s, %w2 : tensor<2x4xf32>, tensor<4x4xf32> -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

func.func @kept(%x: tensor<2x4xf32>, %c: tensor<2x4xf32>) -> tensor<2x12xf32> {
  %w1 = pi.weight "w1" dense<0.5> : tensor<4x4xf32>
  %w2 = pi.weight "w2" dense<0.5> : tensor<4x12xf32>
  %a = pi.linear %c, %w1 : tensor<2x4xf32>, tensor<4x4xf32> -> tensor<2x4xf32>
  %s = pi.add %x, %a : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  // expected-remark @below {{pi.linear is not collapsed: it would take 96 multiply-adds a token instead of 64}}
  %y = pi.linear %s, %w2 : tensor<2x4xf32>, tensor<4x12xf32> -> tensor<2x12xf32>
  return %y : tensor<2x12xf32>
}

func.func @chain(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %w1 = pi.weight "w1" dense<0.5> : tensor<4x4xf32>
  %w2 = pi.weight "w2" dense<0.5> : tensor<4x4xf32>
  %h = pi.linear %x, %w1 : tensor<2x4xf32>, tensor<4x4xf32> -> tensor<2x4xf32>
  // expected-remark @below {{pi.linear is not collapsed: its input is a linear map alone, which pi-merge-linear merges}}
  %y = pi.linear %h, %w2 : tensor<2x4xf32>, tensor<4x4xf32> -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}
