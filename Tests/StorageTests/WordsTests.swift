import HTTP
import History
import S3
import SystemPackage
import Testing

@testable import Storage

@Suite("Words of errors")
struct WordsTests {
  private let object = ObjectLocation(bucket: BucketName("reports"), key: ObjectKey("a.csv"))

  private func service(_ code: S3ErrorCode, _ undertaking: Undertaking) -> StorageError {
    StorageError(
      S3Error(
        operation: .deleteObject,
        cause: .service(
          ServiceError(
            code: code, message: "Said by the server", status: 403, requestID: "R1",
            hostID: "H1")),
        attempts: 2),
      while: undertaking)
  }

  @Test("Access that is denied names the object and the permission to ask for")
  func accessDenied() {
    let error = service(.accessDenied, .delete(object))
    #expect(error.kind == .accessDenied)
    #expect(error.message == "Access to s3://reports/a.csv was denied")
    #expect(
      error.recovery == "Use other credentials, or ask the bucket's owner for s3:DeleteObject.")
    #expect(error.code == "AccessDenied" && error.requestID == "R1")
    var version = object
    version.versionID = VersionID("3")
    #expect(
      service(.accessDenied, .delete(version)).recovery?.hasSuffix("s3:DeleteObjectVersion.")
        == true)
  }

  @Test("The full text has all that support asks for")
  func detail() {
    let lines = service(.slowDown, .delete(object)).detail.split(separator: "\n")
    for line in [
      "Operation: DeleteObject", "S3 code: SlowDown", "HTTP status: 403",
      "Message: Said by the server", "Request ID: R1", "Host ID: H1", "Attempts: 2",
    ] {
      #expect(lines.contains(Substring(line)))
    }
  }

  @Test("A code that nobody knows is told with the server's own words")
  func unknownCode() {
    let error = service(S3ErrorCode("Odd"), .delete(object))
    #expect(error.message == "s3://reports/a.csv could not be deleted: Odd: Said by the server")
  }

  @Test("A failed condition means another thing for an upload than for a download")
  func preconditionFailed() {
    #expect(
      service(.preconditionFailed, .upload(FilePath("a"), to: object)).kind == .alreadyExists)
    #expect(
      service(.preconditionFailed, .download(object, to: FilePath("a"))).kind == .objectChanged)
  }

  @Test("A digest that the server refuses is told as damage, and what to do about it")
  func refusedDigest() {
    for code in [.badDigest, S3ErrorCode("XAmzContentSHA256Mismatch")] as [S3ErrorCode] {
      let error = service(code, .upload(FilePath("a"), to: object))
      #expect(
        error.message == "s3://reports/a.csv arrived damaged: the server found other bytes than "
          + "were sent (\(code))")
      #expect(error.recovery?.contains("suspect") == true)
    }
    // What went along with a deletion is no object.
    #expect(!service(.badDigest, .delete(object)).message.contains("damaged"))
  }

  @Test("A refused signature is not blamed on the secret where the key is to blame")
  func oddKey() {
    let plain = service(.signatureDoesNotMatch, .delete(object))
    #expect(plain.kind == .credentials && plain.recovery?.contains("SECRET") == true)
    let odd = ObjectLocation(bucket: BucketName("reports"), key: ObjectKey(bytes: [0x61, 0xFF]))
    let refused = service(.signatureDoesNotMatch, .upload(FilePath("a"), to: odd))
    #expect(refused.kind == .service && refused.recovery?.contains("not UTF-8") == true)
    #expect(service(.signatureDoesNotMatch, .copy(object, to: odd)).kind == .service)
  }

  @Test("A history that cannot be written says what it left alone")
  func history() {
    let error = StorageError(refusedBy: .full, while: .delete(object))
    #expect(error.kind == .history)
    #expect(
      error.message == "s3://reports/a.csv was left alone: the history could not record it, since "
        + "the disk or the quota is full")
    #expect(error.recovery == "Free space on the disk that holds the history.")
  }

  @Test("Why a history cannot be opened is said in words")
  func historyFile() {
    let error = StorageError(
      unreadableHistory: .cannotOpen("/srv/h.sqlite", .folder(.noSuchFileOrDirectory)))
    #expect(
      error.message == "The history could not be read: /srv/h.sqlite cannot be opened: its folder "
        + "cannot be made or entered (No such file or directory)")
    for problem in [.writableByAll, .ownedByAnother(7), .noLocks] as [HistoryError.OpenProblem] {
      let words = StorageError(unarchived: .cannotOpen("/srv/h.sqlite", problem)).message
      #expect(!words.contains("\(problem)"))
    }
  }

  @Test("What could not be recorded is said even where the rest is a cancellation")
  func noting() {
    let warning = StorageError(outcomeUnrecorded: .busy, while: .delete(object))
    #expect(StorageError.cancelled.noting(warning) == warning)
    #expect(StorageError.cancelled.noting(nil) == .cancelled)
    let denied = service(.accessDenied, .delete(object))
    #expect(denied.noting(warning).kind == .accessDenied)
    #expect(denied.noting(warning).detail.contains(warning.message))
  }

  @Test("A missing home folder is named as the reason, and so is what to do")
  func noHome() {
    let error = StorageError(
      refusedBy: .cannotOpen("pail/history.sqlite", .noHome), while: .delete(object))
    #expect(error.detail.contains("there is no home folder to put it in"))
    #expect(error.recovery == "Name a file for it with --history, or set HOME.")
  }

  @Test("An unfinished upload that may be left is said, a cancellation then being an error")
  func perhapsLeftUpload() {
    let cancelled = StorageError.cancelled.perhapsLeavingUpload(of: object)
    #expect(cancelled == .unfinishedUpload(of: object) && !cancelled.isCancellation)
    let slow = service(.slowDown, .upload(FilePath("a.csv"), to: object))
    let both = slow.perhapsLeavingUpload(of: object)
    #expect(both.kind == slow.kind && both.message.hasPrefix(slow.message))
    #expect(both.recovery?.hasPrefix("Try again in a while. Ask the bucket's") == true)
  }

  @Test("What may not be read is not answered with advice on what to write")
  func unreadable() {
    let error = StorageError(LocalFileError("tree/secret.txt", .system(.permissionDenied)))
    #expect(error.message == "tree/secret.txt: Permission denied")
    #expect(error.recovery?.hasPrefix("See with ls -ld who may use it") == true)
  }

  @Test("Parts that are left behind are said, a cancellation then being an error")
  func leftovers() {
    let denied = service(.accessDenied, .abortUpload(object))
    let error = StorageError.cancelled.leaving(denied, at: object)
    #expect(error.kind == .accessDenied)
    #expect(
      error.message == "Cancelled; parts of s3://reports/a.csv are left on the server")
  }

  @Test("A server without TLS is named as that, and the remedy is not about certificates")
  func plainHTTP() {
    let reason = "error:0A00010B:SSL routines::wrong version number"
    let error = StorageError(
      S3Error(
        operation: .listBuckets, cause: .transport(.tls(host: "h", reason: reason)), attempts: 1),
      while: .listBuckets)
    #expect(error.message == "No trusted connection to h: the server speaks plain HTTP")
    #expect(error.recovery?.contains("http://") == true)
  }

  @Test(
    "Every error of the transport and of this machine has a sentence of one line",
    arguments: [
      .unresolvedHost("h"), .noConnection(host: "h", reason: "refused"),
      .proxy(reason: "CONNECT tunnel failed, response 502", isPassing: true),
      .tls(host: "h", reason: "expired"), .connectionLost(reason: "reset"), .stalled,
      .malformedAnswer(reason: "no"), .bodyTooLarge(limit: 1),
      .refused(HTTPResponseHead(status: 200, headers: [])), .file(.noSpace), .fileTooShort,
      .invalidRequest(reason: "no"),
    ] as [HTTPError])
  func transport(_ problem: HTTPError) {
    let error = StorageError(
      S3Error(operation: .putObject, cause: .transport(problem), attempts: 1),
      while: .upload(FilePath("a.csv"), to: object))
    #expect(!error.message.isEmpty && !error.message.contains("\n"))
    #expect(!error.isCancellation)
  }
}
