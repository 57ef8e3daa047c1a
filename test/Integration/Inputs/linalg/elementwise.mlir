// Functions of single elements, with broadcasting, of floats, integers and truth
// values; and what only moves elements.

func.func @main(%x: tensor<2x3x4xf32>, %y: tensor<3x1xf32>,
                %i: tensor<2x3xi64>, %j: tensor<3xi64>)
    -> (tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>,
        tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>,
        tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>,
        tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>,
        tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x3xf32>,
        tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3x4xf32>,
        tensor<4x6xf32>, tensor<4x2x3xf32>, tensor<2x3x2xf32>, tensor<2x4x4xf32>,
        tensor<2x3x4xf32>, tensor<2x3x10xf32>, tensor<1x1x1xf32>) {
  %p = pi.exp %x : tensor<2x3x4xf32>
  %0 = pi.add %x, %y : tensor<2x3x4xf32>, tensor<3x1xf32> -> tensor<2x3x4xf32>
  %1 = pi.sub %x, %y : tensor<2x3x4xf32>, tensor<3x1xf32> -> tensor<2x3x4xf32>
  %2 = pi.mul %x, %y : tensor<2x3x4xf32>, tensor<3x1xf32> -> tensor<2x3x4xf32>
  %3 = pi.div %x, %y : tensor<2x3x4xf32>, tensor<3x1xf32> -> tensor<2x3x4xf32>
  %4 = pi.min %x, %y : tensor<2x3x4xf32>, tensor<3x1xf32> -> tensor<2x3x4xf32>
  %5 = pi.max %x, %y : tensor<2x3x4xf32>, tensor<3x1xf32> -> tensor<2x3x4xf32>
  %6 = pi.pow %p, %y : tensor<2x3x4xf32>, tensor<3x1xf32> -> tensor<2x3x4xf32>
  %7 = pi.exp %x : tensor<2x3x4xf32>
  %8 = pi.erf %x : tensor<2x3x4xf32>
  %9 = pi.tanh %x : tensor<2x3x4xf32>
  %10 = pi.sigmoid %x : tensor<2x3x4xf32>
  %11 = pi.sin %x : tensor<2x3x4xf32>
  %12 = pi.cos %x : tensor<2x3x4xf32>
  %13 = pi.gelu %x : tensor<2x3x4xf32>
  %14 = pi.relu %x : tensor<2x3x4xf32>
  %15 = pi.silu %x : tensor<2x3x4xf32>
  %16 = pi.gelu %x approximation tanh : tensor<2x3x4xf32>
  %17 = pi.leaky_relu %x slope 1.0e-1 : tensor<2x3x4xf32>
  %18 = pi.sqrt %p : tensor<2x3x4xf32>
  %sum = pi.add %i, %j : tensor<2x3xi64>, tensor<3xi64> -> tensor<2x3xi64>
  %difference = pi.sub %sum, %i : tensor<2x3xi64>, tensor<2x3xi64> -> tensor<2x3xi64>
  %product = pi.mul %difference, %i : tensor<2x3xi64>, tensor<2x3xi64> -> tensor<2x3xi64>
  %ints = pi.cast %product : tensor<2x3xi64> -> tensor<2x3xf32>
  %eq = pi.compare eq %i, %j : tensor<2x3xi64>, tensor<3xi64> -> tensor<2x3xi1>
  %lt = pi.compare lt %i, %j : tensor<2x3xi64>, tensor<3xi64> -> tensor<2x3xi1>
  %le = pi.compare le %i, %j : tensor<2x3xi64>, tensor<3xi64> -> tensor<2x3xi1>
  %not = pi.not %lt : tensor<2x3xi1>
  %and = pi.and %not, %le : tensor<2x3xi1>, tensor<2x3xi1> -> tensor<2x3xi1>
  %or = pi.or %and, %lt : tensor<2x3xi1>, tensor<2x3xi1> -> tensor<2x3xi1>
  %same = pi.cast %eq : tensor<2x3xi1> -> tensor<2x3xf32>
  %truth = pi.cast %and : tensor<2x3xi1> -> tensor<2x3xi64>
  %truths = pi.cast %truth : tensor<2x3xi64> -> tensor<2x3xf32>
  %any = pi.cast %or : tensor<2x3xi1> -> tensor<2x3xf32>
  %c0 = pi.compare lt %x, %y : tensor<2x3x4xf32>, tensor<3x1xf32> -> tensor<2x3x4xi1>
  %nonzero = pi.cast %y : tensor<3x1xf32> -> tensor<3x1xi1>
  %c1 = pi.and %c0, %nonzero : tensor<2x3x4xi1>, tensor<3x1xi1> -> tensor<2x3x4xi1>
  %where = pi.where %c1, %x, %y : tensor<2x3x4xi1>, tensor<2x3x4xf32>, tensor<3x1xf32> -> tensor<2x3x4xf32>
  %reshape = pi.reshape %x : tensor<2x3x4xf32> -> tensor<4x6xf32>
  %transpose = pi.transpose %x [2, 0, 1] : tensor<2x3x4xf32> -> tensor<4x2x3xf32>
  %slice = pi.slice %x axis 2 offset 1 : tensor<2x3x4xf32> -> tensor<2x3x2xf32>
  %take = pi.take %x axis 1 at [2, 0, 2, 1] : tensor<2x3x4xf32> -> tensor<2x4x4xf32>
  %broadcast = pi.broadcast %y : tensor<3x1xf32> -> tensor<2x3x4xf32>
  %concat = pi.concat %x, %slice, %x axis 2 : tensor<2x3x4xf32>, tensor<2x3x2xf32>, tensor<2x3x4xf32> -> tensor<2x3x10xf32>
  %one = pi.slice %y axis 0 offset 2 : tensor<3x1xf32> -> tensor<1x1xf32>
  %scalar = pi.reshape %one : tensor<1x1xf32> -> tensor<f32>
  %twice = pi.add %scalar, %scalar : tensor<f32>, tensor<f32> -> tensor<f32>
  %unit = pi.reshape %twice : tensor<f32> -> tensor<1x1x1xf32>
  return %0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16,
      %17, %18, %ints, %same, %truths, %any, %where, %reshape, %transpose,
      %slice, %take, %broadcast, %concat, %unit :
      tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>,
      tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>,
      tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>,
      tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>,
      tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<2x3xf32>,
      tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3x4xf32>,
      tensor<4x6xf32>, tensor<4x2x3xf32>, tensor<2x3x2xf32>, tensor<2x4x4xf32>,
      tensor<2x3x4xf32>, tensor<2x3x10xf32>, tensor<1x1x1xf32>
}
