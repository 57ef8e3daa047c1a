// Every form of attention: causal, with earlier keys, a padding mask that hides
// all keys of a row, a bias, grouped heads, one head; and rotary embeddings.

func.func @main(%q: tensor<2x3x8xf32>, %k: tensor<2x5x8xf32>,
                %v: tensor<2x5x8xf32>, %gk: tensor<2x3x4xf32>,
                %gv: tensor<2x3x4xf32>, %mask: tensor<2x5xi64>,
                %bias: tensor<2x1x5xf32>, %cos: tensor<3x2xf32>,
                %sin: tensor<3x2xf32>, %cosb: tensor<2x3x1xf32>,
                %sinb: tensor<2x3x1xf32>)
    -> (tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>,
        tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>,
        tensor<2x3x8xf32>) {
  %0 = pi.attention %q, %k, %v heads 2 scale 5.0e-1 causal : tensor<2x3x8xf32>, tensor<2x5x8xf32>
  %1 = pi.attention %q, %k, %v mask %mask : tensor<2x5xi64> bias %bias : tensor<2x1x5xf32> heads 2 scale 1.25 : tensor<2x3x8xf32>, tensor<2x5x8xf32>
  %2 = pi.attention %q, %gk, %gv heads 4 key_heads 2 scale 3.0e-1 causal : tensor<2x3x8xf32>, tensor<2x3x4xf32>
  %3 = pi.cast %mask : tensor<2x5xi64> -> tensor<2x5xi1>
  %4 = pi.attention %q, %k, %v mask %3 : tensor<2x5xi1> heads 1 scale 1.0 causal : tensor<2x3x8xf32>, tensor<2x5x8xf32>
  %5 = pi.attention %q, %gk, %gv heads 4 key_heads 2 scale 1.0 : tensor<2x3x8xf32>, tensor<2x3x4xf32>
  %6 = pi.rotary_embedding %q cos %cos sin %sin heads 2 : tensor<2x3x8xf32>, tensor<3x2xf32>
  %7 = pi.rotary_embedding %q cos %cosb sin %sinb heads 2 interleaved : tensor<2x3x8xf32>, tensor<2x3x1xf32>
  return %0, %1, %2, %4, %5, %6, %7 : tensor<2x3x8xf32>, tensor<2x3x8xf32>,
      tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>,
      tensor<2x3x8xf32>, tensor<2x3x8xf32>
}
