//===- Table.h - Text tables for people -----------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_DRIVER_TABLE_H
#define AERO_DRIVER_TABLE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/raw_ostream.h"

#include <string>
#include <vector>

namespace aero {

/// A table with a header row; the first columns are flush left, the others
/// right. A row is one line: control characters, which names in a model's file
/// may hold, are printed as question marks.
class Table {
public:
  explicit Table(std::vector<std::string> header, size_t leftColumns = 1);

  void addRow(std::vector<std::string> row);
  /// A line between groups of rows.
  void addRule();
  void print(llvm::raw_ostream &os) const;

private:
  size_t leftColumns;
  /// An empty row stands for a rule.
  std::vector<std::vector<std::string>> rows;
};

/// "12.3 MB" in powers of ten, "0" for nothing.
std::string formatBytes(uint64_t bytes);
/// "1,234,567"
std::string formatCount(uint64_t count);
/// "14.5B", "7.7M": one digit after the point, as the paper's tables print.
std::string formatScaled(double value);
/// "0-3, 7" for the numbers 0, 1, 2, 3 and 7, which are in order.
std::string formatRanges(llvm::ArrayRef<int64_t> numbers);
/// "1.234"
std::string formatFixed(double value, unsigned digits);

} // namespace aero

#endif // AERO_DRIVER_TABLE_H
