//===- Prompts.cpp - Prompts as people write them -------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Driver/Prompts.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <nlohmann/json.hpp>

#include <random>

using namespace aero;

/// Vocabulary of models that read bytes.
static constexpr int64_t byteVocabulary = 256;

static llvm::Expected<Tokens> checkTokens(const Model &model, Tokens tokens) {
  if (tokens.empty())
    return llvm::createStringError(
        "the prompt is empty: give at least one token");
  if (static_cast<int64_t>(tokens.size()) > model.getContext())
    return llvm::createStringError(
        "the prompt has " + llvm::Twine(tokens.size()) +
        " tokens, the model's context is " + llvm::Twine(model.getContext()) +
        ": shorten the prompt");
  for (int64_t token : tokens)
    if (token < 0 || token >= model.getVocabulary())
      return llvm::createStringError(
          "token id " + llvm::Twine(token) +
          " is not in the vocabulary: ids go from 0 to " +
          llvm::Twine(model.getVocabulary() - 1));
  return tokens;
}

llvm::Expected<Tokens> aero::encodeText(const Model &model,
                                        llvm::StringRef text) {
  if (model.getVocabulary() != byteVocabulary)
    return llvm::createStringError(
        "text needs a byte-level model (vocabulary 256), this one has " +
        llvm::Twine(model.getVocabulary()) + ": give token ids with --tokens");
  Tokens tokens;
  for (char c : text)
    tokens.push_back(static_cast<uint8_t>(c));
  return checkTokens(model, std::move(tokens));
}

llvm::Expected<Tokens> aero::parseTokens(const Model &model,
                                         llvm::StringRef list) {
  Tokens tokens;
  llvm::SmallVector<llvm::StringRef> parts;
  list.split(parts, ',', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  for (llvm::StringRef part : parts) {
    int64_t token;
    if (part.trim().getAsInteger(10, token))
      return llvm::createStringError(
          "'" + part + "' is not a token id: write ids as 12,7,255");
    tokens.push_back(token);
  }
  return checkTokens(model, std::move(tokens));
}

/// The prompts of an array of token ids, (T) or (N, T).
static llvm::Expected<std::vector<Tokens>> readPrompts(const Model &model,
                                                       const NumPyFile &file) {
  if (file.getNames().size() != 1)
    return llvm::createStringError(
        file.getPath() + ": has " + llvm::Twine(file.getNames().size()) +
        " arrays; expected one of token ids, e.g. numpy.savez(file, "
        "ids)");
  const std::string &name = file.getNames().front();
  auto array = file.read(name);
  if (!array)
    return array.takeError();
  std::string title = file.describe(name);
  if (array->kind != NumPyArray::Kind::Int)
    return llvm::createStringError(title + " has the dtype " + array->dtype +
                                   "; expected token ids, integers");
  if (array->shape.size() != 1 && array->shape.size() != 2)
    return llvm::createStringError(
        title + " has " + llvm::Twine(array->shape.size()) +
        " dimensions; expected token ids of the shape (T) or (N, T)");
  int64_t count = array->shape.size() == 2 ? array->shape.front() : 1;
  if (count == 0)
    return llvm::createStringError(title + " has no prompts");
  size_t length = static_cast<size_t>(array->shape.back());
  std::vector<Tokens> prompts;
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    llvm::ArrayRef<int64_t> row =
        llvm::ArrayRef(array->ints).slice(i * length, length);
    auto tokens = checkTokens(model, row.vec());
    if (!tokens)
      return llvm::createStringError(title + " prompt " + llvm::Twine(i) +
                                     ": " + llvm::toString(tokens.takeError()));
    prompts.push_back(std::move(*tokens));
  }
  return prompts;
}

static llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
openFile(llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return llvm::createStringError("cannot read prompts from " + path + ": " +
                                   buffer.getError().message());
  return std::move(*buffer);
}

/// Whether the file is meant to be one for NumPy: a damaged one says so only in
/// its name, and would be called bad JSON.
static bool isNumPy(llvm::StringRef path, llvm::StringRef bytes) {
  return NumPyFile::isNumPy(bytes) || path.ends_with(".npz") ||
         path.ends_with(".npy");
}

llvm::Expected<std::optional<NumPyFile>> aero::openNumPy(llvm::StringRef path) {
  auto buffer = openFile(path);
  if (!buffer)
    return buffer.takeError();
  if (!isNumPy(path, (*buffer)->getBuffer()))
    return std::nullopt;
  auto file = NumPyFile::open(std::move(*buffer));
  if (!file)
    return file.takeError();
  return std::optional<NumPyFile>(std::move(*file));
}

llvm::Expected<std::vector<Tokens>> aero::readPrompts(const Model &model,
                                                      llvm::StringRef path) {
  auto buffer = openFile(path);
  if (!buffer)
    return buffer.takeError();
  if (isNumPy(path, (*buffer)->getBuffer())) {
    auto file = NumPyFile::open(std::move(*buffer));
    if (!file)
      return file.takeError();
    return ::readPrompts(model, *file);
  }
  llvm::StringRef text = (*buffer)->getBuffer();
  nlohmann::json data = nlohmann::json::parse(
      text.begin(), text.end(), /*cb=*/nullptr, /*allow_exceptions=*/false);
  if (data.is_object() && data.contains("prompts"))
    data = nlohmann::json(data["prompts"]);
  if (!data.is_array() || data.empty())
    return llvm::createStringError(
        path + ": expected a JSON list of texts, {\"text\": ...} objects or "
               "lists of token ids, or a NumPy file of token ids");

  std::vector<Tokens> prompts;
  for (const nlohmann::json &entry : data) {
    llvm::Expected<Tokens> tokens = Tokens();
    auto isInteger = [](const nlohmann::json &v) {
      return v.is_number_integer();
    };
    if (entry.is_string())
      tokens = encodeText(model, entry.get_ref<const std::string &>());
    else if (entry.is_object() && entry.contains("text") &&
             entry["text"].is_string())
      tokens = encodeText(model, entry["text"].get_ref<const std::string &>());
    else if (entry.is_array() && llvm::all_of(entry, isInteger))
      tokens = checkTokens(model, entry.get<Tokens>());
    else
      tokens = llvm::createStringError("neither text nor token ids");
    if (!tokens)
      return llvm::createStringError(path + ": prompt " +
                                     llvm::Twine(prompts.size()) + ": " +
                                     llvm::toString(tokens.takeError()));
    prompts.push_back(std::move(*tokens));
  }
  return prompts;
}

std::vector<Tokens> aero::randomPrompts(const Model &model, unsigned count) {
  // The same prompts every time. NOLINTNEXTLINE(bugprone-random-generator-seed)
  std::mt19937_64 generator(1);
  std::vector<Tokens> prompts(count);
  for (Tokens &tokens : prompts)
    for (int64_t i = 0; i < model.getContext(); ++i)
      tokens.push_back(static_cast<int64_t>(
          generator() % static_cast<uint64_t>(model.getVocabulary())));
  return prompts;
}

std::string aero::showTokens(const Model &model,
                             llvm::ArrayRef<int64_t> tokens) {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (model.getVocabulary() != byteVocabulary) {
    llvm::interleaveComma(tokens, os);
    return text;
  }
  os << '"';
  for (int64_t token : tokens) {
    char c = static_cast<char>(token);
    if (c == '\n')
      os << "\\n";
    else if (c == '"' || c == '\\')
      os << '\\' << c;
    else if (llvm::isPrint(c))
      os << c;
    else
      os << "\\x" << llvm::toHex(llvm::StringRef(&c, 1), /*LowerCase=*/true);
  }
  os << '"';
  return text;
}
