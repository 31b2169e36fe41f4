import Browser
import Storage
import SystemPackage
import Terminal
import TextUI

/// The loop of the browser: what happens goes into the state, effects come out and are performed,
/// and the screen follows.
///
/// A key is answered with a frame at once; everything else at most ten times a second. Nothing in
/// here waits for a server or a disk.
@MainActor
final class BrowserRuntime {
  private enum Happening: Sendable {
    case terminal(TerminalEvent)
    case action(Action)
    /// Whether every transfer was over, of as many commands to them as there had been.
    case lookedAtTransfers(areOver: Bool, commands: Int)
    /// Another process goes on with the transfers, or why it does not.
    case handedOver(Result<Handover, CommandFailure>)
    /// A frame that was held back is due.
    case drawingDue
    case switched(Session)
    /// All requests of this session have ended, but for its transfers.
    case left
    /// Nothing runs any more, or there was no more time to wait for it.
    case stopped
  }

  /// How a browser ends.
  enum Ending: Sendable {
    case quit(Int32)
    /// The next one works with another session, and without a terminal when this one lost it.
    case switched(Session, isDetached: Bool)
  }

  /// Opens a session with other settings, or says why that is not possible.
  typealias SessionOpener = @Sendable (SessionChoice) async -> Result<Session, StorageError>

  /// Between two drawings that no key has asked for: more of them would only fill a slow line.
  private static let drawingPause = Duration.milliseconds(100)
  /// A program that the system asks to end has to be gone within 2 seconds.
  private static let patienceAfterSignal = Duration.milliseconds(1_700)
  /// Who quits waits gladly a little, if the server is then rid of what was half uploaded.
  private static let patienceAfterQuitting = Duration.seconds(10)

  private var state: BrowserState
  private let terminal: TerminalSession
  private let transfers: ProcessTransfers
  private let openSession: SessionOpener
  private var opening: Task<Void, Never>?
  private var next: Session?
  private let runner: EffectRunner
  /// Other Pails of the same user; nil where there is no folder to find them in.
  private let others: OtherTransfers?
  private let server: TransferServer?
  /// Whether there is a history in which older changes may wait for their outcome.
  private let hasHistory: Bool
  private let happenings: AsyncStream<Happening>
  private let sink: AsyncStream<Happening>.Continuation
  private let clock = ContinuousClock()
  /// The last frame that no key asked for.
  private var lastDrawing: ContinuousClock.Instant?
  private var isDrawingPlanned = false
  /// Set once the browser shall end. It ends when what runs has stopped.
  private var status: Int32?
  /// What runs is being stopped.
  private var isEnding = false
  /// The terminal is gone. What runs goes on, and the browser ends with the last of it.
  private var isDetached = false
  private var isLookingAtTransfers = false
  private var isHandingOver = false
  /// For the terminal, once the screen is gone.
  private var lastWords: String?
  /// Something happened since the look at the transfers that is under way began.
  private var mustLookAgain = false

  /// - Parameters:
  ///   - transfers: of which those of `service` are part.
  ///   - server: shows them to other Pails.
  ///   - runFolder: where the Pails of one user find each other.
  init(
    state: BrowserState, terminal: TerminalSession, service: S3Service,
    transfers: ProcessTransfers, server: TransferServer?, bookmarks: Bookmarks,
    lastPlace: LastPlace, hasHistory: Bool, runFolder: FilePath?,
    openSession: @escaping SessionOpener
  ) {
    self.state = state
    self.terminal = terminal
    self.transfers = transfers
    self.server = server
    self.hasHistory = hasHistory
    self.openSession = openSession
    let (happenings, sink) = AsyncStream.makeStream(of: Happening.self)
    (self.happenings, self.sink) = (happenings, sink)
    others = runFolder.map { OtherTransfers($0) { sink.yield(.action($0)) } }
    runner = EffectRunner(
      service: service, transfers: transfers, bookmarks: bookmarks, lastPlace: lastPlace,
      others: others
    ) {
      sink.yield(.action($0))
    }
  }

  /// Shows a sentence that no effect has asked for.
  nonisolated func notice(_ sentence: String) { sink.yield(.action(.noticed(sentence))) }

  /// Takes what the terminal brings, from whoever listens to it.
  func deliver(_ event: TerminalEvent) { sink.yield(.terminal(event)) }

  /// Leaves the terminal open for the next browser when it ends by a switch.
  ///
  /// - Parameter wasLeft: whether `place` is where this profile was last, rather than anybody's wish.
  func run(startingAt place: Place?, wasLeft: Bool) async -> Ending {
    let sink = sink
    let start = clock.now
    let progress = Task { [transfers, clock] in
      var limit: Int?
      for await overview in transfers.updates() {
        let newest = await transfers.limit
        if newest != limit { sink.yield(.action(.transfersLimited(newest))) }
        limit = newest
        let rate = await transfers.rate
        sink.yield(
          .action(
            .transfersProgressed(
              overview.statuses, earlier: overview.earlier, rate: rate,
              at: start.duration(to: clock.now))))
      }
    }
    let background = Task { [others] in await others?.run() }
    defer { progress.cancel() }
    take(.started(at: place, wasLeft: wasLeft))
    draw()
    for await happening in happenings {
      if case .stopped = happening { break }
      if case .left = happening, next != nil { break }
      handle(happening)
    }
    if next == nil { terminal.close() }
    background.cancel()
    await background.value
    if let next { return .switched(next, isDetached: isDetached) }
    if let lastWords, !isDetached { print(lastWords) }
    return .quit(status ?? CommandRunner.Status.failed)
  }

  private func handle(_ happening: Happening) {
    switch happening {
    case .terminal(.input(.key(let press))):
      take(.keyPressed(press))
      draw()
    case .terminal(.input(.paste(let text))):
      take(.pasted(text))
      draw()
    case .terminal(.input(.resize(let size))):
      take(.resized(size))
      draw()
    case .terminal(.resumed):
      draw()
    case .terminal(.hungUp):
      detach()
    case .terminal(.terminationRequested(let signal)):
      end(with: 128 + signal, within: Self.patienceAfterSignal)
    case .action(let action):
      take(action)
      drawSoon()
      // Not before the first answer, so that it delays no start.
      if hasHistory, status == nil, case .answered = action { runner.settle() }
      endWhenDone()
    case .lookedAtTransfers(let areOver, let commands):
      isLookingAtTransfers = false
      if mustLookAgain || commands != runner.transferCommands {
        endWhenDone()
      } else if areOver, !runner.isWorking {
        end(with: CommandRunner.Status.done, within: Self.patienceAfterSignal)
      }
    case .switched(let session):
      guard status == nil, !isDetached, !isHandingOver else { return }
      leave(for: session)
    case .handedOver(let result):
      handedOver(result)
    case .drawingDue:
      isDrawingPlanned = false
      lastDrawing = clock.now
      draw()
    case .left, .stopped:
      break
    }
  }

  private func take(_ action: Action) {
    for effect in state.reduce(action) {
      switch effect {
      case .copy(let text, let what): copy(text, what)
      case .suspend: terminal.suspend()
      case .redraw: terminal.redraw()
      case .quit: quit()
      case .switchSession(let choice, let id): switchSession(to: choice, id)
      case .cancel:
        // Nothing else is asked for beside it.
        opening?.cancel()
        runner.perform(effect)
      case .quitInBackground: quitInBackground()
      default:
        // What is asked for while everything is being stopped would outlive it.
        if status == nil { runner.perform(effect) }
      }
    }
  }

  private func switchSession(to choice: SessionChoice, _ id: RequestID) {
    let (openSession, sink) = (openSession, sink)
    opening = Task {
      let result = await openSession(choice)
      if Task.isCancelled { return }
      switch result {
      case .success(let session): sink.yield(.switched(session))
      case .failure(let error): sink.yield(.action(.answered(id, .failed(error))))
      }
    }
  }

  private func copy(_ text: String, _ what: String) {
    switch terminal.copy(text) {
    case .terminal: take(.copied(what, by: "of the terminal (OSC 52)"))
    case .tmux: take(.copied(what, by: "through tmux (OSC 52)"))
    case .screen: take(.copied(what, by: "through screen (OSC 52)"))
    case .unsupported: take(.notCopied(what, because: "this terminal has no clipboard"))
    case .tooLong: take(.notCopied(what, because: "it is too long for terminals"))
    }
  }

  // MARK: - Drawing

  private func draw() {
    guard !isDetached else { return }
    terminal.show(state.view(terminal.size))
  }

  /// Draws now, or once the last frame of this kind has stood for long enough: a first answer is
  /// seen at once, and a flood of them ten times a second.
  private func drawSoon() {
    guard !isDrawingPlanned, !isDetached else { return }
    guard let last = lastDrawing, last.duration(to: clock.now) < Self.drawingPause else {
      lastDrawing = clock.now
      return draw()
    }
    isDrawingPlanned = true
    let (clock, sink) = (clock, sink)
    Task {
      // What comes until then is drawn with it. Sleeping fails only when the task is cancelled, and
      // nobody does that.
      try? await clock.sleep(until: last.advanced(by: Self.drawingPause))
      sink.yield(.drawingDue)
    }
  }

  // MARK: - Ending

  /// Goes on without a terminal: what needs an answer waits, everything else is done to its end.
  private func detach() {
    guard !isDetached else { return }
    isDetached = true
    terminal.detach()
    StandardStreams.releaseTerminal()
    endWhenDone()
  }

  /// Ends the browser that has no terminal, once nothing is left to do.
  private func endWhenDone() {
    guard isDetached, status == nil, !runner.isWorking else { return }
    mustLookAgain = isLookingAtTransfers
    guard !isLookingAtTransfers else { return }
    isLookingAtTransfers = true
    let (runner, server, sink, commands) = (runner, server, sink, runner.transferCommands)
    // A transfer that goes on makes itself heard again when it ends.
    Task {
      // Those that nobody is there to let go on are kept for whoever resumes them.
      let isWatched = await server?.isWatched ?? false
      let areOver = await runner.transfersAreOver(orPaused: !isWatched)
      sink.yield(.lookedAtTransfers(areOver: areOver, commands: commands))
    }
  }

  private func quit() {
    guard status == nil, !isHandingOver else { return }
    take(.endingBegan(inBackground: false))
    end(with: CommandRunner.Status.done, within: Self.patienceAfterQuitting)
  }

  /// Has another process go on with the transfers, and ends once it does.
  private func quitInBackground() {
    guard status == nil, !isHandingOver else { return }
    isHandingOver = true
    take(.endingBegan(inBackground: true))
    let (runner, transfers, others, sink) = (runner, transfers, others, sink)
    Task {
      await runner.cancelAll()
      sink.yield(.handedOver(await transfers.handOver(others)))
    }
  }

  private func handedOver(_ result: Result<Handover, CommandFailure>) {
    isHandingOver = false
    switch result {
    case .success(let handover):
      lastWords = handover.words
      end(with: CommandRunner.Status.done, within: Self.patienceAfterSignal)
    case .failure(let failure):
      take(
        .endingFailed(
          StorageError(
            kind: .service, message: failure.message, recovery: failure.recovery)))
    }
  }

  /// Ends this browser for one with another session, when its requests have ended. Transfers go on.
  private func leave(for session: Session) {
    status = CommandRunner.Status.done
    next = session
    let (runner, clock, sink) = (runner, clock, sink)
    Task {
      await runner.cancelAll()
      sink.yield(.left)
    }
    Task {
      // Then it ends although the server has not answered. Sleeping fails only when the task is
      // cancelled, and nobody does that.
      try? await clock.sleep(for: Self.patienceAfterQuitting)
      sink.yield(.left)
    }
  }

  /// Stops what runs, so that it can be resumed.
  ///
  /// The screen goes on meanwhile. A signal during a patient end makes it an impatient one.
  private func end(with status: Int32, within patience: Duration) {
    self.status = status
    next = nil
    let (runner, transfers, clock, sink) = (runner, transfers, clock, sink)
    if !isEnding {
      isEnding = true
      Task {
        await runner.cancelAll()
        await transfers.stopResumably()
        sink.yield(.stopped)
      }
    }
    Task {
      // Then it ends although not all has stopped. Sleeping fails only when the task is cancelled, and
      // nobody does that.
      try? await clock.sleep(for: patience)
      sink.yield(.stopped)
    }
  }
}
