//===- MPSPDZEngine.cpp - MP-SPDZ with all parties on this machine --------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MPSPDZEngine.h"

#include "RunProgram.h"

#include "aero/Driver/FreePorts.h"
#include "aero/Driver/MPSPDZOutput.h"
#include "aero/Target/MPSPDZ/MPSPDZ.h"

#include "llvm/Support/EndianStream.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"

#include <chrono>

using namespace aero;
namespace fs = llvm::sys::fs;
using llvm::StringRef;

namespace {

/// A protocol of MP-SPDZ, as its compiler calls it.
struct Protocol {
  const char *name, *binary;
};
constexpr Protocol protocols[] = {
    {"ring", "replicated-ring-party.x"},
    {"dealer-ring", "dealer-ring-party.x"},
    {"sy-rep-ring", "sy-rep-ring-party.x"},
    {"ps-rep-ring", "ps-rep-ring-party.x"},
    {"mal-rep-ring", "malicious-rep-ring-party.x"},
};

/// A folder that goes with this object.
class ScratchFolder {
public:
  static llvm::Expected<std::unique_ptr<ScratchFolder>> create() {
    llvm::SmallString<128> path;
    if (std::error_code code = fs::createUniqueDirectory("aero-mpspdz", path))
      return llvm::createStringError("cannot create a temporary folder: " +
                                     code.message());
    return std::unique_ptr<ScratchFolder>(new ScratchFolder(path.str().str()));
  }
  ~ScratchFolder() {
    // A folder that cannot be removed is left to the system's clean-up.
    std::error_code ignored = fs::remove_directories(path);
    (void)ignored;
  }
  std::string getPath(const llvm::Twine &name = "") const {
    return (path + "/" + name).str();
  }

private:
  explicit ScratchFolder(std::string path) : path(std::move(path)) {}
  std::string path;
};

/// All of them have as many; with a dealer it is the last one.
constexpr unsigned numParties = 3;

class MPSPDZEngine : public Engine {
public:
  MPSPDZEngine(const LayeredModel &model, const Protocol &protocol,
               const EngineOptions &options,
               std::unique_ptr<ScratchFolder> scratch)
      : model(model), protocol(protocol), options(options),
        scratch(std::move(scratch)) {}

  llvm::Error prepare(StringRef home);
  llvm::Expected<EngineAnswer> run(const Tokens &tokens) override;
  llvm::Expected<std::optional<EngineCost>> finish() override { return cost; }

private:
  /// Runs a command in our tree, with changes to the environment as `env` takes
  /// them.
  llvm::Error start(std::vector<std::string> command,
                    llvm::ArrayRef<std::string> environment = {}) {
    command.insert(command.begin(), environment.begin(), environment.end());
    command.insert(command.begin(), "/usr/bin/env");
    return runProgram(command, tree(), scratch->getPath("log"),
                      options.timeLimitSeconds);
  }
  std::string tree(const llvm::Twine &name = "") const {
    return scratch->getPath("tree/" + name);
  }
  llvm::Error makeTree(StringRef home);
  llvm::Error writeInput(const Tokens &tokens);
  llvm::Error runParties();
  llvm::Error readCost();

  const LayeredModel &model;
  const Protocol &protocol;
  EngineOptions options;
  std::unique_ptr<ScratchFolder> scratch;
  /// A name that no program of the tree has.
  std::string name;
  double compileSeconds = 0;
  std::optional<EngineCost> cost;
};

} // namespace

static const Protocol *findProtocol(StringRef name) {
  if (name.consume_front("mpspdz:"))
    for (const Protocol &protocol : protocols)
      if (name == protocol.name)
        return &protocol;
  return nullptr;
}

std::vector<std::string> aero::getMPSPDZEngineNames() {
  std::vector<std::string> names;
  for (const Protocol &protocol : protocols)
    names.push_back(std::string("mpspdz:") + protocol.name);
  return names;
}

bool aero::isMPSPDZEngine(StringRef name) {
  return findProtocol(name) != nullptr;
}

std::string aero::whyMPSPDZIsMissing() {
  return llvm::sys::Process::GetEnv("MPSPDZ_HOME")
             ? ""
             : "not there: set MPSPDZ_HOME to a built tree of MP-SPDZ";
}

/// A tree like MP-SPDZ's own, whose programs and inputs are in our folder: a
/// run leaves nothing in the other one.
llvm::Error MPSPDZEngine::makeTree(StringRef home) {
  for (const char *folder : {"", "Programs", "Programs/Source", "Player-Data"})
    if (std::error_code code = fs::create_directory(tree(folder)))
      return llvm::createFileError(tree(folder), code);
  std::error_code code;
  for (fs::directory_iterator it(home, code), end; it != end && !code;
       it.increment(code)) {
    StringRef entry = llvm::sys::path::filename(it->path());
    if (entry == "Programs" || entry == "Player-Data" || entry == "logs")
      continue;
    if (std::error_code failed = fs::create_link(it->path(), tree(entry)))
      return llvm::createFileError(tree(entry), failed);
  }
  if (code)
    return llvm::createStringError("cannot read MPSPDZ_HOME, '" + home +
                                   "': " + code.message());
  return start({"bash", "Scripts/setup-ssl.sh", std::to_string(numParties)});
}

llvm::Error MPSPDZEngine::prepare(StringRef home) {
  if (llvm::Error error = makeTree(home))
    return error;
  name =
      llvm::sys::path::filename(StringRef(scratch->getPath()).rtrim('/')).str();
  auto folder = OutputFolder::create(scratch->getPath("emitted"), false);
  if (!folder)
    return folder.takeError();
  EmitOptions emit{model.getModel().getName().str(),
                   getName(model.getModel().getConfiguration()), name};
  if (llvm::Error error = emitInsecureMPSPDZ(model.getFolded(), emit, *folder,
                                             model.getLayers()))
    return error;
  if (llvm::Error error = folder->keep())
    return error;
  std::string program = name + ".mpc";
  for (const auto &[from, to] :
       {std::pair(program, "Programs/Source/" + program),
        std::pair<std::string, std::string>("Input-Binary-P0-0",
                                            "Player-Data/Input-Binary-P0-0")})
    if (std::error_code code =
            fs::rename(scratch->getPath("emitted/" + from), tree(to)))
      return llvm::createFileError(tree(to), code);
  auto begin = std::chrono::steady_clock::now();
  // Python would write what it compiles beside the compiler's sources.
  if (llvm::Error error = start({"python3", "compile.py", "-E", protocol.name,
                                 "-M", "-b", "100000", name},
                                {"PYTHONDONTWRITEBYTECODE=1"}))
    return error;
  compileSeconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
          .count();
  return llvm::Error::success();
}

/// What the client's script writes: the position, then one-hot rows.
llvm::Error MPSPDZEngine::writeInput(const Tokens &tokens) {
  std::error_code code;
  llvm::raw_fd_ostream os(tree("Player-Data/Input-Binary-P1-0"), code);
  if (code)
    return llvm::createStringError("cannot write the client's input: " +
                                   code.message());
  if (model.getAnswer() != Answer::AllLogits)
    llvm::support::endian::write<int64_t>(
        os, static_cast<int64_t>(tokens.size()) - 1, llvm::endianness::little);
  std::string row(static_cast<size_t>(model.getModel().getVocabulary()), '\0');
  for (int64_t token : model.pad(tokens)) {
    row[static_cast<size_t>(token)] = 1;
    os << row;
    row[static_cast<size_t>(token)] = 0;
  }
  return llvm::Error::success();
}

llvm::Error MPSPDZEngine::runParties() {
  auto port = findFreePorts(numParties);
  if (!port)
    return port.takeError();
  // The script chooses its ports blindly unless it is told, and what else it
  // takes from the environment would move the logs or stop a party in a
  // debugger.
  return start({"bash", std::string("Scripts/") + protocol.name + ".sh", name},
               {"-u", "BENCH", "-u", "LOGPROT", "-u", "LOG_PREFIX", "-u",
                "LOG_SUFFIX", "-u", "GDB_PLAYER", "-u", "prefix",
                "PORT=" + std::to_string(*port)});
}

llvm::Error MPSPDZEngine::readCost() {
  auto log = llvm::MemoryBuffer::getFile(scratch->getPath("log"));
  if (!log)
    return llvm::createFileError("log", log.getError());
  auto parsed = parseMPSPDZCost((*log)->getBuffer());
  if (!parsed)
    return parsed.takeError();
  for (unsigned party = 0; party < numParties; ++party) {
    std::string title = ("party " + llvm::Twine(party)).str();
    auto own = llvm::MemoryBuffer::getFile(
        tree("logs/" + name + "-" + llvm::Twine(party)));
    if (!own)
      return llvm::createStringError("MP-SPDZ has written no log of " + title +
                                     ": " + own.getError().message());
    auto bytes = parseMPSPDZBytes((*own)->getBuffer());
    if (!bytes)
      return llvm::createStringError(title + ": " +
                                     llvm::toString(bytes.takeError()));
    parsed->parties.push_back({title, *bytes});
  }
  parsed->compileSeconds = compileSeconds;
  cost = std::move(*parsed);
  return llvm::Error::success();
}

llvm::Expected<EngineAnswer> MPSPDZEngine::run(const Tokens &tokens) {
  if (llvm::Error error = writeInput(tokens))
    return error;
  std::string output = tree("Player-Data/Binary-Output-P1-0");
  // Of the prompt before.
  if (std::error_code code = fs::remove(output))
    return llvm::createFileError(output, code);
  if (llvm::Error error = runParties())
    return error;
  if (llvm::Error error = readCost())
    return error;
  auto data = llvm::MemoryBuffer::getFile(output);
  if (!data)
    return llvm::createStringError("MP-SPDZ has written no answer: " +
                                   data.getError().message());
  std::vector<size_t> sizes;
  for (mlir::Operation *layer : model.getLayers())
    sizes.push_back(static_cast<size_t>(
        llvm::cast<mlir::RankedTensorType>(layer->getResult(0).getType())
            .getNumElements()));
  auto function = model.getFolded().lookupSymbol<mlir::func::FuncOp>("main");
  sizes.push_back(static_cast<size_t>(
      llvm::cast<mlir::RankedTensorType>(function.getResultTypes().front())
          .getNumElements()));
  auto pieces = splitMPSPDZOutput((*data)->getBuffer(), sizes);
  if (!pieces)
    return pieces.takeError();
  EngineAnswer answer;
  answer.logits = std::move(pieces->back());
  pieces->pop_back();
  answer.layers = std::move(*pieces);
  return answer;
}

llvm::Expected<std::unique_ptr<Engine>>
aero::startMPSPDZEngine(StringRef name, const LayeredModel &model,
                        const EngineOptions &options) {
  const Protocol &protocol = *findProtocol(name);
  std::string home = llvm::sys::Process::GetEnv("MPSPDZ_HOME").value_or("");
  for (const char *file :
       {"compile.py", "Scripts/setup-ssl.sh", protocol.binary})
    if (!fs::exists(home + "/" + file))
      return llvm::createStringError(
          "MPSPDZ_HOME, '" + home + "', has no " + file +
          ": it must name a tree of MP-SPDZ in which " + protocol.binary +
          " is built");
  llvm::SmallString<128> absolute(home);
  if (std::error_code code = fs::make_absolute(absolute))
    return llvm::createFileError(home, code);
  auto scratch = ScratchFolder::create();
  if (!scratch)
    return scratch.takeError();
  auto engine = std::make_unique<MPSPDZEngine>(model, protocol, options,
                                               std::move(*scratch));
  if (llvm::Error error = engine->prepare(absolute))
    return error;
  return engine;
}
