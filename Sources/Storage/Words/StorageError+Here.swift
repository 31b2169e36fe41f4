public import History
public import S3
import SystemPackage

/// What this machine refuses, or Pail itself.
extension StorageError {
  public init(_ error: LocalFileError) {
    let path = error.path
    var kind = Kind.localFile
    var recovery: String?
    let message: String
    switch error.kind {
    case .system(let errno):
      message = "\(path): \(errno)"
      recovery = Words.recovery(errno)
    case .unsafeName(let problem):
      let reason =
        switch problem {
        case .empty: "it has an empty part"
        case .dots: "it has a part that is \u{201C}.\u{201D} or \u{201C}..\u{201D}"
        case .nul: "it has a NUL byte"
        case .tooLong: "it has a part longer than 255 bytes"
        case .reserved: "it looks like a download that is under way"
        }
      message = "No file can be named \(path): \(reason)"
      recovery = "Download the object by itself, under another name."
    case .notARegularFile:
      message = "\(path) is not a regular file"
      recovery = "What is none goes through the shell: pail put - … < FILE, or pail get … - > FILE."
    case .folder:
      message = "\(path) is a folder, and no file can be written there"
      recovery = "Name another file, or another folder."
    case .hidesSize:
      message = "\(path) says that it is empty, and is not, as files of the kernel do"
      recovery = "Upload it through the shell: pail put - … < FILE."
    case .notAFolder:
      message = "\(path) is not a folder"
    case .link:
      message = "\(path) is a symbolic link, which is not followed there"
      recovery = "Choose the folder that it leads to."
    case .alreadyExists:
      self = .exists(path.string)
      return
    case .takenForAnother(let name):
      kind = .localFile
      message =
        "\(path) was left out: to this file system it is \(String(decoding: name, as: UTF8.self)), which is there"
      recovery = "Download it into another folder, or onto a file system that tells them apart."
    case .inUse:
      message = "\(path) is being downloaded by another transfer"
      recovery = "Wait until that is done."
    case .noLocks:
      message =
        "\(path.removingLastComponent()) cannot take downloads: its file system has no locks (flock)"
      recovery =
        "Download into another folder, or mount it with locks, as Lustre with -o flock. "
        + "A single object goes through the shell: pail get … - > FILE."
    case .linkNotFollowed:
      kind = .localFile
      message = "\(path) is a link out of its folder, and was left out"
      recovery = "Upload what it leads to by its own name, or with pail put --follow-symlinks."
    case .loopingLink:
      kind = .localFile
      message = "\(path) is a link back into a folder that holds it, and was left out"
      recovery = "What it leads to goes up by its own name; pail put --exclude silences this."
    case .noRoomForNames(let temporary, let errno):
      message =
        "\(path) has more names than memory is taken for, and \(temporary) cannot take them: \(errno)"
      recovery = "Free space there, or set TMPDIR to a folder with room."
    }
    self.init(kind: kind, message: message, recovery: recovery)
    localFile = error
  }

  static let cancelled = StorageError(kind: .cancelled, message: "Cancelled")

  static let stopped = StorageError(
    kind: .stopped, message: "Stopped",
    recovery: "Resume it with pail transfers resume.")

  /// The same error, of a transfer of which the journal keeps what has moved.
  var resumable: StorageError {
    var error = self
    let hint = "What has moved is kept: pail transfers resume goes on from there."
    if kind != .stopped {
      error.recovery = [recovery, hint].compactMap(\.self).joined(separator: " ")
    }
    return error
  }

  public init(_ error: JournalError, about subject: String) {
    switch error {
    case .held(let lease):
      self = .underWay(subject, lease)
      recovery =
        lease.isOfThisHost
        ? "Wait until that is done, or end that process: what it has moved is kept."
        : "If no Pail runs there any more, pail transfers resume --dead-host \(lease.host) goes on."
    case .unknown:
      self.init(
        kind: .inUse, message: "\(subject) has come to its end meanwhile",
        recovery: "See pail transfers for those that have not.")
    case .unusable(let problem):
      self.init(
        kind: .localFile,
        message: "The journal of unfinished transfers cannot be used: \(Self.reason(problem))")
    }
  }

  /// Of an upload that nothing can resume.
  static func underWay(_ subject: String, _ lease: JournalLease) -> StorageError {
    StorageError(
      kind: .inUse,
      message: "\(subject) is under way already, in process \(lease.processID) of \(lease.user)"
        + (lease.isOfThisHost ? "" : " on \(lease.host)"),
      recovery: lease.isOfThisHost
        ? "Wait until that is done, or end that process."
        : "If no Pail runs there any more, add --dead-host \(lease.host).")
  }

  static func otherEndpoint(_ subject: String, _ endpoint: String) -> StorageError {
    StorageError(
      kind: .invalidRequest, message: "\(subject) is on another server: \(endpoint)",
      recovery: "Name it with --endpoint-url.")
  }

  static func readOnly(_ undertaking: Undertaking) -> StorageError {
    StorageError(
      kind: .readOnly,
      message: "\(undertaking.target) was left alone: Pail runs read-only".capitalizedFirst,
      recovery: readOnlyRecovery + ".")
  }

  /// It need not be an option that says so: also a variable, or a line of config.toml.
  static let readOnlyRecovery =
    "Start Pail without --read-only, or without the setting that says so: pail doctor shows where it "
    + "comes from"

  public static func invalidName(_ bucket: BucketName, _ problem: BucketNameProblem) -> StorageError
  {
    let reason =
      switch problem {
      case .length(1): "it has 1 character; 3 to 63 are allowed"
      case .length(let count): "it has \(count) characters; 3 to 63 are allowed"
      case .character(let character):
        "\u{201C}\(character)\u{201D} is not one of a-z, 0-9, dot and hyphen"
      case .edge: "it must begin and end with a letter or a digit"
      case .adjacentDots: "it has two dots side by side"
      case .ipAddress: "it looks like an IP address"
      case .reservedPrefix(let text): "the beginning \u{201C}\(text)\u{201D} is reserved"
      case .reservedSuffix(let text): "the ending \u{201C}\(text)\u{201D} is reserved"
      }
    return StorageError(
      kind: .invalidBucketName, message: "A bucket cannot be named \(bucket): \(reason)",
      recovery: "Choose another name.")
  }

  static func notEmptied(_ bucket: BucketName, failed: Int) -> StorageError {
    StorageError(
      kind: .bucketNotEmpty,
      message: failed > 0
        ? "Bucket \(bucket) stays: \(failed) of its objects could not be deleted"
        : "Bucket \(bucket) stays: new objects come as fast as they are deleted",
      recovery: failed > 0
        ? "Each is listed with its reason."
        : "Stop what writes to the bucket, then remove it again.")
  }

  static func notDeleted(_ version: ObjectVersion, in bucket: BucketName) -> StorageError {
    let object = ObjectLocation(bucket: bucket, key: version.key)
    return StorageError(
      kind: .bucketNotEmpty,
      message: "Bucket \(bucket) stays: the server says that it deleted "
        + "\(Undertaking.readDetails(object).subject), version \(version.versionID.text), and still lists it",
      recovery:
        "Ask whoever runs the server; some cannot delete what was made while versioning was "
        + "suspended.")
  }

  static func exists(
    _ destination: String,
    recovery: String = "Choose to overwrite it, to skip it, or to keep both."
  ) -> StorageError {
    StorageError(
      kind: .alreadyExists, message: "\(destination) exists already", recovery: recovery)
  }

  /// Of what was deleted together.
  static func unknownDeletions(_ count: Int, in bucket: BucketName) -> StorageError {
    let objects =
      count == 1 ? "1 object in bucket \(bucket) is" : "\(count) objects in bucket \(bucket) are"
    var error = StorageError(
      kind: .connection,
      message: "Whether \(objects) deleted is not known: it was cancelled before an answer came",
      recovery: "pail history shows which: their outcome is interrupted.")
    error.isUnanswered = true
    return error
  }

  static func unanswered(_ undertaking: Undertaking) -> StorageError {
    var error = StorageError(
      kind: .connection,
      message:
        "\(undertaking.target) may have been changed: it was cancelled before an answer came"
        .capitalizedFirst,
      recovery: "Look whether it is there.")
    error.isUnanswered = true
    return error
  }
}
