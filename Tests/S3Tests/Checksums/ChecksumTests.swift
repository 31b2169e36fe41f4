import Foundation
import HTTP
import SystemPackage
import Testing

@testable import S3

@Suite("Checksums")
struct ChecksumTests {
  @Test(
    "Base64 is that of RFC 4648",
    arguments: [
      ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
      ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
    ])
  func base64(_ text: String, encoded: String) {
    #expect(Base64.encode(Array(text.utf8)) == encoded)
    #expect(Base64.decode(encoded) == Array(text.utf8))
  }

  @Test("What is no Base64 is refused", arguments: ["Zg", "Zg=", "Z===", "Zm9v-A==", "Zg==Zg=="])
  func notBase64(_ text: String) {
    #expect(Base64.decode(text) == nil)
  }

  @Test("The published check value, as headers carry it")
  func checkValue() {
    let crc = Self.crc("123456789")
    #expect(crc.value == 0xae8b_1486_0a79_9888)
    #expect(crc.base64 == "rosUhgp5mIg=")
    #expect(CRC64NVME(base64: "rosUhgp5mIg=") == crc)
    #expect(CRC64NVME(base64: "rosUhgp5mIg=-3") == nil)
  }

  @Test("The checksums of parts combine into that of the whole", arguments: [0, 1, 4, 9])
  func combine(_ split: Int) {
    let text = "123456789"
    let end = String(text.dropFirst(split))
    let combined = Self.crc(String(text.prefix(split))).followed(
      by: Self.crc(end), count: Int64(end.utf8.count))
    #expect(combined == Self.crc(text))
  }

  @Test("A slice of a file is digested like the same bytes in memory")
  func slice() async throws {
    let bytes = (0..<700_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let file = try Self.file(bytes)
    let slice = FileSlice(file: file, offset: 1000, count: 600_000)
    let fromFile = try await PayloadDigest.of(.file(slice), wantsSHA256: true)
    let fromBytes = try await PayloadDigest.of(
      .bytes(Array(bytes[1000..<601_000])), wantsSHA256: true)
    #expect(fromFile.crc64nvme == fromBytes.crc64nvme)
    #expect(fromFile.sha256 == fromBytes.sha256)
    #expect(try await PayloadDigest.of(.none, wantsSHA256: true).sha256 == Digest.emptySHA256)
    #expect(try await PayloadDigest.of(.none, wantsSHA256: false).sha256 == nil)
  }

  @Test("A file that is shorter than promised is an error")
  func shortFile() async throws {
    let slice = FileSlice(file: try Self.file([1, 2, 3]), offset: 0, count: 4)
    await #expect(throws: S3Error.Cause.transport(.fileTooShort)) {
      try await PayloadDigest.of(.file(slice), wantsSHA256: false)
    }
  }

  private static func crc(_ text: String) -> CRC64NVME {
    var crc = CRC64NVME()
    Array(text.utf8).withUnsafeBytes { crc.update($0) }
    return crc
  }

  /// An open file with these bytes that has no name any more.
  private static func file(_ bytes: [UInt8]) throws -> OpenFile {
    let path = FilePath(NSTemporaryDirectory()).appending("pail-\(UUID().uuidString)")
    let descriptor = try FileDescriptor.open(
      path, .readWrite, options: [.create, .exclusiveCreate], permissions: .ownerReadWrite)
    try FileManager.default.removeItem(atPath: path.string)
    try descriptor.writeAll(bytes)
    return OpenFile(descriptor)
  }
}
