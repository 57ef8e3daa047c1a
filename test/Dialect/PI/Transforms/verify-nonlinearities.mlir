// RUN: aero-opt %s --pi-verify-nonlinearities='configuration=SM+LN+G norm=required activation=gelu' -o /dev/null
// RUN: aero-opt %s --pi-verify-nonlinearities -o /dev/null
// RUN: not aero-opt %s --pi-verify-nonlinearities='configuration=SM norm=absent' 2>&1 | FileCheck %s --check-prefix=NORM
// RUN: not aero-opt %s --pi-verify-nonlinearities='configuration=SM+LN activation=none' 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not aero-opt %s --pi-verify-nonlinearities='configuration=SM+R activation=relu' 2>&1 | FileCheck %s --check-prefix=RELU

// [example] --pi-verify-nonlinearities='configuration=SM norm=absent'
// NORM: error: loc("/h.0/ln_1"): 'pi.layer_norm' op is not part of configuration 'SM' (ONNX node '/h.0/ln_1')
// NORM: note: {{.*}}choose the configuration that has it
// NONE: error: {{.*}}'pi.gelu' op is not part of configuration 'SM+LN'
// RELU: error: {{.*}}'pi.gelu' op is not part of configuration 'SM+R'
func.func @main(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %n = pi.layer_norm %x epsilon 1.000000e-05 : tensor<1x2x4xf32> loc("/h.0/ln_1")
  %y = pi.gelu %n : tensor<1x2x4xf32>
  return %y : tensor<1x2x4xf32>
}
// [end of example]
