//===- ChildProcess.cpp - A child that speaks JSON lines ------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ChildProcess.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Errno.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <limits>
#include <optional>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace aero;

extern char **environ;

static llvm::Error systemError(const llvm::Twine &what) {
  return llvm::createStringError(what + ": " + llvm::sys::StrError());
}

llvm::Expected<std::unique_ptr<ChildProcess>>
ChildProcess::start(const std::string &executable,
                    std::vector<std::string> arguments) {
  // A child that dies while we write to it is an error, not our death.
  std::signal(SIGPIPE, SIG_IGN);

  int in[2], out[2], err[2];
  if (::pipe2(in, O_CLOEXEC) || ::pipe2(out, O_CLOEXEC) ||
      ::pipe2(err, O_CLOEXEC))
    return systemError("cannot create a pipe");

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);

  std::vector<char *> argv = {const_cast<char *>(executable.c_str())};
  for (std::string &argument : arguments)
    argv.push_back(argument.data());
  argv.push_back(nullptr);

  std::unique_ptr<ChildProcess> child(new ChildProcess());
  int code = ::posix_spawn(&child->pid, executable.c_str(), &actions, nullptr,
                           argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(in[0]);
  ::close(out[1]);
  ::close(err[1]);
  child->input = in[1];
  child->output = out[0];
  child->errors = err[0];
  ::fcntl(child->errors, F_SETFL, O_NONBLOCK);
  if (code != 0) {
    child->pid = -1;
    errno = code;
    return systemError("cannot start " + executable);
  }
  return child;
}

ChildProcess::~ChildProcess() {
  closeInput();
  if (pid > 0 && !exitCode) {
    ::kill(pid, SIGKILL);
    int status;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR)
      ;
  }
  if (output >= 0)
    ::close(output);
  if (errors >= 0)
    ::close(errors);
}

bool ChildProcess::writeLine(const std::string &line) {
  std::string text = line + "\n";
  llvm::StringRef rest = text;
  while (!rest.empty()) {
    ssize_t written = ::write(input, rest.data(), rest.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return false;
    rest = rest.drop_front(static_cast<size_t>(written));
  }
  return true;
}

void ChildProcess::closeInput() {
  if (input >= 0)
    ::close(input);
  input = -1;
}

bool ChildProcess::waitForOutput(
    std::chrono::steady_clock::time_point deadline) const {
  pollfd ready{output, POLLIN, 0};
  for (;;) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0)
      return false;
    // poll takes an int; a longer wait is more than one.
    int count = ::poll(&ready, 1,
                       static_cast<int>(std::min<int64_t>(
                           left.count(), std::numeric_limits<int>::max())));
    // Another failure than an interruption is for read() to report.
    if (count > 0 || (count < 0 && errno != EINTR))
      return true;
  }
}

std::optional<nlohmann::json> ChildProcess::readObject() {
  std::optional<std::chrono::steady_clock::time_point> deadline;
  if (timeLimit)
    deadline = std::chrono::steady_clock::now() + *timeLimit;
  size_t end;
  while ((end = outputBuffer.find('\n')) == std::string::npos) {
    if (deadline && !waitForOutput(*deadline)) {
      late = true;
      return std::nullopt;
    }
    char chunk[1 << 16];
    ssize_t count = ::read(output, chunk, sizeof(chunk));
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return std::nullopt;
    outputBuffer.append(chunk, static_cast<size_t>(count));
  }
  nlohmann::json object =
      nlohmann::json::parse(outputBuffer.begin(), outputBuffer.begin() + end,
                            /*cb=*/nullptr, /*allow_exceptions=*/false);
  outputBuffer.erase(0, end + 1);
  if (!object.is_object())
    return std::nullopt;
  return object;
}

std::optional<int> ChildProcess::wait(int milliseconds) {
  auto deadline = std::chrono::steady_clock::now() +
                  std::chrono::milliseconds(milliseconds);
  while (!exitCode) {
    int status;
    pid_t ended = ::waitpid(pid, &status, WNOHANG);
    if (ended == pid)
      exitCode =
          WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    else if (std::chrono::steady_clock::now() >= deadline)
      break;
    else
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return exitCode;
}

std::string ChildProcess::errorText() {
  char chunk[4096];
  ssize_t count;
  while ((count = ::read(errors, chunk, sizeof(chunk))) > 0 ||
         (count < 0 && errno == EINTR))
    if (count > 0)
      errorBuffer.append(chunk, static_cast<size_t>(count));
  return llvm::StringRef(errorBuffer).trim().str();
}
