//===- Parties.cpp - Private inference of a model on this machine ---------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Driver/Parties.h"

#include "aero/Target/Program/Program.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace aero;

llvm::Error aero::writeProgramFiles(Model &model,
                                    const std::string &programPath,
                                    const std::string &weightsPath) {
  ProgramOptions options;
  options.model = model.getName().str();
  options.config = ::aero::getName(model.getConfiguration());
  return emitProgram(model.getLowered(), programPath, weightsPath, options)
      .takeError();
}

std::string aero::partyTool() {
  static int anchor;
  std::string self = llvm::sys::fs::getMainExecutable(nullptr, &anchor);
  llvm::SmallString<256> path(llvm::sys::path::parent_path(self));
  llvm::sys::path::append(path, "aero-party");
  return std::string(path);
}

llvm::Expected<std::unique_ptr<PrivateSession>>
PrivateSession::start(Model &model, const PartiesOptions &options) {
  llvm::SmallString<256> folder;
  if (std::error_code code =
          llvm::sys::fs::createUniqueDirectory("aero", folder))
    return llvm::createStringError("cannot create a temporary folder: " +
                                   code.message());
  std::unique_ptr<PrivateSession> session(new PrivateSession());
  session->context = model.getContext();
  session->folder = std::string(folder);

  LocalPartiesOptions local;
  local.partyTool = partyTool();
  local.program = session->folder + "/model.aero";
  local.weights = local.program + ".weights";
  local.serverPort = options.serverPort;
  local.dealerPort = options.dealerPort;
  local.threads = options.threads;
  local.timeLimitSeconds = options.timeLimitSeconds;
  if (llvm::Error error =
          writeProgramFiles(model, local.program, local.weights))
    return error;
  auto parties = LocalParties::start(local);
  if (!parties)
    return parties.takeError();
  session->parties = std::move(*parties);
  return session;
}

PrivateSession::~PrivateSession() {
  parties.reset();
  // A folder that cannot be removed is left to the system's clean-up.
  std::error_code ignored = llvm::sys::fs::remove_directories(folder);
  (void)ignored;
}

llvm::Expected<PrivateResult>
PrivateSession::infer(llvm::ArrayRef<int64_t> tokens) {
  // Tokens after the prompt cannot be seen by it: attention is causal.
  std::vector<int64_t> padded(tokens);
  padded.resize(static_cast<size_t>(context), 0);
  return parties->infer(padded, static_cast<int64_t>(tokens.size()) - 1);
}
