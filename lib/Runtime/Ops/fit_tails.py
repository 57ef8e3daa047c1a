#!/usr/bin/env python3
# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Fits the tables of TailTables.h: python3 fit_tails.py > TailTables.h

An activation is relu(x) - tail(|x|), where the tail is small and vanishes:
|x| Phi(-|x|) for GELU, |x| / (1 + e^|x|) for SiLU. Each tail is a few cubic
polynomials up to a last threshold, and zero above it. Every piece is fitted a
little beyond its thresholds, since the secure comparison may err by one unit.
"""
import math

import numpy

COMPARE_FRAC = 6  # fraction bits of thresholds
OVERLAP = 2.0**-COMPARE_FRAC


def erf_gelu(a):
    return a * 0.5 * math.erfc(a / math.sqrt(2))


def tanh_gelu(a):
    inner = math.sqrt(2 / math.pi) * (a + 0.044715 * a**3)
    return a * 0.5 * (1 - math.tanh(inner))


def silu(a):
    return a / (1 + math.exp(a))


# name, function, pieces, end, ring bits, fraction bits of a, of the result
TAILS = [
    ("gelu", erf_gelu, 2, 3.75, 56, 12, 54),
    ("geluTanh", tanh_gelu, 2, 3.75, 56, 12, 54),
    ("silu", silu, 4, 10.0, 60, 12, 58),
]


def minimax(function, low, high):
    """Cubic of least error on [low, high], by Lawson's reweighting."""
    t = numpy.cos(numpy.linspace(0, numpy.pi, 400))
    x = (low + high) / 2 + (high - low) / 2 * t
    basis = numpy.polynomial.chebyshev.chebvander(t, 3)
    y = numpy.array([function(value) for value in x])
    weights, best = numpy.ones_like(x), (None, numpy.inf)
    for _ in range(400):
        root = numpy.sqrt(weights)
        fit = numpy.linalg.lstsq(basis * root[:, None], y * root, rcond=None)[0]
        error = numpy.abs(basis @ fit - y)
        if error.max() < best[1]:
            best = (fit, error.max())
        weights *= error + 1e-15
        weights /= weights.max()
    cubic = numpy.polynomial.Chebyshev(best[0], domain=[low, high])
    return cubic.convert(kind=numpy.polynomial.Polynomial).coef, best[1]


def split(function, pieces, end):
    """Thresholds that make the errors of all pieces about equal."""
    units = round(end / OVERLAP)
    low, high = 0.0, 0.1
    cuts = []
    for _ in range(30):
        tolerance = (low + high) / 2
        cuts, at = [], 0
        while at < units and len(cuts) < pieces:
            first, last = at + 1, units
            while first < last:  # the longest piece within the tolerance
                middle = (first + last + 1) // 2
                span = (at * OVERLAP - OVERLAP, (middle + 1) * OVERLAP)
                if minimax(function, *span)[1] <= tolerance:
                    first = middle
                else:
                    last = middle - 1
            at = first
            cuts.append(at)
        if at >= units and len(cuts) <= pieces:
            high, result = tolerance, cuts
        else:
            low = tolerance
        if high - low < 1e-6:
            break
    return result


def main():
    print(HEADER)
    for name, function, pieces, end, ring, frac, result in TAILS:
        cuts = split(function, pieces, end)
        starts = [0] + cuts[:-1]
        rows, worst = [], function(end)
        for start, stop in zip(starts, cuts):
            span = ((start - 1) * OVERLAP, (stop + 1) * OVERLAP)
            coefficients, error = minimax(function, *span)
            worst = max(worst, error)
            rows.append([round(c * 2.0 ** (result - k * frac))
                         for k, c in enumerate(coefficients)])
        print(f"/// Largest error of the fit {worst:.1e}.")
        print(f"inline constexpr TailTable {name}Tail = {{")
        print(f"    {ring}, {frac}, {result}, {len(cuts)},")
        print("    {" + ", ".join(map(str, cuts)) + "},")
        print("    {{" + "},\n     {".join(", ".join(map(str, row)) for row in rows) + "}}};\n")
    print(FOOTER)


HEADER = """//===- TailTables.h - Polynomials of smooth activations -------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \\file
/// Written by fit_tails.py. An activation is relu(x) - tail(|x|); a tail is a
/// few cubic polynomials, and zero above its last threshold.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_RUNTIME_OPS_TAILTABLES_H
#define AERO_LIB_RUNTIME_OPS_TAILTABLES_H

#include "aero/Runtime/Parameters.h"

namespace aero::rt {

// clang-format off
"""

FOOTER = """// clang-format on

} // namespace aero::rt

#endif // AERO_LIB_RUNTIME_OPS_TAILTABLES_H"""

if __name__ == "__main__":
    main()
