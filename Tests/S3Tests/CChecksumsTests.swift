import CChecksums
import Testing

@Suite("CRC64NVME, CRC32C and CRC32 in C")
struct CChecksumsTests {
  private static let check = Array("123456789".utf8)

  /// All that this processor has.
  private static let paths = [
    pail_crc_by_table, pail_crc_by_folding, pail_crc_by_wide_folding,
  ].filter { $0.rawValue <= pail_crc_quickest().rawValue }.map(Path.init)

  struct Path: CustomTestStringConvertible {
    let value: pail_crc_path
    var testDescription: String { "path \(value.rawValue)" }
  }

  @Test("The published check values come out")
  func checkValues() {
    #expect(pail_crc64nvme(0, Self.check, 9) == 0xae8b_1486_0a79_9888)
    #expect(pail_crc32c(0, Self.check, 9) == 0xe306_9283)
    #expect(pail_crc32(0, Self.check, 9) == 0xcbf4_3926)
  }

  /// CRC32C: RFC 3720, appendix B.4. CRC64NVME: NVM Express NVM Command Set Specification 1.0,
  /// section 5.2.1.3.4, test cases of 4 KiB.
  @Test("The examples of iSCSI and NVM Express come out, by every path", arguments: Self.paths)
  func publishedExamples(path: Path) {
    let zeros = [UInt8](repeating: 0, count: 4096)
    let ones = [UInt8](repeating: 0xff, count: 4096)
    let up = (0..<4096).map { UInt8(truncatingIfNeeded: $0) }
    let down = (0..<4096).map { UInt8(truncatingIfNeeded: 255 - $0) }
    for (bytes, expected) in [
      (zeros, 0x6482_d367_eb22_b64e), (ones, 0xc0dd_ba73_02ec_a3ac),
      (up, 0x3e72_9f5f_6750_449c), (down, 0x9a2d_f64b_8e9e_517e),
    ] as [([UInt8], UInt64)] {
      #expect(pail_crc64nvme_by(path.value, 0, bytes, bytes.count) == expected)
    }
    for (bytes, expected) in [
      (zeros, 0x8a91_36aa), (ones, 0x62a8_ab43), (up, 0x46dd_794e),
      (Array(up[..<32].reversed()), 0x113f_db5c),
    ] as [([UInt8], UInt32)] {
      #expect(pail_crc32c_by(path.value, 0, bytes, 32) == expected)
    }
  }

  @Test("The paths agree at every length, offset and start", arguments: Self.paths)
  func pathsAgree(path: Path) {
    let bytes = Self.noise(1_400)
    bytes.withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress else { return }
      for size in 0...1_300 {
        let data = base + size % 17
        let start = UInt64(size) &* 0x9e37_79b9_7f4a_7c15
        let wide = pail_crc64nvme_by(pail_crc_by_table, start, data, size)
        #expect(pail_crc64nvme_by(path.value, start, data, size) == wide)
        #expect(pail_crc64nvme(start, data, size) == wide)
        let narrow = UInt32(truncatingIfNeeded: start)
        let narrowC = pail_crc32c_by(pail_crc_by_table, narrow, data, size)
        #expect(pail_crc32c_by(path.value, narrow, data, size) == narrowC)
        #expect(pail_crc32c(narrow, data, size) == narrowC)
        let narrowPlain = pail_crc32_by(pail_crc_by_table, narrow, data, size)
        #expect(pail_crc32_by(path.value, narrow, data, size) == narrowPlain)
        #expect(pail_crc32(narrow, data, size) == narrowPlain)
      }
    }
  }

  @Test(
    "Pieces give the value of the whole, fed on or combined", arguments: [0, 1, 255, 256, 70_001])
  func combining(split: Int) {
    let whole = Self.noise(100_000)
    let head = Array(whole[..<split])
    let tail = Array(whole[split...])

    let wide = pail_crc64nvme(0, whole, whole.count)
    let wideHead = pail_crc64nvme(0, head, head.count)
    #expect(pail_crc64nvme(wideHead, tail, tail.count) == wide)
    let wideTail = pail_crc64nvme(0, tail, tail.count)
    #expect(pail_crc64nvme_combine(wideHead, wideTail, UInt64(tail.count)) == wide)

    let narrow = pail_crc32c(0, whole, whole.count)
    let narrowHead = pail_crc32c(0, head, head.count)
    #expect(pail_crc32c(narrowHead, tail, tail.count) == narrow)
    let narrowTail = pail_crc32c(0, tail, tail.count)
    #expect(pail_crc32c_combine(narrowHead, narrowTail, UInt64(tail.count)) == narrow)

    let plain = pail_crc32(0, whole, whole.count)
    let plainHead = pail_crc32(0, head, head.count)
    #expect(pail_crc32(plainHead, tail, tail.count) == plain)
    let plainTail = pail_crc32(0, tail, tail.count)
    #expect(pail_crc32_combine(plainHead, plainTail, UInt64(tail.count)) == plain)
  }

  /// The same bytes in every run: a failure can be run again.
  private static func noise(_ count: Int) -> [UInt8] {
    var state: UInt64 = 88_172_645_463_325_252
    return (0..<count).map { _ in
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return UInt8(truncatingIfNeeded: state)
    }
  }
}
