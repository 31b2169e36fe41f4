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

// The same by tables alone: what every processor can, and what the quick paths are tested against.
uint64_t pail_crc64nvme_table(uint64_t crc, const void *data, size_t size);
uint32_t pail_crc32c_table(uint32_t crc, const void *data, size_t size);
uint32_t pail_crc32_table(uint32_t crc, const void *data, size_t size);

// The value of A followed by B, from the values of both and the length of B in bytes.
uint64_t pail_crc64nvme_combine(uint64_t crc_a, uint64_t crc_b, uint64_t length_b);
uint32_t pail_crc32c_combine(uint32_t crc_a, uint32_t crc_b, uint64_t length_b);
uint32_t pail_crc32_combine(uint32_t crc_a, uint32_t crc_b, uint64_t length_b);

// "pclmul" or "table": the path that the first three functions take here.
const char *pail_checksum_path(void);

// SHA-256 of several messages at once, which takes a processor with instructions for it half the
// time of one after the other; libcrypto has no such thing. One message is libcrypto's.

enum { pail_sha256_most_lanes = 3 };

// A message under way.
typedef struct {
  uint32_t words[8];
  uint64_t length;
} pail_sha256;

// How many messages this processor wants at once. Where it is 1 the functions below must not be
// called.
int pail_sha256_lanes(void);

void pail_sha256_begin(pail_sha256 *message);

// Carries each of `lanes` messages on over `size` bytes of its own. A multiple of 64.
void pail_sha256_add(
    pail_sha256 *const messages[], const unsigned char *const data[], int lanes, size_t size);

// Carries a message on over its last bytes, of any number, and tells its digest.
void pail_sha256_end(
    pail_sha256 *message, const void *data, size_t size, unsigned char digest[32]);
