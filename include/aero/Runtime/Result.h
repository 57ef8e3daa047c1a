//===- Result.h - Errors as values ----------------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The runtime's error type. The runtime is built without exceptions: whatever
/// a user, a file or a peer can get wrong comes back as a message that names
/// the thing and the remedy.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_RUNTIME_RESULT_H
#define AERO_RUNTIME_RESULT_H

#include <cassert>
#include <optional>
#include <string>
#include <utility>

namespace aero::rt {

/// What a caller can do about an error.
enum class ErrorKind {
  Other,          ///< a mistake of the user, of a file or of this program
  Connection,     ///< the peer is gone, silent or not there: try again
  Busy,           ///< the peer has no room now: try again later
  Authentication, ///< a key, a certificate or the TLS version is not accepted
  Protocol,       ///< the peer speaks, but something else
  Stopped,        ///< this process was asked to stop
};

/// A message for the user: one line, lowercase start, no final stop.
struct Error {
  std::string message;
  ErrorKind kind = ErrorKind::Other;
};

/// The outcome of an operation that yields no value.
class [[nodiscard]] Status {
public:
  Status() = default;
  Status(Error error) : error(std::move(error)) {}

  bool ok() const { return !error; }
  const std::string &message() const {
    assert(error && "no error to describe");
    return error->message;
  }
  ErrorKind kind() const { return error ? error->kind : ErrorKind::Other; }
  /// The error, to be passed on to the caller.
  Error takeError() const { return *error; }

private:
  std::optional<Error> error;
};

/// A value or an error.
template <typename T> class [[nodiscard]] Result {
public:
  Result(T value) : value(std::move(value)) {}
  Result(Error error) : error(std::move(error)) {}

  bool ok() const { return value.has_value(); }
  T &operator*() { return *value; }
  const T &operator*() const { return *value; }
  T *operator->() { return &*value; }
  const T *operator->() const { return &*value; }
  const std::string &message() const {
    assert(!value && "no error to describe");
    return error.message;
  }
  ErrorKind kind() const { return error.kind; }
  /// The error, to be passed on to the caller.
  Error takeError() const { return error; }

private:
  std::optional<T> value;
  Error error;
};

/// Leaves the enclosing function with the error of `expr`, if it has one.
#define AERO_RETURN_IF_ERROR(expr)                                             \
  do {                                                                         \
    if (const auto &aeroStatus = (expr); !aeroStatus.ok())                     \
      return aeroStatus.takeError();                                           \
  } while (false)

} // namespace aero::rt

#endif // AERO_RUNTIME_RESULT_H
