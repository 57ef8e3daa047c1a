//===- Keys.cpp - Making and reading the parties' keys --------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Keys.h"

#include "../Program/File.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace aero::rt;

static constexpr const char fingerprintPrefix[] = "sha256:";
/// A key or certificate of ours takes less than 1 KiB.
static constexpr size_t maxPemBytes = 64 << 10;

std::string aero::rt::lastOpensslError() {
  const char *reason = ERR_reason_error_string(ERR_peek_last_error());
  std::string text = reason ? reason : "unknown error of OpenSSL";
  ERR_clear_error();
  return text;
}

std::string aero::rt::formatFingerprint(const KeyFingerprint &fingerprint) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text = fingerprintPrefix;
  for (uint8_t byte : fingerprint) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

static int hexDigit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  c = char(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

Result<KeyFingerprint>
aero::rt::readFingerprint(const std::string &textOrFile) {
  const size_t prefix = sizeof(fingerprintPrefix) - 1;
  if (textOrFile.compare(0, prefix, fingerprintPrefix) != 0) {
    Result<Certificate> certificate = readCertificate(textOrFile);
    if (!certificate.ok())
      return certificate.takeError();
    return certificate->key;
  }
  KeyFingerprint fingerprint;
  bool ok = textOrFile.size() == prefix + 2 * fingerprint.size();
  for (size_t i = 0; ok && i < fingerprint.size(); ++i) {
    int high = hexDigit(textOrFile[prefix + 2 * i]);
    int low = hexDigit(textOrFile[prefix + 2 * i + 1]);
    ok = high >= 0 && low >= 0;
    fingerprint[i] = uint8_t(high << 4 | (low & 15));
  }
  if (!ok)
    return Error{"'" + textOrFile +
                 "' is not a fingerprint: expected sha256: and 64 hexadecimal "
                 "digits, as 'aero keys show' prints them"};
  return fingerprint;
}

namespace {

struct FreeBio {
  void operator()(BIO *bio) const { BIO_free(bio); }
};
using BioPtr = std::unique_ptr<BIO, FreeBio>;

} // namespace

static Result<std::string> readPem(const std::string &path) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return fileError("cannot read", path, errno);
  std::string text(maxPemBytes + 1, '\0');
  size_t size = 0;
  ssize_t n = 0;
  while (size < text.size() &&
         ((n = ::read(fd, text.data() + size, text.size() - size)) > 0 ||
          (n < 0 && errno == EINTR)))
    size += size_t(std::max<ssize_t>(n, 0));
  int code = errno;
  ::close(fd);
  if (n < 0)
    return fileError("cannot read", path, code);
  if (size > maxPemBytes)
    return Error{"'" + path + "' is too long for a key or a certificate"};
  text.resize(size);
  return text;
}

/// Never asks for a passphrase: a service has nobody to type it.
static int noPassphrase(char *, int, int, void *) { return -1; }

static KeyPtr parseKey(const std::string &pem) {
  BioPtr bio(BIO_new_mem_buf(pem.data(), int(pem.size())));
  return KeyPtr(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, noPassphrase, nullptr));
}

static CertificatePtr parseCertificate(const std::string &pem) {
  BioPtr bio(BIO_new_mem_buf(pem.data(), int(pem.size())));
  return CertificatePtr(
      PEM_read_bio_X509(bio.get(), nullptr, noPassphrase, nullptr));
}

Result<KeyPtr> aero::rt::readKeyFile(const std::string &path) {
  Result<std::string> pem = readPem(path);
  if (!pem.ok())
    return pem.takeError();
  struct stat info;
  if (::stat(path.c_str(), &info) == 0 && (info.st_mode & 077) != 0)
    return Error{"the private key '" + path +
                 "' can be read by others: chmod 600 it, and make a new one if "
                 "somebody may have copied it"};
  KeyPtr key = parseKey(*pem);
  OPENSSL_cleanse(pem->data(), pem->size());
  if (!key)
    return Error{"'" + path +
                 "' holds no private key in PEM without a passphrase (" +
                 lastOpensslError() + "); make one with 'aero keys new'"};
  return key;
}

Result<CertificatePtr> aero::rt::readCertificateFile(const std::string &path) {
  Result<std::string> pem = readPem(path);
  if (!pem.ok())
    return pem.takeError();
  CertificatePtr certificate = parseCertificate(*pem);
  if (!certificate)
    return Error{"'" + path + "' holds no certificate in PEM (" +
                 lastOpensslError() + "); 'aero keys new' writes one"};
  return certificate;
}

/// SHA-256 of a DER encoding that OpenSSL allocated.
static KeyFingerprint hashAndFree(unsigned char *der, int size) {
  if (size <= 0)
    return {};
  KeyFingerprint hash = sha256({der, size_t(size)});
  OPENSSL_free(der);
  return hash;
}

KeyFingerprint aero::rt::fingerprintOf(const X509 *certificate) {
  unsigned char *der = nullptr;
  int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  return hashAndFree(der, size);
}

int64_t aero::rt::secondsOf(const ASN1_TIME *time) {
  std::tm fields = {};
  return ASN1_TIME_to_tm(time, &fields) ? int64_t(::timegm(&fields)) : 0;
}

static std::string commonName(const X509 *certificate) {
  const X509_NAME *subject = X509_get_subject_name(certificate);
  int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0)
    return "";
  unsigned char *text = nullptr;
  int size = ASN1_STRING_to_UTF8(
      &text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  if (size < 0)
    return "";
  std::string name(reinterpret_cast<char *>(text), size_t(size));
  OPENSSL_free(text);
  // For people, on a terminal: nothing that moves its cursor.
  std::replace_if(
      name.begin(), name.end(), [](char c) { return (c & 0x60) == 0; }, '?');
  return name;
}

Result<Certificate> aero::rt::readCertificate(const std::string &path) {
  Result<std::string> pem = readPem(path);
  if (!pem.ok())
    return pem.takeError();
  if (pem->find("PRIVATE KEY-----") != std::string::npos) {
    OPENSSL_cleanse(pem->data(), pem->size());
    Result<KeyPtr> key = readKeyFile(path);
    if (!key.ok())
      return key.takeError();
    unsigned char *der = nullptr;
    int size = i2d_PUBKEY(key->get(), &der);
    return Certificate{hashAndFree(der, size), "", 0, 0};
  }
  Result<CertificatePtr> certificate = readCertificateFile(path);
  if (!certificate.ok())
    return certificate.takeError();
  const X509 *x509 = certificate->get();
  return Certificate{fingerprintOf(x509), commonName(x509),
                     secondsOf(X509_get0_notBefore(x509)),
                     secondsOf(X509_get0_notAfter(x509))};
}

/// A self-signed certificate for `key`; null if OpenSSL fails.
static CertificatePtr makeCertificate(EVP_PKEY *key,
                                      const IdentityOptions &options) {
  CertificatePtr certificate(X509_new());
  // 63 random bits: positive, and no two certificates look alike.
  uint8_t serial[8];
  if (!certificate || RAND_bytes(serial, sizeof(serial)) != 1)
    return nullptr;
  uint64_t number = 0;
  std::memcpy(&number, serial, sizeof(number));
  X509_NAME *name = X509_get_subject_name(certificate.get());
  bool ok = X509_set_version(certificate.get(), X509_VERSION_3) &&
            ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()),
                                    number >> 1) &&
            X509_gmtime_adj(X509_getm_notBefore(certificate.get()),
                            long(options.notBefore)) &&
            X509_gmtime_adj(X509_getm_notAfter(certificate.get()),
                            long(options.notAfter)) &&
            X509_set_pubkey(certificate.get(), key) &&
            X509_NAME_add_entry_by_txt(
                name, "CN", MBSTRING_UTF8,
                reinterpret_cast<const unsigned char *>(options.name.c_str()),
                -1, -1, 0) &&
            X509_set_issuer_name(certificate.get(), name) &&
            // Ed25519 hashes by itself.
            X509_sign(certificate.get(), key, nullptr) > 0;
  return ok ? std::move(certificate) : nullptr;
}

/// Writes a new file with these permissions, or leaves none.
static Status writeNew(const std::string &path, BIO *contents, mode_t mode) {
  int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0 && errno == EEXIST)
    return Error{"'" + path +
                 "' exists already: choose another name or folder (a key that "
                 "is replaced locks its owner out)"};
  if (fd < 0)
    return fileError("cannot write", path, errno);
  char *data = nullptr;
  long size = BIO_get_mem_data(contents, &data);
  ssize_t n = ::write(fd, data, size_t(size));
  bool ok = n == size && ::fsync(fd) == 0;
  int code = n >= 0 && n != size ? ENOSPC : errno;
  ::close(fd);
  if (ok)
    return {};
  ::unlink(path.c_str());
  return fileError("cannot write", path, code);
}

static Status checkName(const std::string &name) {
  bool ok = !name.empty() && name.size() <= 64 && name[0] != '.' &&
            name[0] != '-' && std::all_of(name.begin(), name.end(), [](char c) {
              return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
            });
  if (ok)
    return {};
  return Error{"'" + name +
               "' cannot name a key: use up to 64 letters, digits, '.', '_' "
               "and '-', not beginning with '.' or '-'"};
}

IdentityFiles aero::rt::identityFiles(const std::string &directory,
                                      const std::string &name) {
  return {directory + "/" + name + ".key", directory + "/" + name + ".crt"};
}

Result<IdentityFiles> aero::rt::createIdentity(const std::string &directory,
                                               const IdentityOptions &options) {
  AERO_RETURN_IF_ERROR(checkName(options.name));
  KeyPtr key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  CertificatePtr certificate =
      key ? makeCertificate(key.get(), options) : nullptr;
  BioPtr keyText(BIO_new(BIO_s_secmem())),
      certificateText(BIO_new(BIO_s_mem()));
  if (!certificate || !keyText || !certificateText ||
      !PEM_write_bio_PrivateKey(keyText.get(), key.get(), nullptr, nullptr, 0,
                                nullptr, nullptr) ||
      !PEM_write_bio_X509(certificateText.get(), certificate.get()))
    return Error{"cannot make a key: " + lastOpensslError()};
  if (::mkdir(directory.c_str(), 0700) < 0 && errno != EEXIST)
    return fileError("cannot make the folder", directory, errno);
  IdentityFiles files = identityFiles(directory, options.name);
  AERO_RETURN_IF_ERROR(writeNew(files.key, keyText.get(), 0600));
  Status written = writeNew(files.certificate, certificateText.get(), 0644);
  if (written.ok())
    return files;
  ::unlink(files.key.c_str());
  return written.takeError();
}
