import SystemPackage
import Testing

@testable import HTTP

@Suite("Write buffer")
struct WriteBufferTests {
  @Test(
    "Pieces of any size reach their places in the file",
    arguments: [997, 16 * 1024, WriteBuffer.size, 3 * WriteBuffer.size + 7])
  func pieces(size: Int) throws {
    let file = try temporaryFile([1, 2, 3, 4, 5, 6])
    let bytes = pattern(1_000_003)
    let buffer = try #require(WriteBuffer(file.descriptor, at: 5))
    for start in stride(from: 0, to: bytes.count, by: size) {
      try bytes[start..<min(start + size, bytes.count)].withUnsafeBytes { try buffer.add($0) }
    }
    try buffer.flush()
    #expect(try file.contents() == [1, 2, 3, 4, 5] + bytes)
  }
}
