// RUN: aero-opt %s --pass-pipeline='builtin.module(func.func(convert-linalg-to-pi))' | FileCheck %s

#i = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d1)>
#column = affine_map<(d0, d1) -> (d0)>
#t = affine_map<(d0, d1) -> (d1, d0)>
#first = affine_map<(d0, d1) -> (0, d1)>

// CHECK-LABEL: func @named
// CHECK-SAME: (%[[X:.+]]: tensor<2x3xf32>, %[[Y:.+]]: tensor<2x3xf32>)
// CHECK-DAG: %[[ONE:.+]] = pi.constant dense<1.000000e+00> : tensor<f32>
// CHECK-DAG: %[[MINUS:.+]] = pi.constant dense<-1.000000e+00> : tensor<f32>
// CHECK: %[[A:.+]] = pi.add %[[X]], %[[Y]]
// CHECK-NEXT: %[[B:.+]] = pi.sub %[[A]], %[[Y]]
// CHECK-NEXT: %[[C:.+]] = pi.mul %[[B]], %[[Y]]
// CHECK-NEXT: %[[D:.+]] = pi.div %[[C]], %[[Y]]
// CHECK-NEXT: %[[E:.+]] = pi.exp %[[D]]
// CHECK-NEXT: %[[F:.+]] = pi.tanh %[[E]]
// CHECK-NEXT: %[[G:.+]] = pi.erf %[[F]]
// CHECK-NEXT: %[[H:.+]] = pi.max %[[G]], %[[Y]]
// CHECK-NEXT: %[[I:.+]] = pi.min %[[H]], %[[Y]]
// CHECK-NEXT: %[[J:.+]] = pi.sqrt %[[I]]
// CHECK-NEXT: %[[K:.+]] = pi.div %[[ONE]], %[[J]]
// CHECK-NEXT: %[[L:.+]] = pi.sqrt %[[K]]
// CHECK-NEXT: %[[M:.+]] = pi.mul %[[L]], %[[L]]
// CHECK-NEXT: %[[N:.+]] = pi.mul %[[M]], %[[MINUS]]
// CHECK-NEXT: %[[O:.+]] = pi.mul %[[N]], %[[MINUS]]
// CHECK-NEXT: %[[P:.+]] = pi.max %[[N]], %[[O]]
// CHECK-NEXT: %[[Q:.+]] = pi.pow %[[P]], %[[Y]]
// CHECK-NEXT: %[[R:.+]] = pi.div %[[ONE]], %[[Q]]
// CHECK-NEXT: return %[[R]]
func.func @named(%x: tensor<2x3xf32>, %y: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %e = tensor.empty() : tensor<2x3xf32>
  %0 = linalg.add ins(%x, %y : tensor<2x3xf32>, tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>
  %1 = linalg.sub ins(%0, %y : tensor<2x3xf32>, tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>
  %2 = linalg.mul ins(%1, %y : tensor<2x3xf32>, tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>
  %3 = linalg.div ins(%2, %y : tensor<2x3xf32>, tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>
  %4 = linalg.exp ins(%3 : tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>
  %5 = linalg.tanh ins(%4 : tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>
  %6 = linalg.erf ins(%5 : tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>
  %7 = linalg.max ins(%6, %y : tensor<2x3xf32>, tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>
  %8 = linalg.min ins(%7, %y : tensor<2x3xf32>, tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>
  %9 = linalg.rsqrt ins(%8 : tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>
  %10 = linalg.sqrt ins(%9 : tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>
  %11 = linalg.square ins(%10 : tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>
  %12 = linalg.negf ins(%11 : tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>
  %13 = linalg.abs ins(%12 : tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>
  %14 = linalg.powf ins(%13, %y : tensor<2x3xf32>, tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>
  %15 = linalg.reciprocal ins(%14 : tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>
  return %15 : tensor<2x3xf32>
}

// The same functions on tensors, without loops around them.
// CHECK-LABEL: func @on_tensors
// CHECK: %[[A:.+]] = pi.add
// CHECK-NEXT: %[[S:.+]] = pi.sin %[[A]]
// CHECK-NEXT: %[[C:.+]] = pi.cos %[[S]]
// CHECK-NEXT: return %[[C]]
func.func @on_tensors(%x: tensor<2x3xf32>, %y: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = arith.addf %x, %y : tensor<2x3xf32>
  %1 = math.sin %0 : tensor<2x3xf32>
  %2 = math.cos %1 : tensor<2x3xf32>
  return %2 : tensor<2x3xf32>
}

// Maps say what is repeated along which dimension. Along the first ones pi
// repeats by itself.
// CHECK-LABEL: func @maps
// CHECK-SAME: (%[[X:.+]]: tensor<2x3xf32>, %[[R:.+]]: tensor<3xf32>, %[[C:.+]]: tensor<2xf32>, %[[T:.+]]: tensor<3x2xf32>, %[[F:.+]]: tensor<4x3xf32>)
// CHECK-DAG: %[[COLUMN:.+]] = pi.reshape %[[C]] : tensor<2xf32> -> tensor<2x1xf32>
// CHECK-DAG: %[[TT:.+]] = pi.transpose %[[T]] [1, 0] : tensor<3x2xf32> -> tensor<2x3xf32>
// CHECK-DAG: %[[SLICE:.+]] = pi.slice %[[F]] axis 0 offset 0 : tensor<4x3xf32> -> tensor<1x3xf32>
// CHECK-DAG: %[[ROW:.+]] = pi.reshape %[[SLICE]] : tensor<1x3xf32> -> tensor<3xf32>
// CHECK: %[[A:.+]] = pi.add %[[X]], %[[R]] : tensor<2x3xf32>, tensor<3xf32>
// CHECK-NEXT: %[[B:.+]] = pi.mul %[[A]], %[[COLUMN]] : tensor<2x3xf32>, tensor<2x1xf32>
// CHECK-NEXT: %[[D:.+]] = pi.sub %[[B]], %[[TT]]
// CHECK-NEXT: %[[E:.+]] = pi.sub %[[D]], %[[ROW]]
// CHECK-NEXT: return %[[E]]
func.func @maps(%x: tensor<2x3xf32>, %r: tensor<3xf32>, %c: tensor<2xf32>, %t: tensor<3x2xf32>, %f: tensor<4x3xf32>) -> tensor<2x3xf32> {
  %e = tensor.empty() : tensor<2x3xf32>
  %0 = linalg.generic {indexing_maps = [#i, #row, #column, #t, #first, #i], iterator_types = ["parallel", "parallel"]} ins(%x, %r, %c, %t, %f : tensor<2x3xf32>, tensor<3xf32>, tensor<2xf32>, tensor<3x2xf32>, tensor<4x3xf32>) outs(%e : tensor<2x3xf32>) {
  ^bb0(%a: f32, %b: f32, %d: f32, %g: f32, %h: f32, %o: f32):
    %1 = arith.addf %a, %b : f32
    %2 = arith.mulf %1, %d : f32
    %3 = arith.subf %2, %g : f32
    %4 = arith.subf %3, %h : f32
    linalg.yield %4 : f32
  } -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// A result that is written the other way round, and one that reads what it
// replaces.
// CHECK-LABEL: func @results
// CHECK-SAME: (%[[X:.+]]: tensor<2x3xf32>, %[[Y:.+]]: tensor<2x3xf32>)
// CHECK: %[[E:.+]] = pi.exp %[[X]]
// CHECK-NEXT: %[[A:.+]] = pi.add %[[X]], %[[Y]]
// CHECK-NEXT: %[[T:.+]] = pi.transpose %[[E]] [1, 0] : tensor<2x3xf32> -> tensor<3x2xf32>
// CHECK-NEXT: return %[[T]], %[[A]]
func.func @results(%x: tensor<2x3xf32>, %y: tensor<2x3xf32>) -> (tensor<3x2xf32>, tensor<2x3xf32>) {
  %e = tensor.empty() : tensor<3x2xf32>
  %0:2 = linalg.generic {indexing_maps = [#i, #t, #i], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<2x3xf32>) outs(%e, %y : tensor<3x2xf32>, tensor<2x3xf32>) {
  ^bb0(%a: f32, %o: f32, %p: f32):
    %1 = math.exp %a : f32
    %2 = arith.addf %a, %p : f32
    linalg.yield %1, %2 : f32, f32
  } -> (tensor<3x2xf32>, tensor<2x3xf32>)
  return %0#0, %0#1 : tensor<3x2xf32>, tensor<2x3xf32>
}

// A causal mask is arithmetic of loop indices, which is public.
// CHECK-LABEL: func @causal
// CHECK-DAG: %[[T:.+]] = pi.constant dense<{{\[\[}}0], [1], [2]]> : tensor<3x1xi64>
// CHECK-DAG: %[[S:.+]] = pi.constant dense<[0, 1, 2]> : tensor<3xi64>
// CHECK-DAG: %[[LOW:.+]] = pi.constant dense<0xFF800000> : tensor<f32>
// CHECK: %[[C:.+]] = pi.compare le %[[S]], %[[T]] : tensor<3xi64>, tensor<3x1xi64> -> tensor<3x3xi1>
// CHECK-NEXT: pi.where %[[C]], %{{.+}}, %[[LOW]]
func.func @causal(%x: tensor<3x3xf32>) -> tensor<3x3xf32> {
  %low = arith.constant 0xFF800000 : f32
  %e = tensor.empty() : tensor<3x3xf32>
  %0 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<3x3xf32>) outs(%e : tensor<3x3xf32>) {
  ^bb0(%a: f32, %o: f32):
    %t = linalg.index 0 : index
    %s = linalg.index 1 : index
    %c = arith.cmpi sle, %s, %t : index
    %1 = arith.select %c, %a, %low : f32
    linalg.yield %1 : f32
  } -> tensor<3x3xf32>
  return %0 : tensor<3x3xf32>
}

// Comparisons that are true for NaN are the opposite of one that is not.
// CHECK-LABEL: func @comparisons
// CHECK-SAME: (%[[X:.+]]: tensor<2xf32>, %[[Y:.+]]: tensor<2xf32>)
// CHECK: pi.compare lt %[[Y]], %[[X]]
// CHECK: %[[LE:.+]] = pi.compare le %[[Y]], %[[X]]
// CHECK-NEXT: pi.not %[[LE]]
// CHECK: %[[EQ:.+]] = pi.compare eq %[[X]], %[[Y]]
// CHECK-NEXT: pi.not %[[EQ]]
func.func @comparisons(%x: tensor<2xf32>, %y: tensor<2xf32>) -> (tensor<2xi1>, tensor<2xi1>, tensor<2xi1>) {
  %0 = arith.cmpf ogt, %x, %y : tensor<2xf32>
  %1 = arith.cmpf ult, %x, %y : tensor<2xf32>
  %2 = arith.cmpf une, %x, %y : tensor<2xf32>
  return %0, %1, %2 : tensor<2xi1>, tensor<2xi1>, tensor<2xi1>
}

// pi.where chooses floats; integers and truth values are put together.
// CHECK-LABEL: func @choose
// CHECK-SAME: (%[[C:.+]]: tensor<2xi1>, %[[A:.+]]: tensor<2xi64>, %[[B:.+]]: tensor<2xi64>)
// CHECK: %[[ONE:.+]] = pi.cast %[[C]] : tensor<2xi1> -> tensor<2xi64>
// CHECK-NEXT: %[[L:.+]] = pi.mul %[[ONE]], %[[A]]
// CHECK-NEXT: %[[N:.+]] = pi.not %[[C]]
// CHECK-NEXT: %[[TWO:.+]] = pi.cast %[[N]]
// CHECK-NEXT: %[[R:.+]] = pi.mul %[[TWO]], %[[B]]
// CHECK-NEXT: pi.add %[[L]], %[[R]]
func.func @choose(%c: tensor<2xi1>, %a: tensor<2xi64>, %b: tensor<2xi64>) -> tensor<2xi64> {
  %0 = arith.select %c, %a, %b : tensor<2xi1>, tensor<2xi64>
  return %0 : tensor<2xi64>
}

// CHECK-LABEL: func @casts
// CHECK: pi.cast %{{.+}} : tensor<2xi64> -> tensor<2xf32>
// CHECK: pi.cast %{{.+}} : tensor<2xi1> -> tensor<2xi64>
// CHECK: pi.cast %{{.+}} : tensor<2xi1> -> tensor<2xf32>
// CHECK: pi.cast %{{.+}} : tensor<2xf32> -> tensor<2xi64>
func.func @casts(%i: tensor<2xi64>, %b: tensor<2xi1>, %f: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xi64>, tensor<2xf32>, tensor<2xi64>) {
  %0 = arith.sitofp %i : tensor<2xi64> to tensor<2xf32>
  %1 = arith.extui %b : tensor<2xi1> to tensor<2xi64>
  %2 = arith.uitofp %b : tensor<2xi1> to tensor<2xf32>
  %3 = arith.fptosi %f : tensor<2xf32> to tensor<2xi64>
  return %0, %1, %2, %3 : tensor<2xf32>, tensor<2xi64>, tensor<2xf32>, tensor<2xi64>
}

// CHECK-LABEL: func @logic
// CHECK-SAME: (%[[A:.+]]: tensor<2xi1>, %[[B:.+]]: tensor<2xi1>)
// CHECK: pi.and %[[A]], %[[B]]
// CHECK: pi.or %[[A]], %[[B]]
// CHECK: pi.not %[[A]]
func.func @logic(%a: tensor<2xi1>, %b: tensor<2xi1>) -> (tensor<2xi1>, tensor<2xi1>, tensor<2xi1>) {
  %true = arith.constant dense<true> : tensor<2xi1>
  %0 = arith.andi %a, %b : tensor<2xi1>
  %1 = arith.ori %a, %b : tensor<2xi1>
  %2 = arith.xori %a, %true : tensor<2xi1>
  return %0, %1, %2 : tensor<2xi1>, tensor<2xi1>, tensor<2xi1>
}

// Sigmoid and the kinds of ReLU in their arithmetic.
// CHECK-LABEL: func @activations
// CHECK-SAME: (%[[X:.+]]: tensor<2xf32>)
// CHECK: %[[S:.+]] = pi.sigmoid %[[X]]
// CHECK: %[[R:.+]] = pi.relu %[[X]]
// CHECK: %[[L:.+]] = pi.leaky_relu %[[X]] slope 1.000000e-01
// CHECK: return %[[S]], %[[R]], %[[L]]
func.func @activations(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
  %one = arith.constant dense<1.0> : tensor<2xf32>
  %zero = arith.constant dense<0.0> : tensor<2xf32>
  %tenth = arith.constant dense<0.1> : tensor<2xf32>
  %0 = arith.negf %x : tensor<2xf32>
  %1 = math.exp %0 : tensor<2xf32>
  %2 = arith.addf %1, %one : tensor<2xf32>
  %s = arith.divf %one, %2 : tensor<2xf32>
  %below = arith.cmpf olt, %x, %zero : tensor<2xf32>
  %r = arith.select %below, %zero, %x : tensor<2xi1>, tensor<2xf32>
  %3 = arith.mulf %x, %tenth : tensor<2xf32>
  %l = arith.select %below, %3, %x : tensor<2xi1>, tensor<2xf32>
  return %s, %r, %l : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
}

// Not those: 2 / (1 + exp(-x)), 1 / (1 + exp(x)), the sign of something else.
// CHECK-LABEL: func @no_activations
// CHECK-NOT: pi.sigmoid
// CHECK-NOT: relu
// CHECK: return
func.func @no_activations(%x: tensor<2xf32>, %y: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
  %one = arith.constant dense<1.0> : tensor<2xf32>
  %two = arith.constant dense<2.0> : tensor<2xf32>
  %zero = arith.constant dense<0.0> : tensor<2xf32>
  %0 = arith.negf %x : tensor<2xf32>
  %1 = math.exp %0 : tensor<2xf32>
  %2 = arith.addf %1, %one : tensor<2xf32>
  %s = arith.divf %two, %2 : tensor<2xf32>
  %3 = math.exp %x : tensor<2xf32>
  %4 = arith.addf %3, %one : tensor<2xf32>
  %t = arith.divf %one, %4 : tensor<2xf32>
  %below = arith.cmpf olt, %y, %zero : tensor<2xf32>
  %r = arith.select %below, %zero, %x : tensor<2xi1>, tensor<2xf32>
  return %s, %t, %r : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
}
