//===- Prg.cpp - Pseudo-random generator ----------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Runtime/Prg.h"
#include "aero/Runtime/Wire.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/random.h>

using namespace aero::rt;

static_assert(std::endian::native == std::endian::little,
              "streams are read as little-endian words");

/// Going on without randomness would send secrets in clear, so a generator that
/// fails (out of memory, broken OpenSSL configuration) ends the process.
[[noreturn]] static void generatorFailed(const char *step) {
  std::fprintf(stderr, "aero: the pseudo-random generator failed (%s)\n", step);
  std::abort();
}

Result<Seed> aero::rt::randomSeed() {
  Seed seed;
  size_t filled = 0;
  while (filled < seed.size()) {
    ssize_t n = getrandom(seed.data() + filled, seed.size() - filled, 0);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return Error{std::string("the operating system gives no random bytes: ") +
                   std::strerror(errno)};
    filled += n;
  }
  return seed;
}

/// Looked up once: a lookup takes longer than a short stream.
static const EVP_CIPHER *aesCtr() {
  static const EVP_CIPHER *cipher =
      EVP_CIPHER_fetch(nullptr, "AES-128-CTR", nullptr);
  if (!cipher)
    generatorFailed("no AES-128-CTR in OpenSSL");
  return cipher;
}

struct Prg::State {
  EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();

  ~State() { EVP_CIPHER_CTX_free(cipher); } // wipes the key
};

Prg::Prg(const Seed &seed, Domain domain) : state(std::make_unique<State>()) {
  static constexpr char label[] = "aero-prg-1";
  constexpr size_t labelSize = sizeof(label) - 1;
  uint8_t input[labelSize + sizeof(Seed) + 16];
  uint8_t *to = input;
  auto put = [&](const void *data, size_t size) {
    std::memcpy(to, data, size);
    to += size;
  };
  put(label, labelSize);
  put(seed.data(), seed.size());
  put(&domain.inference, 8);
  put(&domain.instruction, 4);
  put(&domain.purpose, 4);
  uint8_t digest[SHA256_DIGEST_LENGTH];
  const uint8_t counter[16] = {};
  if (!state->cipher || !SHA256(input, sizeof(input), digest) ||
      !EVP_EncryptInit_ex2(state->cipher, aesCtr(), digest, counter, nullptr))
    generatorFailed("set-up");
  OPENSSL_cleanse(input, sizeof(input));
  OPENSSL_cleanse(digest, sizeof(digest));
}

Prg::~Prg() = default;
Prg::Prg(Prg &&) noexcept = default;
Prg &Prg::operator=(Prg &&) noexcept = default;

void Prg::fill(std::span<uint8_t> out) {
  // The stream is the encryption of zeros; a block of them stays in the first
  // cache, where clearing `out` first would pass over memory twice.
  static constexpr uint8_t zeros[16384] = {};
  for (size_t done = 0; done < out.size();) {
    int size = static_cast<int>(std::min(out.size() - done, sizeof(zeros)));
    int written = 0;
    if (!EVP_EncryptUpdate(state->cipher, out.data() + done, &written, zeros,
                           size) ||
        written != size)
      generatorFailed("encryption");
    done += size;
  }
}

void Prg::fill(std::span<uint64_t> out, unsigned bits) {
  assert(bits >= 1 && bits <= 64 && "no such ring");
  // In blocks, so that the reduction finds the words in the first cache.
  constexpr size_t block = 2048;
  uint64_t mask = ringMask(bits);
  for (size_t begin = 0; begin < out.size(); begin += block) {
    std::span<uint64_t> part =
        out.subspan(begin, std::min(block, out.size() - begin));
    fill({reinterpret_cast<uint8_t *>(part.data()), part.size_bytes()});
    if (bits < 64)
      for (uint64_t &value : part)
        value &= mask;
  }
}
