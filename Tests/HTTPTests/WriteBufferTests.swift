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

  @Test("While another is written to the same file, pieces are gathered, and left to it when full")
  func another() throws {
    let file = try temporaryFile()
    let bytes = pattern((WriteQueue.most + 1) * WriteBuffer.size + WriteBuffer.enough)
    let buffer = try #require(WriteBuffer(file, at: 0))
    try file.writes.write(into: file) {
      for start in stride(from: 0, to: bytes.count - WriteBuffer.size, by: WriteBuffer.enough) {
        let end = start + WriteBuffer.enough
        try bytes[start..<end].withUnsafeBytes { try buffer.add($0) }
        #expect(try file.contents().isEmpty)
      }
      let hasRoom = file.writes.hasRoom
      #expect(!hasRoom)
    }
    #expect(try file.contents().count == WriteQueue.most * WriteBuffer.size)
    try bytes[(bytes.count - WriteBuffer.size)...].withUnsafeBytes { try buffer.add($0) }
    try buffer.flush()
    #expect(try file.contents() == bytes)
  }

  @Test("What is discarded is written no more, and leaves the others' alone")
  func discarding() throws {
    let file = try temporaryFile()
    let bytes = pattern(WriteBuffer.size)
    let buffer = try #require(WriteBuffer(file, at: 0))
    let other = try #require(WriteBuffer(file, at: Int64(WriteBuffer.size)))
    try file.writes.write(into: file) {
      try bytes.withUnsafeBytes { try buffer.add($0) }
      try bytes.withUnsafeBytes { try other.add($0) }
      buffer.discard()
    }
    #expect(try file.contents() == [UInt8](repeating: 0, count: WriteBuffer.size) + bytes)
  }

  @Test("What fails in the hands of another is the failure of its own body, and of no other")
  func failure() throws {
    let file = OpenFile(try FileDescriptor.open("/dev/null", .readOnly))
    let bytes = pattern(WriteBuffer.size)
    let buffer = try #require(WriteBuffer(file, at: 0))
    let other = try #require(WriteBuffer(file, at: 0))
    try file.writes.write(into: file) {
      try bytes.withUnsafeBytes { try buffer.add($0) }
    }
    #expect(throws: Errno.badFileDescriptor) {
      try bytes[..<1].withUnsafeBytes { try buffer.add($0) }
    }
    #expect(throws: Errno.badFileDescriptor) { try buffer.flush() }
    try other.flush()
  }

  @Test("Bodies that arrive on several threads end up in their places")
  func threads() async throws {
    let file = try temporaryFile()
    let size = 3_000_017
    let bodies = (0..<6).map { pattern(size + $0) }
    try await withThrowingTaskGroup { group in
      for (index, body) in bodies.enumerated() {
        group.addTask {
          let buffer = try #require(WriteBuffer(file, at: Int64(index * size)))
          for start in stride(from: 0, to: size, by: 16 * 1024) {
            try body[start..<min(start + 16 * 1024, size)].withUnsafeBytes { try buffer.add($0) }
          }
          try buffer.flush()
        }
      }
      try await group.waitForAll()
    }
    #expect(try file.contents() == bodies.flatMap { $0[..<size] })
  }
}
