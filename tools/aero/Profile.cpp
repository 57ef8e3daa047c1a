//===- Profile.cpp - Where the time of private inferences went ------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Profile.h"

#include "aero/Driver/Table.h"

#include "llvm/ADT/STLExtras.h"

#include <map>

using namespace aero;
using nlohmann::json;

std::vector<ProfileRow> aero::profile(const PartyStatistics &statistics) {
  double inferences =
      std::max<double>(1, statistics.server.value("inferences", 1));
  std::map<std::string, ProfileRow> byOp;
  auto add = [&](const json &party, const char *key, double ProfileRow::*to) {
    for (const json &one : party["instructions"])
      byOp[one.value("op", "")].*to += one.value(key, 0.0) / inferences;
  };
  add(statistics.dealer, "offline_seconds", &ProfileRow::dealer);
  add(statistics.client, "offline_seconds", &ProfileRow::clientOffline);
  add(statistics.client, "compute_seconds", &ProfileRow::clientCompute);
  add(statistics.server, "compute_seconds", &ProfileRow::serverCompute);
  add(statistics.client, "exchange_seconds", &ProfileRow::exchange);
  std::vector<ProfileRow> rows;
  for (auto &[op, row] : byOp) {
    row.op = op;
    rows.push_back(row);
  }
  llvm::stable_sort(rows, [](const ProfileRow &a, const ProfileRow &b) {
    return a.total() > b.total();
  });
  return rows;
}

void aero::printProfile(llvm::ArrayRef<ProfileRow> rows,
                        llvm::raw_ostream &os) {
  Table table({"milliseconds", "dealer", "client before", "client", "server",
               "exchanging"});
  auto addRow = [&](const ProfileRow &row) {
    auto cell = [](double seconds) { return formatFixed(seconds * 1e3, 2); };
    table.addRow({row.op, cell(row.dealer), cell(row.clientOffline),
                  cell(row.clientCompute), cell(row.serverCompute),
                  cell(row.exchange)});
  };
  ProfileRow sum;
  sum.op = "total";
  for (const ProfileRow &row : rows) {
    sum.dealer += row.dealer;
    sum.clientOffline += row.clientOffline;
    sum.clientCompute += row.clientCompute;
    sum.serverCompute += row.serverCompute;
    sum.exchange += row.exchange;
    addRow(row);
  }
  table.addRule();
  addRow(sum);
  os << "\n";
  table.print(os);
}

json aero::toJson(llvm::ArrayRef<ProfileRow> rows) {
  json array = json::array();
  for (const ProfileRow &row : rows)
    array.push_back({{"op", row.op},
                     {"dealer_seconds", row.dealer},
                     {"client_offline_seconds", row.clientOffline},
                     {"client_seconds", row.clientCompute},
                     {"server_seconds", row.serverCompute},
                     {"exchange_seconds", row.exchange}});
  return array;
}
