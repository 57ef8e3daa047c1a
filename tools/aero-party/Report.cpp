//===- Report.cpp - What a party counted ----------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"

#include <cstdio>
#include <fstream>

using namespace aero;
using namespace aero::rt;
using nlohmann::json;

void aero::rt::emit(const json &event) {
  std::string line = event.dump() + "\n";
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fflush(stdout);
}

/// Peak resident memory in bytes (VmHWM), 0 if the system does not say.
static uint64_t peakMemory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:"))
      return std::strtoull(line.c_str() + 6, nullptr, 10) * 1024;
  return 0;
}

static json bytesOf(const Cost &cost) {
  return {{"client_to_server", cost.clientToServer},
          {"server_to_client", cost.serverToClient},
          {"dealer_to_server", cost.dealerToServer},
          {"dealer_to_client", cost.dealerToClient},
          {"setup_server_to_client", cost.setupServerToClient},
          {"exchanges", cost.exchanges}};
}

void aero::rt::emitStatistics(Role role, const program::Program &program,
                              const SessionStatistics &statistics) {
  json instructions = json::array();
  Cost total;
  for (int i = 0; i < program.instructions_size(); ++i) {
    const InstructionStatistics &one = statistics.instructions[i];
    const program::Instruction &op = program.instructions(i);
    total += one.bytes;
    instructions.push_back({{"instruction", i},
                            {"op", opName(op)},
                            {"node", op.node()},
                            {"layer", op.layer()},
                            {"bytes", bytesOf(one.bytes)},
                            {"offline_seconds", one.offlineSeconds},
                            {"compute_seconds", one.computeSeconds},
                            {"exchange_seconds", one.exchangeSeconds}});
  }
  json peers = json::object();
  for (const PeerStatistics &peer : statistics.peers)
    peers[roleName(peer.peer)] = {
        {"sent_bytes", peer.counters.sentBytes},
        {"received_bytes", peer.counters.receivedBytes},
        {"sent_frames", peer.counters.sentFrames},
        {"received_frames", peer.counters.receivedFrames},
        {"sent_wire_bytes", peer.counters.sentWireBytes},
        {"received_wire_bytes", peer.counters.receivedWireBytes}};
  emit({{"event", "statistics"},
        {"role", roleName(role)},
        {"inferences", statistics.inferences},
        {"exchanges", statistics.exchanges},
        {"instructions", std::move(instructions)},
        {"bytes", bytesOf(total)},
        {"payload_bytes", statistics.payloadBytes()},
        {"framing_bytes", statistics.framingBytes()},
        {"tls_bytes", statistics.tlsBytes()},
        {"peers", std::move(peers)},
        {"setup_seconds", statistics.setupSeconds},
        {"offline_seconds", statistics.offlineSeconds},
        {"online_seconds", statistics.onlineSeconds},
        {"peak_memory_bytes", peakMemory()}});
}

json aero::rt::summary(const SessionStatistics &statistics) {
  uint64_t sent = 0, received = 0;
  for (const PeerStatistics &peer : statistics.peers) {
    sent += peer.counters.sentWireBytes;
    received += peer.counters.receivedWireBytes;
  }
  return {{"inferences", statistics.inferences},
          {"sent_bytes", sent},
          {"received_bytes", received},
          {"setup_seconds", statistics.setupSeconds},
          {"offline_seconds", statistics.offlineSeconds},
          {"online_seconds", statistics.onlineSeconds}};
}
