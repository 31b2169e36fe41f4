import HTTP
import History
import S3
import Storage
import SystemPackage

/// The modules wired together for one run of the program, with one set of settings.
struct Session: Sendable {
  let settings: Settings
  let endpoint: Endpoint
  let author: Author
  /// Everything that changes storage goes through here, and is recorded.
  let service: S3Service
  let history: HistoryStore

  /// Makes the clients and opens the history; sends nothing.
  ///
  /// - Throws: the first problem of the settings, or why the history cannot be opened.
  static func open(_ settings: Settings) throws(SetupProblem) -> Session {
    if let problem = settings.problems.first { throw problem }
    guard let endpoint = settings.endpoint, let credentials = settings.credentials else {
      throw SetupProblem(
        message: "The settings are not complete", whereLooked: [],
        whatToDo: "See what `pail doctor` says.")
    }
    // One for what a person waits for, one for bodies, so that a slow disk holds up no listing.
    let interactive = client(endpoint, credentials, settings)
    let transfers = client(endpoint, credentials, settings)
    let author = Author.current(user: settings.user)
    guard let historyPath = settings.historyPath else {
      throw SetupProblem(
        message: "There is no home folder for the history", whereLooked: ["HOME", "PAIL_HISTORY"],
        whatToDo: "Name a file with --history.")
    }
    // A listing makes no file, and needs no place for one; a change without a record is refused.
    let history = HistoryStore(openingAtFirstUse: historyPath)
    return Session(
      settings: settings, endpoint: endpoint, author: author,
      service: S3Service(
        interactive: interactive, transfers: transfers, history: history, author: author,
        isReadOnly: settings.isReadOnly),
      history: history)
  }

  private static func client(
    _ endpoint: Endpoint, _ credentials: Credentials, _ settings: Settings
  ) -> S3Client {
    S3Client(
      endpoint: endpoint, region: settings.region, credentials: StaticCredentials(credentials),
      transport: CurlTransport(
        configuration: .init(caBundle: settings.caBundle, userAgent: "pail/\(Pail.version)")))
  }
}
