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
