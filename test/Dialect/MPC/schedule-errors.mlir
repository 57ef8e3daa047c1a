// RUN: aero-opt %s --split-input-file --verify-diagnostics --mpc-verify-schedule

// (S1)
func.func @no_start(%x: !mpc.share<8x4, f = 16>) {
  // expected-error @below {{'mpc.trunc' op has no start}}
  // expected-note @below {{run mpc-schedule after the last pass that makes or changes instructions}}
  %0 = mpc.trunc %x by 8 : !mpc.share<8x4, f = 16> -> !mpc.share<8x4, f = 8>
  return
}

// -----

// [example] --split-input-file --verify-diagnostics --mpc-verify-schedule
// (S2): the second instruction reads what the first one makes.
func.func @too_early(%x: !mpc.share<8x4, f = 16>) {
  // expected-note @below {{the operand}}
  %0 = mpc.trunc %x by 8 start 0 : !mpc.share<8x4, f = 16> -> !mpc.share<8x4, f = 8>
  // expected-error @below {{'mpc.trunc' op starts at exchange 0, but an operand is only there at exchange 1}}
  %1 = mpc.trunc %0 by 4 start 0 : !mpc.share<8x4, f = 8> -> !mpc.share<8x4, f = 4>
  return
}
// [end of example]

// -----

// (S2), through an op without exchanges
func.func @local_too_early(%x: !mpc.share<8x4, f = 16>) {
  // expected-note @below {{the operand}}
  %0 = mpc.trunc %x by 8 start 0 : !mpc.share<8x4, f = 16> -> !mpc.share<8x4, f = 8>
  // expected-error @below {{'mpc.reshape' op starts at exchange 0, but an operand is only there at exchange 1}}
  %1 = mpc.reshape %0 start 0 : !mpc.share<8x4, f = 8> -> !mpc.share<32, f = 8>
  return
}

// -----

// (S3)
// expected-error @below {{'func.func' op has no active instruction in exchange 1, but in exchange 2}}
func.func @idle(%x: !mpc.share<8x4, f = 16>) {
  %0 = mpc.trunc %x by 8 start 0 : !mpc.share<8x4, f = 16> -> !mpc.share<8x4, f = 8>
  %1 = mpc.trunc %0 by 4 start 2 : !mpc.share<8x4, f = 8> -> !mpc.share<8x4, f = 4>
  return
}

// -----

// (S3), at the end
// expected-error @below {{'func.func' op ends at exchange 5, but no message is sent after exchange 1}}
func.func @idle_end(%x: !mpc.share<8x4, f = 16>) {
  %0 = mpc.trunc %x by 8 start 0 : !mpc.share<8x4, f = 16> -> !mpc.share<8x4, f = 8>
  %1 = mpc.add %0, %0 start 5 : !mpc.share<8x4, f = 8>
  return
}

// -----

func.func @not_lowered(%x: tensor<4xf32>) {
  // expected-error @below {{'pi.relu' op is not an instruction of the secure engine}}
  // expected-note @below {{run convert-pi-to-mpc before scheduling}}
  %0 = pi.relu %x : tensor<4xf32>
  return
}

// -----

// expected-error @below {{'func.func' op cannot be scheduled: expected a body of one block}}
func.func private @external(!mpc.share<8x4, f = 16>)
