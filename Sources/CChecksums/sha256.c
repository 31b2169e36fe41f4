#include "CChecksums.h"

#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

// Source of the algorithm and of the constants: FIPS 180-4, sections 4.2.2, 5.3.3 and 6.2.2.
static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

enum { block = 64, schedule = 4, steps = 16 };

// The instructions keep the eight words as ABEF and CDGH, the first of each four highest.
static const uint32_t first_words[8] = {
    0x9b05688c, 0x510e527f, 0xbb67ae85, 0x6a09e667, 0x5be0cd19, 0x1f83d9ab, 0xa54ff53a, 0x3c6ef372,
};

static pail_sha256_path quickest = pail_sha256_by_nothing;

__attribute__((constructor)) static void find_quickest(void) {
  unsigned a, b, c, d;
  __builtin_cpu_init();
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & 1u << 29)) return;
  if (!__builtin_cpu_supports("avx")) return;
  quickest = __builtin_cpu_supports("avx512vl") ? pail_sha256_by_more_registers
                                                : pail_sha256_by_instructions;
}

pail_sha256_path pail_sha256_quickest(void) { return quickest; }

int pail_sha256_lanes(void) {
  return quickest == pail_sha256_by_nothing ? 1 : pail_sha256_most_lanes;
}

void pail_sha256_begin(pail_sha256 *message) {
  memcpy(message->words, first_words, sizeof first_words);
  message->length = 0;
}

// Four rounds take some 16 cycles, since each waits for the one before, and could be done in half of
// that: rounds of other messages fill the gaps. With `lanes` a constant all loops are unrolled.
__attribute__((target("sha,avx"), always_inline)) static inline void add_blocks(
    pail_sha256 *const messages[], const unsigned char *const data[], const int lanes,
    size_t count) {
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
  __m128i abef[pail_sha256_most_lanes], cdgh[pail_sha256_most_lanes];
  for (int lane = 0; lane < lanes; lane++) {
    abef[lane] = _mm_loadu_si128((const __m128i *)messages[lane]->words);
    cdgh[lane] = _mm_loadu_si128((const __m128i *)(messages[lane]->words + 4));
  }
  for (size_t offset = 0; offset < count * block; offset += block) {
    __m128i words[pail_sha256_most_lanes][schedule];
    __m128i abef_before[pail_sha256_most_lanes], cdgh_before[pail_sha256_most_lanes];
#pragma clang loop unroll(full)
    for (int lane = 0; lane < lanes; lane++) {
      abef_before[lane] = abef[lane];
      cdgh_before[lane] = cdgh[lane];
#pragma clang loop unroll(full)
      for (int i = 0; i < schedule; i++) {
        const __m128i *from = (const __m128i *)(data[lane] + offset) + i;
        words[lane][i] = _mm_shuffle_epi8(_mm_loadu_si128(from), big_endian);
      }
    }
#pragma clang loop unroll(full)
    for (int step = 0; step < steps; step++) {
      const __m128i constants = _mm_loadu_si128((const __m128i *)(round_constants + 4 * step));
#pragma clang loop unroll(full)
      for (int lane = 0; lane < lanes; lane++) {
        __m128i *w = words[lane];
        __m128i now = w[step % 4];
        __m128i sums = _mm_add_epi32(now, constants);
        cdgh[lane] = _mm_sha256rnds2_epu32(cdgh[lane], abef[lane], sums);
        abef[lane] =
            _mm_sha256rnds2_epu32(abef[lane], cdgh[lane], _mm_shuffle_epi32(sums, 0x0e));
        if (step < steps - schedule) {
          // The words for the step four later take the place of these.
          __m128i last = w[(step + 3) % 4];
          __m128i next = _mm_sha256msg1_epu32(now, w[(step + 1) % 4]);
          next = _mm_add_epi32(next, _mm_alignr_epi8(last, w[(step + 2) % 4], 4));
          w[step % 4] = _mm_sha256msg2_epu32(next, last);
        }
      }
    }
#pragma clang loop unroll(full)
    for (int lane = 0; lane < lanes; lane++) {
      abef[lane] = _mm_add_epi32(abef[lane], abef_before[lane]);
      cdgh[lane] = _mm_add_epi32(cdgh[lane], cdgh_before[lane]);
    }
  }
  for (int lane = 0; lane < lanes; lane++) {
    _mm_storeu_si128((__m128i *)messages[lane]->words, abef[lane]);
    _mm_storeu_si128((__m128i *)(messages[lane]->words + 4), cdgh[lane]);
    messages[lane]->length += count * block;
  }
}

__attribute__((target("sha,avx"), always_inline)) static inline void add_some(
    pail_sha256 *const messages[], const unsigned char *const data[], int lanes, size_t count) {
  switch (lanes) {
    case 1: add_blocks(messages, data, 1, count); break;
    case 2: add_blocks(messages, data, 2, count); break;
    default: add_blocks(messages, data, 3, count); break;
  }
}

__attribute__((target("sha,avx"))) static void add_by_instructions(
    pail_sha256 *const messages[], const unsigned char *const data[], int lanes, size_t count) {
  add_some(messages, data, lanes, count);
}

// Three messages have more under way than 16 registers hold: with 32 the rest of it need not wait in
// memory.
__attribute__((target("sha,avx512vl"))) static void add_by_more_registers(
    pail_sha256 *const messages[], const unsigned char *const data[], int lanes, size_t count) {
  add_some(messages, data, lanes, count);
}

void pail_sha256_add_by(
    pail_sha256_path path, pail_sha256 *const messages[], const unsigned char *const data[],
    int lanes, size_t size) {
  size_t count = size / block;
  while (lanes > 0) {
    int some = lanes < pail_sha256_most_lanes ? lanes : pail_sha256_most_lanes;
    if (path == pail_sha256_by_more_registers) {
      add_by_more_registers(messages, data, some, count);
    } else {
      add_by_instructions(messages, data, some, count);
    }
    messages += some, data += some, lanes -= some;
  }
}

void pail_sha256_add(
    pail_sha256 *const messages[], const unsigned char *const data[], int lanes, size_t size) {
  pail_sha256_add_by(quickest, messages, data, lanes, size);
}

void pail_sha256_end(
    pail_sha256 *message, const void *data, size_t size, unsigned char digest[32]) {
  const unsigned char *bytes = data;
  size_t whole = size - size % block;
  pail_sha256_add(&message, &bytes, 1, whole);
  // One bit, zeros, and the length of all in bits: one more block, or two.
  unsigned char rest[2 * block] = {0};
  size_t left = size - whole;
  if (left > 0) memcpy(rest, bytes + whole, left);
  rest[left] = 0x80;
  size_t end = left + 1 + 8 <= block ? block : 2 * block;
  uint64_t bits = (message->length + left) * 8;
  for (int i = 0; i < 8; i++) rest[end - 1 - i] = (unsigned char)(bits >> 8 * i);
  bytes = rest;
  pail_sha256_add(&message, &bytes, 1, end);
  // From ABEF and CDGH to A through H.
  static const int places[8] = {3, 2, 7, 6, 1, 0, 5, 4};
  for (int i = 0; i < 8; i++) {
    uint32_t word = message->words[places[i]];
    for (int j = 0; j < 4; j++) digest[4 * i + j] = (unsigned char)(word >> (24 - 8 * j));
  }
}

#else

pail_sha256_path pail_sha256_quickest(void) { return pail_sha256_by_nothing; }

int pail_sha256_lanes(void) { return 1; }

void pail_sha256_begin(pail_sha256 *message) {
  (void)message;
  abort();
}

void pail_sha256_add(
    pail_sha256 *const messages[], const unsigned char *const data[], int lanes, size_t size) {
  (void)messages, (void)data, (void)lanes, (void)size;
  abort();
}

void pail_sha256_add_by(
    pail_sha256_path path, pail_sha256 *const messages[], const unsigned char *const data[],
    int lanes, size_t size) {
  (void)path, (void)messages, (void)data, (void)lanes, (void)size;
  abort();
}

void pail_sha256_end(
    pail_sha256 *message, const void *data, size_t size, unsigned char digest[32]) {
  (void)message, (void)data, (void)size, (void)digest;
  abort();
}

#endif
