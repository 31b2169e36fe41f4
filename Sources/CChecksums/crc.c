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

static pail_crc_path quickest = pail_crc_by_table;

pail_crc_path pail_crc_quickest(void) { return quickest; }

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

// By name of the distance.
typedef struct {
  fold_by bits_2048, bits_1024, bits_512, bits_128;
} folds;

static const folds crc64nvme_folds = {
    {0x37ccd3e14069cabc, 0xa043808c0f782663}, {0xa1ca681e733f9c40, 0x5f852fb61e8d92dc},
    {0x0c32cdb31e18a84a, 0x62242240ace5045a}, {0xeadc41fd2ba3d420, 0x21e9761e252621ac}};
static const folds crc32c_folds = {
    {0xe9a5d8be00000000, 0x1426a81500000000}, {0x6577b24500000000, 0x7417153f00000000},
    {0x1c19243b00000000, 0x75bba45b00000000}, {0x3743f7bd00000000, 0x3171d43000000000}};
static const folds crc32_folds = {
    {0x7cc8e1e700000000, 0x03f9f86300000000}, {0x7d657a1000000000, 0x7406fa9500000000},
    {0x653d982200000000, 0xcad38e8f00000000}, {0x65673b4600000000, 0x9ba54c6f00000000}};

// Eight blocks in flight, or four of 64 bytes, hide the latency of the multiplication.
enum {
  block = 16,
  lanes = 8,
  stride = block * lanes,
  worthwhile = 2 * stride,
  wide_block = 64,
  wide_lanes = 4,
  wide_stride = wide_block * wide_lanes,
  wide_worthwhile = 2 * wide_stride,
};

#define NARROW __attribute__((target("pclmul,sse4.1")))
#define WIDE __attribute__((target("vpclmulqdq,pclmul,avx512f")))

NARROW static inline __m128i both(fold_by by) {
  return _mm_set_epi64x((long long)by.second, (long long)by.first);
}

NARROW static inline __m128i fold(__m128i value, __m128i by, __m128i next) {
  __m128i first = _mm_clmulepi64_si128(value, by, 0x00);
  __m128i second = _mm_clmulepi64_si128(value, by, 0x11);
  return _mm_xor_si128(_mm_xor_si128(first, second), next);
}

NARROW static inline __m128i load(const unsigned char *bytes) {
  return _mm_loadu_si128((const __m128i *)bytes);
}

// Shrinks the first `whole` bytes, a multiple of 16 and at least `stride`, to a block of the same
// remainder. `start` is the register so far, which belongs to the first bytes of the message.
NARROW static void fold_blocks(
    uint64_t start, const unsigned char *bytes, size_t whole, const folds *by,
    unsigned char result[block]) {
  const __m128i far = both(by->bits_1024), near = both(by->bits_128);
  __m128i lane[lanes];
  for (int i = 0; i < lanes; i++) lane[i] = load(bytes + i * block);
  lane[0] = _mm_xor_si128(lane[0], _mm_set_epi64x(0, (long long)start));
  for (bytes += stride, whole -= stride; whole >= stride; bytes += stride, whole -= stride) {
    for (int i = 0; i < lanes; i++) lane[i] = fold(lane[i], far, load(bytes + i * block));
  }
  __m128i value = lane[0];
  for (int i = 1; i < lanes; i++) value = fold(value, near, lane[i]);
  for (; whole >= block; bytes += block, whole -= block) value = fold(value, near, load(bytes));
  _mm_storeu_si128((__m128i *)result, value);
}

WIDE static inline __m512i wide_fold(__m512i value, __m512i by, __m512i next) {
  __m512i first = _mm512_clmulepi64_epi128(value, by, 0x00);
  __m512i second = _mm512_clmulepi64_epi128(value, by, 0x11);
  enum { exclusive_or = 0x96 };
  return _mm512_ternarylogic_epi64(first, second, next, exclusive_or);
}

// As fold_blocks, four blocks with each instruction. At least `wide_stride` bytes.
WIDE static void fold_wide_blocks(
    uint64_t start, const unsigned char *bytes, size_t whole, const folds *by,
    unsigned char result[block]) {
  const __m512i far = _mm512_broadcast_i32x4(both(by->bits_2048));
  const __m512i middle = _mm512_broadcast_i32x4(both(by->bits_512));
  const __m128i near = both(by->bits_128);
  __m512i lane[wide_lanes];
  for (int i = 0; i < wide_lanes; i++) lane[i] = _mm512_loadu_si512(bytes + i * wide_block);
  __m128i first = _mm_set_epi64x(0, (long long)start);
  lane[0] = _mm512_xor_si512(lane[0], _mm512_zextsi128_si512(first));
  for (bytes += wide_stride, whole -= wide_stride; whole >= wide_stride;
       bytes += wide_stride, whole -= wide_stride) {
    for (int i = 0; i < wide_lanes; i++) {
      lane[i] = wide_fold(lane[i], far, _mm512_loadu_si512(bytes + i * wide_block));
    }
  }
  __m512i wide = lane[0];
  for (int i = 1; i < wide_lanes; i++) wide = wide_fold(wide, middle, lane[i]);
  for (; whole >= wide_block; bytes += wide_block, whole -= wide_block) {
    wide = wide_fold(wide, middle, _mm512_loadu_si512(bytes));
  }
  __m128i value = _mm512_extracti32x4_epi32(wide, 0);
  value = fold(value, near, _mm512_extracti32x4_epi32(wide, 1));
  value = fold(value, near, _mm512_extracti32x4_epi32(wide, 2));
  value = fold(value, near, _mm512_extracti32x4_epi32(wide, 3));
  for (; whole >= block; bytes += block, whole -= block) value = fold(value, near, load(bytes));
  _mm_storeu_si128((__m128i *)result, value);
}

__attribute__((constructor)) static void find_quickest(void) {
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("pclmul") || !__builtin_cpu_supports("sse4.2")) return;
  int is_wide = __builtin_cpu_supports("vpclmulqdq") && __builtin_cpu_supports("avx512f");
  quickest = is_wide ? pail_crc_by_wide_folding : pail_crc_by_folding;
}

// - Returns: how many bytes have become the block, 0 where that would gain nothing.
static size_t fold_most(
    pail_crc_path path, uint64_t start, const unsigned char *bytes, size_t size, const folds *by,
    unsigned char result[block]) {
  size_t whole = size & ~(size_t)(block - 1);
  if (path == pail_crc_by_wide_folding && size >= wide_worthwhile) {
    fold_wide_blocks(start, bytes, whole, by, result);
  } else if (path != pail_crc_by_table && size >= worthwhile) {
    fold_blocks(start, bytes, whole, by, result);
  } else {
    return 0;
  }
  return whole;
}

__attribute__((target("sse4.2"))) static uint32_t crc32c_instruction(
    uint32_t value, const unsigned char *bytes, size_t size) {
  uint64_t wide = value;
  for (; size >= 8; bytes += 8, size -= 8) wide = _mm_crc32_u64(wide, load_little_endian(bytes));
  for (; size > 0; bytes++, size--) wide = _mm_crc32_u8((uint32_t)wide, *bytes);
  return (uint32_t)wide;
}

static uint32_t crc32c_register(
    pail_crc_path path, uint32_t value, const unsigned char *bytes, size_t size) {
  // The instruction takes 8 bytes in three cycles; folding takes 16 in two.
  return path == pail_crc_by_table ? register_32(crc32c_tables, value, bytes, size)
                                   : crc32c_instruction(value, bytes, size);
}

uint64_t pail_crc64nvme_by(pail_crc_path path, uint64_t crc, const void *data, size_t size) {
  unsigned char folded[block];
  size_t done = fold_most(path, ~crc, data, size, &crc64nvme_folds, folded);
  uint64_t value = done > 0 ? crc64nvme_register(0, folded, block) : ~crc;
  return ~crc64nvme_register(value, (const unsigned char *)data + done, size - done);
}

uint32_t pail_crc32c_by(pail_crc_path path, uint32_t crc, const void *data, size_t size) {
  unsigned char folded[block];
  size_t done = fold_most(path, ~crc, data, size, &crc32c_folds, folded);
  uint32_t value = done > 0 ? crc32c_register(path, 0, folded, block) : ~crc;
  return ~crc32c_register(path, value, (const unsigned char *)data + done, size - done);
}

uint32_t pail_crc32_by(pail_crc_path path, uint32_t crc, const void *data, size_t size) {
  unsigned char folded[block];
  size_t done = fold_most(path, ~crc, data, size, &crc32_folds, folded);
  uint32_t value = done > 0 ? register_32(crc32_tables, 0, folded, block) : ~crc;
  return ~register_32(crc32_tables, value, (const unsigned char *)data + done, size - done);
}

#else

uint64_t pail_crc64nvme_by(pail_crc_path path, uint64_t crc, const void *data, size_t size) {
  (void)path;
  return ~crc64nvme_register(~crc, data, size);
}

uint32_t pail_crc32c_by(pail_crc_path path, uint32_t crc, const void *data, size_t size) {
  (void)path;
  return ~register_32(crc32c_tables, ~crc, data, size);
}

uint32_t pail_crc32_by(pail_crc_path path, uint32_t crc, const void *data, size_t size) {
  (void)path;
  return ~register_32(crc32_tables, ~crc, data, size);
}

#endif

uint64_t pail_crc64nvme(uint64_t crc, const void *data, size_t size) {
  return pail_crc64nvme_by(quickest, crc, data, size);
}

uint32_t pail_crc32c(uint32_t crc, const void *data, size_t size) {
  return pail_crc32c_by(quickest, crc, data, size);
}

uint32_t pail_crc32(uint32_t crc, const void *data, size_t size) {
  return pail_crc32_by(quickest, crc, data, size);
}

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
