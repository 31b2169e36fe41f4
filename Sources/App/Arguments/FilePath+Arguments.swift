import Glibc
import Storage
import SystemPackage

extension FilePath {
  /// - Parameter argument: as ``RawArguments`` gives it, so that names that are not UTF-8 survive.
  init(argument: some StringProtocol) {
    self.init(bytes: RawArguments.bytes(of: argument))
  }

  /// For people: controls, and bytes that are not UTF-8, are shown as escapes.
  var shown: String { Visible.text(bytes) }

  /// The last component; nil for `/`, `.` and `..`, which name a place and no thing.
  var lastName: [UInt8]? {
    guard let last = lastComponent, last.kind == .regular else { return nil }
    return FilePath(root: nil, [last]).bytes
  }

  /// Whether there is something of that name; a link that leads nowhere is nothing.
  var isThere: Bool { (try? stat()) != nil }

  var isFolder: Bool { (try? stat())?.type == .directory }

  /// Whether this user may write there. Source: faccessat(2), with the effective user.
  var canBeWritten: Bool {
    withPlatformString { faccessat(AT_FDCWD, $0, W_OK, AT_EACCESS) } == 0
  }
}
