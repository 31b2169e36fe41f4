import Glibc
import SystemPackage

extension FilePath {
  /// - Parameter argument: as ``RawArguments`` gives it, so that names that are not UTF-8 survive.
  init(argument: some StringProtocol) {
    let bytes = RawArguments.bytes(of: argument)
    self = (bytes + [0]).withUnsafeBufferPointer { buffer in
      buffer.withMemoryRebound(to: CInterop.PlatformChar.self) { characters in
        characters.baseAddress.map { FilePath(platformString: $0) } ?? FilePath()
      }
    }
  }

  var bytes: [UInt8] {
    withPlatformString { Array(UnsafeBufferPointer(start: $0, count: length)) }.map {
      UInt8(bitPattern: $0)
    }
  }

  /// For people: controls, and bytes that are not UTF-8, are shown as escapes.
  var shown: String { Visible.text(bytes) }

  /// Whether there is something of that name; a link that leads nowhere is nothing.
  var isThere: Bool { (try? stat()) != nil }

  var isFolder: Bool { (try? stat())?.type == .directory }

  /// Whether this user may write there. Source: faccessat(2), with the effective user.
  var canBeWritten: Bool {
    withPlatformString { faccessat(AT_FDCWD, $0, W_OK, AT_EACCESS) } == 0
  }
}
