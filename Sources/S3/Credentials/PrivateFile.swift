internal import Glibc
internal import SystemPackage

/// Small files that nobody else may read: those with secrets that the AWS CLI keeps and Pail shares,
/// and what Pail notes for itself.
package enum PrivateFile {
  private static let sizeLimit = 1 << 20

  /// nil when it cannot be read, or is longer than a mebibyte.
  package static func read(_ path: String) -> [UInt8]? {
    guard
      let file = try? FileDescriptor.open(
        FilePath(path), .readOnly, options: [.closeOnExec, .nonBlocking])
    else { return nil }
    return try? file.closeAfter { try file.contents(limit: sizeLimit) }
  }

  /// Puts a file of mode 0600 in the place of what is there, whole or not at all.
  ///
  /// - Returns: false when that cannot be done, as in a read-only home folder.
  package static func write(_ bytes: [UInt8], to path: String) -> Bool {
    let target = FilePath(path)
    makeFolders(target.removingLastComponent())
    let name = ".\(target.lastComponent?.string ?? "file").\(UInt64.random(in: 0 ... .max))"
    let draft = target.removingLastComponent().appending(name)
    do {
      let file = try FileDescriptor.open(
        draft, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec, .noFollow],
        permissions: .ownerReadWrite)
      try file.closeAfter { _ = try file.writeAll(bytes) }
    } catch {
      unlink(draft.string)
      return false
    }
    guard rename(draft.string, target.string) == 0 else {
      unlink(draft.string)
      return false
    }
    return true
  }

  private static func makeFolders(_ folder: FilePath) {
    guard !folder.isEmpty, access(folder.string, F_OK) != 0 else { return }
    let parent = folder.removingLastComponent()
    if parent != folder { makeFolders(parent) }
    mkdir(folder.string, 0o700)
  }
}
