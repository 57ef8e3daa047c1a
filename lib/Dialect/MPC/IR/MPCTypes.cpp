//===- MPCTypes.cpp - Types and attributes of the mpc dialect -------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Dialect/MPC/IR/MPCOps.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/Format.h"

#include <cmath>

using namespace mlir;
using namespace aero::mpc;

#include "aero/Dialect/MPC/IR/MPCEnums.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "aero/Dialect/MPC/IR/MPCTypes.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "aero/Dialect/MPC/IR/MPCAttributes.cpp.inc"

/// Limits of the program file (lib/Runtime/Program/Validate.h): a type that no
/// file can hold is refused where it is made.
static constexpr int64_t maxRank = 8;
static constexpr int64_t maxDim = (int64_t(1) << 24) - 1;
static constexpr int64_t maxElements = int64_t(1) << 33;
static constexpr int32_t maxFrac = 62;

void MPCDialect::registerTypes() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "aero/Dialect/MPC/IR/MPCTypes.cpp.inc"
      >();
}

void MPCDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "aero/Dialect/MPC/IR/MPCAttributes.cpp.inc"
      >();
}

static int64_t countElements(ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t dim : shape)
    count *= dim;
  return count;
}

static LogicalResult verifyShape(function_ref<InFlightDiagnostic()> emitError,
                                 ArrayRef<int64_t> shape) {
  if (shape.empty() || static_cast<int64_t>(shape.size()) > maxRank)
    return emitError() << "expected 1 to " << maxRank << " dimensions, got "
                       << shape.size();
  int64_t count = 1;
  for (int64_t dim : shape) {
    if (dim < 1 || dim > maxDim)
      return emitError() << "expected dimensions from 1 to " << maxDim
                         << ", got " << dim;
    count *= dim;
    if (count > maxElements)
      return emitError() << "more than " << maxElements << " elements";
  }
  return success();
}

static void printShape(AsmPrinter &printer, ArrayRef<int64_t> shape) {
  llvm::interleave(shape, printer.getStream(), "x");
}

/// Parses `4x64, f = 16`.
static ParseResult parseShapeAndFrac(AsmParser &parser,
                                     SmallVectorImpl<int64_t> &shape,
                                     int32_t &frac) {
  return failure(parser.parseDimensionList(shape, /*allowDynamic=*/false,
                                           /*withTrailingX=*/false) ||
                 parser.parseComma() || parser.parseKeyword("f") ||
                 parser.parseEqual() || parser.parseInteger(frac));
}

//===----------------------------------------------------------------------===//
// ShareType
//===----------------------------------------------------------------------===//

LogicalResult ShareType::verify(function_ref<InFlightDiagnostic()> emitError,
                                ArrayRef<int64_t> shape, unsigned bits,
                                int32_t frac) {
  if (failed(verifyShape(emitError, shape)))
    return failure();
  if (bits < 1 || bits > ringBits)
    return emitError() << "expected a ring of 1 to " << ringBits
                       << " bits, got " << bits;
  if (frac < -maxFrac || frac > maxFrac)
    return emitError() << "expected at most " << maxFrac
                       << " fraction bits, got " << frac;
  return success();
}

Type ShareType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape;
  int32_t frac = 0;
  unsigned bits = ringBits;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() || parseShapeAndFrac(parser, shape, frac))
    return {};
  if (succeeded(parser.parseOptionalComma()) &&
      (parser.parseKeyword("bits") || parser.parseEqual() ||
       parser.parseInteger(bits)))
    return {};
  if (parser.parseGreater())
    return {};
  return parser.getChecked<ShareType>(loc, parser.getContext(), shape, bits,
                                      frac);
}

void ShareType::print(AsmPrinter &printer) const {
  printer << '<';
  printShape(printer, getShape());
  printer << ", f = " << getFrac();
  if (getBits() != ringBits)
    printer << ", bits = " << getBits();
  printer << '>';
}

int64_t ShareType::getNumElements() const { return countElements(getShape()); }

ShareType ShareType::withShape(ArrayRef<int64_t> shape) const {
  return get(getContext(), shape, getBits(), getFrac());
}

//===----------------------------------------------------------------------===//
// TokensType
//===----------------------------------------------------------------------===//

LogicalResult TokensType::verify(function_ref<InFlightDiagnostic()> emitError,
                                 int64_t length, int64_t vocabulary) {
  if (length < 1 || length > maxDim)
    return emitError() << "expected 1 to " << maxDim << " tokens, got "
                       << length;
  if (vocabulary < 1 || vocabulary > maxDim)
    return emitError() << "expected a vocabulary of 1 to " << maxDim
                       << " tokens, got " << vocabulary;
  return success();
}

//===----------------------------------------------------------------------===//
// ServerType
//===----------------------------------------------------------------------===//

LogicalResult ServerType::verify(function_ref<InFlightDiagnostic()> emitError,
                                 ArrayRef<int64_t> shape, int32_t frac) {
  if (failed(verifyShape(emitError, shape)))
    return failure();
  if (frac < 0 || frac > maxFrac)
    return emitError() << "expected 0 to " << maxFrac << " fraction bits, got "
                       << frac;
  return success();
}

Type ServerType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape;
  int32_t frac = 0;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() || parseShapeAndFrac(parser, shape, frac) ||
      parser.parseGreater())
    return {};
  return parser.getChecked<ServerType>(loc, parser.getContext(), shape, frac);
}

void ServerType::print(AsmPrinter &printer) const {
  printer << '<';
  printShape(printer, getShape());
  printer << ", f = " << getFrac() << '>';
}

int64_t ServerType::getNumElements() const { return countElements(getShape()); }

//===----------------------------------------------------------------------===//
// RangeAttr
//===----------------------------------------------------------------------===//

LogicalResult RangeAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                APFloat limit, Provenance provenance) {
  if (&limit.getSemantics() != &APFloat::IEEEdouble() || !limit.isFinite() ||
      limit.isNegative() || limit.isZero())
    return emitError() << "expected a positive finite bound";
  return success();
}

Attribute RangeAttr::parse(AsmParser &parser, Type) {
  double bound = 0;
  StringRef keyword;
  SMLoc loc = parser.getCurrentLocation(), keywordLoc;
  if (parser.parseLess() || parser.parseFloat(bound) || parser.parseComma() ||
      parser.getCurrentLocation(&keywordLoc) || parser.parseKeyword(&keyword) ||
      parser.parseGreater())
    return {};
  std::optional<Provenance> provenance = symbolizeProvenance(keyword);
  if (!provenance) {
    parser.emitError(keywordLoc, "expected 'proved' or 'calibrated'");
    return {};
  }
  return parser.getChecked<RangeAttr>(loc, parser.getContext(), APFloat(bound),
                                      *provenance);
}

void RangeAttr::print(AsmPrinter &printer) const {
  // Exact, and with the point that the lexer wants in a float.
  double bound = getBound();
  printer << '<';
  if (bound == std::floor(bound) && bound < 0x1p53)
    printer.getStream() << llvm::format("%.1f", bound);
  else
    printer.getStream() << llvm::format("%.16e", bound);
  printer << ", " << stringifyProvenance(getProvenance()) << '>';
}
