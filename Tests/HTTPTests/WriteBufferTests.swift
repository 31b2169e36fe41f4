import Synchronization
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
    let buffer = try #require(WriteBuffer(file, at: 5))
    for start in stride(from: 0, to: bytes.count, by: size) {
      try bytes[start..<min(start + size, bytes.count)].withUnsafeBytes { try buffer.add($0) }
    }
    try buffer.flush()
    #expect(try file.contents() == [1, 2, 3, 4, 5] + bytes)
  }

  @Test("While another is written to the same file, pieces are gathered as long as there is room")
  func another() throws {
    let file = try temporaryFile()
    let bytes = pattern(WriteBuffer.size + WriteBuffer.enough)
    let buffer = try #require(WriteBuffer(file, at: 0))
    func add(_ range: Range<Int>) throws -> Int {
      try bytes[range].withUnsafeBytes { try buffer.add($0) }
      return try file.contents().count
    }
    file.isBeingWritten.store(true, ordering: .relaxed)
    #expect(try add(0..<WriteBuffer.enough) == 0)
    #expect(try add(WriteBuffer.enough..<WriteBuffer.size - 1) == 0)
    #expect(try add(WriteBuffer.size - 1..<WriteBuffer.size + 1) == WriteBuffer.size)
    file.isBeingWritten.store(false, ordering: .relaxed)
    #expect(try add(WriteBuffer.size + 1..<bytes.count) == bytes.count)
    let isBeingWritten = file.isBeingWritten.load(ordering: .relaxed)
    #expect(!isBeingWritten)
    #expect(try file.contents() == bytes)
  }
}
