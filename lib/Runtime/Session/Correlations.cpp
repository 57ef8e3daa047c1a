//===- Correlations.cpp - Correlations on disk ----------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Runtime/Correlations.h"

#include "../Ops/Operation.h"
#include "../Program/File.h"
#include "Session.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

using namespace aero;
using namespace aero::rt;

static constexpr char seedMagic[8] = {'A', 'E', 'R', 'O', 'S', 'E', 'E', 'D'};
static constexpr char dealMagic[8] = {'A', 'E', 'R', 'O', 'D', 'E', 'A', 'L'};
static constexpr uint32_t fileVersion = 1;
static constexpr const char seedName[] = "/seed";
static constexpr const char markerPrefix[] = "next-";

namespace {

/// The file `seed`, before its SHA-256.
struct SeedFile {
  char magic[8];
  uint32_t version;
  uint32_t role;
  ProgramHash program;
  SessionId session;
  KeyFingerprint client;
  Seed seed;
  uint64_t count;
};
static_assert(sizeof(SeedFile) == 136);

/// An inference's file at the server, before its corrections in program order
/// and the SHA-256 of it all.
struct DealHeader {
  char magic[8];
  uint64_t number;
  SessionId session;
};
static_assert(sizeof(DealHeader) == 32);

/// Closes a descriptor.
class File {
public:
  explicit File(int fd) : fd(fd) {}
  File(const File &) = delete;
  ~File() {
    if (fd >= 0)
      ::close(fd);
  }
  int get() const { return fd; }
  bool valid() const { return fd >= 0; }

private:
  int fd;
};

/// A new file that only its owner can read, hashed as it is written.
class SealedFile {
public:
  static Result<SealedFile> create(const std::string &path) {
    SealedFile file;
    file.path = path;
    file.file = std::make_unique<File>(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file.file->valid())
      return fileError("cannot write", path, errno);
    return file;
  }
  Status append(std::span<const uint8_t> data) {
    hash->update(data);
    return write(data);
  }
  /// Appends the hash and makes all of it durable.
  Status seal() {
    ProgramHash digest = hash->finish();
    AERO_RETURN_IF_ERROR(write(digest));
    if (::fsync(file->get()) < 0)
      return fileError("cannot write", path, errno);
    return {};
  }
  uint64_t size() const { return written; }

private:
  Status write(std::span<const uint8_t> data) {
    written += data.size();
    while (!data.empty()) {
      ssize_t n = ::write(file->get(), data.data(), data.size());
      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return fileError("cannot write", path, n < 0 ? errno : ENOSPC);
      data = data.subspan(size_t(n));
    }
    return {};
  }

  std::string path;
  std::unique_ptr<File> file;
  std::unique_ptr<Sha256> hash = std::make_unique<Sha256>();
  uint64_t written = 0;
};

} // namespace

std::string aero::rt::sessionName(const SessionId &session) {
  std::string text;
  char digits[3];
  for (uint8_t byte : session) {
    std::snprintf(digits, sizeof(digits), "%02x", byte);
    text += digits;
  }
  return text;
}

/// Makes the names in a folder durable.
static Status syncFolder(const std::string &path) {
  File folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid() || ::fsync(folder.get()) < 0)
    return fileError("cannot write", path, errno);
  return {};
}

static Status makeFolder(const std::string &path) {
  if (::mkdir(path.c_str(), 0700) < 0 && errno != EEXIST)
    return fileError("cannot make the folder", path, errno);
  return {};
}

static Result<std::vector<std::string>> listFolder(const std::string &path) {
  DIR *folder = ::opendir(path.c_str());
  if (!folder)
    return fileError("cannot read", path, errno);
  std::vector<std::string> names;
  while (const dirent *entry = ::readdir(folder))
    if (entry->d_name[0] != '.')
      names.emplace_back(entry->d_name);
  ::closedir(folder);
  std::sort(names.begin(), names.end());
  return names;
}

/// A number that is all of `text`.
static std::optional<uint64_t> numberOf(std::string_view text) {
  uint64_t number = 0;
  auto [end, code] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return number;
}

/// Reads a sealed file of exactly `size` bytes and checks its hash.
static Status readSealed(int fd, const std::string &path,
                         std::span<uint8_t> contents) {
  ProgramHash stored;
  auto fill = [&](std::span<uint8_t> into) {
    while (!into.empty()) {
      ssize_t n = ::read(fd, into.data(), into.size());
      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return false;
      into = into.subspan(size_t(n));
    }
    return true;
  };
  char beyond;
  bool whole = fill(contents) && fill(stored) && ::read(fd, &beyond, 1) == 0;
  if (!whole || sha256(contents) != stored)
    return Error{"'" + path +
                 "' is damaged or of another program: have the dealer prepare "
                 "new correlations"};
  return {};
}

static Result<SeedFile> readSeed(const std::string &folder, Role role,
                                 const LoadedProgram &program) {
  const std::string path = folder + seedName;
  File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid())
    return fileError("cannot read", path, errno);
  SeedFile seed;
  AERO_RETURN_IF_ERROR(readSealed(
      file.get(), path, {reinterpret_cast<uint8_t *>(&seed), sizeof(seed)}));
  if (std::memcmp(seed.magic, seedMagic, sizeof(seedMagic)) != 0 ||
      seed.version != fileVersion)
    return Error{"'" + path + "' is not a file of this version"};
  if (seed.role != uint32_t(role))
    return Error{"'" + path + "' belongs to the " +
                 roleName(role == Role::Client ? Role::Server : Role::Client) +
                 ": delete it here, and have the dealer prepare new "
                 "correlations, for this party has seen the other one's"};
  if (seed.program != program.hash)
    return Error{"'" + folder +
                 "' holds correlations of another program: compile once, and "
                 "prepare from that file"};
  return seed;
}

//===----------------------------------------------------------------------===//
// The dealer
//===----------------------------------------------------------------------===//

static Result<uint64_t> writeSeed(const std::string &folder,
                                  const SeedFile &seed) {
  Result<SealedFile> file = SealedFile::create(folder + seedName);
  if (!file.ok())
    return file.takeError();
  AERO_RETURN_IF_ERROR(file->append(viewBytes(seed)));
  AERO_RETURN_IF_ERROR(file->seal());
  return file->size();
}

static Result<uint64_t> writeInference(const std::string &folder,
                                       const LoadedProgram &loaded,
                                       const SessionId &session,
                                       uint64_t number, const Seed &clientSeed,
                                       const Seed &serverSeed) {
  const program::Program &program = loaded.program;
  Result<SealedFile> file =
      SealedFile::create(folder + "/" + std::to_string(number));
  if (!file.ok())
    return file.takeError();
  DealHeader header = {};
  std::memcpy(header.magic, dealMagic, sizeof(dealMagic));
  header.number = number;
  header.session = session;
  AERO_RETURN_IF_ERROR(file->append(viewBytes(header)));
  for (int i = 0; i < program.instructions_size(); ++i) {
    std::vector<uint8_t> correction =
        dealOperation(program, i, number, clientSeed, serverSeed);
    if (correction.size() != program.instructions(i).cost().dealer_to_server())
      return Error{"internal error: the correction of instruction " +
                   std::to_string(i) +
                   " has another size than the program predicts"};
    AERO_RETURN_IF_ERROR(file->append(correction));
  }
  AERO_RETURN_IF_ERROR(file->seal());
  return file->size();
}

Result<PreparedCorrelations>
aero::rt::prepareCorrelations(const LoadedProgram &program, uint64_t count,
                              const std::string &directory,
                              const KeyFingerprint &clientKey) {
  Seed seeds[3];
  for (Seed &seed : seeds) {
    Result<Seed> fresh = randomSeed();
    if (!fresh.ok())
      return fresh.takeError();
    seed = *fresh;
  }
  PreparedCorrelations prepared = {};
  // The session's name is public and says nothing about the seeds.
  std::copy_n(seeds[2].begin(), prepared.session.size(),
              prepared.session.begin());
  const std::string name = sessionName(prepared.session);
  const std::string partial = directory + "/.partial-" + name;
  const std::string client = partial + "/client", server = partial + "/server";
  for (const std::string &folder :
       {directory, partial, client, server, directory + "/client",
        directory + "/server"})
    AERO_RETURN_IF_ERROR(makeFolder(folder));
  SeedFile file = {};
  std::memcpy(file.magic, seedMagic, sizeof(seedMagic));
  file.version = fileVersion;
  file.program = program.hash;
  file.session = prepared.session;
  file.client = clientKey;
  file.count = count;
  for (Role role : {Role::Client, Role::Server}) {
    bool isClient = role == Role::Client;
    file.role = uint32_t(role);
    file.seed = seeds[isClient ? 0 : 1];
    Result<uint64_t> bytes = writeSeed(isClient ? client : server, file);
    if (!bytes.ok())
      return bytes.takeError();
    (isClient ? prepared.clientBytes : prepared.serverBytes) += *bytes;
  }
  for (uint64_t number = 1; number <= count; ++number) {
    Result<uint64_t> bytes = writeInference(server, program, prepared.session,
                                            number, seeds[0], seeds[1]);
    if (!bytes.ok())
      return bytes.takeError();
    prepared.serverBytes += *bytes;
  }
  File marker(::open((client + "/" + markerPrefix + "1").c_str(),
                     O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!marker.valid())
    return fileError("cannot write", client, errno);
  AERO_RETURN_IF_ERROR(syncFolder(client));
  AERO_RETURN_IF_ERROR(syncFolder(server));
  // A client without a server's part would find out too late.
  prepared.server = directory + "/server/" + name;
  prepared.client = directory + "/client/" + name;
  if (::rename(server.c_str(), prepared.server.c_str()) < 0)
    return fileError("cannot write", prepared.server, errno);
  AERO_RETURN_IF_ERROR(syncFolder(directory + "/server"));
  if (::rename(client.c_str(), prepared.client.c_str()) < 0)
    return fileError("cannot write", prepared.client, errno);
  AERO_RETURN_IF_ERROR(syncFolder(directory + "/client"));
  ::rmdir(partial.c_str());
  return prepared;
}

//===----------------------------------------------------------------------===//
// The client
//===----------------------------------------------------------------------===//

/// The number in the name of a folder's marker.
static Result<uint64_t> nextNumber(const std::string &folder) {
  Result<std::vector<std::string>> names = listFolder(folder);
  if (!names.ok())
    return names.takeError();
  const size_t prefix = sizeof(markerPrefix) - 1;
  for (const std::string &name : *names)
    if (name.compare(0, prefix, markerPrefix) == 0)
      if (auto number = numberOf(std::string_view(name).substr(prefix)))
        return *number;
  return Error{"'" + folder +
               "' does not say which correlations are used: have the dealer "
               "prepare new ones"};
}

Result<ClientCorrelations>
ClientCorrelations::open(const std::string &directory,
                         const LoadedProgram &program) {
  Result<std::vector<std::string>> names = listFolder(directory);
  if (!names.ok())
    return names.takeError();
  for (const std::string &name : *names) {
    ClientCorrelations found;
    found.folder = directory;
    found.folder += '/';
    found.folder += name;
    Result<SeedFile> seed = readSeed(found.folder, Role::Client, program);
    if (!seed.ok())
      return seed.takeError();
    Result<uint64_t> next = nextNumber(found.folder);
    if (!next.ok())
      return next.takeError();
    if (*next > seed->count)
      continue;
    found.name = seed->session;
    found.ownSeed = seed->seed;
    found.count = seed->count;
    return found;
  }
  return Error{"'" + directory +
               "' holds no correlations that are not used up: have the dealer "
               "prepare more (aero dealer --prepare)"};
}

Result<uint64_t> ClientCorrelations::take() {
  Result<uint64_t> number = nextNumber(folder);
  if (!number.ok())
    return number.takeError();
  if (*number > count)
    return Error{"the correlations in '" + folder +
                     "' are used up: the next session takes others",
                 ErrorKind::Connection};
  const std::string base = folder + "/" + markerPrefix;
  // Whoever renames has the number; it counts as used from here on.
  if (::rename((base + std::to_string(*number)).c_str(),
               (base + std::to_string(*number + 1)).c_str()) < 0) {
    if (errno == ENOENT)
      return Error{"another process takes correlations from '" + folder +
                       "' at the same time",
                   ErrorKind::Connection};
    return fileError("cannot write", folder, errno);
  }
  AERO_RETURN_IF_ERROR(syncFolder(folder));
  return *number;
}

//===----------------------------------------------------------------------===//
// The server
//===----------------------------------------------------------------------===//

Result<ServerCorrelations>
ServerCorrelations::open(const std::string &directory, const SessionId &session,
                         const LoadedProgram &program,
                         const KeyFingerprint &clientKey) {
  ServerCorrelations found(program.program);
  found.folder = directory + "/" + sessionName(session);
  Result<SeedFile> seed = readSeed(found.folder, Role::Server, program);
  if (!seed.ok())
    return seed.takeError();
  if (seed->session != session || seed->client != clientKey)
    return Error{"'" + found.folder + "' was prepared for the client " +
                     formatFingerprint(seed->client) + ", not for " +
                     formatFingerprint(clientKey),
                 ErrorKind::Authentication};
  found.name = session;
  found.ownSeed = seed->seed;
  return found;
}

Result<std::vector<std::vector<uint8_t>>>
ServerCorrelations::take(uint64_t number) {
  const std::string path = folder + "/" + std::to_string(number);
  const std::string used = folder + "/.used-" + std::to_string(number);
  File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  // Of several processes that have it open one renames it, and only that one
  // goes on, once the name is gone for good.
  if (!file.valid() || ::rename(path.c_str(), used.c_str()) < 0) {
    if (errno == ENOENT)
      return Error{"the correlations of inference " + std::to_string(number) +
                       " in '" + folder +
                       "' were used already, or never prepared",
                   ErrorKind::Protocol};
    return fileError("cannot take", path, errno);
  }
  Result<std::vector<std::string>> names = listFolder(folder);
  if (!names.ok())
    return names.takeError();
  // Numbers only grow: what was skipped will not be asked for.
  for (const std::string &name : *names)
    if (auto skipped = numberOf(name); skipped && *skipped < number)
      ::unlink((folder + "/" + name).c_str());
  ::unlink(used.c_str());
  AERO_RETURN_IF_ERROR(syncFolder(folder));

  uint64_t size = sizeof(DealHeader);
  for (const program::Instruction &op : program->instructions())
    size += op.cost().dealer_to_server();
  std::vector<uint8_t> contents(size);
  AERO_RETURN_IF_ERROR(readSealed(file.get(), path, contents));
  DealHeader header;
  std::memcpy(&header, contents.data(), sizeof(header));
  if (std::memcmp(header.magic, dealMagic, sizeof(dealMagic)) != 0 ||
      header.number != number || header.session != name)
    return Error{"'" + path + "' holds the correlations of another inference"};
  std::vector<std::vector<uint8_t>> corrections;
  auto from = contents.begin() + sizeof(header);
  for (const program::Instruction &op : program->instructions()) {
    auto to = from + ptrdiff_t(op.cost().dealer_to_server());
    corrections.emplace_back(from, to);
    from = to;
  }
  return corrections;
}
