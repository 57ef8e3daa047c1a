//===- Table.cpp - Text tables for people ---------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Driver/Table.h"

#include "llvm/Support/Format.h"

#include <algorithm>

using namespace aero;

Table::Table(std::vector<std::string> header, size_t leftColumns)
    : leftColumns(leftColumns) {
  rows.push_back(std::move(header));
  addRule();
}

void Table::addRow(std::vector<std::string> row) {
  assert(row.size() == rows.front().size() && "one cell a column");
  for (std::string &cell : row)
    for (char &c : cell)
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
        c = '?';
  rows.push_back(std::move(row));
}

void Table::addRule() { rows.emplace_back(); }

void Table::print(llvm::raw_ostream &os) const {
  std::vector<size_t> widths(rows.front().size(), 0);
  for (const std::vector<std::string> &row : rows)
    for (size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], row[i].size());
  for (const std::vector<std::string> &row : rows) {
    std::string line;
    for (size_t i = 0; i < widths.size(); ++i) {
      if (i)
        line += "  ";
      if (row.empty()) {
        line.append(widths[i], '-');
        continue;
      }
      size_t padding = widths[i] - row[i].size();
      bool left = i < leftColumns;
      line.append(left ? 0 : padding, ' ');
      line += row[i];
      line.append(left ? padding : 0, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    os << line << '\n';
  }
}

std::string aero::formatFixed(double value, unsigned digits) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << llvm::format("%.*f", static_cast<int>(digits), value);
  return text;
}

std::string aero::formatBytes(uint64_t bytes) {
  static constexpr const char *units[] = {"B", "kB", "MB", "GB", "TB"};
  if (bytes == 0)
    return "0";
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 999.95 && unit + 1 < std::size(units)) {
    value /= 1000;
    ++unit;
  }
  return (unit ? formatFixed(value, 1) : std::to_string(bytes)) + " " +
         units[unit];
}

std::string aero::formatCount(uint64_t count) {
  std::string digits = std::to_string(count);
  for (ptrdiff_t i = static_cast<ptrdiff_t>(digits.size()) - 3; i > 0; i -= 3)
    digits.insert(static_cast<size_t>(i), ",");
  return digits;
}

std::string aero::formatRanges(llvm::ArrayRef<int64_t> numbers) {
  std::string text;
  for (size_t i = 0; i < numbers.size();) {
    size_t last = i;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1)
      ++last;
    text += (text.empty() ? "" : ", ") + std::to_string(numbers[i]);
    if (last > i)
      text += "-" + std::to_string(numbers[last]);
    i = last + 1;
  }
  return text;
}

std::string aero::formatScaled(double value) {
  if (value >= 999.95e6)
    return formatFixed(value / 1e9, 1) + "B";
  if (value >= 999.95e3)
    return formatFixed(value / 1e6, 1) + "M";
  if (value >= 1e3)
    return formatFixed(value / 1e3, 1) + "K";
  return formatFixed(value, 0);
}
