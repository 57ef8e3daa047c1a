//===- RewriteCommand.cpp - aero rewrite ----------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"

#include "aero/Driver/Samples.h"
#include "aero/Driver/Table.h"
#include "aero/Target/ONNX/Export.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <nlohmann/json.hpp>

using namespace aero;

namespace {

/// "+1,234", "-1,234" or "-" for nothing.
std::string formatChange(int64_t change) {
  if (change == 0)
    return "-";
  return (change < 0 ? "-" : "+") +
         formatCount(static_cast<uint64_t>(std::abs(change)));
}

std::string formatScaledChange(int64_t change) {
  if (change == 0)
    return "-";
  return (change < 0 ? "-" : "+") +
         formatScaled(std::abs(static_cast<double>(change)));
}

/// Three digits: distances are of every size.
std::string formatDistance(double value) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << llvm::format("%.3g", value);
  return text;
}

/// What the passes did, for the file's metadata.
std::string describeChanges(llvm::ArrayRef<RewriteStep> steps) {
  std::string text;
  for (size_t i = 1; i < steps.size(); ++i)
    text += (text.empty() ? "" : "; ") + steps[i].pass + ": " +
            describeChange(steps[i - 1], steps[i]);
  return text;
}

llvm::Expected<std::vector<Sample>>
makeInputs(Model &model, const RewriteArguments &arguments) {
  if (arguments.check.empty())
    return makeRandomSamples(model.getFunction(), arguments.samples);
  return readSamples(model, arguments.check, ShortPrompts::Pad);
}

void printSteps(llvm::ArrayRef<RewriteStep> steps) {
  Table table({"pass", "removed (+ added)", "parameters", "FLOPs", "online",
               "offline", "exchanges", "largest difference", "relative"},
              /*leftColumns=*/2);
  auto addRow = [&](const std::string &pass, const std::string &change,
                    const std::string &parameters, const std::string &flops,
                    const RewriteStep &step) {
    table.addRow(
        {pass, change, parameters, flops,
         step.cost ? formatBytes(step.cost->onlineBytes) : "-",
         step.cost ? formatBytes(step.cost->offlineBytes) : "-",
         step.cost ? std::to_string(step.cost->exchanges) : "-",
         step.distance ? formatDistance(step.distance->largest) : "-",
         step.distance ? formatDistance(step.distance->relative) : "-"});
  };
  auto addTotals = [&](const std::string &title, const RewriteStep &step) {
    addRow(title, "", formatCount(static_cast<uint64_t>(step.parameters)),
           formatScaled(static_cast<double>(step.flops)), step);
  };
  addTotals("the model", steps.front());
  table.addRule();
  for (size_t i = 1; i < steps.size(); ++i)
    addRow(steps[i].pass, describeChange(steps[i - 1], steps[i]),
           formatChange(steps[i].parameters - steps[i - 1].parameters),
           formatScaledChange(steps[i].flops - steps[i - 1].flops), steps[i]);
  if (steps.size() > 1)
    table.addRule();
  addTotals("what is left", steps.back());
  table.print(llvm::outs());
}

nlohmann::json toJson(const RewriteStep &step) {
  nlohmann::json json = {{"pass", step.pass},
                         {"ops", step.ops},
                         {"parameters", step.parameters},
                         {"flops", step.flops},
                         {"online_bytes", nullptr},
                         {"offline_bytes", nullptr},
                         {"exchanges", nullptr},
                         {"largest_difference", nullptr},
                         {"relative_difference", nullptr}};
  if (step.cost) {
    json["online_bytes"] = step.cost->onlineBytes;
    json["offline_bytes"] = step.cost->offlineBytes;
    json["exchanges"] = step.cost->exchanges;
  }
  if (step.distance) {
    json["largest_difference"] = step.distance->largest;
    json["relative_difference"] = step.distance->relative;
  }
  return json;
}

} // namespace

llvm::Error aero::rewrite(const RewriteArguments &arguments) {
  auto model = openTracedModel(arguments);
  if (!model)
    return model.takeError();
  RewriteTrace &trace = (*model)->getTrace();
  std::vector<RewriteStep> steps = summarizeRewrite(trace);
  size_t samples = 0;
  if (arguments.report) {
    auto inputs = makeInputs(**model, arguments);
    if (!inputs)
      return inputs.takeError();
    samples = inputs->size();
    if (llvm::Error error = measureOutputs(trace, steps, *inputs))
      return error;
    predictCosts(trace, steps);
  }

  ExportOptions options;
  options.opset = arguments.opset;
  options.configuration = getName((*model)->getConfiguration());
  options.metadata = {{"aero.source", (*model)->getName().str()}};
  if (std::string changes = describeChanges(steps); !changes.empty())
    options.metadata.emplace_back("aero.changes", changes);
  auto written = exportONNX((*model)->getModule(), arguments.output, options);
  if (!written)
    return written.takeError();
  uint64_t bytes = 0;
  if (llvm::sys::fs::file_size(arguments.output, bytes))
    bytes = 0;

  if (arguments.json) {
    nlohmann::json json = {{"model", (*model)->getName()},
                           {"config", options.configuration},
                           {"output", arguments.output},
                           {"output_bytes", bytes},
                           {"data", written->dataPath},
                           {"nodes", written->nodes},
                           {"initializers", written->initializers},
                           {"weight_bytes", written->weightBytes}};
    if (arguments.report) {
      json["samples"] = samples;
      json["passes"] = nlohmann::json::array();
      for (const RewriteStep &step : steps)
        json["passes"].push_back(toJson(step));
    }
    llvm::outs() << json.dump(2, ' ', /*ensure_ascii=*/false,
                              nlohmann::json::error_handler_t::replace)
                 << "\n";
    return llvm::Error::success();
  }
  if (arguments.report) {
    llvm::outs() << (*model)->getName() << " as " << options.configuration
                 << ", outputs compared on " << samples
                 << (samples == 1 ? " input" : " inputs") << "\n\n";
    printSteps(steps);
    llvm::outs() << "\n";
  }
  llvm::outs() << arguments.output << " (" << formatBytes(bytes)
               << "): " << formatCount(written->nodes) << " nodes, "
               << formatCount(written->initializers) << " weights of "
               << formatBytes(written->weightBytes);
  if (!written->dataPath.empty())
    llvm::outs() << " in " << written->dataPath;
  llvm::outs() << "\n";
  return llvm::Error::success();
}
