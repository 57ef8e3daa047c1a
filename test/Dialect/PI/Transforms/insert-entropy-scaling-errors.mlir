// RUN: not aero-opt %s --pi-insert-entropy-scaling=initial=0 2>&1 | FileCheck %s --check-prefix=ZERO
// RUN: not aero-opt %s --pi-insert-entropy-scaling=threshold=1.5 2>&1 | FileCheck %s --check-prefix=THRESHOLD
// RUN: not aero-opt %s --pi-insert-entropy-scaling=layers=0 2>&1 | FileCheck %s --check-prefix=RANGE
// RUN: not aero-opt %s --pi-insert-entropy-scaling='configuration=SM(t)' 2>&1 | FileCheck %s --check-prefix=CONFIG
// RUN: not aero-opt %s --pi-insert-entropy-scaling=shape=token 2>&1 | FileCheck %s --check-prefix=SHAPE
// RUN: aero-opt %s --pi-insert-entropy-scaling --remarks-filter=pi-insert-entropy-scaling 2>&1 | FileCheck %s --check-prefix=REMARK

// ZERO: error: pi-insert-entropy-scaling: expected a temperature above 0, got initial=0.000000
// THRESHOLD: error: pi-insert-entropy-scaling: expected a threshold in [0, 1], a part of the largest entropy, got threshold=1.500000
// RANGE: error: pi-insert-entropy-scaling: there is no layer 0: the model 'main' has no layers
// CONFIG: error: configuration 'SM(t)' gives attention a temperature, and the model 'main' has no attention
// CONFIG: note: choose a configuration without SM(t), or as-is
// SHAPE: Cannot find option named 'token'
// REMARK: remark: {{.*}}there is no attention
func.func @main(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  return %x : tensor<1x2x4xf32>
}
