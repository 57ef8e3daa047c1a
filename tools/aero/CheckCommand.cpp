//===- CheckCommand.cpp - aero check --------------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"
#include "SeenRanges.h"

#include "aero/Driver/Parties.h"
#include "aero/Driver/Prompts.h"
#include "aero/Driver/Table.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include <nlohmann/json.hpp>

#include <cmath>

using namespace aero;

namespace {

/// How far an engine's logits are from the float reference's.
struct Difference {
  double maximum = 0;
  unsigned worstPrompt = 0;
  unsigned sameNextToken = 0;
};

using Logits = std::vector<double>;

size_t argmax(llvm::ArrayRef<double> row) {
  return static_cast<size_t>(
      std::distance(row.begin(), std::max_element(row.begin(), row.end())));
}

/// The reference's rows that an engine computes: all, or the last token's.
llvm::ArrayRef<double> computedRows(const Model &model, const Logits &all,
                                    size_t position, bool allRows) {
  size_t width = static_cast<size_t>(model.getVocabulary());
  return allRows ? llvm::ArrayRef(all)
                 : llvm::ArrayRef(all).slice(position * width, width);
}

void compare(Difference &difference, unsigned prompt,
             llvm::ArrayRef<double> expected, llvm::ArrayRef<double> actual,
             llvm::ArrayRef<double> expectedLast,
             llvm::ArrayRef<double> actualLast) {
  for (auto [e, a] : llvm::zip_equal(expected, actual)) {
    double distance = std::abs(e - a);
    // A NaN is the largest difference there is.
    if (!(distance <= difference.maximum)) {
      difference.maximum = distance;
      difference.worstPrompt = prompt;
    }
  }
  difference.sameNextToken += argmax(expectedLast) == argmax(actualLast);
}

llvm::Error save(const std::string &path, const std::vector<float> &logits) {
  std::error_code code;
  llvm::raw_fd_ostream os(path, code);
  if (code)
    return llvm::createStringError("cannot write " + path + ": " +
                                   code.message());
  os.write(reinterpret_cast<const char *>(logits.data()),
           logits.size() * sizeof(float));
  return llvm::Error::success();
}

} // namespace

llvm::Error aero::check(const CheckArguments &arguments) {
  auto model = openModel(arguments);
  if (!model)
    return model.takeError();
  auto prompts = arguments.prompts.empty()
                     ? llvm::Expected<std::vector<Tokens>>(
                           randomPrompts(**model, arguments.samples))
                     : readPrompts(**model, arguments.prompts);
  if (!prompts)
    return prompts.takeError();

  bool allRows = arguments.answer == Answer::AllLogits;
  bool fixed = llvm::is_contained(arguments.engines, "fixed");
  bool dealer = llvm::is_contained(arguments.engines, "dealer");
  if (arguments.ranges && !fixed)
    return llvm::createStringError("--ranges looks at the values of the engine "
                                   "fixed; add it to --engines");
  if (fixed || dealer)
    if (llvm::Error error = lower(**model, arguments))
      return error;
  std::unique_ptr<PrivateSession> session;
  if (dealer) {
    auto started = PrivateSession::start(**model, PartiesOptions());
    if (!started)
      return started.takeError();
    session = std::move(*started);
  }

  Difference fixedDifference, dealerDifference;
  SeenRanges seen;
  auto observe = [&](uint32_t, mlir::Operation *op,
                     llvm::MutableArrayRef<int64_t> values) {
    if (arguments.ranges)
      seen.add(op, values);
  };
  std::vector<float> saved;
  size_t width = static_cast<size_t>((*model)->getVocabulary());
  for (auto [index, tokens] : llvm::enumerate(*prompts)) {
    size_t position = tokens.size() - 1;
    llvm::Expected<Logits> all = (*model)->runFloat(tokens);
    if (!all)
      return all.takeError();
    llvm::ArrayRef<double> expected =
        computedRows(**model, *all, position, allRows);
    if (!arguments.saveLogits.empty())
      saved.insert(saved.end(), expected.begin(), expected.end());

    llvm::ArrayRef<double> expectedLast =
        computedRows(**model, *all, position, /*allRows=*/false);
    auto compareWith = [&](Difference &difference,
                           llvm::ArrayRef<double> actual) {
      llvm::ArrayRef<double> actualLast =
          allRows ? actual.slice(position * width, width) : actual;
      compare(difference, static_cast<unsigned>(index), expected, actual,
              expectedLast, actualLast);
    };
    if (fixed) {
      llvm::Expected<Logits> logits =
          (*model)->runFixed(tokens, static_cast<int64_t>(position), observe);
      if (!logits)
        return logits.takeError();
      compareWith(fixedDifference, *logits);
    }
    if (dealer) {
      auto result = session->infer(tokens);
      if (!result)
        return result.takeError();
      compareWith(dealerDifference, result->logits);
    }
  }
  if (session)
    if (auto statistics = session->finish(); !statistics)
      return statistics.takeError();
  if (!arguments.saveLogits.empty())
    if (llvm::Error error = save(arguments.saveLogits, saved))
      return error;

  size_t count = prompts->size();
  nlohmann::json json = {{"model", (*model)->getName()},
                         {"config", arguments.config},
                         {"prompts", count},
                         {"max_error", arguments.maxError},
                         {"engines", nlohmann::json::object()}};
  Table table({"engine", "largest logit difference", "same next token"});
  table.addRow({"float", "reference", ""});
  std::string failed;
  for (auto [name, used, difference] :
       {std::tuple("fixed", fixed, &fixedDifference),
        std::tuple("dealer", dealer, &dealerDifference)}) {
    if (!used)
      continue;
    json["engines"][name] = {{"max_logit_difference", difference->maximum},
                             {"worst_prompt", difference->worstPrompt},
                             {"same_next_token", difference->sameNextToken}};
    table.addRow({name, formatFixed(difference->maximum, 5),
                  std::to_string(difference->sameNextToken) + " of " +
                      std::to_string(count)});
    if (!(difference->maximum <= arguments.maxError) && failed.empty())
      failed = (llvm::Twine(name) + " differs from float by " +
                formatFixed(difference->maximum, 5) + " on prompt " +
                llvm::Twine(difference->worstPrompt) +
                ", more than --max-error " + formatFixed(arguments.maxError, 5))
                   .str();
  }
  if (arguments.ranges)
    json["ranges"] = seen.toJson();
  if (arguments.json) {
    llvm::outs() << json.dump(2) << "\n";
  } else {
    llvm::outs() << (*model)->getName() << " as " << arguments.config << ", "
                 << count << " prompts\n\n";
    table.print(llvm::outs());
    if (arguments.ranges) {
      llvm::outs() << "\n";
      seen.print();
    }
  }
  return failed.empty() ? llvm::Error::success()
                        : llvm::createStringError(failed);
}
