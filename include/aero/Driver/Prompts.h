//===- Prompts.h - Prompts as people write them ---------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_DRIVER_PROMPTS_H
#define AERO_DRIVER_PROMPTS_H

#include "aero/Driver/Model.h"
#include "aero/Support/NumPy.h"

#include <optional>
#include <string>
#include <vector>

namespace aero {

using Tokens = std::vector<int64_t>;

/// The bytes of `text`, for a model with a vocabulary of 256; an error for
/// another vocabulary, an empty prompt, or one longer than the context.
llvm::Expected<Tokens> encodeText(const Model &model, llvm::StringRef text);

/// "12,7,256"; every id must be below the vocabulary.
llvm::Expected<Tokens> parseTokens(const Model &model, llvm::StringRef list);

/// A JSON list whose entries are texts, {"text": ...} objects or lists of
/// token ids; or an object with such a list under "prompts". Or a NumPy file
/// (.npy, or .npz with one array) of token ids, (T) for one prompt or (N, T)
/// for N. Which of them a file is, its first bytes say. Errors name the file.
llvm::Expected<std::vector<Tokens>> readPrompts(const Model &model,
                                                llvm::StringRef path);

/// Opens a NumPy file; nothing if the file at `path` is none.
llvm::Expected<std::optional<NumPyFile>> openNumPy(llvm::StringRef path);

/// `count` random prompts of the whole context, from a fixed seed.
std::vector<Tokens> randomPrompts(const Model &model, unsigned count);

/// Text in quotes with escapes, or the ids if the model is not byte-level.
std::string showTokens(const Model &model, llvm::ArrayRef<int64_t> tokens);

} // namespace aero

#endif // AERO_DRIVER_PROMPTS_H
