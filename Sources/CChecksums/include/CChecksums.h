#pragma once
#include <stddef.h>
#include <stdint.h>

// CRC-64/NVME, CRC-32C and CRC-32 (that of zip and Ethernet), the checksums that S3 keeps of whole
// objects.
//
// Each running value starts at 0 and is what a reader would print: pail_crc64nvme(0, "123456789", 9)
// is 0xae8b14860a799888, pail_crc32c(0, "123456789", 9) is 0xe3069283, pail_crc32 of the same is
// 0xcbf43926. Feeding a message in pieces, each with the value of the piece before, gives the value
// of the whole. All functions may be called from any thread.

// Carries `crc` on over `size` bytes at `data`, with the quickest path of this processor.
uint64_t pail_crc64nvme(uint64_t crc, const void *data, size_t size);
uint32_t pail_crc32c(uint32_t crc, const void *data, size_t size);
uint32_t pail_crc32(uint32_t crc, const void *data, size_t size);

// The ways there are, each quicker than the one before where the processor has it.
typedef enum {
  pail_crc_by_table,         // every processor
  pail_crc_by_folding,       // PCLMULQDQ and SSE 4.2
  pail_crc_by_wide_folding,  // VPCLMULQDQ and AVX-512 as well
} pail_crc_path;

// The path of the functions above on this processor, which has the ones before it too.
pail_crc_path pail_crc_quickest(void);

// The same by one path, which the processor must have.
uint64_t pail_crc64nvme_by(pail_crc_path path, uint64_t crc, const void *data, size_t size);
uint32_t pail_crc32c_by(pail_crc_path path, uint32_t crc, const void *data, size_t size);
uint32_t pail_crc32_by(pail_crc_path path, uint32_t crc, const void *data, size_t size);

// The value of A followed by B, from the values of both and the length of B in bytes.
uint64_t pail_crc64nvme_combine(uint64_t crc_a, uint64_t crc_b, uint64_t length_b);
uint32_t pail_crc32c_combine(uint32_t crc_a, uint32_t crc_b, uint64_t length_b);
uint32_t pail_crc32_combine(uint32_t crc_a, uint32_t crc_b, uint64_t length_b);

// SHA-256 of several messages at once, which takes a processor with instructions for it half the
// time of one after the other; libcrypto has no such thing. One message alone is worth it where it
// is so short that libcrypto's contexts take longer than its digest.

enum { pail_sha256_most_lanes = 3 };

// A message under way.
typedef struct {
  uint32_t words[8];
  uint64_t length;
} pail_sha256;

// The ways there are, each quicker than the one before where the processor has it.
typedef enum {
  pail_sha256_by_nothing,         // the functions below must not be called
  pail_sha256_by_instructions,    // SHA and AVX
  pail_sha256_by_more_registers,  // AVX-512VL as well
} pail_sha256_path;

// The path of the functions below on this processor, which has the ones before it too.
pail_sha256_path pail_sha256_quickest(void);

// How many messages this processor wants at once: 1 where there is no path.
int pail_sha256_lanes(void);

void pail_sha256_begin(pail_sha256 *message);

// Carries each of `lanes` messages on over `size` bytes of its own. A multiple of 64.
void pail_sha256_add(
    pail_sha256 *const messages[], const unsigned char *const data[], int lanes, size_t size);

// The same by one path, which the processor must have.
void pail_sha256_add_by(
    pail_sha256_path path, pail_sha256 *const messages[], const unsigned char *const data[],
    int lanes, size_t size);

// Carries a message on over its last bytes, of any number, and tells its digest.
void pail_sha256_end(
    pail_sha256 *message, const void *data, size_t size, unsigned char digest[32]);
