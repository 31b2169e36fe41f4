import Dispatch
import Glibc
import S3
import Storage
import Synchronization
import Terminal

/// Runs one command to its end, its failure or its interruption, and gives the exit status.
enum CommandRunner {
  enum Status {
    static let done: Int32 = 0
    static let failed: Int32 = 1
    static let wrongUsage: Int32 = 64
    static let interrupted: Int32 = 130
  }

  /// How long an interrupted command may tidy up: it has to be gone within 2 seconds.
  private static let patience = DispatchTimeInterval.milliseconds(1700)

  static func run(_ command: some PailCommand) async -> Int32 {
    let context: CommandContext
    do {
      context = try CommandContext(command.shared)
    } catch {
      Console(isQuiet: false).message(FailureText.text(of: error))
      return Status.failed
    }
    // It may say that it has begun only when an interruption would be noticed.
    let (start, gate) = AsyncStream.makeStream(of: Void.self)
    let work = Task {
      for await _ in start {}
      try await command.run(context)
    }
    let loseTerminal: @Sendable () -> Void = { context.console.loseTerminal() }
    let wayOn = command.wayOn.map { "\n  " + $0 } ?? ""
    let interruption = Interruption(onHangUp: command.outlivesTerminal ? loseTerminal : nil) {
      work.cancel()
      DispatchQueue.global().asyncAfter(deadline: .now() + patience) {
        end(
          context.console,
          "pail: interrupted; stopped at once, since the server, or the reader of the results, did "
            + "not answer in time" + wayOn)
      }
    } again: {
      end(context.console, "pail: interrupted; stopped at once" + wayOn)
    }
    gate.finish()
    let result = await work.result
    CredentialProcess.endAll()
    await context.stopServing()
    let status = status(
      of: result, context, wasInterrupted: interruption.hasHappened, wayOn: command.wayOn)
    context.console.clearProgress()
    context.console.flush()
    context.tellLossOfLog()
    if let failure = context.console.failure {
      context.console.message("pail: the results cannot be written: \(failure)")
      context.console.flush()
      return Status.failed
    }
    if context.console.isClosed {
      endOfBrokenPipe()
    }
    return status
  }

  /// Ends the program at once, with what there is to say.
  private static func end(_ console: Console, _ words: String) -> Never {
    CredentialProcess.endAll()
    console.lastWords(words)
    _exit(Status.interrupted)
  }

  /// Ends as every program does whose reader went away, so that shells stay silent about it.
  private static func endOfBrokenPipe() -> Never {
    // A thread has the blocked signals of that which started it, be it one that leaves signals to
    // others, or the program that started this one: pthread_create(3), signal(7).
    var broken = sigset_t()
    sigemptyset(&broken)
    sigaddset(&broken, SIGPIPE)
    pthread_sigmask(SIG_UNBLOCK, &broken, nil)
    // libcurl has the whole process ignore the signal while its threads use connections, and restores
    // what it found: raised in such a moment it is lost, and comes again after a pause.
    for _ in 0..<100 {
      signal(SIGPIPE, SIG_DFL)
      raise(SIGPIPE)
      // Long beside such a moment, short for a person.
      usleep(1_000)
    }
    // What a shell makes of that end.
    _exit(128 + SIGPIPE)
  }

  private static func status(
    of result: Result<Void, any Error>, _ context: CommandContext, wasInterrupted: Bool,
    wayOn: String?
  ) -> Int32 {
    if case .failure(let error) = result, !(error is OutputClosed) {
      let isCancellation =
        error is CancellationError || (error as? StorageError)?.isCancellation == true
      if !(wasInterrupted && isCancellation) { context.fail(nil, error) }
    }
    if wasInterrupted {
      context.console.message("pail: interrupted" + (wayOn.map { "\n  " + $0 } ?? ""))
      return Status.interrupted
    }
    return context.hasFailures ? Status.failed : Status.done
  }
}

/// Thrown to end a command whose results nobody reads any more.
struct OutputClosed: Error {}

/// Watches for SIGINT, SIGTERM and SIGHUP for as long as it is held.
private final class Interruption {
  /// When the first of them came.
  private final class First: Sendable {
    let moment = Mutex<ContinuousClock.Instant?>(nil)
  }

  /// Those who send a signal to a process and to its group, as timeout(1) does, mean one.
  private static let oneSignal = Duration.milliseconds(500)

  private let first = First()
  /// Kept because its source ends with it.
  private let relay: SignalRelay?

  /// - Parameters:
  ///   - onHangUp: what SIGHUP does instead of interrupting.
  ///   - again: for a person who asks a second time.
  init(
    onHangUp: (@Sendable () -> Void)?, _ handler: @escaping @Sendable () -> Void,
    again: @escaping @Sendable () -> Never
  ) {
    let signals = [SIGINT, SIGTERM, SIGHUP].filter { !SignalRelay.isIgnored($0) }
    // Without one they end the program as they end any.
    relay = try? SignalRelay(signals, queue: .global()) { [first] number in
      if number == SIGHUP, let onHangUp { return onHangUp() }
      let before = first.moment.withLock { moment in
        defer { moment = moment ?? .now }
        return moment
      }
      guard let before else { return handler() }
      if before.duration(to: .now) > Self.oneSignal { again() }
    }
  }

  var hasHappened: Bool { first.moment.withLock { $0 != nil } }
}
