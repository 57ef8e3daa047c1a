//===- MPSPDZOutput.cpp - What MP-SPDZ prints and writes ------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Driver/MPSPDZOutput.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"

#include <cmath>

using namespace aero;
using llvm::StringRef;

/// The number behind `before` in the last line that has it.
static llvm::Expected<double> findNumber(StringRef text, StringRef before) {
  size_t at = text.rfind(before);
  StringRef rest =
      at == StringRef::npos ? "" : text.drop_front(at + before.size());
  StringRef digits = rest.take_while(
      [](char c) { return llvm::isDigit(c) || StringRef("+-.e").contains(c); });
  double number = 0;
  if (digits.empty() || digits.getAsDouble(number) || !std::isfinite(number) ||
      number < 0)
    return llvm::createStringError("MP-SPDZ did not print '" + before +
                                   "' with a number");
  return number;
}

/// More than about 2^53 is nonsense, and has no integer.
static constexpr double maxCount = 9e15;

static llvm::Error impossible() {
  return llvm::createStringError("MP-SPDZ printed an impossible cost");
}

/// Bytes, which are printed in megabytes.
static llvm::Expected<uint64_t> findBytes(StringRef text, StringRef before) {
  auto megabytes = findNumber(text, before);
  if (!megabytes)
    return megabytes.takeError();
  if (*megabytes * 1e6 > maxCount)
    return impossible();
  return static_cast<uint64_t>(std::llround(*megabytes * 1e6));
}

llvm::Expected<EngineCost> aero::parseMPSPDZCost(StringRef text) {
  auto seconds = findNumber(text, "Time = ");
  if (!seconds)
    return seconds.takeError();
  auto rounds = findNumber(text, "MB in ~");
  if (!rounds)
    return rounds.takeError();
  auto bytes = findBytes(text, "Global data sent = ");
  if (!bytes)
    return bytes.takeError();
  if (*rounds > maxCount)
    return impossible();
  EngineCost cost;
  cost.seconds = *seconds;
  cost.rounds = static_cast<uint64_t>(*rounds);
  cost.bytes = *bytes;
  return cost;
}

llvm::Expected<uint64_t> aero::parseMPSPDZBytes(StringRef text) {
  return findBytes(text, "Data sent = ");
}

llvm::Expected<std::vector<std::vector<double>>>
aero::splitMPSPDZOutput(StringRef bytes, llvm::ArrayRef<size_t> sizes) {
  size_t all = 0;
  for (size_t size : sizes)
    all += size;
  if (bytes.size() != all * sizeof(double))
    return llvm::createStringError(
        "MP-SPDZ wrote " + llvm::Twine(bytes.size()) +
        " bytes of answer, expected " + llvm::Twine(all * sizeof(double)));
  std::vector<std::vector<double>> pieces;
  const char *from = bytes.data();
  for (size_t size : sizes) {
    std::vector<double> piece(size);
    for (double &number : piece) {
      number = llvm::bit_cast<double>(llvm::support::endian::read64le(from));
      from += sizeof(double);
    }
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

std::string aero::getLastLines(StringRef text, size_t count) {
  llvm::SmallVector<StringRef> lines;
  text.split(lines, '\n', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  if (lines.size() > count)
    lines.erase(lines.begin(), lines.end() - static_cast<ptrdiff_t>(count));
  std::string result = llvm::join(lines, "\n");
  for (char &c : result)
    if (c != '\n' && !llvm::isPrint(c))
      c = '?';
  return result;
}
