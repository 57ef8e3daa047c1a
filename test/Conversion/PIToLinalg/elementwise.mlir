// RUN: aero-opt %s --pass-pipeline='builtin.module(func.func(convert-pi-to-linalg,canonicalize))' | FileCheck %s

// CHECK-DAG: #[[$SAME:.+]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[$COLUMN:.+]] = affine_map<(d0, d1) -> (d0, 0)>
// CHECK-DAG: #[[$SUFFIX:.+]] = affine_map<(d0, d1) -> (d1)>

// Broadcasting is in the maps.
// CHECK-LABEL: func @broadcast
// CHECK: linalg.generic {indexing_maps = [#[[$SAME]], #[[$COLUMN]], #[[$SAME]]], iterator_types = ["parallel", "parallel"]}
// CHECK-SAME: ins(%{{.+}}, %{{.+}} : tensor<2x3xf32>, tensor<2x1xf32>)
// CHECK: arith.addf
// CHECK: linalg.generic {indexing_maps = [#[[$SUFFIX]], #[[$SAME]], #[[$SAME]]]
// CHECK: arith.subf
func.func @broadcast(%x: tensor<2x3xf32>, %y: tensor<2x1xf32>, %z: tensor<3xf32>) -> tensor<2x3xf32> {
  %0 = pi.add %x, %y : tensor<2x3xf32>, tensor<2x1xf32> -> tensor<2x3xf32>
  %1 = pi.sub %z, %0 : tensor<3xf32>, tensor<2x3xf32> -> tensor<2x3xf32>
  return %1 : tensor<2x3xf32>
}

// CHECK-LABEL: func @mul
// CHECK: arith.mulf
func.func @mul(%x: tensor<2x3xf32>, %y: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %r = pi.mul %x, %y : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}

// CHECK-LABEL: func @div
// CHECK: arith.divf
func.func @div(%x: tensor<2x3xf32>, %y: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %r = pi.div %x, %y : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}

// CHECK-LABEL: func @pow
// CHECK: math.powf
func.func @pow(%x: tensor<2x3xf32>, %y: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %r = pi.pow %x, %y : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}

// CHECK-LABEL: func @min
// CHECK: arith.minimumf
func.func @min(%x: tensor<2x3xf32>, %y: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %r = pi.min %x, %y : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}

// CHECK-LABEL: func @max
// CHECK: arith.maximumf
func.func @max(%x: tensor<2x3xf32>, %y: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %r = pi.max %x, %y : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}

// CHECK-LABEL: func @exp
// CHECK: math.exp
func.func @exp(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %r = pi.exp %x : tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}

// CHECK-LABEL: func @sqrt
// CHECK: math.sqrt
func.func @sqrt(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %r = pi.sqrt %x : tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}

// CHECK-LABEL: func @erf
// CHECK: math.erf
func.func @erf(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %r = pi.erf %x : tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}

// CHECK-LABEL: func @tanh
// CHECK: math.tanh
func.func @tanh(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %r = pi.tanh %x : tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}

// CHECK-LABEL: func @sin
// CHECK: math.sin
func.func @sin(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %r = pi.sin %x : tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}

// CHECK-LABEL: func @cos
// CHECK: math.cos
func.func @cos(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %r = pi.cos %x : tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}

// CHECK-LABEL: func @sigmoid
// CHECK: arith.negf
// CHECK-NEXT: math.exp
// CHECK-NEXT: arith.addf
// CHECK-NEXT: arith.divf
func.func @sigmoid(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %r = pi.sigmoid %x : tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}

// CHECK-LABEL: func @silu
// CHECK: math.exp
// CHECK: arith.divf
// CHECK-NEXT: arith.mulf
func.func @silu(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %r = pi.silu %x : tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}

// CHECK-LABEL: func @gelu
// CHECK-NOT: math.tanh
// CHECK: math.erf
func.func @gelu(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %r = pi.gelu %x : tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}

// CHECK-LABEL: func @gelu_tanh
// CHECK-NOT: math.erf
// CHECK: math.tanh
func.func @gelu_tanh(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %r = pi.gelu %x approximation tanh : tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}

// CHECK-LABEL: func @relu
// CHECK-NOT: arith.mulf
// CHECK: arith.cmpf olt
// CHECK-NEXT: arith.select
func.func @relu(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %r = pi.relu %x : tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}

// CHECK-LABEL: func @leaky_relu
// CHECK: arith.cmpf olt
// CHECK-NEXT: arith.mulf
// CHECK-NEXT: arith.select
func.func @leaky_relu(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %r = pi.leaky_relu %x slope 1.0e-1 : tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}

// CHECK-LABEL: func @prelu
// CHECK: arith.cmpf olt
// CHECK-NEXT: arith.mulf
// CHECK-NEXT: arith.select
func.func @prelu(%x: tensor<2x3xf32>, %s: tensor<1xf32>) -> tensor<2x3xf32> {
  %r = pi.prelu %x slope %s : tensor<1xf32> : tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}

// CHECK-LABEL: func @integers
// CHECK: arith.muli
func.func @integers(%x: tensor<2x3xi64>) -> tensor<2x3xi64> {
  %r = pi.mul %x, %x : tensor<2x3xi64>, tensor<2x3xi64> -> tensor<2x3xi64>
  return %r : tensor<2x3xi64>
}

// CHECK-LABEL: func @compare
// CHECK: arith.cmpi sle
func.func @compare(%x: tensor<2x3xi64>) -> tensor<2x3xi1> {
  %r = pi.compare le %x, %x : tensor<2x3xi64>, tensor<2x3xi64> -> tensor<2x3xi1>
  return %r : tensor<2x3xi1>
}

// CHECK-LABEL: func @compare_floats
// CHECK: arith.cmpf oeq
func.func @compare_floats(%x: tensor<2x3xf32>) -> tensor<2x3xi1> {
  %r = pi.compare eq %x, %x : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x3xi1>
  return %r : tensor<2x3xi1>
}

// CHECK-LABEL: func @and
// CHECK: arith.andi
func.func @and(%x: tensor<2x3xi1>, %y: tensor<2x3xi1>) -> tensor<2x3xi1> {
  %r = pi.and %x, %y : tensor<2x3xi1>, tensor<2x3xi1> -> tensor<2x3xi1>
  return %r : tensor<2x3xi1>
}

// CHECK-LABEL: func @or
// CHECK: arith.ori
func.func @or(%x: tensor<2x3xi1>, %y: tensor<2x3xi1>) -> tensor<2x3xi1> {
  %r = pi.or %x, %y : tensor<2x3xi1>, tensor<2x3xi1> -> tensor<2x3xi1>
  return %r : tensor<2x3xi1>
}

// CHECK-LABEL: func @not
// CHECK: arith.xori
func.func @not(%x: tensor<2x3xi1>) -> tensor<2x3xi1> {
  %r = pi.not %x : tensor<2x3xi1>
  return %r : tensor<2x3xi1>
}

// CHECK-LABEL: func @where
// CHECK: arith.select
func.func @where(%c: tensor<2x3xi1>, %x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %r = pi.where %c, %x, %x : tensor<2x3xi1>, tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}

// CHECK-LABEL: func @truth_to_float
// CHECK: arith.uitofp
func.func @truth_to_float(%x: tensor<2x3xi1>) -> tensor<2x3xf32> {
  %r = pi.cast %x : tensor<2x3xi1> -> tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}

// CHECK-LABEL: func @truth_to_int
// CHECK: arith.extui
func.func @truth_to_int(%x: tensor<2x3xi1>) -> tensor<2x3xi64> {
  %r = pi.cast %x : tensor<2x3xi1> -> tensor<2x3xi64>
  return %r : tensor<2x3xi64>
}

// CHECK-LABEL: func @int_to_float
// CHECK: arith.sitofp
func.func @int_to_float(%x: tensor<2x3xi64>) -> tensor<2x3xf32> {
  %r = pi.cast %x : tensor<2x3xi64> -> tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}

// CHECK-LABEL: func @int_to_truth
// CHECK: arith.cmpi ne
func.func @int_to_truth(%x: tensor<2x3xi64>) -> tensor<2x3xi1> {
  %r = pi.cast %x : tensor<2x3xi64> -> tensor<2x3xi1>
  return %r : tensor<2x3xi1>
}

// CHECK-LABEL: func @float_to_truth
// CHECK: arith.cmpf une
func.func @float_to_truth(%x: tensor<2x3xf32>) -> tensor<2x3xi1> {
  %r = pi.cast %x : tensor<2x3xf32> -> tensor<2x3xi1>
  return %r : tensor<2x3xi1>
}
