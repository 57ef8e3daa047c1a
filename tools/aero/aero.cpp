//===- aero.cpp - The user's driver ---------------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"

#include "aero/Driver/Engines.h"
#include "aero/Driver/Parties.h"
#include "aero/Target/Backend.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Errno.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>

#include <map>
#include <unistd.h>

using namespace aero;

namespace {

/// How the configuration is made: what its passes take, typed.
void addRewriteOptions(CLI::App *command, ModelArguments &arguments) {
  RewriteOptions &rewrite = arguments.rewrite;
  command
      ->add_option_function<std::string>(
          "--norm-mode",
          [&](const std::string &mode) {
            rewrite.normMode = mode == "affine"   ? pi::StripNormMode::Affine
                               : mode == "static" ? pi::StripNormMode::Static
                                                  : pi::StripNormMode::Remove;
          },
          "What becomes of a norm that is taken out: nothing, its gamma and "
          "beta, or a constant scale (see --calibrate)")
      ->check(CLI::IsMember({"remove", "affine", "static"}));
  command->add_option("--calibrate", arguments.calibrate,
                      "Prompts (JSON or NumPy) to measure norms on, for "
                      "--norm-mode static");
  command->add_option("--initial-alpha", rewrite.initialAlpha,
                      "Where training starts: what a scaled FFN is divided by");
  command->add_option("--initial-beta", rewrite.initialBeta,
                      "Where training starts: the factor of its stream");
  command->add_option("--initial-temperature", rewrite.initialTemperature,
                      "Where training starts: the temperature of attention");
  command->add_option("--initial-threshold", rewrite.initialThreshold,
                      "Where training starts: the entropy threshold, 0 to 1");
  command
      ->add_option_function<std::string>(
          "--temperature-shape",
          [&](const std::string &shape) {
            rewrite.temperatureShape =
                shape == "head" ? pi::TemperatureShape::Head
                                : pi::TemperatureShape::HeadAndPosition;
          },
          "What has a temperature of its own")
      ->check(CLI::IsMember({"head-and-position", "head"}));
  command->add_option("--initial-slope", rewrite.initialSlope,
                      "Make the ReLUs of SM+LN+R and SM+R leaky, with a "
                      "learnable slope that starts here");
}

void addModelOptions(CLI::App *command, ModelArguments &arguments,
                     bool configRequired) {
  command->add_option("model", arguments.path, "ONNX file")->required();
  CLI::Option *config = command->add_option(
      "--config", arguments.config,
      "Configuration by the paper's name, e.g. SM+ScFuFFN, or as-is");
  if (configRequired)
    config->required();
  // One value each, or the model's name would be taken for another.
  command
      ->add_option("--bind", arguments.bindings,
                   "NAME=SIZE of a symbolic dimension, e.g. sequence=128; "
                   "repeatable")
      ->allow_extra_args(false);
  command
      ->add_option("--fix", arguments.fixedInputs,
                   "INPUT=NUMBER or INPUT=range: a public input becomes a "
                   "constant, e.g. attention_mask=1; repeatable")
      ->allow_extra_args(false);
  command
      ->add_option("--keep-output", arguments.keptOutputs,
                   "Output of the graph to keep, the others are dropped; "
                   "repeatable")
      ->allow_extra_args(false);
  command->add_flag("--json", arguments.json, "Print JSON instead of tables");
  addRewriteOptions(command, arguments);
}

std::map<std::string, Answer> allAnswers() {
  return {{"last", Answer::LastLogits},
          {"all", Answer::AllLogits},
          {"none", Answer::NextToken}};
}

/// --logits, of which a command may have fewer `choices`.
void addLogitsOption(CLI::App *command, Answer &answer,
                     std::map<std::string, Answer> choices) {
  command
      ->add_option("--logits", answer,
                   "Which logits to reveal to the client: of the last prompt "
                   "token, of all, or none, but the next token alone")
      ->transform(CLI::CheckedTransformer(std::move(choices)))
      ->default_str("last");
}

/// As above, and --optimize-for and --without.
void addLoweringOptions(CLI::App *command, LoweringArguments &arguments,
                        std::map<std::string, Answer> choices) {
  addLogitsOption(command, arguments.answer, std::move(choices));
  command->add_option("--optimize-for", arguments.optimizeFor,
                      "Network (loopback, lan, wan, or a JSON file with a "
                      "profile) whose predicted time decides whether linear "
                      "maps between softmaxes are collapsed");
  command
      ->add_option("--without", arguments.without,
                   "Optimisations to leave out, to see what they save, or "
                   "(proved-ranges) to have a program that tells nothing of "
                   "the size of weights")
      ->delimiter(',')
      ->check(CLI::IsMember({"collapse", "join", "proved-ranges"}));
}

std::vector<std::string> targetNames() {
  std::vector<std::string> names;
  for (const Backend *backend : getBackends())
    names.push_back(backend->getName().str());
  return names;
}

/// "mpspdz (a program for MP-SPDZ), spu (...)"
std::string describeTargets() {
  return llvm::join(llvm::map_range(getBackends(),
                                    [](const Backend *backend) {
                                      return (backend->getName() + " (" +
                                              backend->getDescription() + ")")
                                          .str();
                                    }),
                    ", ");
}

/// The commands of aero-party, which needs no LLVM: a party installs that tool
/// alone, and both are one implementation.
struct PartyCommand {
  const char *name, *text;
};
constexpr PartyCommand partyCommands[] = {
    {"dealer", "Deal correlated randomness; sees no data"},
    {"serve", "Answer private prompts with a model's weights"},
    {"client", "Ask a server privately"},
    {"keys", "Make and show the parties' keys"},
};

/// Becomes aero-party; returns only if that fails.
int becomeParty(char **argv) {
  std::string tool = partyTool();
  argv[0] = const_cast<char *>("aero"); // what its messages call it
  ::execv(tool.c_str(), argv);
  llvm::errs() << "aero: error: cannot run " << tool << ": "
               << llvm::sys::StrError() << "; install it beside aero\n";
  return 1;
}

/// One line for each problem.
int fail(llvm::Error error) {
  std::string text = llvm::toString(std::move(error));
  llvm::SmallVector<llvm::StringRef> lines;
  llvm::StringRef(text).split(lines, '\n', /*MaxSplit=*/-1,
                              /*KeepEmpty=*/false);
  for (llvm::StringRef line : lines)
    llvm::errs() << "aero: error: " << line << "\n";
  return 1;
}

} // namespace

int main(int argc, char **argv) {
  if (argc > 1 && llvm::any_of(partyCommands, [&](const PartyCommand &party) {
        return llvm::StringRef(argv[1]) == party.name;
      }))
    return becomeParty(argv);
  llvm::InitLLVM init(argc, argv);

  CLI::App app("AERO: a compiler for private transformer inference", "aero");
  app.require_subcommand(1);
  app.set_version_flag("--version", "aero 0.1.0");

  InspectArguments inspectArguments;
  CLI::App *inspectCommand = app.add_subcommand(
      "inspect", "Say what a model holds and what blocks private inference");
  addModelOptions(inspectCommand, inspectArguments, /*configRequired=*/false);

  CompileArguments compileArguments;
  CLI::App *compileCommand = app.add_subcommand(
      "compile", "Write the program of the parties and the server's weights");
  addModelOptions(compileCommand, compileArguments, /*configRequired=*/true);
  addLoweringOptions(compileCommand, compileArguments, allAnswers());
  compileCommand
      ->add_option("-o,--output", compileArguments.output,
                   "Program file; the weights go to OUTPUT.weights")
      ->required();

  ReportArguments reportArguments;
  CLI::App *reportCommand = app.add_subcommand(
      "report", "Predict bytes, exchanges and seconds before anything runs");
  addModelOptions(reportCommand, reportArguments, /*configRequired=*/true);
  addLoweringOptions(reportCommand, reportArguments, allAnswers());
  reportCommand->add_option("--compare", reportArguments.compare,
                            "A second configuration to set beside the first");
  reportCommand->add_flag("--nodes", reportArguments.nodes,
                          "One row for every ONNX node");
  reportCommand
      ->add_option("--network", reportArguments.networks,
                   "loopback, lan, wan, or a JSON file with a profile; "
                   "repeatable; all three if none is given")
      ->allow_extra_args(false);
  reportCommand->add_option("--html", reportArguments.html,
                            "Also write the report as a page to this file");

  CheckArguments checkArguments;
  CLI::App *checkCommand = app.add_subcommand(
      "check", "Compare engines with the float reference on sample inputs");
  addModelOptions(checkCommand, checkArguments, /*configRequired=*/true);
  addLoweringOptions(
      checkCommand, checkArguments,
      {{"last", Answer::LastLogits}, {"all", Answer::AllLogits}});
  checkCommand
      ->add_option("--engines", checkArguments.engines,
                   "float, fixed (plain integers), dealer (three processes)")
      ->delimiter(',')
      ->check(CLI::IsMember({"float", "fixed", "dealer"}));
  checkCommand->add_option("--prompts", checkArguments.prompts,
                           "JSON list of texts or token lists, or NumPy file "
                           "of token ids");
  checkCommand
      ->add_option("--samples", checkArguments.samples,
                   "Random prompts to use without --prompts")
      ->check(CLI::PositiveNumber);
  checkCommand
      ->add_option("--max-error", checkArguments.maxError,
                   "Fail above this difference of a logit from float")
      ->check(CLI::PositiveNumber);
  checkCommand->add_flag("--ranges", checkArguments.ranges,
                         "Also say how large values became, by layer and kind "
                         "of instruction (needs the engine fixed)");
  checkCommand->add_option("--save-logits", checkArguments.saveLogits,
                           "Write the float logits here, float32, row-major");

  CompareArguments compareArguments;
  CLI::App *compareCommand = app.add_subcommand(
      "compare",
      "Run one model on several engines and compare, layer by layer");
  addModelOptions(compareCommand, compareArguments, /*configRequired=*/true);
  compareCommand
      ->add_option("--engines", compareArguments.engines,
                   "float (the reference), " +
                       llvm::join(getEngineNames(), ", ") +
                       "; fixed are plain integers, dealer three processes, "
                       "mpspdz:PROTOCOL runs in the tree MPSPDZ_HOME")
      ->delimiter(',');
  CLI::Option *comparedFile = compareCommand->add_option(
      "--prompts", compareArguments.prompts,
      "JSON list of texts or token lists, or NumPy file of token ids");
  CLI::Option *comparedText = compareCommand->add_option(
      "--prompt", compareArguments.prompt, "Text, for byte-level models");
  CLI::Option *comparedTokens = compareCommand->add_option(
      "--tokens", compareArguments.tokens, "Token ids, e.g. 12,7,255");
  comparedText->excludes(comparedFile)->excludes(comparedTokens);
  comparedTokens->excludes(comparedFile);
  compareCommand
      ->add_option("--samples", compareArguments.samples,
                   "Random prompts to use without a prompt")
      ->check(CLI::PositiveNumber);
  compareCommand
      ->add_option("--max-error", compareArguments.maxError,
                   "Fail above this difference from float: of a logit, and of "
                   "a layer as a part of its largest value if that is above 1")
      ->check(CLI::PositiveNumber);
  compareCommand
      ->add_option("--time-limit", compareArguments.timeLimit,
                   "Seconds for each program that an engine runs, and each "
                   "answer of its parties")
      ->check(CLI::PositiveNumber);
  addLogitsOption(compareCommand, compareArguments.answer,
                  {{"last", Answer::LastLogits}, {"all", Answer::AllLogits}});

  EmitArguments emitArguments;
  CLI::App *emitCommand = app.add_subcommand(
      "emit", "Write a model as what another secure engine runs");
  addModelOptions(emitCommand, emitArguments, /*configRequired=*/true);
  emitCommand->add_option("--target", emitArguments.target, describeTargets())
      ->required()
      ->check(CLI::IsMember(targetNames()));
  emitCommand
      ->add_option("-o,--output", emitArguments.output,
                   "Folder of what is written; a new or an empty one")
      ->required();
  emitCommand->add_flag("--force", emitArguments.force,
                        "Replace files in a folder that holds some");
  addLogitsOption(emitCommand, emitArguments.answer,
                  {{"last", Answer::LastLogits}, {"all", Answer::AllLogits}});

  RunArguments runArguments;
  CLI::App *runCommand = app.add_subcommand(
      "run", "Answer a prompt privately, all parties on this machine");
  addModelOptions(runCommand, runArguments, /*configRequired=*/true);
  CLI::Option *prompt = runCommand->add_option("--prompt", runArguments.prompt,
                                               "Text, for byte-level models");
  CLI::Option *tokens = runCommand->add_option("--tokens", runArguments.tokens,
                                               "Token ids, e.g. 12,7,255");
  prompt->excludes(tokens);
  runCommand
      ->add_option("--new-tokens", runArguments.newTokens,
                   "Tokens to generate, one private inference each")
      ->check(CLI::PositiveNumber);
  addLoweringOptions(
      runCommand, runArguments,
      {{"last", Answer::LastLogits}, {"none", Answer::NextToken}});
  runCommand->add_flag("--profile", runArguments.profile,
                       "Show where the time of an inference went, by party and "
                       "kind of instruction");
  runCommand->add_option("--server-port", runArguments.serverPort,
                         "Port of the server (0: any free one)");
  runCommand->add_option("--dealer-port", runArguments.dealerPort,
                         "Port of the dealer (0: any free one)");
  runCommand->add_option("--threads", runArguments.threads,
                         "Threads a party (0: one for every core)");

  RewriteArguments rewriteArguments;
  CLI::App *rewriteCommand = app.add_subcommand(
      "rewrite", "Write the network of a configuration as a new ONNX model");
  addModelOptions(rewriteCommand, rewriteArguments, /*configRequired=*/true);
  rewriteCommand
      ->add_option("-o,--output", rewriteArguments.output,
                   "ONNX file; weights above 1.5 GB go to OUTPUT.data")
      ->required();
  rewriteCommand
      ->add_option("--opset", rewriteArguments.opset,
                   "Operator set of the file, 17 to 23")
      ->check(CLI::Range(17, 23));
  rewriteCommand->add_flag(
      "--report", rewriteArguments.report,
      "Say pass by pass what it removed and how far the outputs moved");
  CLI::Option *checked = rewriteCommand->add_option(
      "--check", rewriteArguments.check,
      "Prompts for --report: JSON, or a NumPy file (.npz) with the inputs");
  rewriteCommand
      ->add_option("--samples", rewriteArguments.samples,
                   "Random inputs for --report without --check")
      ->check(CLI::PositiveNumber)
      ->excludes(checked);

  ImportWeightsArguments weightsArguments;
  CLI::App *weightsCommand = app.add_subcommand(
      "import-weights", "Put trained values into a model by name");
  weightsCommand->add_option("model", weightsArguments.model, "ONNX file")
      ->required();
  weightsCommand
      ->add_option("--weights", weightsArguments.weights,
                   "ONNX file with the trained values")
      ->required();
  weightsCommand
      ->add_option("-o,--output", weightsArguments.output, "ONNX file to write")
      ->required();
  weightsCommand->add_flag(
      "--partial", weightsArguments.partial,
      "Keep weights that the trained file lacks, pass over what it has more");
  weightsCommand->add_flag("--json", weightsArguments.json,
                           "Print JSON instead of text");

  // For --help; main has handed them over already.
  for (const PartyCommand &party : partyCommands)
    app.add_subcommand(party.name, party.text);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    // Help and version are not errors; everything else is the user's.
    if (error.get_exit_code() == 0)
      return app.exit(error);
    llvm::errs() << "aero: error: " << error.what()
                 << " (aero --help lists commands and options)\n";
    return 1;
  }

  auto finish = [](llvm::Error error) {
    return error ? fail(std::move(error)) : 0;
  };
  if (*inspectCommand)
    return finish(inspect(inspectArguments));
  if (*compileCommand)
    return finish(compile(compileArguments));
  if (*reportCommand)
    return finish(report(reportArguments));
  if (*checkCommand)
    return finish(check(checkArguments));
  if (*compareCommand)
    return finish(compare(compareArguments));
  if (*emitCommand)
    return finish(emit(emitArguments));
  if (*rewriteCommand)
    return finish(rewrite(rewriteArguments));
  if (*weightsCommand)
    return finish(importTrained(weightsArguments));
  return finish(run(runArguments));
}
