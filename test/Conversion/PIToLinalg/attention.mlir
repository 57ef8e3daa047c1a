// RUN: aero-opt %s --pass-pipeline='builtin.module(func.func(convert-pi-to-linalg,canonicalize))' | FileCheck %s

// CHECK-DAG: #[[$ROWS:.+]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d2, d1, d4)>
// CHECK-DAG: #[[$KEYS:.+]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d3, d1, d4)>
// CHECK-DAG: #[[$SCORES:.+]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3)>
// CHECK-DAG: #[[$SAME:.+]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
// CHECK-DAG: #[[$LINE:.+]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
// CHECK-DAG: #[[$PADDING:.+]] = affine_map<(d0, d1, d2, d3) -> (d0, d3)>
// CHECK-DAG: #[[$BIAS:.+]] = affine_map<(d0, d1, d2, d3) -> (d1, 0, d3)>
// CHECK-DAG: #[[$GROUPS:.+]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d3, d1, d2, d5)>
// CHECK-DAG: #[[$SHARED:.+]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d4, d1, d5)>
// CHECK-DAG: #[[$EVERY:.+]] = affine_map<(d0, d1, d2, d3) -> (d1, d3)>

// Two earlier keys: query t sees keys 0 to t + 2.
// CHECK-LABEL: func @causal
// CHECK-SAME: (%[[Q:.+]]: tensor<1x3x8xf32>, %[[K:.+]]: tensor<1x5x8xf32>, %[[V:.+]]: tensor<1x5x8xf32>)
// CHECK-DAG: %[[ONE:.+]] = arith.constant 1.000000e+00 : f32
// CHECK-DAG: %[[LOWEST:.+]] = arith.constant -3.40282347E+38 : f32
// CHECK-DAG: %[[HIDDEN:.+]] = arith.constant 0xFF800000 : f32
// CHECK-DAG: %[[EARLIER:.+]] = arith.constant 2 : index
// CHECK-DAG: %[[SCALE:.+]] = arith.constant 5.000000e-01 : f32
// CHECK: %[[QH:.+]] = tensor.expand_shape %[[Q]] {{.+}} into tensor<1x3x2x4xf32>
// CHECK: %[[KH:.+]] = tensor.expand_shape %[[K]] {{.+}} into tensor<1x5x2x4xf32>
// CHECK: %[[P:.+]] = linalg.generic {indexing_maps = [#[[$ROWS]], #[[$KEYS]], #[[$SCORES]]], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]} ins(%[[QH]], %[[KH]]
// CHECK: %[[S:.+]] = linalg.generic {indexing_maps = [#[[$SAME]], #[[$SAME]]]{{.+}} ins(%[[P]]
// CHECK-NEXT: ^bb0(%[[IN:.+]]: f32,
// CHECK-NEXT: %[[SCALED:.+]] = arith.mulf %[[IN]], %[[SCALE]]
// CHECK-NEXT: %[[T:.+]] = linalg.index 2
// CHECK-NEXT: %[[LAST:.+]] = arith.addi %[[T]], %[[EARLIER]]
// CHECK-NEXT: %[[KEY:.+]] = linalg.index 3
// CHECK-NEXT: %[[SEEN:.+]] = arith.cmpi sle, %[[KEY]], %[[LAST]]
// CHECK-NEXT: arith.select %[[SEEN]], %[[SCALED]], %[[HIDDEN]]
// CHECK: linalg.fill ins(%[[LOWEST]]
// CHECK: %[[MAX:.+]] = linalg.reduce ins(%[[S]] : tensor<1x2x3x5xf32>) outs({{.+}}) dimensions = [3]
// CHECK: arith.maximumf
// CHECK: %[[EXP:.+]] = linalg.generic {indexing_maps = [#[[$SAME]], #[[$LINE]], #[[$SAME]]]{{.+}} ins(%[[S]], %[[MAX]]
// CHECK: math.exp
// CHECK: %[[SUM:.+]] = linalg.reduce ins(%[[EXP]]
// CHECK: %[[W:.+]] = linalg.generic {{.+}} ins(%[[EXP]], %[[SUM]]
// CHECK: arith.maximumf %{{.+}}, %[[ONE]]
// CHECK-NEXT: arith.divf
// CHECK: %[[VH:.+]] = tensor.expand_shape %[[V]]
// CHECK: %[[Y:.+]] = linalg.generic {indexing_maps = [#[[$SCORES]], #[[$KEYS]], #[[$ROWS]]], iterator_types = ["parallel", "parallel", "parallel", "reduction", "parallel"]} ins(%[[W]], %[[VH]]
// CHECK: tensor.collapse_shape %[[Y]] {{.+}} into tensor<1x3x8xf32>
func.func @causal(%q: tensor<1x3x8xf32>, %k: tensor<1x5x8xf32>, %v: tensor<1x5x8xf32>) -> tensor<1x3x8xf32> {
  %y = pi.attention %q, %k, %v heads 2 scale 5.0e-1 causal : tensor<1x3x8xf32>, tensor<1x5x8xf32>
  return %y : tensor<1x3x8xf32>
}

// CHECK-LABEL: func @open
// CHECK-NOT: arith.select
func.func @open(%q: tensor<1x3x8xf32>) -> tensor<1x3x8xf32> {
  %y = pi.attention %q, %q, %q heads 2 scale 1.0 : tensor<1x3x8xf32>, tensor<1x3x8xf32>
  return %y : tensor<1x3x8xf32>
}

// CHECK-LABEL: func @mask_and_bias
// CHECK: linalg.generic {indexing_maps = [#[[$SAME]], #[[$BIAS]], #[[$PADDING]], #[[$SAME]]]
// CHECK-NEXT: ^bb0(%[[IN:.+]]: f32, %[[B:.+]]: f32, %[[M:.+]]: i64, %{{.+}}: f32):
// CHECK-NEXT: %[[SCALED:.+]] = arith.mulf %[[IN]]
// CHECK-NEXT: %[[SCORE:.+]] = arith.addf %[[SCALED]], %[[B]]
// CHECK-NEXT: %[[KEPT:.+]] = arith.cmpi ne, %[[M]]
// CHECK-NEXT: arith.select %[[KEPT]], %[[SCORE]]
func.func @mask_and_bias(%q: tensor<1x3x8xf32>, %m: tensor<1x3xi64>, %b: tensor<2x1x3xf32>) -> tensor<1x3x8xf32> {
  %y = pi.attention %q, %q, %q mask %m : tensor<1x3xi64> bias %b : tensor<2x1x3xf32> heads 2 scale 5.0e-1 : tensor<1x3x8xf32>, tensor<1x3x8xf32>
  return %y : tensor<1x3x8xf32>
}

// CHECK-LABEL: func @temperature
// CHECK: %[[FLAT:.+]] = arith.divf
// CHECK-NEXT: arith.addf %[[FLAT]]
func.func @temperature(%q: tensor<1x3x8xf32>, %t: tensor<2x3xf32>, %b: tensor<2x1x3xf32>) -> tensor<1x3x8xf32> {
  %y = pi.attention %q, %q, %q bias %b : tensor<2x1x3xf32> temperature %t : tensor<2x3xf32> heads 2 scale 5.0e-1 : tensor<1x3x8xf32>, tensor<1x3x8xf32>
  return %y : tensor<1x3x8xf32>
}

// Four heads share two of the keys: nothing is repeated.
// CHECK-LABEL: func @grouped
// CHECK: tensor.expand_shape %{{.+}} into tensor<1x3x2x2x4xf32>
// CHECK: tensor.expand_shape %{{.+}} into tensor<1x3x2x4xf32>
// CHECK: linalg.generic {indexing_maps = [#[[$GROUPS]], #[[$SHARED]], #{{.+}}]
func.func @grouped(%q: tensor<1x3x16xf32>, %k: tensor<1x3x8xf32>) -> tensor<1x3x16xf32> {
  %y = pi.attention %q, %k, %k heads 4 key_heads 2 scale 5.0e-1 : tensor<1x3x16xf32>, tensor<1x3x8xf32>
  return %y : tensor<1x3x16xf32>
}

// The columns beyond the angles stay where they are.
// CHECK-LABEL: func @rotary
// CHECK-SAME: (%[[IN:.+]]: tensor<1x3x16xf32>, %[[COS:.+]]: tensor<3x2xf32>, %[[SIN:.+]]: tensor<3x2xf32>)
// CHECK: %[[H:.+]] = tensor.expand_shape %[[IN]]
// CHECK: %[[X:.+]] = tensor.extract_slice %[[H]][0, 0, 0, 0] [1, 3, 2, 2] [1, 1, 1, 1]
// CHECK: %[[Y:.+]] = tensor.extract_slice %[[H]][0, 0, 0, 2] [1, 3, 2, 2] [1, 1, 1, 1]
// CHECK: %[[RX:.+]] = linalg.generic {indexing_maps = [#[[$SAME]], #[[$SAME]], #[[$EVERY]], #[[$EVERY]], #[[$SAME]]]{{.+}} ins(%[[X]], %[[Y]], %[[COS]], %[[SIN]]
// CHECK: arith.subf
// CHECK: %[[RY:.+]] = linalg.generic
// CHECK: arith.addf
// CHECK: %[[R:.+]] = tensor.insert_slice %[[RX]] into %[[H]][0, 0, 0, 0]
// CHECK: tensor.insert_slice %[[RY]] into %[[R]][0, 0, 0, 2]
func.func @rotary(%x: tensor<1x3x16xf32>, %c: tensor<3x2xf32>, %s: tensor<3x2xf32>) -> tensor<1x3x16xf32> {
  %y = pi.rotary_embedding %x cos %c sin %s heads 2 : tensor<1x3x16xf32>, tensor<3x2xf32>
  return %y : tensor<1x3x16xf32>
}

// CHECK-LABEL: func @interleaved
// CHECK: tensor.extract_slice %{{.+}}[0, 0, 0, 0] [1, 3, 2, 2] [1, 1, 1, 2]
// CHECK: tensor.extract_slice %{{.+}}[0, 0, 0, 1] [1, 3, 2, 2] [1, 1, 1, 2]
func.func @interleaved(%x: tensor<1x3x16xf32>, %c: tensor<1x3x2xf32>, %s: tensor<1x3x2xf32>) -> tensor<1x3x16xf32> {
  %y = pi.rotary_embedding %x cos %c sin %s heads 2 interleaved : tensor<1x3x16xf32>, tensor<1x3x2xf32>
  return %y : tensor<1x3x16xf32>
}
