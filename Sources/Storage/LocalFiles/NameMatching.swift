internal import Glibc
internal import HTTP
internal import SystemPackage

/// How a file system tells names apart. Keys are told apart by their bytes, so two of them may be
/// one name on a disk from another system, or in a folder that ignores case.
enum NameMatching: Sendable {
  case byBytes
  /// Names that differ in case or in their Unicode normalization may be one.
  case folding(StandingNames)

  var isFolding: Bool { if case .folding = self { true } else { false } }

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
    self = isFolding ? .folding(StandingNames()) : .byBytes
  }

  /// - Parameter name: leads to something in `folder`.
  /// - Throws: ``LocalFileError/Kind/takenForAnother(_:)``.
  func check(
    _ name: [UInt8], in folder: OpenFile, path: @autoclosure () -> FilePath
  ) throws(LocalFileError) {
    guard case .folding(let standing) = self else { return }
    let path = path()
    if let other = try standing.other(than: name, in: folder, path: path) {
      throw LocalFileError(path, .takenForAnother(other))
    }
  }

  /// Something of this very name was made in `folder`, where nothing was.
  func noteMade(_ name: [UInt8], in folder: OpenFile) {
    if case .folding(let standing) = self { standing.add(name, in: folder) }
  }
}
