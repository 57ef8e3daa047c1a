//===- TailTables.h - Polynomials of smooth activations -------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Written by fit_tails.py. An activation is relu(x) - tail(|x|); a tail is a
/// few cubic polynomials, and zero above its last threshold.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_RUNTIME_OPS_TAILTABLES_H
#define AERO_LIB_RUNTIME_OPS_TAILTABLES_H

#include "aero/Runtime/Parameters.h"

namespace aero::rt {

// clang-format off

/// Largest error of the fit 5.0e-04.
inline constexpr TailTable geluTail = {
    56, 12, 54, 2,
    {106, 240},
    {{-5116467251070, 2255906326829, -499900552, 29370},
     {9418815054772384, -1941011420755, 134307424, -3115}}};

/// Largest error of the fit 4.9e-04.
inline constexpr TailTable geluTanhTail = {
    56, 12, 54, 2,
    {105, 240},
    {{-5002099578390, 2255110550652, -499326735, 29314},
     {9406211620670884, -1931603135287, 132814721, -3053}}};

/// Largest error of the fit 4.5e-04.
inline constexpr TailTable siluTail = {
    60, 12, 58, 4,
    {85, 174, 354, 640},
    {{-45312795294048, 35612241846735, -4771858752, 171836},
     {26056699622902720, 24321005213810, -3248745354, 111891},
     {179924780770236512, -17340478423904, 565866428, -6119},
     {89615203211536768, -7122476532230, 190800910, -1716}}};

// clang-format on

} // namespace aero::rt

#endif // AERO_LIB_RUNTIME_OPS_TAILTABLES_H
