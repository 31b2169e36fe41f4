/// Whether a name contains a text, without regard to case.
struct NameFilter: Sendable {
  private let needle: [UInt8]
  private let isASCII: Bool

  init(_ text: String) {
    let lowered = text.lowercased()
    needle = Array(lowered.utf8)
    isASCII = needle.allSatisfy { $0 < 0x80 }
  }

  func matches(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let first = needle.first else { return true }
    if isASCII { return contains(name, first) }
    // Beyond ASCII the case of a letter may change its length, so text is compared with text.
    let lowered = Array(String(decoding: name, as: UTF8.self).lowercased().utf8)
    return lowered.withUnsafeBufferPointer { contains($0, first) }
  }

  private func contains(_ name: UnsafeBufferPointer<UInt8>, _ first: UInt8) -> Bool {
    let count = needle.count
    guard name.count >= count else { return false }
    return needle.withUnsafeBufferPointer { needle in
      for start in 0...(name.count - count) where Self.lowered(name[start]) == first {
        var length = 1
        while length < count, Self.lowered(name[start + length]) == needle[length] { length += 1 }
        if length == count { return true }
      }
      return false
    }
  }

  @inline(__always)
  private static func lowered(_ byte: UInt8) -> UInt8 {
    byte &- 0x41 < 26 ? byte | 0x20 : byte
  }
}
