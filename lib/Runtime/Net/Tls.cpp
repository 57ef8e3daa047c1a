//===- Tls.cpp - TLS 1.3 with known keys ----------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Keys.h"
#include "Transport.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace aero::rt;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// Plain bytes in a full record.
static constexpr size_t recordBytes = SSL3_RT_MAX_PLAIN_LENGTH;
/// Received at once: fewer system calls than record by record.
static constexpr size_t readAheadBytes = 16 * recordBytes;
/// RFC 8446, 5.5 allows 2^24.5 full records under a key of AES-GCM, 2^38.5
/// bytes.
static constexpr uint64_t defaultRekeyBytes = uint64_t(1) << 36;
static constexpr char exporterLabel[] = "EXPORTER-aero-hello";

struct TlsContext::State {
  SSL_CTX *context = nullptr;
  KeyFingerprint ownKey = {};
  uint64_t rekeyBytes = defaultRekeyBytes;

  ~State() { SSL_CTX_free(context); }
};

//===----------------------------------------------------------------------===//
// The socket below TLS
//===----------------------------------------------------------------------===//

namespace {

/// OpenSSL's own socket BIO raises SIGPIPE and counts nothing.
struct Socket {
  int fd = -1;
  uint64_t sent = 0, received = 0;
  int error = 0; ///< the last error number, or 0
  bool atEnd = false;
};

} // namespace

static Socket &socketOf(BIO *bio) {
  return *static_cast<Socket *>(BIO_get_data(bio));
}

static int finishCall(BIO *bio, Socket &socket, ssize_t n, bool reading) {
  BIO_clear_retry_flags(bio);
  if (n >= 0) {
    socket.atEnd = reading && n == 0;
    (reading ? socket.received : socket.sent) += uint64_t(n);
    return int(n);
  }
  if (errno == EAGAIN || errno == EWOULDBLOCK) {
    if (reading)
      BIO_set_retry_read(bio);
    else
      BIO_set_retry_write(bio);
  } else {
    socket.error = errno;
  }
  return -1;
}

static int writeSocket(BIO *bio, const char *data, int size) {
  Socket &socket = socketOf(bio);
  ssize_t n;
  do
    n = ::send(socket.fd, data, size_t(size), MSG_NOSIGNAL | MSG_DONTWAIT);
  while (n < 0 && errno == EINTR);
  return finishCall(bio, socket, n, false);
}

static int readSocket(BIO *bio, char *data, int size) {
  Socket &socket = socketOf(bio);
  ssize_t n;
  do
    n = ::recv(socket.fd, data, size_t(size), MSG_DONTWAIT);
  while (n < 0 && errno == EINTR);
  return finishCall(bio, socket, n, true);
}

static long controlSocket(BIO *bio, int command, long, void *) {
  if (command == BIO_CTRL_EOF)
    return socketOf(bio).atEnd;
  return command == BIO_CTRL_FLUSH;
}

static BIO *newSocketBio(Socket &socket) {
  static BIO_METHOD *const method = [] {
    BIO_METHOD *made =
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "aero socket");
    if (made) {
      BIO_meth_set_write(made, writeSocket);
      BIO_meth_set_read(made, readSocket);
      BIO_meth_set_ctrl(made, controlSocket);
    }
    return made;
  }();
  BIO *bio = method ? BIO_new(method) : nullptr;
  if (bio) {
    BIO_set_data(bio, &socket);
    BIO_set_init(bio, 1);
  }
  return bio;
}

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

static constexpr const char notTls13[] =
    "does not speak TLS 1.3; every aero party does when it has a --key: check "
    "the address, and that it was started with one";

/// What OpenSSL's error says about the peer.
static Failure describe(unsigned long code) {
  auto authentication = [](std::string what) {
    return Failure{std::move(what), ErrorKind::Authentication};
  };
  switch (ERR_GET_REASON(code)) {
  case SSL_R_UNEXPECTED_EOF_WHILE_READING:
    return socketFailure(EPIPE);
  case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    return authentication(
        "does not accept this party's key: have it accept the fingerprint that "
        "'aero keys show' prints for the certificate used here");
  case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    return authentication(
        "finds this party's certificate expired or not valid yet: check the "
        "clocks of both machines, or make a new one with 'aero keys new'");
  case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
  case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
  case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    return authentication("does not accept this party's certificate");
  case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
    return authentication("showed no certificate: start it with its --key");
  case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
  case SSL_R_UNSUPPORTED_PROTOCOL:
  case SSL_R_VERSION_TOO_LOW:
  case SSL_R_VERSION_TOO_HIGH:
  case SSL_R_WRONG_VERSION_NUMBER:
  case SSL_R_WRONG_SSL_VERSION:
  case SSL_R_UNKNOWN_PROTOCOL:
  case SSL_R_HTTP_REQUEST:
  case SSL_R_HTTPS_PROXY_REQUEST:
  case SSL_R_PACKET_LENGTH_TOO_LONG:
  case SSL_R_BAD_PACKET_LENGTH:
  case SSL_R_RECORD_LENGTH_MISMATCH:
    return authentication(notTls13);
  case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC:
  case SSL_R_BAD_RECORD_TYPE:
  case SSL_R_ENCRYPTED_LENGTH_TOO_LONG:
  case SSL_R_DATA_LENGTH_TOO_LONG:
    return {"sent a damaged TLS record: something on the way changes the bytes",
            ErrorKind::Protocol};
  default:
    break;
  }
  const char *reason = ERR_reason_error_string(code);
  return {std::string("broke the TLS connection: ") +
              (reason ? reason : "unknown error"),
          ErrorKind::Protocol};
}

/// "2035-01-31".
static std::string dateOf(int64_t seconds) {
  std::time_t time = std::time_t(seconds);
  std::tm fields = {};
  char text[32] = {};
  if (!::gmtime_r(&time, &fields) ||
      !std::strftime(text, sizeof(text), "%Y-%m-%d", &fields))
    return "an unknown date";
  return text;
}

//===----------------------------------------------------------------------===//
// The transport
//===----------------------------------------------------------------------===//

namespace {

class TlsTransport final : public Transport {
public:
  TlsTransport(int fd, const AcceptedKeys &accepted, uint64_t rekeyBytes)
      : accepted(accepted), rekeyBytes(rekeyBytes) {
    socket.fd = fd;
  }
  ~TlsTransport() override;

  /// Done, or the reason why not.
  std::optional<Failure> handshake(SSL_CTX *context, TlsSide side,
                                   steady_clock::time_point deadline,
                                   int abort);
  /// OpenSSL's question about the peer's certificate.
  int verify(X509_STORE_CTX *store);

  Progress write(std::span<const uint8_t> head,
                 std::span<const uint8_t> body) override;
  Progress read(std::span<uint8_t> into) override;
  bool hasBuffered() const override { return SSL_has_pending(ssl); }
  int descriptor() const override { return socket.fd; }
  std::optional<WireBytes> wireBytes() const override {
    return WireBytes{socket.sent, socket.received};
  }
  KeyFingerprint peerKey() const override { return key; }
  KeyFingerprint binding(uint8_t label) const override;

private:
  Progress unfinished(int result);
  std::optional<Failure> waitForPeer(short events,
                                     steady_clock::time_point deadline);
  void sendAlert();
  void linger();

  SSL *ssl = nullptr;
  Socket socket;
  AcceptedKeys accepted;
  uint64_t rekeyBytes;
  KeyFingerprint key = {};
  /// Why the peer's certificate was refused.
  std::optional<Failure> refused;
  int abortFd = -1;   ///< ends a handshake once it can be read
  bool broken = true; ///< nothing more may be sent
  /// A record is under way, which OpenSSL wants to be offered again.
  bool retrying = false;
  uint64_t sentUnderKey = 0;
  std::vector<uint8_t> record;
};

} // namespace

TlsTransport::~TlsTransport() {
  if (ssl && !broken)
    SSL_shutdown(ssl); // tells the peer, waits for nothing
  SSL_free(ssl);
  ::close(socket.fd);
}

int TlsTransport::verify(X509_STORE_CTX *store) {
  X509 *certificate = X509_STORE_CTX_get0_cert(store);
  KeyFingerprint shown = fingerprintOf(certificate);
  // Both ends get to know: the error number chooses the alert.
  if (std::find(accepted.keys.begin(), accepted.keys.end(), shown) ==
      accepted.keys.end()) {
    refused = {"has the key " + formatFingerprint(shown) +
                   ", which is not accepted here; if 'aero keys show' prints "
                   "the same on its machine, give it to " +
                   accepted.option,
               ErrorKind::Authentication};
    X509_STORE_CTX_set_error(store, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
    return 0;
  }
  const ASN1_TIME *from = X509_get0_notBefore(certificate),
                  *until = X509_get0_notAfter(certificate);
  bool early = X509_cmp_current_time(from) >= 0;
  if (early || X509_cmp_current_time(until) <= 0) {
    refused = {early ? "has a certificate that is valid from " +
                           dateOf(secondsOf(from)) +
                           " on: check the clocks of both machines"
                     : "has a certificate that expired on " +
                           dateOf(secondsOf(until)) +
                           ": it needs a new one from 'aero keys new', and its "
                           "fingerprint goes to " +
                           accepted.option,
               ErrorKind::Authentication};
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_HAS_EXPIRED);
    return 0;
  }
  key = shown;
  X509_STORE_CTX_set_error(store, X509_V_OK);
  return 1;
}

static int verifyPeer(X509_STORE_CTX *store, void *) {
  auto *ssl = static_cast<SSL *>(
      X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  return static_cast<TlsTransport *>(SSL_get_app_data(ssl))->verify(store);
}

std::optional<Failure>
TlsTransport::waitForPeer(short events, steady_clock::time_point deadline) {
  while (true) {
    auto left =
        std::chrono::ceil<milliseconds>(deadline - steady_clock::now()).count();
    if (left <= 0)
      return Failure{"did not finish the TLS handshake in time; is it an aero "
                     "party, and does it have a --key?"};
    pollfd polled[2] = {{socket.fd, events, 0}, {abortFd, POLLIN, 0}};
    int n = ::poll(polled, 2, int(std::min<int64_t>(left, 1 << 30)));
    if (n > 0 && polled[1].revents != 0)
      return Failure{"was shaking hands when a signal stopped this party",
                     ErrorKind::Stopped};
    if (n > 0)
      return std::nullopt;
    if (n < 0 && errno != EINTR)
      return socketFailure(errno);
  }
}

/// Tells a peer that does not speak TLS 1.3 at all, where OpenSSL says nothing.
void TlsTransport::sendAlert() {
  const uint8_t fatalProtocolVersion[] = {SSL3_RT_ALERT,          3, 3, 0, 2, 2,
                                          SSL_AD_PROTOCOL_VERSION};
  (void)::send(socket.fd, fatalProtocolVersion, sizeof(fatalProtocolVersion),
               MSG_NOSIGNAL | MSG_DONTWAIT);
}

/// Closing a socket with unread bytes resets the connection, and with it the
/// alert that tells the peer why. So the peer gets a moment to hang up first.
void TlsTransport::linger() {
  ::shutdown(socket.fd, SHUT_WR);
  auto deadline = steady_clock::now() + milliseconds(1000);
  char dropped[4096];
  for (int reads = 0; reads < 64 && !waitForPeer(POLLIN, deadline); ++reads)
    if (::recv(socket.fd, dropped, sizeof(dropped), MSG_DONTWAIT) <= 0 &&
        errno != EINTR)
      return;
}

std::optional<Failure>
TlsTransport::handshake(SSL_CTX *context, TlsSide side,
                        steady_clock::time_point deadline, int abort) {
  ssl = SSL_new(context);
  abortFd = abort;
  BIO *bio = ssl ? newSocketBio(socket) : nullptr;
  if (!bio)
    return Failure{"cannot be spoken to: " + lastOpensslError()};
  SSL_set_bio(ssl, bio, bio);
  SSL_set_app_data(ssl, this);
  if (side == TlsSide::Connect)
    SSL_set_connect_state(ssl);
  else
    SSL_set_accept_state(ssl);
  while (true) {
    ERR_clear_error();
    int result = SSL_do_handshake(ssl);
    if (result == 1) {
      broken = false;
      return std::nullopt;
    }
    Progress progress = unfinished(result);
    if (!progress.failure)
      progress.failure = waitForPeer(progress.wait, deadline);
    if (!progress.failure)
      continue;
    if (side == TlsSide::Accept && socket.sent == 0)
      sendAlert();
    if (side == TlsSide::Accept)
      linger();
    if (refused)
      return refused;
    if (socket.received == 0 && (socket.atEnd || socket.error))
      return Failure{"closed the connection before the TLS handshake; is it an "
                     "aero party, and does it have a --key?"};
    return progress.failure;
  }
}

/// What a call that returned `result` waits for or has run into.
Progress TlsTransport::unfinished(int result) {
  switch (SSL_get_error(ssl, result)) {
  case SSL_ERROR_WANT_READ:
    return {0, POLLIN, {}};
  case SSL_ERROR_WANT_WRITE:
    return {0, POLLOUT, {}};
  case SSL_ERROR_ZERO_RETURN:
    return {0, 0, socketFailure(EPIPE)};
  case SSL_ERROR_SYSCALL:
    broken = true;
    return {0, 0, socketFailure(socket.error ? socket.error : EPIPE)};
  default:
    break;
  }
  broken = true;
  unsigned long code = ERR_peek_error();
  ERR_clear_error();
  return {0, 0, describe(code)};
}

Progress TlsTransport::write(std::span<const uint8_t> head,
                             std::span<const uint8_t> body) {
  std::span<const uint8_t> data = body;
  if (!head.empty()) {
    // One record for a header and what follows it.
    record.assign(head.begin(), head.end());
    size_t room = recordBytes - std::min(head.size(), recordBytes);
    auto part = body.first(std::min(room, body.size()));
    record.insert(record.end(), part.begin(), part.end());
    data = record;
  }
  if (sentUnderKey >= rekeyBytes && !retrying) {
    if (!SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED))
      return {0, 0, describe(ERR_get_error())};
    sentUnderKey = 0;
  }
  ERR_clear_error();
  size_t n = 0;
  int result = SSL_write_ex(ssl, data.data(), data.size(), &n);
  retrying = result != 1;
  sentUnderKey += n;
  return result == 1 ? Progress{n, 0, {}} : unfinished(result);
}

Progress TlsTransport::read(std::span<uint8_t> into) {
  ERR_clear_error();
  size_t n = 0;
  int result = SSL_read_ex(ssl, into.data(), into.size(), &n);
  return result == 1 ? Progress{n, 0, {}} : unfinished(result);
}

KeyFingerprint TlsTransport::binding(uint8_t label) const {
  KeyFingerprint value = {};
  if (SSL_export_keying_material(ssl, value.data(), value.size(), exporterLabel,
                                 sizeof(exporterLabel) - 1, &label, 1, 1) != 1)
    value = {};
  return value;
}

Result<std::unique_ptr<Transport>>
aero::rt::tlsTransport(int fd, const TlsContext &context, TlsSide side,
                       const AcceptedKeys &accepted, const std::string &peer,
                       steady_clock::time_point deadline, int abort) {
  auto transport =
      std::make_unique<TlsTransport>(fd, accepted, context.get().rekeyBytes);
  if (auto failure =
          transport->handshake(context.get().context, side, deadline, abort))
    return Error{"the " + peer + " " + failure->what, failure->kind};
  return std::unique_ptr<Transport>(std::move(transport));
}

//===----------------------------------------------------------------------===//
// The context
//===----------------------------------------------------------------------===//

TlsContext::TlsContext(std::shared_ptr<State> state)
    : state(std::move(state)) {}

const KeyFingerprint &TlsContext::ownKey() const { return state->ownKey; }
void TlsContext::setRekeyBytes(uint64_t bytes) { state->rekeyBytes = bytes; }

static bool configure(SSL_CTX *context) {
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
                                   SSL_OP_NO_RENEGOTIATION);
  // A session is never resumed: every connection proves its key.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, readAheadBytes);
  SSL_CTX_set_max_cert_list(context, 16 << 10);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                     nullptr);
  SSL_CTX_set_cert_verify_callback(context, verifyPeer, nullptr);
  return SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
         SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
         SSL_CTX_set_num_tickets(context, 0) == 1 &&
         SSL_CTX_set_ciphersuites(context,
                                  "TLS_AES_128_GCM_SHA256:"
                                  "TLS_AES_256_GCM_SHA384:"
                                  "TLS_CHACHA20_POLY1305_SHA256") == 1 &&
         SSL_CTX_set1_groups_list(context, "X25519:P-256") == 1 &&
         SSL_CTX_set1_sigalgs_list(context, "ed25519:ECDSA+SHA256") == 1;
}

static bool goodKey(const EVP_PKEY *key) {
  if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519)
    return true;
  char group[32] = {};
  size_t size = 0;
  return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
         EVP_PKEY_get_group_name(key, group, sizeof(group), &size) == 1 &&
         std::strcmp(group, "prime256v1") == 0;
}

Result<TlsContext> TlsContext::create(const IdentityFiles &files) {
  Result<KeyPtr> key = readKeyFile(files.key);
  if (!key.ok())
    return key.takeError();
  if (!goodKey(key->get()))
    return Error{"'" + files.key +
                 "' is neither an Ed25519 nor a P-256 key; make one with 'aero "
                 "keys new'"};
  Result<CertificatePtr> certificate = readCertificateFile(files.certificate);
  if (!certificate.ok())
    return certificate.takeError();
  auto state = std::make_shared<State>();
  state->context = SSL_CTX_new(TLS_method());
  if (!state->context || !configure(state->context))
    return Error{"cannot set up TLS 1.3: " + lastOpensslError()};
  if (X509_check_private_key(certificate->get(), key->get()) != 1) {
    ERR_clear_error();
    return Error{"'" + files.certificate + "' is not the certificate of '" +
                 files.key + "': name the one that was made with it"};
  }
  if (SSL_CTX_use_certificate(state->context, certificate->get()) != 1 ||
      SSL_CTX_use_PrivateKey(state->context, key->get()) != 1)
    return Error{"cannot use '" + files.key + "': " + lastOpensslError()};
  state->ownKey = fingerprintOf(certificate->get());
  return TlsContext(std::move(state));
}
