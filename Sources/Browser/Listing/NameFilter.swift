internal import Glibc

/// Whether a name contains a text, without regard to case.
struct NameFilter: Sendable {
  private let needle: [UInt8]
  private let isASCII: Bool

  init(_ text: String) {
    needle = Array(text.lowercased().utf8)
    isASCII = needle.allSatisfy { $0 < 0x80 }
  }

  func matches(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
    var isFound = false
    forEachMatch(in: name, ends: [UInt32(clamping: name.count)]) { _ in isFound = true }
    return isFound
  }

  /// Looks through many names that stand in one block, and calls `body` with the index of each
  /// that matches.
  ///
  /// - Parameter ends: where each name ends; the next one begins there.
  func forEachMatch(
    in names: UnsafeBufferPointer<UInt8>, ends: [UInt32], _ body: (Int) -> Void
  ) {
    guard !needle.isEmpty else { return ends.indices.forEach(body) }
    if isASCII {
      search(lowered(names), ends, body)
    } else {
      compareAsText(names, ends, body)
    }
  }

  /// The whole block at once, a processor's word at a time: a million names are searched for every
  /// letter that is typed.
  private func lowered(_ names: UnsafeBufferPointer<UInt8>) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: names.count) { copy, count in
      for index in 0..<names.count {
        let byte = names[index]
        copy.initializeElement(at: index, to: byte &- 0x41 < 26 ? byte | 0x20 : byte)
      }
      count = names.count
    }
  }

  private func search(_ names: [UInt8], _ ends: [UInt32], _ body: (Int) -> Void) {
    names.withUnsafeBytes { block in
      needle.withUnsafeBytes { needle in
        guard let start = block.baseAddress, let wanted = needle.baseAddress else { return }
        var position = 0
        var index = 0
        while position + needle.count <= block.count {
          let room = block.count - position - needle.count + 1
          guard let hit = memchr(start + position, Int32(needle[0]), room) else { return }
          let found = start.distance(to: UnsafeRawPointer(hit))
          position = found + 1
          guard memcmp(hit, wanted, needle.count) == 0 else { continue }
          while index < ends.count, Int(ends[index]) <= found { index += 1 }
          guard index < ends.count else { return }
          // Else it runs over into the next name.
          if found + needle.count <= Int(ends[index]) {
            body(index)
            position = Int(ends[index])
          }
        }
      }
    }
  }

  /// Beyond ASCII the case of a letter may change its length, so text is compared with text.
  private func compareAsText(
    _ names: UnsafeBufferPointer<UInt8>, _ ends: [UInt32], _ body: (Int) -> Void
  ) {
    var start = 0
    for (index, end) in ends.enumerated() {
      let name = String(decoding: names[start..<Int(end)], as: UTF8.self).lowercased()
      let bytes = Array(name.utf8)
      search(bytes, [UInt32(clamping: bytes.count)]) { _ in body(index) }
      start = Int(end)
    }
  }
}
