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
  /// Who the server says we are; asked for by `pail doctor` alone.
  let identity: @Sendable () async throws(CredentialError) -> CallerIdentity
  /// Fetches the credentials, if they are not at hand.
  let checkCredentials: @Sendable () async throws(CredentialError) -> Void
  /// Everything that changes storage goes through here, and is recorded.
  var service: S3Service
  let history: HistoryStore
  /// What turns out on the way that a person should know.
  let notices: Notices

  /// Databases that a command surely uses. Where they are, they are opened while it gets ready for
  /// its first request.
  struct Databases: OptionSet {
    let rawValue: Int

    static let history = Databases(rawValue: 1)
    static let journal = Databases(rawValue: 2)
  }

  /// Makes the clients and no file. Nothing is sent, unless only the instance metadata service can
  /// tell whether there are keys.
  ///
  /// - Parameters:
  ///   - rateLimit: of the bodies of this session, and of others that share it.
  ///   - askForCode: for roles that want the code of a second factor.
  /// - Throws: the first problem of the settings. Whatever is wrong with the history is told by the
  ///   first change.
  static func open(
    _ settings: Settings, transfers transferSettings: TransferSettings = TransferSettings(),
    rateLimit: RateLimit = RateLimit(), log: RequestLog? = nil, using databases: Databases = [],
    askForCode: CredentialFetcher.CodeQuestion? = nil
  ) async throws(SetupProblem) -> Session {
    if let problem = settings.problems.first { throw problem }
    if let bundle = settings.caBundle, let reason = reasonNotToRead(bundle) {
      throw SetupProblem(
        message: "The certificates in \(bundle.shown) cannot be read: \(reason)",
        whereLooked: settings.findings.filter { $0.name == "CA bundle" }.map(\.origin),
        recovery: "Name a file in PEM that you may read, or none.")
    }
    guard let endpoint = settings.endpoint, let recipe = settings.credentials else {
      throw SetupProblem(
        message: "The settings are not complete", whereLooked: [],
        recovery: "See what `pail doctor` says.")
    }
    // A listing makes no file, and needs no place for one; a change without a record is refused.
    let history = HistoryStore(openingAtFirstUse: settings.historyPath)
    let journal = TransferJournal.ofUser(settings)
    if databases.contains(.history) { history.prepare() }
    if databases.contains(.journal) { journal?.prepare() }
    let credentials = provider(of: recipe, settings, log, askForCode)
    if var problem = settings.problemWithoutMetadata {
      do {
        _ = try await credentials.credentials()
      } catch .unavailable {
        // It is there, and in trouble: the first request waits for it, and says so.
      } catch {
        let reason = if case .unusable(_, let reason) = error { reason } else { "cancelled" }
        problem.whereLooked.append("the instance metadata service (\(reason))")
        throw problem
      }
    }
    let notices = Notices()
    // One for what a person waits for, one for bodies, so that a slow disk holds up no listing.
    var interactive = S3Client(
      endpoint: endpoint, region: settings.region, credentials: credentials,
      transport: transport(settings, log), isRegionAssumed: settings.isRegionAssumed,
      isBasic: settings.isBasic)
    if let stallTimeout = settings.stallTimeout { interactive.stallTimeout = stallTimeout }
    var transferSettings = transferSettings
    if let retryFor = settings.retryFor {
      transferSettings.patience = retryFor
      interactive.retryPolicy.deadline = min(interactive.retryPolicy.deadline, retryFor)
    }
    interactive.clockObserver = { notices.say(Self.words(ofClockBehind: $0, endpoint)) }
    let transfers = interactive.sending(
      through: transport(
        settings, log, threads: transferSettings.threads,
        connections: transferSettings.mostConnections, rateLimit: rateLimit))
    let author = Author.current(user: settings.user)
    return Session(
      settings: settings, endpoint: endpoint, author: author,
      identity: { [interactive] () async throws(CredentialError) in
        try await interactive.callerIdentity(at: settings.tokenService)
      },
      checkCredentials: { () async throws(CredentialError) in
        _ = try await credentials.credentials()
      },
      service: S3Service(
        interactive: interactive, transfers: transfers, history: history, author: author,
        journal: journal, profile: settings.profile,
        isReadOnly: settings.isReadOnly, settings: transferSettings, rateLimit: rateLimit),
      history: history, notices: notices)
  }

  private static func words(ofClockBehind offset: Duration, _ endpoint: Endpoint) -> String {
    let minutes = abs(offset.components.seconds) / 60
    return "This machine's clock is \(minutes) minutes \(offset > .zero ? "behind" : "ahead of") "
      + "that of \(endpoint.hostAndPort); requests are dated by the server's"
  }

  /// libcurl would say the same, and of each request anew.
  private static func reasonNotToRead(_ path: FilePath) -> String? {
    do {
      try FileDescriptor.open(path, .readOnly, options: [.nonBlocking, .closeOnExec]).close()
      return nil
    } catch {
      return (error as? Errno).map { "\($0)" } ?? "it cannot be opened"
    }
  }

  private static func transport(
    _ settings: Settings, _ log: RequestLog?, threads: Int = 1, connections: Int? = nil,
    rateLimit: RateLimit? = nil
  ) -> any HTTPTransport {
    var configuration = CurlTransport.Configuration(
      caBundle: settings.caBundle, proxies: settings.proxies, userAgent: "pail/\(Pail.version)")
    configuration.threads = threads
    configuration.rateLimit = rateLimit
    if let connections { configuration.maxConnectionsPerHost = connections }
    let curl = CurlTransport(configuration: configuration)
    return log.map { LoggedTransport(transport: curl, log: $0) } ?? curl
  }

  /// One for all clients of a session, so that temporary keys are fetched once.
  private static func provider(
    of recipe: CredentialRecipe, _ settings: Settings, _ log: RequestLog?,
    _ askForCode: CredentialFetcher.CodeQuestion?
  ) -> any CredentialProvider {
    switch recipe {
    case .anonymous: return StaticCredentials(.anonymous)
    case .keys(let credentials): return StaticCredentials(credentials)
    default: break
    }
    let nearby = CurlTransport(
      configuration: .init(
        connectTimeout: .seconds(1), userAgent: "pail/\(Pail.version)"))
    let fetcher = CredentialFetcher(
      recipe, transport: transport(settings, log), nearby: nearby, region: settings.region,
      cacheFolder: settings.awsFolder, askForCode: askForCode)
    return CredentialCache(fetcher, now: { fetcher.now() })
  }
}
