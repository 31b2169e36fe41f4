import HTTP
import S3

/// The modules wired together for one run of the program, with one set of settings.
struct Session: Sendable {
  let settings: Settings
  let endpoint: Endpoint
  /// For what a person waits for, on connections of its own.
  let reading: S3Client

  /// Sends nothing.
  ///
  /// - Throws: the first problem of the settings.
  static func open(_ settings: Settings) throws(SetupProblem) -> Session {
    if let problem = settings.problems.first { throw problem }
    guard let endpoint = settings.endpoint, let credentials = settings.credentials else {
      throw SetupProblem(
        message: "The settings are not complete", whereLooked: [],
        whatToDo: "Set what is missing in the environment or in ./.env.")
    }
    let transport = CurlTransport(
      configuration: .init(caBundle: settings.caBundle, userAgent: "pail/\(Pail.version)"))
    let reading = S3Client(
      endpoint: endpoint, region: settings.region, credentials: StaticCredentials(credentials),
      transport: transport)
    return Session(settings: settings, endpoint: endpoint, reading: reading)
  }
}
