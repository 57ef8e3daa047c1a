//===- Transport.cpp - Bytes over a plain socket --------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Transport.h"

#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

using namespace aero::rt;

Failure aero::rt::socketFailure(int code) {
  if (code == EPIPE || code == ECONNRESET)
    return {"closed the connection before the protocol ended; see its output "
            "for the reason"};
  return {std::string("is out of reach: ") + std::strerror(code)};
}

namespace {

class PlainTransport final : public Transport {
public:
  explicit PlainTransport(int fd) : fd(fd) {}
  ~PlainTransport() override { ::close(fd); }

  Progress write(std::span<const uint8_t> head,
                 std::span<const uint8_t> body) override {
    iovec parts[2] = {{const_cast<uint8_t *>(head.data()), head.size()},
                      {const_cast<uint8_t *>(body.data()), body.size()}};
    msghdr message = {};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    return outcome(POLLOUT, [&] {
      return ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    });
  }

  Progress read(std::span<uint8_t> into) override {
    Progress progress = outcome(POLLIN, [&] {
      return ::recv(fd, into.data(), into.size(), MSG_DONTWAIT);
    });
    if (progress.bytes == 0 && progress.wait == 0 && !progress.failure)
      progress.failure = socketFailure(EPIPE); // the end of the stream
    return progress;
  }

  int descriptor() const override { return fd; }

private:
  template <typename Call> static Progress outcome(short wait, Call call) {
    ssize_t n;
    do
      n = call();
    while (n < 0 && errno == EINTR);
    if (n >= 0)
      return {size_t(n), 0, {}};
    if (errno == EAGAIN || errno == EWOULDBLOCK)
      return {0, wait, {}};
    return {0, 0, socketFailure(errno)};
  }

  int fd;
};

} // namespace

std::unique_ptr<Transport> aero::rt::plainTransport(int fd) {
  return std::make_unique<PlainTransport>(fd);
}
