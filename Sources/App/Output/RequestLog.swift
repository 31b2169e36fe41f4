import Glibc
import HTTP
import Logging
import S3
import Synchronization
import SystemPackage

/// The lines of `--log` and `--debug`: each request with its answer, each failure, and no secret.
struct RequestLog: Sendable {
  private let logger: Logger
  private let file: LogFile

  /// - Parameters:
  ///   - path: appended to, for this user alone; nil for standard error.
  ///   - showsHeaders: also the headers of requests and answers.
  /// - Throws: when the file cannot be opened.
  init(path: FilePath?, showsHeaders: Bool) throws(CommandFailure) {
    let file = LogFile(
      path?.shown ?? "on standard error", try path.map(Self.open) ?? .standardError)
    var logger = Logger(label: "pail") { _ in LineHandler(file) }
    logger.logLevel = showsHeaders ? .debug : .info
    self.logger = logger
    self.file = file
  }

  /// What to say of lines that could not be written; nil where all were.
  var loss: String? {
    file.failure.map { "The log \(file.name) lacks lines that could not be written: \($0)" }
  }

  /// The file stays open until the program ends.
  private static func open(_ path: FilePath) throws(CommandFailure) -> FileDescriptor {
    do {
      let descriptor = try FileDescriptor.open(
        path, .writeOnly, options: [.append, .create, .closeOnExec],
        permissions: [.ownerRead, .ownerWrite])
      // One that was there may have been readable by all. A device or a pipe is not ours alone.
      var status = stat()
      if fstat(descriptor.rawValue, &status) == 0, status.st_mode & S_IFMT == S_IFREG {
        _ = fchmod(descriptor.rawValue, 0o600)
      }
      return descriptor
    } catch {
      throw CommandFailure(
        "The log \(path.shown) cannot be written: \(error)",
        recovery: "Name another file with --log.")
    }
  }

  func note(_ text: String) { logger.notice("\(Self.oneLine(text))") }

  func failure(_ text: String) { logger.error("\(Self.oneLine(text))") }

  fileprivate func note(
    _ request: HTTPRequest, _ result: Result<HTTPResponse, HTTPError>, took: Duration
  ) {
    let target = "\(request.method.rawValue) \(LogMask.url(request.url))"
    let (seconds, attoseconds) = took.components
    let time = "\(seconds * 1000 + attoseconds / 1_000_000_000_000_000) ms"
    switch result {
    case .success(let response):
      logger.info(
        """
        \(target) \(response.status), \(time), \(request.body.count) bytes sent, \
        \(response.bodyCount) received
        """)
      logger.debug("sent \(LogMask.headers(request.headers))")
      logger.debug("received \(LogMask.headers(response.headers))")
    case .failure(let error):
      logger.warning("\(target) failed, \(time): \(Self.oneLine("\(error)"))")
      logger.debug("sent \(LogMask.headers(request.headers))")
    }
  }

  private static func oneLine(_ text: String) -> String { Visible.text(Array(text.utf8)) }
}

/// Sends through another transport, and has each request logged.
struct LoggedTransport: HTTPTransport {
  let transport: any HTTPTransport
  let log: RequestLog

  var taskExecutor: (any TaskExecutor)? { transport.taskExecutor }

  func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
    let start = ContinuousClock.now
    do {
      let response = try await transport.send(request)
      log.note(request, .success(response), took: start.duration(to: .now))
      return response
    } catch {
      log.note(request, .failure(error), took: start.duration(to: .now))
      throw error
    }
  }
}

/// Shows of headers and URLs only what is known to be harmless, by name.
enum LogMask {
  private static let mask = "***"

  private static let plainHeaders: Set<String> = [
    "accept-ranges", "cache-control", "connection", "content-disposition", "content-encoding",
    "content-length", "content-md5", "content-range", "content-type", "date", "etag", "expect",
    "host", "if-match", "if-none-match", "last-modified", "location", "range", "retry-after",
    "server", "transfer-encoding", "user-agent", "x-amz-acl", "x-amz-bucket-region",
    "x-amz-content-sha256", "x-amz-copy-source", "x-amz-copy-source-if-match",
    "x-amz-copy-source-range", "x-amz-date", "x-amz-delete-marker", "x-amz-expected-bucket-owner",
    "x-amz-id-2", "x-amz-metadata-directive", "x-amz-mp-object-size", "x-amz-mp-parts-count",
    "x-amz-request-id", "x-amz-server-side-encryption", "x-amz-storage-class",
    "x-amz-tagging-directive", "x-amz-version-id",
  ]

  private static let plainQuery: Set<String> = [
    "continuation-token", "delete", "delimiter", "encoding-type", "key-marker", "list-type",
    "location", "marker", "max-keys", "max-parts", "max-uploads", "part-number-marker",
    "partNumber", "prefix", "start-after", "tagging", "upload-id-marker", "uploadId", "uploads",
    "version-id-marker", "versionId", "versioning", "versions",
  ]

  static func headers(_ headers: [HTTPHeader]) -> String {
    headers.map { header in
      let name = header.name.lowercased()
      let isPlain = plainHeaders.contains(name) || name.hasPrefix("x-amz-checksum-")
      let value = isPlain ? Visible.text(Array(header.value.utf8)) : mask
      return "\(Visible.text(Array(header.name.utf8))): \(value)"
    }.joined(separator: "; ")
  }

  /// - Parameter url: percent-encoded.
  static func url(_ url: String) -> String {
    let parts = url.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    var start = String(parts.first ?? "")
    if let scheme = start.firstRange(of: "://") {
      let authority = start[scheme.upperBound...].prefix { $0 != "/" }
      if let at = authority.lastIndex(of: "@") {
        start.replaceSubrange(scheme.upperBound..<at, with: mask)
      }
    }
    guard parts.count == 2 else { return start }
    let query = parts[1].split(separator: "&", omittingEmptySubsequences: false).map { field in
      let name = field.prefix { $0 != "=" }
      return name.count == field.count || plainQuery.contains(String(name))
        ? String(field) : "\(name)=\(mask)"
    }
    return start + "?" + query.joined(separator: "&")
  }
}

/// `2026-11-20T14:02:11.123Z info GET …`, each line by one write, so that lines of several threads
/// and processes stay whole.
private struct LineHandler: LogHandler {
  private let file: LogFile
  var logLevel = Logger.Level.info
  var metadata: Logger.Metadata = [:]

  init(_ file: LogFile) {
    self.file = file
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    file.write(Array("\(Timestamp.now().iso8601) \(event.level) \(event.message)\n".utf8))
  }
}

/// Where lines go, and whether any of them was lost.
private final class LogFile: Sendable {
  let name: String
  private let descriptor: FileDescriptor
  private let firstFailure = Mutex<Errno?>(nil)

  init(_ name: String, _ descriptor: FileDescriptor) {
    self.name = name
    self.descriptor = descriptor
  }

  var failure: Errno? { firstFailure.withLock { $0 } }

  func write(_ line: [UInt8]) {
    do {
      try descriptor.writeAll(line)
    } catch {
      // Work does not end because nobody can read about it.
      firstFailure.withLock { $0 = $0 ?? error as? Errno }
    }
  }
}
