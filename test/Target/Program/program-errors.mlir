// RUN: aero-translate --mpc-to-program-text --split-input-file --verify-diagnostics %s

// expected-error @below {{expected a module with one function, found 0}}
module {}

// -----

// expected-error @below {{'mpc.extend' op has no start; run mpc-schedule after the last pass that makes or changes instructions}}
module {
  func.func @main(%tokens: !mpc.tokens<8, vocabulary = 50>) -> tensor<8x16xf64> {
    %wte = mpc.weight "wte" dense<0.5> : tensor<50x16xf32> : !mpc.server<50x16, f = 16>
    %0 = mpc.embedding %tokens, %wte start 0 : !mpc.tokens<8, vocabulary = 50>, !mpc.server<50x16, f = 16> -> !mpc.share<8x16, f = 16, bits = 32>
    %1 = mpc.extend %0 : !mpc.share<8x16, f = 16, bits = 32> -> !mpc.share<8x16, f = 16>
    %2 = mpc.reveal %1 start 2 : !mpc.share<8x16, f = 16> -> tensor<8x16xf64>
    return %2 : tensor<8x16xf64>
  }
}

// -----

// expected-error @below {{function 'main' takes no !mpc.tokens: run convert-pi-to-mpc and mpc-schedule first}}
module {
  func.func @main() {
    return
  }
}

// -----

// expected-error @below {{mpc.trunc (node 'h.0/fc'): an operand is an argument of the function: only tokens and a position come from outside}}
module {
  func.func @main(%tokens: !mpc.tokens<8, vocabulary = 50>, %x: !mpc.share<8x4, f = 16>) {
    %0 = mpc.trunc %x by 8 start 0 : !mpc.share<8x4, f = 16> -> !mpc.share<8x4, f = 8> loc("h.0/fc")
    return
  }
}

// -----

// The checks of the runtime are run before a file is written.
// expected-error @below {{the program is not valid: no instruction reveals a result}}
module {
  func.func @main(%tokens: !mpc.tokens<8, vocabulary = 50>) {
    %wte = mpc.weight "wte" dense<0.5> : tensor<50x16xf32> : !mpc.server<50x16, f = 16>
    %w = mpc.weight "w" dense<0.5> : tensor<16x16xf32> : !mpc.server<16x16, f = 20>
    %0 = mpc.embedding %tokens, %wte start 0 : !mpc.tokens<8, vocabulary = 50>, !mpc.server<50x16, f = 16> -> !mpc.share<8x16, f = 16, bits = 32>
    %1 = mpc.extend %0 start 1 : !mpc.share<8x16, f = 16, bits = 32> -> !mpc.share<8x16, f = 16>
    %2 = mpc.linear %1, %w start 2 : !mpc.share<8x16, f = 16>, !mpc.server<16x16, f = 20> -> !mpc.share<8x16, f = 36>
    return
  }
}

// -----

// expected-error @below {{mpc.embedding: weight 'wte' cannot be read: }}
module {
  func.func @main(%tokens: !mpc.tokens<8, vocabulary = 50>) {
    %wte = mpc.weight "wte" dense_resource<__elided__> : tensor<50x16xf32> : !mpc.server<50x16, f = 16>
    %0 = mpc.embedding %tokens, %wte start 0 : !mpc.tokens<8, vocabulary = 50>, !mpc.server<50x16, f = 16> -> !mpc.share<8x16, f = 16, bits = 32>
    return
  }
}
