// Products, lookups, sums, norms and softmax.

func.func @main(%x: tensor<2x3x4xf32>, %w: tensor<4x5xf32>, %b: tensor<5xf32>,
                %m: tensor<1x4x2xf32>, %gamma: tensor<4xf32>,
                %beta: tensor<4xf32>, %ids: tensor<2x3xi64>,
                %at: tensor<i64>, %v: tensor<4xf32>)
    -> (tensor<2x3x5xf32>, tensor<2x3x5xf32>, tensor<5xf32>,
        tensor<2x3x2xf32>, tensor<2x3x3xf32>, tensor<3x2xf32>,
        tensor<2x3x5xf32>, tensor<2x1x4xf32>, tensor<2x3x4xf32>,
        tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>,
        tensor<1x3x1xf32>, tensor<3xf32>, tensor<f32>, tensor<2x3x4xf32>,
        tensor<2x3x4xf32>, tensor<2x3xf32>, tensor<2x3x4xf32>) {
  %0 = pi.linear %x, %w bias %b : tensor<5xf32> : tensor<2x3x4xf32>, tensor<4x5xf32> -> tensor<2x3x5xf32>
  %1 = pi.linear %x, %w : tensor<2x3x4xf32>, tensor<4x5xf32> -> tensor<2x3x5xf32>
  %2 = pi.linear %v, %w bias %b : tensor<5xf32> : tensor<4xf32>, tensor<4x5xf32> -> tensor<5xf32>
  %3 = pi.matmul %x, %m : tensor<2x3x4xf32>, tensor<1x4x2xf32> -> tensor<2x3x2xf32>
  %xt = pi.transpose %x [0, 2, 1] : tensor<2x3x4xf32> -> tensor<2x4x3xf32>
  %4 = pi.matmul %x, %xt : tensor<2x3x4xf32>, tensor<2x4x3xf32> -> tensor<2x3x3xf32>
  %x0 = pi.slice %x axis 0 offset 1 : tensor<2x3x4xf32> -> tensor<1x3x4xf32>
  %x1 = pi.reshape %x0 : tensor<1x3x4xf32> -> tensor<3x4xf32>
  %m0 = pi.reshape %m : tensor<1x4x2xf32> -> tensor<4x2xf32>
  %5 = pi.matmul %x1, %m0 : tensor<3x4xf32>, tensor<4x2xf32> -> tensor<3x2xf32>
  %6 = pi.embedding %w[%ids] : tensor<4x5xf32>, tensor<2x3xi64> -> tensor<2x3x5xf32>
  %7 = pi.select_token %x at %at : tensor<2x3x4xf32>, tensor<i64> -> tensor<2x1x4xf32>
  %8 = pi.layer_norm %x gamma %gamma : tensor<4xf32> beta %beta : tensor<4xf32> epsilon 1.0e-5 : tensor<2x3x4xf32>
  %9 = pi.layer_norm %x beta %beta : tensor<4xf32> epsilon 1.0e-3 : tensor<2x3x4xf32>
  %10 = pi.rms_norm %x gamma %gamma : tensor<4xf32> epsilon 1.0e-6 : tensor<2x3x4xf32>
  %11 = pi.rms_norm %x epsilon 1.0e-6 : tensor<2x3x4xf32>
  %12 = pi.reduce_mean %x axes [2, 0] keepdims : tensor<2x3x4xf32> -> tensor<1x3x1xf32>
  %13 = pi.reduce_sum %x axes [0, 2] : tensor<2x3x4xf32> -> tensor<3xf32>
  %14 = pi.reduce_sum %v axes [0] : tensor<4xf32> -> tensor<f32>
  %15 = pi.softmax %x axis 1 : tensor<2x3x4xf32>
  %16 = pi.cumsum %x axis 1 : tensor<2x3x4xf32>
  %ids2 = pi.cumsum %ids axis 1 : tensor<2x3xi64>
  %17 = pi.cast %ids2 : tensor<2x3xi64> -> tensor<2x3xf32>
  // A line of minus infinities.
  %inf = pi.constant dense<0xFF800000> : tensor<2x3x4xf32>
  %18 = pi.softmax %inf axis 2 : tensor<2x3x4xf32>
  return %0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15,
      %16, %17, %18 : tensor<2x3x5xf32>, tensor<2x3x5xf32>, tensor<5xf32>,
      tensor<2x3x2xf32>, tensor<2x3x3xf32>, tensor<3x2xf32>,
      tensor<2x3x5xf32>, tensor<2x1x4xf32>, tensor<2x3x4xf32>,
      tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>,
      tensor<1x3x1xf32>, tensor<3xf32>, tensor<f32>, tensor<2x3x4xf32>,
      tensor<2x3x4xf32>, tensor<2x3xf32>, tensor<2x3x4xf32>
}
