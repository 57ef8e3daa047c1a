//===- KeysTest.cpp - Keys, certificates and fingerprints -----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestFile.h"
#include "aero/Runtime/Tls.h"

#include "gmock/gmock.h"

#include <cstdio>
#include <ctime>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>

using namespace aero::rt;
using testing::HasSubstr;

namespace {

class KeysTest : public test::FileTest {
protected:
  IdentityFiles make(const std::string &name) {
    auto files = createIdentity(directory, {name});
    EXPECT_TRUE(files.ok()) << files.message();
    return *files;
  }
  std::string errorOf(const IdentityFiles &files) {
    auto context = TlsContext::create(files);
    return context.ok() ? "" : context.message();
  }
  /// Another kind of key with its certificate.
  IdentityFiles foreign(EVP_PKEY *key) {
    IdentityFiles files = identityFiles(directory, "foreign");
    X509 *certificate = X509_new();
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_sign(certificate, key, EVP_sha256());
    FILE *out = std::fopen(files.key.c_str(), "w");
    PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(out);
    ::chmod(files.key.c_str(), 0600);
    out = std::fopen(files.certificate.c_str(), "w");
    PEM_write_X509(out, certificate);
    std::fclose(out);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return files;
  }
};

TEST_F(KeysTest, NewIdentity) {
  IdentityFiles files = make("server-1");
  EXPECT_EQ(files.key, path("server-1.key"));
  EXPECT_EQ(files.certificate, path("server-1.crt"));
  struct stat info;
  ASSERT_EQ(::stat(files.key.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(fileCount(), 2u);

  Result<Certificate> certificate = readCertificate(files.certificate);
  ASSERT_TRUE(certificate.ok()) << certificate.message();
  EXPECT_EQ(certificate->name, "server-1");
  int64_t now = std::time(nullptr), year = 365 * 86400;
  EXPECT_LT(certificate->notBefore, now);
  EXPECT_GT(certificate->notAfter, now + 9 * year);
  EXPECT_LT(certificate->notAfter, now + 11 * year);

  // Key and certificate have one fingerprint, which can be typed in.
  Result<Certificate> key = readCertificate(files.key);
  ASSERT_TRUE(key.ok()) << key.message();
  EXPECT_EQ(key->key, certificate->key);
  const std::string text = formatFingerprint(key->key);
  EXPECT_EQ(text.size(), 71u);
  EXPECT_EQ(*readFingerprint(text), key->key);
  EXPECT_EQ(*readFingerprint(files.certificate), key->key);

  Result<TlsContext> context = TlsContext::create(files);
  ASSERT_TRUE(context.ok()) << context.message();
  EXPECT_EQ(context->ownKey(), key->key);
  EXPECT_NE(*readFingerprint(make("server-2").certificate), key->key);
}

/// The fingerprint is what `openssl x509 -pubkey | openssl pkey -pubin
/// -outform DER | sha256sum` prints.
TEST_F(KeysTest, FingerprintOfAKnownCertificate) {
  const std::string file = path("known.pub.crt");
  IdentityFiles files = make("known");
  FILE *in = std::fopen(files.certificate.c_str(), "r");
  X509 *certificate = PEM_read_X509(in, nullptr, nullptr, nullptr);
  std::fclose(in);
  unsigned char *der = nullptr, hash[32];
  int size = i2d_PUBKEY(X509_get0_pubkey(certificate), &der);
  ASSERT_EQ(size, 44); // of Ed25519
  ASSERT_TRUE(EVP_Digest(der, size, hash, nullptr, EVP_sha256(), nullptr));
  KeyFingerprint fingerprint = *readFingerprint(files.certificate);
  EXPECT_TRUE(std::equal(hash, hash + 32, fingerprint.begin()));
  OPENSSL_free(der);
  X509_free(certificate);
}

TEST_F(KeysTest, NothingIsOverwrittenOrLeftBehind) {
  IdentityFiles files = make("a");
  auto before = readAll(files.key);
  auto again = createIdentity(directory, {"a"});
  ASSERT_FALSE(again.ok());
  EXPECT_THAT(again.message(), HasSubstr("exists already"));
  EXPECT_EQ(readAll(files.key), before);
  // A certificate in the way: no key stays.
  writeAll(path("b.crt"), {1});
  EXPECT_FALSE(createIdentity(directory, {"b"}).ok());
  EXPECT_EQ(fileCount(), 3u);
  for (const char *name : {"", ".", "../x", "a/b", "-x", "a b"}) {
    auto bad = createIdentity(directory, {name});
    ASSERT_FALSE(bad.ok());
    EXPECT_THAT(bad.message(), HasSubstr("cannot name a key"));
  }
  EXPECT_FALSE(createIdentity(directory + "/no/such", {"c"}).ok());
}

TEST_F(KeysTest, BadFiles) {
  IdentityFiles a = make("a"), b = make("b");
  EXPECT_THAT(errorOf({a.key, b.certificate}),
              HasSubstr("is not the certificate of"));
  EXPECT_THAT(errorOf({path("none"), a.certificate}), HasSubstr("cannot read"));
  EXPECT_THAT(errorOf({a.certificate, a.certificate}),
              HasSubstr("can be read by others"));
  ::chmod(a.certificate.c_str(), 0600);
  EXPECT_THAT(errorOf({a.certificate, a.certificate}),
              HasSubstr("holds no private key"));
  EXPECT_THAT(errorOf({a.key, a.key}), HasSubstr("holds no certificate"));
  ::chmod(a.key.c_str(), 0640);
  EXPECT_THAT(errorOf(a), HasSubstr("can be read by others: chmod 600"));
  writeAll(path("long"), std::vector<uint8_t>(100000, 'x'));
  EXPECT_THAT(readCertificate(path("long")).message(), HasSubstr("too long"));
}

TEST_F(KeysTest, OnlyEd25519AndP256) {
  EXPECT_EQ(errorOf(foreign(EVP_EC_gen("P-256"))), "");
  EXPECT_THAT(errorOf(foreign(EVP_EC_gen("P-384"))),
              HasSubstr("neither an Ed25519 nor a P-256 key"));
  EXPECT_THAT(errorOf(foreign(EVP_RSA_gen(2048))),
              HasSubstr("neither an Ed25519 nor a P-256 key"));
}

TEST_F(KeysTest, BadFingerprints) {
  const std::string good = formatFingerprint({});
  for (const std::string &text :
       {good + "0", good.substr(1 + 6), good.substr(0, 70),
        good.substr(0, 70) + "g", std::string("sha256:")}) {
    auto bad = readFingerprint(text);
    ASSERT_FALSE(bad.ok()) << text;
  }
  EXPECT_THAT(readFingerprint("sha256:12").message(),
              HasSubstr("is not a fingerprint"));
}

} // namespace
