import CChecksums
import HTTP
import Testing

@testable import S3

@Suite("Digests of stretches that wait together")
struct DigestQueueTests {
  private static let bytes = (0..<900_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }

  struct Path: CustomTestStringConvertible {
    let value: pail_sha256_path
    var testDescription: String { "path \(value.rawValue)" }
  }

  /// All that this processor has.
  private static let paths = [
    pail_sha256_by_instructions, pail_sha256_by_more_registers,
  ].filter { $0.rawValue <= pail_sha256_quickest().rawValue }.map(Path.init)

  /// What must not be called without instructions is tested where there are some.
  @Test(
    "Each of up to seven messages has the digest that libcrypto finds, by every path",
    arguments: paths, 1...7)
  func lanes(path: Path, count: Int) {
    let blocks = 37
    var messages = (0..<count).map { _ in pail_sha256() }
    let starts = (0..<count).map { 1000 * $0 + 1 }
    Self.bytes.withUnsafeBufferPointer { bytes in
      messages.withUnsafeMutableBufferPointer { messages in
        for index in messages.indices { pail_sha256_begin(&messages[index]) }
        let pointers = messages.indices.map { index in messages.baseAddress.map { $0 + index } }
        let data = starts.map { start in bytes.baseAddress.map { $0 + start } }
        pail_sha256_add_by(path.value, pointers, data, Int32(count), 64 * blocks)
      }
    }
    // Ends of every length about the room for a message's own length in its last block.
    for (index, start) in starts.enumerated() {
      for rest in [0, 1, 55, 56, 63, 64, 65, 119, 120, 500] {
        var message = messages[index]
        var digest = [UInt8](repeating: 0, count: 32)
        let end = start + 64 * blocks
        pail_sha256_end(&message, Array(Self.bytes[end..<end + rest]), rest, &digest)
        var expected = Hash(.sha256)
        Self.bytes[start..<end + rest].withUnsafeBytes { expected?.update($0) }
        #expect(digest == expected?.finish())
      }
    }
  }

  @Test(
    "Many stretches of all lengths at once are digested like the same bytes in memory",
    arguments: Set([1, Int(pail_sha256_lanes())]))
  func together(lanes: Int) async throws {
    let queue = DigestQueue(lanes: lanes)
    let file = try ChecksumTests.file(Self.bytes)
    let lengths = [0, 1, 63, 64, 131_071, 131_072, 131_073, 262_144, 262_144, 262_144, 700_000]
    try await withThrowingTaskGroup { tasks in
      for (index, length) in lengths.enumerated() {
        for wants: PayloadDigest.Wants in [.sha256, [.sha256, .md5, .crc32c], []] {
          tasks.addTask {
            let start = 17 * index
            let digest = try await queue.digest(
              FileSlice(file: file, offset: Int64(start), count: Int64(length)), wants)
            let expected = try await PayloadDigest.of(
              .bytes(Array(Self.bytes[start..<start + length])), wants: wants)
            #expect(digest.sha256 == expected.sha256)
            #expect(digest.crc64nvme == expected.crc64nvme)
            #expect(digest.crc32c == expected.crc32c)
            #expect(digest.md5 == expected.md5)
          }
        }
      }
      try await tasks.waitForAll()
    }
  }

  @Test("One that cannot be read fails alone")
  func failure() async throws {
    let queue = DigestQueue(lanes: Int(pail_sha256_lanes()))
    let file = try ChecksumTests.file(Self.bytes)
    await withTaskGroup { tasks in
      for index in 0..<12 {
        tasks.addTask {
          let isShort = index % 3 == 0
          let slice = FileSlice(file: file, offset: isShort ? 700_000 : 0, count: 400_000)
          let digest = try? await queue.digest(slice, .sha256)
          #expect((digest == nil) == isShort)
        }
      }
    }
  }

  @Test("A task that is cancelled gives up its stretch")
  func cancelling() async throws {
    let file = try ChecksumTests.file(Self.bytes)
    let queue = DigestQueue(lanes: Int(pail_sha256_lanes()))
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return try await queue.digest(FileSlice(file: file, offset: 0, count: 400_000), .sha256)
    }
    await #expect(throws: S3Error.Cause.transport(.cancelled)) { try await task.value }
  }
}
