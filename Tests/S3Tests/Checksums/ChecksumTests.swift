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

  /// FIPS 180-4 and RFC 1321 give "abc"; the CRCs are the published check values.
  @Test(
    "Each digest has its published value, fed at once or in pieces",
    arguments: [
      (.crc64nvme, "123456789", "rosUhgp5mIg="), (.crc32c, "123456789", "4waSgw=="),
      (.crc32, "123456789", "y/Q5Jg=="), (.sha1, "abc", "qZk+NkcGgWq6PiVxeFDCbJzQ2J0="),
      (.sha256, "abc", "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="),
      (.md5, "abc", "kAFQmDzST7DWlj99KOF/cg=="),
    ] as [(DigestAlgorithm, String, String)])
  func published(_ algorithm: DigestAlgorithm, text: String, encoded: String) throws {
    let value = try #require(algorithm.digest(of: Array(text.utf8)))
    #expect(Base64.encode(value) == encoded)
    #expect(value.count == algorithm.size)
    guard var running = RunningDigest(algorithm) else { return #expect(Bool(false)) }
    for byte in text.utf8 { [byte].withUnsafeBytes { running.update($0) } }
    let fed = running.finish()
    #expect(fed == value)
  }

  @Test(
    "The CRCs of two pieces combine into that of both",
    arguments: DigestAlgorithm.allCases.filter(\.isCRC))
  func combination(_ algorithm: DigestAlgorithm) {
    func crc(_ text: String) -> CRC {
      var crc = CRC(algorithm)
      Array(text.utf8).withUnsafeBytes { crc.update($0) }
      return crc
    }
    #expect(crc("1234").followed(by: crc("56789"), count: 5) == crc("123456789"))
    #expect(crc("").followed(by: crc("123456789"), count: 9) == crc("123456789"))
  }

  @Test("A file is digested in stretches, and one that ends too early is an error")
  func fileDigest() async throws {
    let path = FilePath(NSTemporaryDirectory()).appending("pail-\(UUID().uuidString)")
    try Data((0..<700_000).map { UInt8(truncatingIfNeeded: $0) })
      .write(to: URL(fileURLWithPath: path.string))
    defer { unlink(path.string) }
    let file = OpenFile(try FileDescriptor.open(path, .readOnly))
    for algorithm in DigestAlgorithm.allCases {
      let digest = try #require(FileDigest(algorithm))
      try await digest.add(FileSlice(file: file, offset: 3, count: 600_000))
      try await digest.add(FileSlice(file: file, offset: 600_003, count: 50))
      let bytes = (3..<600_053).map { UInt8(truncatingIfNeeded: $0) }
      #expect(digest.finish() == algorithm.digest(of: bytes))
    }
    let digest = try #require(FileDigest(.sha1))
    await #expect(throws: Errno.ioError) {
      try await digest.add(FileSlice(file: file, offset: 0, count: 700_001))
    }
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
    let fromFile = try await PayloadDigest.of(.file(slice), wants: .sha256)
    let fromBytes = try await PayloadDigest.of(
      .bytes(Array(bytes[1000..<601_000])), wants: .sha256)
    #expect(fromFile.crc64nvme == fromBytes.crc64nvme)
    #expect(fromFile.sha256 == fromBytes.sha256)
    #expect(try await PayloadDigest.of(.none, wants: .sha256).sha256 == Digest.emptySHA256)
    #expect(try await PayloadDigest.of(.none).sha256 == nil)
  }

  @Test("A file that is shorter than promised is an error")
  func shortFile() async throws {
    let slice = FileSlice(file: try Self.file([1, 2, 3]), offset: 0, count: 4)
    await #expect(throws: S3Error.Cause.transport(.fileTooShort)) {
      try await PayloadDigest.of(.file(slice))
    }
  }

  private static func crc(_ text: String) -> CRC64NVME {
    var crc = CRC64NVME()
    Array(text.utf8).withUnsafeBytes { crc.update($0) }
    return crc
  }

  /// An open file with these bytes that has no name any more.
  static func file(_ bytes: [UInt8]) throws -> OpenFile {
    let path = FilePath(NSTemporaryDirectory()).appending("pail-\(UUID().uuidString)")
    let descriptor = try FileDescriptor.open(
      path, .readWrite, options: [.create, .exclusiveCreate], permissions: .ownerReadWrite)
    try FileManager.default.removeItem(atPath: path.string)
    try descriptor.writeAll(bytes)
    return OpenFile(descriptor)
  }
}
