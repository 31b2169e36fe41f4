import Glibc
import S3
import SystemPackage

/// Finds and reads the `.env` file: the one that was named, else `./.env` if it can be trusted.
enum EnvFileReader {
  /// Longer files are not settings.
  private static let sizeLimit = 1 << 20

  enum Outcome: Sendable {
    /// Nobody named a file, and there is none in the current directory.
    case absent
    case read(EnvFile, path: String, isImplicit: Bool)
    /// There is a `./.env`, but it is left alone; `reason` says why and what to do.
    case refused(reason: String)
  }

  /// - Parameters:
  ///   - named: what `--env-file` says. Such a file is read whoever may write it, since the user
  ///     chose it; it may be a pipe.
  ///   - folder: where an unnamed `.env` is looked for.
  /// - Throws: when a named file cannot be read.
  static func read(named: FilePath?, folder: FilePath = ".") throws(SetupProblem) -> Outcome {
    if let named {
      do {
        let file = try FileDescriptor.open(named, .readOnly)
        let bytes = try file.closeAfter { try file.contents(limit: sizeLimit) }
        return .read(EnvFile(parsing: bytes), path: named.shown, isImplicit: false)
      } catch {
        throw SetupProblem(
          message: "The settings file \(named.shown) cannot be read: \(reason(error))",
          whereLooked: ["--env-file \(named.shown)"],
          recovery: "Name a file that exists and that you may read, or leave --env-file out.")
      }
    }
    let descriptor: FileDescriptor
    do {
      // Not blocking, so that a FIFO of that name cannot stop the program.
      descriptor = try FileDescriptor.open(
        folder.appending(".env"), .readOnly, options: [.nonBlocking, .closeOnExec])
    } catch Errno.noSuchFileOrDirectory {
      return .absent
    } catch {
      return .refused(reason: "./.env was not read: \(reason(error)).")
    }
    if let reason = reasonToDistrust(descriptor) {
      try? descriptor.close()
      return .refused(reason: reason)
    }
    do {
      let bytes = try descriptor.closeAfter { try descriptor.contents(limit: sizeLimit) }
      return .read(EnvFile(parsing: bytes), path: "./.env", isImplicit: true)
    } catch {
      return .refused(reason: "./.env was not read: \(reason(error)).")
    }
  }

  /// Asks the open file, not the path, so that nobody can exchange it in between.
  private static func reasonToDistrust(_ descriptor: FileDescriptor) -> String? {
    var status = stat()
    guard fstat(descriptor.rawValue, &status) == 0 else {
      return "./.env was not read: \(Errno(rawValue: errno))."
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      return "./.env was not read: it is no regular file."
    }
    guard status.st_uid == geteuid() else {
      return """
        ./.env was not read: it belongs to another user. \
        Name it with --env-file .env if you trust it.
        """
    }
    guard status.st_mode & (S_IWGRP | S_IWOTH) == 0 else {
      return """
        ./.env was not read: other users may write it. \
        Say `chmod go-w .env`, or name it with --env-file .env if you trust it.
        """
    }
    return nil
  }

  private static func reason(_ error: any Error) -> String {
    (error as? Errno).map { "\($0)" } ?? "it cannot be read"
  }
}
