import ArgumentParser
import HTTP
import S3
import Storage

struct PresignCommand: PailCommand {
  static let configuration = CommandConfiguration(
    commandName: "presign",
    abstract: "Make a URL that others can use without keys.",
    discussion: """
      Whoever has the URL can use it until it expires. Method, key and expiry are recorded in the \
      history, the URL is not. Nothing is sent to the server, unless no region is set: then AWS is \
      asked where the bucket is.

      Examples:
        pail presign s3://reports/2026/q3.csv
        pail presign s3://reports/2026/q3.csv --expires 7d
        pail presign s3://inbox/photo.jpg --method put --expires 3600
      """)

  enum Method: String, ExpressibleByArgument, CaseIterable {
    case get
    case put

    /// In capitals too, as HTTP has them.
    init?(argument: String) { self.init(rawValue: argument.lowercased()) }
  }

  @Argument(
    help: ArgumentHelp("The object.", valueName: "s3://bucket/key"),
    transform: S3URI.object(parsing:))
  var place: S3URI

  @Option(
    help: ArgumentHelp(
      "How long it works, 1s to 7d: 30s, 15m, 12h, 7d, or seconds. (default: 15m)",
      valueName: "duration"),
    transform: DurationArgument.init(parsing:))
  var expires = DurationArgument(seconds: 15 * 60)

  @Option(help: "What the URL allows: get (download) or put (upload).")
  var method = Method.get

  @Option(
    help: ArgumentHelp("The name a browser saves a download as.", valueName: "name"),
    transform: TextArgument.filled)
  var fileName: String?

  @Option(
    help: ArgumentHelp("What an upload must send as Content-Type.", valueName: "type"),
    transform: TextArgument.filled)
  var contentType: String?

  @OptionGroup(title: SharedOptions.title) var shared: SharedOptions

  func validate() throws {
    // Source: Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters".
    guard expires.seconds <= 7 * 86_400 else {
      throw ValidationError("--expires is at most 7d, which is what the signature allows")
    }
    if fileName != nil, method == .put { throw ValidationError("--file-name goes with get") }
    if contentType != nil, method == .get { throw ValidationError("--content-type goes with put") }
  }

  func run(_ context: CommandContext) async throws {
    let session = try await context.openSession()
    let signed = try await session.service.presign(
      method == .put ? .put : .get, place.location, expires: expires.duration,
      fileName: fileName, contentType: contentType)
    if context.isJSON {
      var line = JSONLine()
      line.add("url", signed.url)
      line.add("method", signed.method.rawValue)
      line.add("expiresAt", signed.expiresAt)
      var headers = JSONLine()
      for header in signed.requiredHeaders { headers.add(header.name, header.value) }
      line.add("requiredHeaders", headers)
      context.console.result(line.bytes)
    } else {
      context.console.result(signed.url)
      for header in signed.requiredHeaders {
        context.console.notice("pail: the request must send \(header.name): \(header.value)")
      }
    }
    if signed.isShortened {
      context.console.notice("pail: the keys end at \(signed.expiresAt.iso8601), and the URL then")
    } else if signed.credentialsExpiry == .unknown {
      context.console.notice(
        "pail: the keys are temporary and do not say when they end; the URL ends with them")
    }
  }
}
