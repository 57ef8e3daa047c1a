//===- Keys.h - OpenSSL's objects for keys and certificates ---------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_RUNTIME_NET_KEYS_H
#define AERO_LIB_RUNTIME_NET_KEYS_H

#include "aero/Runtime/Tls.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

namespace aero::rt {

struct FreeKey {
  void operator()(EVP_PKEY *key) const { EVP_PKEY_free(key); }
};
struct FreeCertificate {
  void operator()(X509 *certificate) const { X509_free(certificate); }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, FreeKey>;
using CertificatePtr = std::unique_ptr<X509, FreeCertificate>;

Result<KeyPtr> readKeyFile(const std::string &path);
Result<CertificatePtr> readCertificateFile(const std::string &path);

/// Zeros if the key cannot be encoded, which no accepted key equals.
KeyFingerprint fingerprintOf(const X509 *certificate);

/// Seconds since 1970 of a certificate's date; 0 if it cannot be read.
int64_t secondsOf(const ASN1_TIME *time);

/// The reason of OpenSSL's last error, for a message; clears its queue.
std::string lastOpensslError();

} // namespace aero::rt

#endif // AERO_LIB_RUNTIME_NET_KEYS_H
