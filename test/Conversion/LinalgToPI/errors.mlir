// RUN: aero-opt %s -allow-unregistered-dialect -split-input-file -verify-diagnostics --pass-pipeline='builtin.module(func.func(convert-linalg-to-pi))'

// All of them are reported, but not what only reads them.
func.func @all(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  // expected-error @below {{no pi form of math.log: pi has no such function}}
  %0 = math.log %x : tensor<2xf32>
  %1 = math.exp %0 : tensor<2xf32>
  // expected-error @below {{no pi form of math.floor: pi has no such function}}
  %2 = math.floor %x : tensor<2xf32>
  return %1, %2 : tensor<2xf32>, tensor<2xf32>
}

// -----

func.func @other(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @below {{no pi form of test.op: it is none of the ops on tensors that pi has}}
  %0 = "test.op"(%x) : (tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func private @f(tensor<2xf32>) -> tensor<2xf32>
func.func @call(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @below {{no pi form of func.call: it is none of the ops on tensors that pi has}}
  %0 = call @f(%x) : (tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// expected-error @below {{no pi form of argument 1 of 'signature': pi has no type tensor<?xf32>, only tensors of f32, i64 and i1 with a static shape}}
// expected-error @below {{no pi form of result 0 of 'signature': pi has no type tensor<2xf16>}}
func.func @signature(%x: tensor<2xf32>, %y: tensor<?xf32>) -> tensor<2xf16> {
  %0 = arith.truncf %x : tensor<2xf32> to tensor<2xf16>
  return %0 : tensor<2xf16>
}

// -----

func.func @half(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @below {{no pi form of arith.truncf: pi has no type tensor<2xf16>}}
  %0 = arith.truncf %x : tensor<2xf32> to tensor<2xf16>
  %1 = arith.extf %0 : tensor<2xf16> to tensor<2xf32>
  return %1 : tensor<2xf32>
}

// -----

// expected-error @below {{no pi form of 'blocks': it has more than one block}}
func.func @blocks(%x: tensor<2xf32>) -> tensor<2xf32> {
  "test.br"()[^next] : () -> ()
^next:
  return %x : tensor<2xf32>
}

// -----

#m = affine_map<(i, j) -> (i, i)>
#o = affine_map<(i, j) -> (i, j)>
func.func @diagonal(%x: tensor<3x3xf32>) -> tensor<3x3xf32> {
  %e = tensor.empty() : tensor<3x3xf32>
  // expected-error @below {{no pi form of linalg.generic: it reads a diagonal}}
  %0 = linalg.generic {indexing_maps = [#m, #o], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<3x3xf32>) outs(%e : tensor<3x3xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  } -> tensor<3x3xf32>
  return %0 : tensor<3x3xf32>
}

// -----

func.func @window(%x: tensor<1x8x2xf32>, %w: tensor<3x2x4xf32>, %s: tensor<1x6x4xf32>) -> tensor<1x6x4xf32> {
  // expected-error @below {{no pi form of linalg.conv_1d_nwc_wcf: an indexing map is not a projected permutation}}
  %0 = linalg.conv_1d_nwc_wcf ins(%x, %w : tensor<1x8x2xf32>, tensor<3x2x4xf32>) outs(%s : tensor<1x6x4xf32>) -> tensor<1x6x4xf32>
  return %0 : tensor<1x6x4xf32>
}

// -----

func.func @body(%x: tensor<2xf32>) -> tensor<2xf32> {
  %e = tensor.empty() : tensor<2xf32>
  // expected-error @below {{no pi form of linalg.log: its math.log: pi has no such function}}
  %0 = linalg.log ins(%x : tensor<2xf32>) outs(%e : tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @product(%x: tensor<2x3xf32>, %s: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @below {{no pi form of linalg.reduce: it reduces by something else than a sum}}
  %0 = linalg.reduce { arith.mulf } ins(%x : tensor<2x3xf32>) outs(%s : tensor<2xf32>) dimensions = [1]
  return %0 : tensor<2xf32>
}

// -----

func.func @integers(%x: tensor<2x3xi64>, %s: tensor<2xi64>) -> tensor<2xi64> {
  // expected-error @below {{no pi form of linalg.reduce: pi has no sum of integers}}
  %0 = linalg.reduce { arith.addi } ins(%x : tensor<2x3xi64>) outs(%s : tensor<2xi64>) dimensions = [1]
  return %0 : tensor<2xi64>
}

// -----

// The maximum is a result, not a part of softmax.
func.func @maximum(%x: tensor<2x3xf32>) -> tensor<2xf32> {
  %low = arith.constant 0xFF800000 : f32
  %e = tensor.splat %low : tensor<2xf32>
  // expected-error @below {{no pi form of a maximum along a dimension: it is not a part of softmax}}
  %0 = linalg.reduce { arith.maximumf } ins(%x : tensor<2x3xf32>) outs(%e : tensor<2xf32>) dimensions = [1]
  return %0 : tensor<2xf32>
}

// -----

func.func @maximum_onto(%x: tensor<2x3xf32>, %s: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @below {{no pi form of linalg.reduce: its maximum does not start at the least number}}
  %0 = linalg.reduce { arith.maximumf } ins(%x : tensor<2x3xf32>) outs(%s : tensor<2xf32>) dimensions = [1]
  return %0 : tensor<2xf32>
}

// -----

// Exponentials of the one, divided by the sum of the other.
#i = affine_map<(d0, d1) -> (d0, d1)>
#column = affine_map<(d0, d1) -> (d0)>
func.func @no_softmax(%x: tensor<2x4xf32>, %y: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %zero = arith.constant 0.0 : f32
  %low = arith.constant 0xFF800000 : f32
  %g = tensor.empty() : tensor<2x4xf32>
  %f = tensor.splat %low : tensor<2xf32>
  // expected-error @below {{no pi form of a maximum along a dimension: it is not a part of softmax}}
  %m = linalg.reduce { arith.maximumf } ins(%x : tensor<2x4xf32>) outs(%f : tensor<2xf32>) dimensions = [1]
  %0 = linalg.generic {indexing_maps = [#i, #column, #i], iterator_types = ["parallel", "parallel"]} ins(%x, %m : tensor<2x4xf32>, tensor<2xf32>) outs(%g : tensor<2x4xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %s = arith.subf %a, %b : f32
    %t = math.exp %s : f32
    linalg.yield %t : f32
  } -> tensor<2x4xf32>
  %z = tensor.splat %zero : tensor<2xf32>
  %1 = linalg.reduce { arith.addf } ins(%y : tensor<2x4xf32>) outs(%z : tensor<2xf32>) dimensions = [1]
  %2 = linalg.generic {indexing_maps = [#i, #column, #i], iterator_types = ["parallel", "parallel"]} ins(%0, %1 : tensor<2x4xf32>, tensor<2xf32>) outs(%g : tensor<2x4xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %s = arith.divf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<2x4xf32>
  return %2 : tensor<2x4xf32>
}

// -----

func.func @nan(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @below {{no pi form of arith.maxnumf: of a NaN and a number it has the number, and pi NaN; use arith.maximumf}}
  %0 = arith.maxnumf %x, %x : tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @bits(%x: tensor<2xi64>, %b: tensor<2xi1>) -> (tensor<2xi64>, tensor<2xi1>, tensor<2xi64>, tensor<2xi1>, tensor<2xi1>) {
  // expected-error @below {{no pi form of arith.andi: pi has no arithmetic of bits}}
  %0 = arith.andi %x, %x : tensor<2xi64>
  // expected-error @below {{no pi form of arith.addi: pi has no arithmetic of truth values}}
  %1 = arith.addi %b, %b : tensor<2xi1>
  // expected-error @below {{no pi form of arith.extsi: pi has no such function}}
  %2 = arith.extsi %b : tensor<2xi1> to tensor<2xi64>
  // expected-error @below {{no pi form of arith.cmpi: integers of pi have a sign}}
  %3 = arith.cmpi ult, %x, %x : tensor<2xi64>
  // expected-error @below {{no pi form of arith.cmpi: truth values have no order in pi}}
  %4 = arith.cmpi slt, %b, %b : tensor<2xi1>
  return %0, %1, %2, %3, %4 : tensor<2xi64>, tensor<2xi1>, tensor<2xi64>, tensor<2xi1>, tensor<2xi1>
}

// -----

func.func @conversions(%x: tensor<2xi1>, %i: tensor<2xi64>, %f: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  // expected-error @below {{no pi form of arith.sitofp: pi has no such conversion}}
  %0 = arith.sitofp %x : tensor<2xi1> to tensor<2xf32>
  // expected-error @below {{no pi form of math.fpowi: the exponent is not constant}}
  %1 = math.fpowi %f, %i : tensor<2xf32>, tensor<2xi64>
  return %0, %1 : tensor<2xf32>, tensor<2xf32>
}

// -----

func.func @unwritten(%x: tensor<2xf32>) -> tensor<2xf32> {
  %e = tensor.empty() : tensor<2xf32>
  // expected-error @below {{no pi form of arith.addf: it reads elements that nobody has written}}
  %0 = arith.addf %x, %e : tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @unfinished(%x: tensor<2xf32>) -> (tensor<3xf32>, tensor<4xf32>) {
  %e = tensor.empty() : tensor<3xf32>
  %0 = tensor.insert_slice %x into %e[0] [2] [1] : tensor<2xf32> into tensor<3xf32>
  // expected-error @below {{no pi form of tensor.insert_slice: it writes over a part of an unfinished tensor}}
  %1 = tensor.insert_slice %x into %0[1] [2] [1] : tensor<2xf32> into tensor<3xf32>
  %f = tensor.empty() : tensor<4xf32>
  // expected-error @below {{no pi form of tensor.insert_slice: it leaves gaps in a tensor that nobody has written}}
  %2 = tensor.insert_slice %x into %f[0] [2] [2] : tensor<2xf32> into tensor<4xf32>
  // expected-error @below {{no pi form of func.return: it reads elements that nobody has written}}
  return %0, %f : tensor<3xf32>, tensor<4xf32>
}

// -----

func.func @boxes(%x: tensor<2x2xf32>, %y: tensor<3x3xf32>, %p: tensor<i64>) -> (tensor<3x3xf32>, tensor<3x2xf32>) {
  // expected-error @below {{no pi form of tensor.insert_slice: it writes a part of more than one dimension}}
  %0 = tensor.insert_slice %x into %y[0, 0] [2, 2] [1, 1] : tensor<2x2xf32> into tensor<3x3xf32>
  %1 = tensor.extract %p[] : tensor<i64>
  %2 = arith.index_cast %1 : i64 to index
  // expected-error @below {{no pi form of tensor.extract_slice: its offsets are not constant, and it is not one token of (batch, tokens, width)}}
  %3 = tensor.extract_slice %y[0, %2] [3, 2] [1, 1] : tensor<3x3xf32> to tensor<3x2xf32>
  return %0, %3 : tensor<3x3xf32>, tensor<3x2xf32>
}

// -----

#ids = affine_map<(t, c) -> (t)>
#all = affine_map<(t, c) -> (t, c)>
func.func @lookups(%t: tensor<7x4xf32>, %i: tensor<3x1xi64>, %j: tensor<3xi64>) -> (tensor<3x7xf32>, tensor<3x4xf32>) {
  // expected-error @below {{no pi form of tensor.gather: it does not look up rows of a float matrix by i64}}
  %0 = tensor.gather %t[%i] gather_dims([1]) : (tensor<7x4xf32>, tensor<3x1xi64>) -> tensor<3x7xf32>
  %e = tensor.empty() : tensor<3x4xf32>
  // expected-error @below {{no pi form of linalg.generic: tensor.extract has two computed indices}}
  %1 = linalg.generic {indexing_maps = [#ids, #all], iterator_types = ["parallel", "parallel"]} ins(%j : tensor<3xi64>) outs(%e : tensor<3x4xf32>) {
  ^bb0(%id: i64, %o: f32):
    %row = arith.index_cast %id : i64 to index
    %2 = tensor.extract %t[%row, %row] : tensor<7x4xf32>
    linalg.yield %2 : f32
  } -> tensor<3x4xf32>
  return %0, %1 : tensor<3x7xf32>, tensor<3x4xf32>
}

// -----

ml_program.global private @extern(#ml_program.extern : tensor<2xf32>) : tensor<2xf32>
func.func @globals() -> tensor<2xf32> {
  // expected-error @below {{no pi form of ml_program.global_load_const: its elements are neither dense nor a resource}}
  %0 = ml_program.global_load_const @extern : tensor<2xf32>
  return %0 : tensor<2xf32>
}
