public import S3

/// The name that a key gets below a download's folder where the key itself cannot be one.
///
/// Nothing is lost by it: no two keys get one name, and the key can be told from the name. In a
/// component that needs it, `%2E` stands for a dot, `%00` for NUL, `%25` for `%`; a component
/// without bytes is `%`; one of more than 255 bytes becomes folders whose names end in `%+`; and a
/// folder `a` beside a file `a` is `a%2F`, one without bytes `%%2F`. Components that look like one of
/// these are escaped too, all others stay as they are.
public struct EscapedName: Sendable, Hashable {
  public let name: ObjectKey
  let isEscaped: Bool

  private static let percent = UInt8(ascii: "%")
  private static let slash = UInt8(ascii: "/")
  private static let longest = 255

  /// - Parameters:
  ///   - key: without what is common to the tree; a slash at its end makes the last component one
  ///     without bytes.
  ///   - foldersBesideFiles: the ends of those beginnings of `key` that are folders here and
  ///     whose names files have.
  ///   - isFolder: whether `key` names a folder, and not a file.
  init(_ key: ObjectKey, foldersBesideFiles: Set<Int> = [], isFolder: Bool = false) {
    guard !foldersBesideFiles.isEmpty || !Self.isPlain(key.bytes) else {
      name = key
      isEscaped = false
      return
    }
    var bytes: [UInt8] = []
    var isEscaped = false
    var end = 0
    let components = key.bytes.split(separator: Self.slash, omittingEmptySubsequences: false)
    for (index, component) in components.enumerated() {
      if index > 0 {
        bytes.append(Self.slash)
        end += 1
      }
      end += component.count
      let isBesideFile =
        foldersBesideFiles.contains(end) && (isFolder || index < components.count - 1)
      if let escaped = Self.escaped(component, isBesideFile: isBesideFile) {
        isEscaped = true
        bytes += escaped
      } else {
        bytes += component
      }
    }
    name = ObjectKey(bytes: bytes)
    self.isEscaped = isEscaped
  }

  /// - Parameters:
  ///   - key: without what is common to all that comes to the folder.
  ///   - files: the same of what comes there as a file.
  public init(_ key: ObjectKey, beside files: Set<ObjectKey>, isFolder: Bool = false) {
    let ends = key.bytes.indices.filter { key.bytes[$0] == Self.slash } + [key.bytes.count]
    self.init(
      key,
      foldersBesideFiles: Set(ends.filter { files.contains(ObjectKey(bytes: key.bytes[..<$0])) }),
      isFolder: isFolder)
  }

  /// Whether nothing in the key can need an escape, as in nearly all: to be told at a glance, for
  /// thousands of them.
  private static func isPlain(_ key: [UInt8]) -> Bool {
    // Of bytes in the component.
    var count = 0
    for byte in key {
      switch byte {
      case slash:
        guard (1...longest).contains(count) else { return false }
        count = 0
      case 0, percent: return false
      case UInt8(ascii: ".") where count == 0: return false
      default: count += 1
      }
    }
    return (1...longest).contains(count)
  }

  /// nil for a component that stays as it is.
  private static func escaped(
    _ component: ArraySlice<UInt8>, isBesideFile: Bool
  ) -> [UInt8]? {
    guard !component.isEmpty else { return Array((isBesideFile ? "%%2F" : "%").utf8) }
    let isDots = component.elementsEqual(".".utf8) || component.elementsEqual("..".utf8)
    let isReserved = Self.isReserved(component)
    let needsEscape =
      isDots || isReserved || isBesideFile || component.contains(0) || component.count > longest
      || looksEscaped(component)
    guard needsEscape else { return nil }
    var escaped: [UInt8] = []
    for (place, byte) in component.enumerated() {
      switch byte {
      case 0: escaped += "%00".utf8
      case percent: escaped += "%25".utf8
      case UInt8(ascii: ".") where isDots || (isReserved && place == 0): escaped += "%2E".utf8
      default: escaped.append(byte)
      }
    }
    if isBesideFile { escaped += "%2F".utf8 }
    return escaped.count > longest ? split(escaped) : escaped
  }

  private static func looksEscaped(_ component: ArraySlice<UInt8>) -> Bool {
    guard component.contains(percent) else { return false }
    if component.count == 1 || component.suffix(2).elementsEqual("%+".utf8) { return true }
    return ["%00", "%25", "%2E", "%2F"].contains { component.firstRange(of: Array($0.utf8)) != nil }
  }

  /// Pieces that names can have, never cut within an escape or a character of UTF-8.
  private static func split(_ component: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = component[...]
    while true {
      // What is left must be a name as well.
      if isReserved(rest) { rest = (Array("%2E".utf8) + rest.dropFirst())[...] }
      guard rest.count > longest else { return bytes + rest }
      var count = longest - 2
      // A character has up to four bytes; where more go on with one, they are no UTF-8.
      while count > longest - 6, rest[rest.startIndex + count] & 0xc0 == 0x80 { count -= 1 }
      for back in 1...2 where rest[rest.startIndex + count - back] == percent {
        count -= back
        break
      }
      bytes += rest.prefix(count) + Array("%+/".utf8)
      rest = rest.dropFirst(count)
    }
  }

  /// Whether it looks like a download that is under way.
  private static func isReserved(_ name: ArraySlice<UInt8>) -> Bool {
    name.starts(with: ".pail-".utf8) && name.suffix(5).elementsEqual(".part".utf8)
  }
}
