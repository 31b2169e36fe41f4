internal import Glibc
import History
import S3
import SystemPackage

/// What became of uploads, downloads and copies.
extension StorageError {
  /// Looks once whether the file is still there, which is another thing to be told.
  static func fileChanged(_ file: FilePath) -> StorageError {
    var status = stat()
    let isGone = file.withPlatformString { lstat($0, &status) } != 0 && errno == ENOENT
    guard !isGone else {
      return StorageError(
        kind: .fileChanged,
        message: "\(file) is gone: it was moved or deleted before it was uploaded",
        recovery: "Upload it from where it is now.")
    }
    return StorageError(
      kind: .fileChanged, message: "\(file) changed while it was uploaded",
      recovery: "Upload it again when nothing writes to it.")
  }

  static func objectChanged(_ object: ObjectLocation) -> StorageError {
    StorageError(
      kind: .objectChanged,
      message: "s3://\(object.bucket)/\(object.key.text) changed while it was downloaded",
      recovery: "Download it again.")
  }

  static func damaged(_ object: ObjectLocation, stored: String, arrived: String) -> StorageError {
    StorageError(
      kind: .damaged,
      message: "s3://\(object.bucket)/\(object.key.text) arrives damaged: stored \(stored), "
        + "arrived \(arrived)",
      recovery: "Try it again; if it happens again, suspect the way between, or the store itself.")
  }

  static func copyOfItself(_ object: ObjectLocation) -> StorageError {
    StorageError(
      kind: .invalidRequest,
      message: "s3://\(object.bucket)/\(object.key.text) is its own destination",
      recovery: "Name another key or bucket.")
  }

  /// Of keys that differ in slashes alone.
  static func perhapsItself(
    _ source: ObjectLocation, _ destination: ObjectLocation
  ) -> StorageError {
    StorageError(
      kind: .invalidRequest,
      message: "s3://\(source.bucket)/\(source.key.text) stays where it is: "
        + "\(destination.key.text) is there already, and some servers take both for one object",
      recovery: "Move it to another key.")
  }

  static func copyIntoItself(_ source: ObjectLocation) -> StorageError {
    StorageError(
      kind: .invalidRequest,
      message: "s3://\(source.bucket)/\(source.key.text) cannot be copied to a place inside itself",
      recovery: "Choose a destination that does not begin with it.")
  }

  static func copyOntoSource(
    _ source: ObjectLocation, _ destination: ObjectLocation
  ) -> StorageError {
    StorageError(
      kind: .alreadyExists,
      message: "s3://\(source.bucket)/\(source.key.text) stays where it is: "
        + "its new name \(destination.key.text) is among what is to be copied or moved",
      recovery: "Bring it to another prefix first.")
  }

  /// The copy is not the source: by size or checksum.
  static func copyDiffers(
    _ source: ObjectLocation, _ destination: ObjectLocation
  ) -> StorageError {
    StorageError(
      kind: .damaged,
      message: "The copy s3://\(destination.bucket)/\(destination.key.text) differs from "
        + "s3://\(source.bucket)/\(source.key.text)",
      recovery: "Copy it again; the source is still there.")
  }

  static func tooLargeToCopy(_ object: ObjectLocation, _ size: ByteCount) -> StorageError {
    StorageError(
      kind: .invalidRequest,
      message: "s3://\(object.bucket)/\(object.key.text) has \(size.bytes) bytes; "
        + "an object holds at most 10,000 parts of 5 GiB")
  }

  static func sourceKept(
    _ source: ObjectLocation, copiedTo destination: ObjectLocation, because reason: String
  ) -> StorageError {
    StorageError(
      kind: .sourceKept,
      message: "s3://\(source.bucket)/\(source.key.text) was copied and not removed: \(reason)",
      recovery:
        "Compare it with s3://\(destination.bucket)/\(destination.key.text), then delete it.")
  }

  /// The same error, which ended a move between the copy and the deletion of its source: both may be
  /// there. One that was given up is as good as a copy that was not made: the next move makes it anew.
  func keeping(
    _ source: ObjectLocation, copiedTo destination: ObjectLocation
  ) -> StorageError {
    guard !isCancellation else { return self }
    let copied =
      "s3://\(source.bucket)/\(source.key.text) was copied to "
      + "s3://\(destination.bucket)/\(destination.key.text)"
    var error = self
    error.message =
      isUnanswered
      ? "\(copied) and may have been removed: it was cancelled before an answer came"
      : "\(copied) and not removed: \(message)"
    error.detail = "\(error.message)\n\n\(detail)"
    return error
  }

  static func tooLarge(_ file: FilePath, _ size: ByteCount) -> StorageError {
    StorageError(
      kind: .invalidRequest,
      message: "\(file) has \(size.bytes) bytes; an object holds at most 10,000 parts of 5 GiB",
      recovery: "Split the file.")
  }

  /// The words of a folder or prefix of which some did not move.
  static func treeFailed(
    _ status: TreeStatus, _ failures: [TreeOutcome], _ direction: TransferDirection
  ) -> StorageError {
    let verb = direction == .upload ? "uploaded" : "downloaded"
    var error = StorageError(
      kind: .incomplete, message: "\(status.failed) of \(status.found) could not be \(verb)",
      recovery: "Try those that failed again.")
    if case .failed(let reason) = failures.first?.end {
      error.code = reason.code
      error.message += "; the first: \(reason.message)"
      error.detail = "\(error.message)\n\n\(reason.detail)"
    }
    let others = failures.dropFirst().compactMap { failure in
      if case .failed(let reason) = failure.end { reason.message } else { nil }
    }
    if !others.isEmpty { error.detail += "\n\n" + others.joined(separator: "\n") }
    if failures.count < status.failed { error.detail += "\nand others" }
    return error
  }

  static func tooManyNames(_ destination: String) -> StorageError {
    StorageError(
      kind: .alreadyExists, message: "\(destination) and its numbered names exist already",
      recovery: "Choose another destination.")
  }

  static func streamTooLong(_ object: ObjectLocation, partSize: ByteCount) -> StorageError {
    StorageError(
      kind: .invalidRequest,
      message: "s3://\(object.bucket)/\(object.key.text) could not be uploaded: standard input has "
        + "more than 10,000 parts of \(partSize.bytes) bytes",
      recovery: "Name a larger --part-size, or the size to expect with --expected-size.")
  }

  /// An attempt to begin an upload in parts was answered too late or not at all, and whatever it
  /// began has an ID that nobody told us.
  static func unfinishedUpload(of object: ObjectLocation) -> StorageError {
    StorageError(
      kind: .connection,
      message:
        "An unfinished multipart upload of s3://\(object.bucket)/\(object.key.text) may be left on "
        + "the server",
      recovery: "Ask the bucket's lifecycle rule or administrator to remove unfinished uploads of "
        + "\(object.key.text).")
  }

  /// The same error, which also says that an unfinished upload may be left on the server.
  func perhapsLeavingUpload(of object: ObjectLocation) -> StorageError {
    let leftover = Self.unfinishedUpload(of: object)
    guard !isCancellation else { return leftover }
    var error = noting(leftover)
    error.message += "; an unfinished upload of it may be left on the server"
    error.recovery = [recovery, leftover.recovery].compactMap(\.self).joined(separator: " ")
    return error
  }

  /// The same error, which also says that parts are left on the server, and why.
  func leaving(_ problem: StorageError, at object: ObjectLocation) -> StorageError {
    guard problem.kind != .outcomeUnrecorded else { return noting(problem) }
    var error = self
    error.kind = isCancellation ? problem.kind : kind
    error.message +=
      "; parts of s3://\(object.bucket)/\(object.key.text) are left on the server"
    error.recovery = "Abort the unfinished upload there: \(problem.message)."
    error.detail += "\n\n\(problem.detail)"
    return error
  }
}
