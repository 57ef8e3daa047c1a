//===- Parallel.h - Loops over several threads ----------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_RUNTIME_OPS_PARALLEL_H
#define AERO_LIB_RUNTIME_OPS_PARALLEL_H

#include <cstddef>
#include <functional>

namespace aero::rt {

/// Threads that a loop may use, the calling one included; 1 by default.
void setLoopThreads(unsigned threads);

/// Calls body(begin, end) for disjoint ranges that cover [0, n), each but the
/// last a multiple of `grain` long. Loops of at most one grain, and loops that
/// start while another one runs, stay on the calling thread.
void parallelFor(size_t n, size_t grain,
                 const std::function<void(size_t, size_t)> &body);

/// Elements that are worth a thread of their own, in whole plane words.
inline constexpr size_t loopGrain = 8192;

} // namespace aero::rt

#endif // AERO_LIB_RUNTIME_OPS_PARALLEL_H
