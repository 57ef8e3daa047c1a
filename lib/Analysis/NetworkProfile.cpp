//===- NetworkProfile.cpp - Lines and machines to predict seconds for -----===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Analysis/NetworkProfile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <nlohmann/json.hpp>

#include <vector>

using namespace aero;
using nlohmann::json;

//===----------------------------------------------------------------------===//
// Measured rates
//===----------------------------------------------------------------------===//

// One thread of an AMD EPYC (Zen 4, AVX-512). `benchmarks/network/rates.py`
// prints them: the seconds that the parties report for each instruction, two
// sample models in three configurations, the fastest of eight sessions.
//
// The samples lack some kinds, which have the rate of what does the same to
// each element: matmul of causal_context, mul_weight of mul, mul_public and
// repeat of add, concat of slice.

static constexpr double kMultiplyAddsPerSecond = 1.0e10;
// AeroMicroBenchmarks, prgBytes/16777216: 7.7 to 8.5 GiB/s.
static constexpr double kPrgBytesPerSecond = 8.0e9;

namespace {

struct NamedRate {
  llvm::StringLiteral op;
  OperationRate rate;
};

} // namespace

/// Elements a second, online and at the dealer. argmax: three quarters of
/// max_row's, for the columns that it takes along.
static constexpr NamedRate kOperationRates[] = {
    {"add", {1.3e9, 0}},
    {"add_weight", {8.8e8, 0}},
    {"argmax", {3.0e7, 4.5e7}},
    {"causal_context", {9.4e7, 1.0e8}},
    {"causal_scores", {7.6e7, 1.2e8}},
    {"concat", {5.0e9, 0}},
    {"embedding", {4.7e8, 9.6e7}},
    {"exp2", {3.2e7, 3.4e7}},
    {"extend", {7.9e7, 2.6e8}},
    {"linear", {7.8e8, 2.8e8}},
    {"matmul", {9.4e7, 1.0e8}},
    {"max_row", {4.0e7, 6.0e7}},
    {"mul", {1.9e8, 2.4e8}},
    {"mul_public", {1.3e9, 0}},
    {"mul_weight", {1.9e8, 2.4e8}},
    {"normalize", {1.8e7, 4.8e7}},
    {"recip", {1.9e6, 3.8e6}},
    {"relu", {4.6e7, 6.4e7}},
    {"repeat", {1.3e9, 0}},
    {"reshape", {5.0e9, 0}},
    {"reveal", {1.1e8, 0}},
    {"slice", {5.0e9, 0}},
    {"sub", {1.1e9, 0}},
    {"sum_row", {2.1e9, 0}},
    {"tail", {1.1e7, 2.1e7}},
    {"take_row", {1.5e10, 0}},
    {"transpose", {2.5e9, 0}},
    {"trunc", {1.7e8, 3.1e8}},
};

const ComputeRates &aero::getMeasuredRates() {
  static const ComputeRates rates = [] {
    ComputeRates measured;
    measured.multiplyAddsPerSecond = kMultiplyAddsPerSecond;
    measured.prgBytesPerSecond = kPrgBytesPerSecond;
    for (const NamedRate &one : kOperationRates)
      measured.operations[one.op] = one.rate;
    return measured;
  }();
  return rates;
}

void ComputeRates::scale(double factor) {
  multiplyAddsPerSecond *= factor;
  prgBytesPerSecond *= factor;
  for (auto &entry : operations) {
    entry.second.onlineElementsPerSecond *= factor;
    entry.second.dealerElementsPerSecond *= factor;
  }
}

llvm::ArrayRef<NetworkProfile> aero::getNetworkProfiles() {
  static const NetworkProfile profiles[] = {
      {"loopback", 30e9, 52e-6}, {"lan", 1e9, 1e-3}, {"wan", 100e6, 80e-3}};
  return profiles;
}

//===----------------------------------------------------------------------===//
// Profile files
//===----------------------------------------------------------------------===//

/// Far above any profile; keeps a wrong file from being read as one.
static constexpr uint64_t kMaximumBytes = 1 << 20;

namespace {

/// Collects what is wrong with a file, each problem with its key.
class Reader {
public:
  explicit Reader(llvm::StringRef path) : path(path) {}

  void problem(const llvm::Twine &text) {
    errors = llvm::joinErrors(std::move(errors),
                              llvm::createStringError(path + ": " + text));
  }

  /// Calls what belongs to each key of `object`; every other key is a problem.
  struct Entry {
    llvm::StringLiteral key;
    llvm::function_ref<void(const json &)> read;
  };
  void readObject(const json &object, llvm::StringRef prefix,
                  llvm::ArrayRef<Entry> entries) {
    for (const auto &[key, value] : object.items()) {
      const auto *entry = llvm::find_if(
          entries, [&](const Entry &one) { return one.key == key; });
      if (entry != entries.end()) {
        entry->read(value);
        continue;
      }
      problem("unknown key '" + prefix + key + "'; a profile has " +
              list(llvm::map_range(entries, [&](const Entry &one) {
                return (prefix + one.key).str();
              })));
    }
  }

  /// A number above zero, or also zero, with which times stay finite.
  void readNumber(const json &value, llvm::StringRef key, double &number,
                  bool zero = false) {
    double given = value.is_number() ? value.get<double>() : -1;
    if ((given >= 1e-9 && given <= 1e18) || (zero && given == 0))
      number = given;
    else
      problem("'" + key + "' is not a number from " + (zero ? "0" : "1e-9") +
              " to 1e18");
  }

  /// {"max_row": 1e7, ...}, each into `rate` of an instruction.
  void readRates(const json &value, llvm::StringRef key, ComputeRates &compute,
                 double OperationRate::*rate) {
    if (!value.is_object()) {
      problem("'" + key + "' is not an object of instructions and rates");
      return;
    }
    for (const auto &[op, number] : value.items()) {
      auto entry = compute.operations.find(op);
      if (entry == compute.operations.end() || entry->second.*rate == 0) {
        std::vector<std::string> known;
        for (const auto &one : getMeasuredRates().operations)
          if (one.second.*rate != 0)
            known.push_back(one.first().str());
        llvm::sort(known);
        problem("'" + key + "' names '" + op + "'; there are " + list(known));
        continue;
      }
      readNumber(number, (key + "." + op).str(), entry->second.*rate);
    }
  }

  void readCompute(const json &value, ComputeRates &compute) {
    if (!value.is_object()) {
      problem("'compute' is not an object");
      return;
    }
    double speed = 1;
    readObject(value, "compute.",
               {{"speed",
                 [&](const json &v) { readNumber(v, "compute.speed", speed); }},
                {"multiply_adds_per_second",
                 [&](const json &v) {
                   readNumber(v, "compute.multiply_adds_per_second",
                              compute.multiplyAddsPerSecond);
                 }},
                {"prg_bytes_per_second",
                 [&](const json &v) {
                   readNumber(v, "compute.prg_bytes_per_second",
                              compute.prgBytesPerSecond);
                 }},
                {"online_elements_per_second",
                 [&](const json &v) {
                   readRates(v, "compute.online_elements_per_second", compute,
                             &OperationRate::onlineElementsPerSecond);
                 }},
                {"dealer_elements_per_second", [&](const json &v) {
                   readRates(v, "compute.dealer_elements_per_second", compute,
                             &OperationRate::dealerElementsPerSecond);
                 }}});
    compute.scale(speed);
  }

  llvm::Expected<NetworkProfile> read(const json &object) {
    NetworkProfile profile;
    readObject(object, "",
               {{"name",
                 [&](const json &value) {
                   if (value.is_string() &&
                       !value.get_ref<const std::string &>().empty())
                     profile.name = value.get<std::string>();
                   else
                     problem("'name' is not a text of at least one character");
                 }},
                {"bits_per_second",
                 [&](const json &value) {
                   readNumber(value, "bits_per_second", profile.bitsPerSecond);
                 }},
                {"round_trip_seconds",
                 [&](const json &value) {
                   readNumber(value, "round_trip_seconds",
                              profile.roundTripSeconds,
                              /*zero=*/true);
                 }},
                {"compute", [&](const json &value) {
                   readCompute(value, profile.compute);
                 }}});
    for (llvm::StringRef key :
         {"name", "bits_per_second", "round_trip_seconds"})
      if (!object.contains(key.str()))
        problem("'" + key +
                "' is missing; a profile needs name, "
                "bits_per_second and round_trip_seconds");
    if (errors)
      return std::move(errors);
    return profile;
  }

private:
  template <typename Range> static std::string list(Range &&names) {
    std::string text;
    llvm::raw_string_ostream os(text);
    llvm::interleaveComma(names, os);
    return text;
  }

  llvm::StringRef path;
  llvm::Error errors = llvm::Error::success();
};

} // namespace

llvm::Expected<NetworkProfile> aero::parseNetworkProfile(llvm::StringRef text,
                                                         llvm::StringRef path) {
  // The parser keeps the last of two equal keys and does not say so.
  std::vector<llvm::StringSet<>> keys;
  std::string twice;
  auto watch = [&](int, json::parse_event_t event, json &parsed) {
    if (event == json::parse_event_t::object_start)
      keys.emplace_back();
    else if (event == json::parse_event_t::object_end)
      keys.pop_back();
    else if (event == json::parse_event_t::key)
      if (auto key = parsed.get<std::string>(); !keys.back().insert(key).second)
        twice = key;
    return true;
  };
  json object = json::parse(text.begin(), text.end(), watch,
                            /*allow_exceptions=*/false);
  if (!object.is_object())
    return llvm::createStringError(
        path + ": not a JSON object; a network profile is e.g. {\"name\": "
               "\"office\", \"bits_per_second\": 5e8, "
               "\"round_trip_seconds\": 0.004}");
  if (!twice.empty())
    return llvm::createStringError(path + ": '" + twice + "' is given twice");
  return Reader(path).read(object);
}

llvm::Expected<NetworkProfile> aero::readNetworkProfile(llvm::StringRef path) {
  llvm::sys::fs::file_status status;
  std::error_code code = llvm::sys::fs::status(path, status);
  if (!code && status.type() != llvm::sys::fs::file_type::regular_file)
    return llvm::createStringError(path + ": not a file");
  if (!code && status.getSize() > kMaximumBytes)
    return llvm::createStringError(path + ": too large for a network profile");
  if (code)
    return llvm::createStringError(path + ": " + code.message());
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!buffer)
    return llvm::createStringError(path + ": " + buffer.getError().message());
  return parseNetworkProfile((*buffer)->getBuffer(), path);
}

llvm::Expected<NetworkProfile>
aero::findNetworkProfile(llvm::StringRef nameOrPath) {
  for (const NetworkProfile &profile : getNetworkProfiles())
    if (profile.name == nameOrPath)
      return profile;
  if (!llvm::sys::fs::exists(nameOrPath))
    return llvm::createStringError(
        "--network '" + nameOrPath +
        "' is neither loopback, lan or wan nor a file with a profile");
  return readNetworkProfile(nameOrPath);
}
