//===- RunProgram.cpp - Runs a program with a time limit ------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RunProgram.h"

#include "aero/Driver/MPSPDZOutput.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Errno.h"
#include "llvm/Support/MemoryBuffer.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace aero;

extern char **environ;

/// A signal that asked us to end.
static volatile sig_atomic_t interruption = 0;

static void interrupt(int signal) { interruption = signal; }

namespace {

/// Notes signals that ask us to end while a program runs: a terminal does not
/// know that program's group, and there are folders to be removed.
class InterruptionNote {
public:
  InterruptionNote() {
    interruption = 0;
    for (auto [signal, before] : llvm::zip_equal(signals, handlers)) {
      before = std::signal(signal, interrupt);
      // One that is ignored stays so.
      if (before == SIG_IGN)
        std::signal(signal, SIG_IGN);
    }
  }
  ~InterruptionNote() {
    for (auto [signal, before] : llvm::zip_equal(signals, handlers))
      std::signal(signal, before);
  }
  InterruptionNote(const InterruptionNote &) = delete;
  InterruptionNote &operator=(const InterruptionNote &) = delete;

private:
  static constexpr std::array<int, 3> signals = {SIGINT, SIGTERM, SIGHUP};
  std::array<void (*)(int), 3> handlers = {};
};

} // namespace

static llvm::Error fault(const std::vector<std::string> &command,
                         const std::string &log, const llvm::Twine &what) {
  std::string text = ("'" + llvm::join(command, " ") + "' " + what).str();
  if (auto output = llvm::MemoryBuffer::getFile(log))
    if (std::string lines = getLastLines((*output)->getBuffer(), 20);
        !lines.empty())
      text += "; its output ends with\n" + lines;
  return llvm::createStringError(text);
}

llvm::Error aero::runProgram(const std::vector<std::string> &command,
                             const std::string &folder, const std::string &log,
                             unsigned timeLimitSeconds) {
  std::vector<char *> argv;
  argv.reserve(command.size() + 1);
  for (const std::string &argument : command)
    argv.push_back(const_cast<char *>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null",
                                   O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);
  InterruptionNote note;
  pid_t pid = -1;
  int code = ::posix_spawn(&pid, command.front().c_str(), &actions, &attributes,
                           argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (code != 0)
    return fault(command, log,
                 "cannot be started: " + llvm::sys::StrError(code));

  auto deadline =
      std::chrono::steady_clock::now() + std::chrono::seconds(timeLimitSeconds);
  int status = 0;
  bool ended = false, late = false;
  while (!ended && !late && !interruption) {
    ended = ::waitpid(pid, &status, WNOHANG) == pid;
    late = !ended && std::chrono::steady_clock::now() >= deadline;
    if (!ended && !late)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  // What it started may run on without it.
  ::kill(-pid, SIGKILL);
  while (!ended && ::waitpid(pid, &status, 0) < 0 && errno == EINTR)
    ;
  if (interruption)
    return llvm::createStringError("interrupted");
  if (late)
    return fault(command, log,
                 "was killed after " + llvm::Twine(timeLimitSeconds) +
                     " s (--time-limit)");
  if (!WIFEXITED(status))
    return fault(command, log,
                 "was ended by signal " + llvm::Twine(WTERMSIG(status)));
  if (WEXITSTATUS(status) != 0)
    return fault(command, log,
                 "failed with exit code " + llvm::Twine(WEXITSTATUS(status)));
  return llvm::Error::success();
}
