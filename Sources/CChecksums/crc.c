#include "CChecksums.h"

#include <string.h>

// All three checksums are reflected: bit 0 of the first byte is the highest power of the message, and a
// remainder is kept in the high bits of a 64-bit word, bit i standing for x^(63-i). A 32-bit
// remainder is the same thing in the upper half of that word.

static const uint64_t crc64nvme_polynomial = 0x9a6c9329ac4bc9b5;
static const uint32_t crc32c_polynomial = 0x82f63b78;
static const uint32_t crc32_polynomial = 0xedb88320;

// tables[k][b] is the remainder of byte b followed by k zero bytes, for eight bytes at a time.
static uint64_t crc64nvme_tables[8][256];
static uint32_t crc32c_tables[8][256];
static uint32_t crc32_tables[8][256];

static void make_tables_32(uint32_t tables[8][256], uint32_t polynomial) {
  for (unsigned byte = 0; byte < 256; byte++) {
    uint32_t value = byte;
    for (int bit = 0; bit < 8; bit++) value = value >> 1 ^ (value & 1 ? polynomial : 0);
    tables[0][byte] = value;
  }
  for (int zeros = 1; zeros < 8; zeros++) {
    for (unsigned byte = 0; byte < 256; byte++) {
      uint32_t value = tables[zeros - 1][byte];
      tables[zeros][byte] = value >> 8 ^ tables[0][value & 0xff];
    }
  }
}

static void make_tables_64(uint64_t tables[8][256], uint64_t polynomial) {
  for (unsigned byte = 0; byte < 256; byte++) {
    uint64_t value = byte;
    for (int bit = 0; bit < 8; bit++) value = value >> 1 ^ (value & 1 ? polynomial : 0);
    tables[0][byte] = value;
  }
  for (int zeros = 1; zeros < 8; zeros++) {
    for (unsigned byte = 0; byte < 256; byte++) {
      uint64_t value = tables[zeros - 1][byte];
      tables[zeros][byte] = value >> 8 ^ tables[0][value & 0xff];
    }
  }
}

// Before main, so that no call has to ask whether the tables are there: some ten microseconds.
__attribute__((constructor)) static void make_tables(void) {
  make_tables_64(crc64nvme_tables, crc64nvme_polynomial);
  make_tables_32(crc32c_tables, crc32c_polynomial);
  make_tables_32(crc32_tables, crc32_polynomial);
}

// Eight bytes, the first one lowest, on a machine of either byte order.
static inline uint64_t load_little_endian(const unsigned char *bytes) {
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  word = __builtin_bswap64(word);
#endif
  return word;
}

// The register of CRC-64/NVME after `size` more bytes: without the complement at either end.
static uint64_t crc64nvme_register(uint64_t value, const unsigned char *bytes, size_t size) {
  const uint64_t(*t)[256] = crc64nvme_tables;
  for (; size >= 8; bytes += 8, size -= 8) {
    uint64_t word = load_little_endian(bytes) ^ value;
    value = t[7][word & 0xff] ^ t[6][word >> 8 & 0xff] ^ t[5][word >> 16 & 0xff] ^
            t[4][word >> 24 & 0xff] ^ t[3][word >> 32 & 0xff] ^ t[2][word >> 40 & 0xff] ^
            t[1][word >> 48 & 0xff] ^ t[0][word >> 56];
  }
  for (; size > 0; bytes++, size--) value = value >> 8 ^ t[0][(value ^ *bytes) & 0xff];
  return value;
}

static uint32_t register_32(
    const uint32_t t[8][256], uint32_t value, const unsigned char *bytes, size_t size) {
  for (; size >= 8; bytes += 8, size -= 8) {
    uint64_t word = load_little_endian(bytes) ^ value;
    value = t[7][word & 0xff] ^ t[6][word >> 8 & 0xff] ^ t[5][word >> 16 & 0xff] ^
            t[4][word >> 24 & 0xff] ^ t[3][word >> 32 & 0xff] ^ t[2][word >> 40 & 0xff] ^
            t[1][word >> 48 & 0xff] ^ t[0][word >> 56];
  }
  for (; size > 0; bytes++, size--) value = value >> 8 ^ t[0][(value ^ *bytes) & 0xff];
  return value;
}

uint64_t pail_crc64nvme_table(uint64_t crc, const void *data, size_t size) {
  return ~crc64nvme_register(~crc, data, size);
}

uint32_t pail_crc32c_table(uint32_t crc, const void *data, size_t size) {
  return ~register_32(crc32c_tables, ~crc, data, size);
}

uint32_t pail_crc32_table(uint32_t crc, const void *data, size_t size) {
  return ~register_32(crc32_tables, ~crc, data, size);
}

#if defined(__x86_64__)
#include <immintrin.h>

// What carries a 16-byte block on over `distance` bits: its first half, which stands for the higher
// powers, times x^(distance+63), its second half times x^(distance-1), modulo the polynomial. The
// one power less makes good for the carry-less product of reflected words, which comes out one
// power higher. Source: Gopal et al., "Fast CRC Computation for Generic Polynomials Using
// PCLMULQDQ Instruction", Intel, 2009.
typedef struct {
  uint64_t first, second;
} fold_by;

static const fold_by crc64nvme_fold_1024 = {0xa1ca681e733f9c40, 0x5f852fb61e8d92dc};
static const fold_by crc64nvme_fold_128 = {0xeadc41fd2ba3d420, 0x21e9761e252621ac};
static const fold_by crc32c_fold_1024 = {0x6577b24500000000, 0x7417153f00000000};
static const fold_by crc32c_fold_128 = {0x3743f7bd00000000, 0x3171d43000000000};
static const fold_by crc32_fold_1024 = {0x7d657a1000000000, 0x7406fa9500000000};
static const fold_by crc32_fold_128 = {0x65673b4600000000, 0x9ba54c6f00000000};

// Eight blocks in flight hide the latency of the multiplication.
enum { block = 16, lanes = 8, stride = block * lanes, worthwhile = 2 * stride };

__attribute__((target("pclmul,sse4.1"), always_inline)) static inline __m128i fold(
    __m128i value, __m128i by, __m128i next) {
  __m128i first = _mm_clmulepi64_si128(value, by, 0x00);
  __m128i second = _mm_clmulepi64_si128(value, by, 0x11);
  return _mm_xor_si128(_mm_xor_si128(first, second), next);
}

// Shrinks the first `whole` bytes, a multiple of 16 and at least `stride`, to a block of the same
// remainder. `start` is the register so far, which belongs to the first bytes of the message.
__attribute__((target("pclmul,sse4.1"))) static void fold_blocks(
    uint64_t start, const unsigned char *bytes, size_t whole, fold_by far, fold_by near,
    unsigned char result[block]) {
  const __m128i by_far = _mm_set_epi64x((long long)far.second, (long long)far.first);
  const __m128i by_near = _mm_set_epi64x((long long)near.second, (long long)near.first);
  __m128i lane[lanes];
  for (int i = 0; i < lanes; i++) {
    lane[i] = _mm_loadu_si128((const __m128i *)(bytes + i * block));
  }
  lane[0] = _mm_xor_si128(lane[0], _mm_set_epi64x(0, (long long)start));
  for (bytes += stride, whole -= stride; whole >= stride; bytes += stride, whole -= stride) {
    for (int i = 0; i < lanes; i++) {
      lane[i] = fold(lane[i], by_far, _mm_loadu_si128((const __m128i *)(bytes + i * block)));
    }
  }
  __m128i value = lane[0];
  for (int i = 1; i < lanes; i++) value = fold(value, by_near, lane[i]);
  for (; whole >= block; bytes += block, whole -= block) {
    value = fold(value, by_near, _mm_loadu_si128((const __m128i *)bytes));
  }
  _mm_storeu_si128((__m128i *)result, value);
}

static int has_carryless_multiply(void) {
  return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
}

uint64_t pail_crc64nvme(uint64_t crc, const void *data, size_t size) {
  if (size < worthwhile || !has_carryless_multiply()) return pail_crc64nvme_table(crc, data, size);
  unsigned char folded[block];
  size_t whole = size & ~(size_t)(block - 1);
  fold_blocks(~crc, data, whole, crc64nvme_fold_1024, crc64nvme_fold_128, folded);
  uint64_t value = crc64nvme_register(0, folded, block);
  return ~crc64nvme_register(value, (const unsigned char *)data + whole, size - whole);
}

__attribute__((target("sse4.2"))) static uint32_t crc32c_instruction(
    uint32_t value, const unsigned char *bytes, size_t size) {
  uint64_t wide = value;
  for (; size >= 8; bytes += 8, size -= 8) wide = _mm_crc32_u64(wide, load_little_endian(bytes));
  for (; size > 0; bytes++, size--) wide = _mm_crc32_u8((uint32_t)wide, *bytes);
  return (uint32_t)wide;
}

uint32_t pail_crc32c(uint32_t crc, const void *data, size_t size) {
  if (!__builtin_cpu_supports("sse4.2")) return pail_crc32c_table(crc, data, size);
  if (size < worthwhile || !has_carryless_multiply()) {
    return ~crc32c_instruction(~crc, data, size);
  }
  // The instruction takes 8 bytes in three cycles; folding takes 16 in two.
  unsigned char folded[block];
  size_t whole = size & ~(size_t)(block - 1);
  fold_blocks(~crc, data, whole, crc32c_fold_1024, crc32c_fold_128, folded);
  uint32_t value = crc32c_instruction(0, folded, block);
  return ~crc32c_instruction(value, (const unsigned char *)data + whole, size - whole);
}

uint32_t pail_crc32(uint32_t crc, const void *data, size_t size) {
  if (size < worthwhile || !has_carryless_multiply()) return pail_crc32_table(crc, data, size);
  unsigned char folded[block];
  size_t whole = size & ~(size_t)(block - 1);
  fold_blocks(~crc, data, whole, crc32_fold_1024, crc32_fold_128, folded);
  uint32_t value = register_32(crc32_tables, 0, folded, block);
  return ~register_32(crc32_tables, value, (const unsigned char *)data + whole, size - whole);
}

const char *pail_checksum_path(void) { return has_carryless_multiply() ? "pclmul" : "table"; }

#else

uint64_t pail_crc64nvme(uint64_t crc, const void *data, size_t size) {
  return pail_crc64nvme_table(crc, data, size);
}

uint32_t pail_crc32c(uint32_t crc, const void *data, size_t size) {
  return pail_crc32c_table(crc, data, size);
}

uint32_t pail_crc32(uint32_t crc, const void *data, size_t size) {
  return pail_crc32_table(crc, data, size);
}

const char *pail_checksum_path(void) { return "table"; }

#endif

// left * right modulo `polynomial`, all reflected, `one` being x^0: the highest bit of a remainder.
static uint64_t multiply(uint64_t left, uint64_t right, uint64_t polynomial, uint64_t one) {
  uint64_t product = 0;
  for (uint64_t bit = one; bit != 0; bit >>= 1) {
    if (left & bit) product ^= right;
    right = right >> 1 ^ (right & 1 ? polynomial : 0);
  }
  return product;
}

// `crc` followed by `length` zero bytes: times x^(8 * length), by squaring. The complements at A's
// end and B's start cancel out, so that printed values combine as they are.
static uint64_t shift(uint64_t crc, uint64_t length, uint64_t polynomial, uint64_t one) {
  for (uint64_t power = one >> 8; length != 0; length >>= 1) {
    if (length & 1) crc = multiply(crc, power, polynomial, one);
    power = multiply(power, power, polynomial, one);
  }
  return crc;
}

uint64_t pail_crc64nvme_combine(uint64_t crc_a, uint64_t crc_b, uint64_t length_b) {
  return shift(crc_a, length_b, crc64nvme_polynomial, (uint64_t)1 << 63) ^ crc_b;
}

uint32_t pail_crc32c_combine(uint32_t crc_a, uint32_t crc_b, uint64_t length_b) {
  return (uint32_t)shift(crc_a, length_b, crc32c_polynomial, (uint64_t)1 << 31) ^ crc_b;
}

uint32_t pail_crc32_combine(uint32_t crc_a, uint32_t crc_b, uint64_t length_b) {
  return (uint32_t)shift(crc_a, length_b, crc32_polynomial, (uint64_t)1 << 31) ^ crc_b;
}
