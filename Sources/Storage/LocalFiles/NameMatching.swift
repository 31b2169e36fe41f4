internal import Glibc
internal import HTTP
internal import SystemPackage

/// How a file system tells names apart. Keys are told apart by their bytes, so two of them may be
/// one name on a disk from another system, or in a folder that ignores case.
enum NameMatching: Sendable, Hashable {
  case byBytes
  /// Names that differ in case or in their Unicode normalization may be one.
  case folding

  /// The name among those of a folder that `name` leads to although its bytes differ.
  ///
  /// - Parameters:
  ///   - name: known to lead to something.
  ///   - names: all names of the folder.
  /// - Returns: nil where the name itself is there; else the one that it is taken for.
  func other(than name: [UInt8], among names: [[UInt8]]) -> [UInt8]? {
    guard self == .folding, !names.contains(name) else { return nil }
    let key = Self.folded(name)
    return names.first { Self.folded($0) == key } ?? name
  }

  /// Swift finds texts equal that differ in normalization alone.
  private static func folded(_ name: [UInt8]) -> String {
    String(decoding: name, as: UTF8.self).lowercased()
  }

  /// Finds out with a file that is there for a moment. Where none can be made, nothing will be.
  init(of folder: OpenFile) {
    let mark = "-\(getpid())-\(UInt32.random(in: .min ... .max)).part"
    let descriptor = folder.descriptor.rawValue
    // One of them has the letter and the accent apart.
    let (name, variants) = (
      ".pail-\u{e9}\(mark)", [".PAIL-\u{e9}\(mark)", ".pail-e\u{301}\(mark)"]
    )
    let made = openat(descriptor, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard made >= 0 else {
      self = .byBytes
      return
    }
    close(made)
    var status = stat()
    let isFolding = variants.contains { fstatat(descriptor, $0, &status, AT_SYMLINK_NOFOLLOW) == 0 }
    unlinkat(descriptor, name, 0)
    self = isFolding ? .folding : .byBytes
  }

  /// - Parameter name: leads to something in `folder`.
  /// - Throws: ``LocalFileError/Kind/takenForAnother(_:)``.
  func check(_ name: [UInt8], in folder: OpenFile, path: FilePath) throws(LocalFileError) {
    guard self == .folding else { return }
    var names: [[UInt8]] = []
    try forEachName(in: path.removingLastComponent(), at: folder) { name, _ in names.append(name) }
    if let other = other(than: name, among: names) {
      throw LocalFileError(path, .takenForAnother(other))
    }
  }
}
