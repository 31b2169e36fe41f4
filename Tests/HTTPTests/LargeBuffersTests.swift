import Testing

@testable import HTTP

@Suite("Large buffers")
struct LargeBuffersTests {
  @Test("A large buffer that was freed is the next one of its size")
  func kept() throws {
    let buffers = LargeBuffers()
    let first = try #require(buffers.allocate(512 * 1024))
    let second = try #require(buffers.allocate(512 * 1024))
    #expect(first != second)
    buffers.free(first)
    // As large as nothing that is kept.
    let other = try #require(buffers.allocate(2 * 1024 * 1024))
    #expect(other != first)
    let third = try #require(buffers.allocate(300 * 1024))
    #expect(third == first)
    for buffer in [second, other, third] { buffers.free(buffer) }
  }

  @Test("What is not kept is given back")
  func bounded() throws {
    let buffers = LargeBuffers()
    let many = try (0..<3 * LargeBuffers.mostKept).map { _ in
      try #require(buffers.allocate(LargeBuffers.smallest))
    }
    #expect(Set(many).count == many.count)
    for buffer in many { buffers.free(buffer) }
    let again = try (0..<3 * LargeBuffers.mostKept).map { _ in
      try #require(buffers.allocate(LargeBuffers.smallest))
    }
    // The allocator may give out what it had back, but never twice.
    #expect(Set(again).count == again.count)
    #expect(Set(again).isSuperset(of: many.prefix(LargeBuffers.mostKept)))
    for buffer in again { buffers.free(buffer) }
    buffers.free(nil)
    buffers.free(buffers.allocate(10))
  }
}
