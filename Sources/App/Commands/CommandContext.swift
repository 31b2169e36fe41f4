import ArgumentParser
import Glibc
import HTTP
import S3
import Storage
import Synchronization

/// A command that works without a screen.
protocol PailCommand: ParsableCommand, Sendable {
  var shared: SharedOptions { get }
  /// Whether it goes on when its terminal is lost (SIGHUP), rather than to be interrupted.
  var outlivesTerminal: Bool { get }
  /// How to go on when it was interrupted half way; nil where there is nothing to say.
  var wayOn: String? { get }
  /// Failures that concern one object of many are told to `context`; what ends the command is
  /// thrown.
  func run(_ context: CommandContext) async throws
}

extension PailCommand {
  var outlivesTerminal: Bool { false }
  var wayOn: String? { nil }
}

/// What a command works with: the console, the settings, and the count of what failed.
final class CommandContext: Sendable {
  let console: Console
  let settings: Settings
  let isJSON: Bool
  let showsProgress: Bool
  private let transfers: TransferSettings
  private let limitRate: RateArgument?
  /// One for all sessions of the process.
  private let rateLimit = RateLimit()
  private let log: RequestLog?
  private let failures = Mutex(Failures())
  private let serving = Mutex<Task<Void, Never>?>(nil)

  private struct Failures {
    var count = 0
    /// What the last one advised.
    var advice: String?
  }

  /// - Throws: ``SetupProblem``, or ``CommandFailure`` for a log that cannot be written.
  init(_ shared: SharedOptions) throws {
    console = Console(isQuiet: shared.quiet)
    log =
      shared.log != nil || shared.debug
      ? try RequestLog(path: shared.log, showsHeaders: shared.debug) : nil
    log?.note("pail \(Pail.version)")
    transfers = shared.transfers
    limitRate = shared.limitRate
    settings = try SettingsLoader.load(shared.flags)
    isJSON = shared.json
    showsProgress =
      !shared.quiet && !shared.noProgress && console.isErrorTerminal && Self.terminalErases
    for notice in settings.notices { console.notice("pail: \(notice)") }
  }

  /// Whether the terminal can wipe a line of progress away; terminfo(5) has `dumb` for one that cannot.
  private static var terminalErases: Bool {
    guard let name = getenv("TERM") else { return false }
    return !["", "dumb"].contains(String(cString: name))
  }

  var hasFailures: Bool { failures.withLock { $0.count > 0 } }

  /// Asks first when the keys would meet an endpoint that their owner did not name.
  ///
  /// - Parameter tellsRetries: whether requests that are sent again show on the terminal; not where
  ///   there is a screen on it. Of transfers that is told by ``TransferProgressLine``.
  func openSession(
    tellsRetries: Bool = true, using databases: Session.Databases = []
  ) async throws -> Session {
    if let question = settings.endpointQuestion, settings.problems.isEmpty {
      let ask = """
        The keys come from \(question.keysOrigin), the server \(question.endpoint) from \
        \(question.endpointOrigin).
        """
      switch console.confirm("\(ask) Use them together?") {
      case true?: break
      case false?: throw CommandFailure("Nothing was sent to \(question.endpoint)")
      case nil:
        throw CommandFailure(
          ask + " Nothing was sent",
          recovery: "Name the server with --endpoint-url to say that this is meant.")
      }
    }
    let session = try await open(settings, using: databases) { [console] serial, role in
      await console.ask("The code of \(serial), to assume \(role): ").map { Secret($0) }
    }
    session.notices.show(with: { [console] in console.notice("pail: \($0)") })
    if let limitRate {
      await session.service.transfers.setLimit(bytesPerSecond: Int(limitRate.bytesPerSecond))
    }
    return tellsRetries ? CountProgress(self).watching(session) : session
  }

  /// Shows the transfers of the session to other Pails of the same user from now on.
  func serve(_ session: Session) {
    guard let folder = settings.runFolder else { return }
    serving.withLock { serving in
      guard serving == nil else { return }
      serving = Task {
        let transfers = ProcessTransfers()
        await transfers.begin(session.service, named: "")
        await TransferServer(folder, transfers, staysOpen: true).run()
      }
    }
  }

  /// Tells them that this is the end.
  func stopServing() async {
    let serving = serving.withLock { $0 }
    serving?.cancel()
    await serving?.value
  }

  func open(
    _ settings: Settings, using databases: Session.Databases = [],
    askForCode: @escaping CredentialFetcher.CodeQuestion
  ) async throws -> Session {
    try await Session.open(
      settings, transfers: transfers, rateLimit: rateLimit, log: log, using: databases,
      askForCode: askForCode)
  }

  /// Tells of one failure among several, with the thing it is about; what is advised, once where
  /// the next ones have the same reason.
  func fail(_ subject: [UInt8]?, _ error: any Error) {
    let (text, advice) = FailureText.parts(of: error, about: subject)
    let isSameAdvice = failures.withLock { failures in
      defer { failures.advice = advice }
      failures.count += 1
      return failures.advice == advice
    }
    log?.failure(text + (advice ?? ""))
    console.message(isSameAdvice ? text : text + (advice ?? ""))
  }

  /// Tells of a log that is not whole, once all is done: what was to be done is done all the same.
  func tellLossOfLog() {
    if let loss = log?.loss { console.message("pail: \(loss)") }
  }

  func warn(_ warning: StorageError?) {
    guard let warning else { return }
    fail(nil, warning)
  }
}

extension Error {
  /// Whether it is about one of several places, and the others may do better: neither the line, the
  /// server nor the keys are at fault, and nobody wants the command to end.
  var isOfOnePlace: Bool {
    switch self {
    case is CommandFailure: true
    case let error as StorageError: !error.isCancellation && !error.isOfTheMoment
    default: false
    }
  }
}

/// A failure in words of the command line itself.
struct CommandFailure: Error, Sendable, Hashable {
  var message: String
  var recovery: String?

  init(_ message: String, recovery: String? = nil) {
    self.message = message
    self.recovery = recovery
  }
}

/// How a failure reads on standard error: what, the S3 code, and below it what to do.
enum FailureText {
  static func text(of error: any Error, about subject: [UInt8]? = nil) -> String {
    let (text, advice) = parts(of: error, about: subject)
    return text + (advice ?? "")
  }

  /// What happened, and what to try, on lines of its own.
  static func parts(
    of error: any Error, about subject: [UInt8]? = nil
  ) -> (text: String, advice: String?) {
    var text: String
    var recovery: String?
    switch error {
    case let error as StorageError:
      // One line each: a name in them must not begin another.
      let code = error.code.flatMap { error.message.contains($0) ? nil : " (\($0))" }
      text = shown(error.message + (code ?? ""))
      recovery = error.recovery.map(shown)
    case let problem as SetupProblem:
      text = shown(problem.message)
      let places = problem.whereLooked.map { "\n  looked for \($0)" }.joined()
      text += places
      recovery = problem.recovery
    case let failure as CommandFailure:
      text = shown(failure.message)
      recovery = failure.recovery
    default:
      text = "\(error)"
    }
    // Most messages name what they are about; the others get it in front.
    if let subject = subject.map(Visible.text), !Visible.text(Array(text.utf8)).contains(subject) {
      text = "\(subject): \(text)"
    }
    return ("pail: \(text)", recovery.map { "\n  " + $0.replacing("\n", with: "\n  ") })
  }

  private static func shown(_ line: String) -> String { Visible.text(Array(line.utf8)) }
}
