import Browser
import Storage
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
    /// A frame that was held back is due.
    case drawingDue
  }

  private static let drawingPause = Duration.milliseconds(100)
  /// A program that was asked to end has to be gone within 2 seconds.
  private static let endingPatience = Duration.milliseconds(1_700)

  private var state: BrowserState
  private let terminal: TerminalSession
  private let service: S3Service
  private let runner: EffectRunner
  private let happenings: AsyncStream<Happening>
  private let sink: AsyncStream<Happening>.Continuation
  private let clock = ContinuousClock()
  /// The last frame that no key asked for.
  private var lastDrawing: ContinuousClock.Instant?
  private var isDrawingPlanned = false
  /// Set once the browser shall end.
  private var status: Int32?

  init(state: BrowserState, terminal: TerminalSession, service: S3Service) {
    self.state = state
    self.terminal = terminal
    self.service = service
    let (happenings, sink) = AsyncStream.makeStream(of: Happening.self)
    (self.happenings, self.sink) = (happenings, sink)
    runner = EffectRunner(service: service) { sink.yield(.action($0)) }
  }

  /// - Returns: the exit status.
  func run(startingAt place: Place?) async -> Int32 {
    let (events, sink) = (terminal.events, sink)
    let input = Task {
      for await event in events { sink.yield(.terminal(event)) }
    }
    let progress = Task { [updates = service.transfers.updates()] in
      for await statuses in updates { sink.yield(.action(.transfersProgressed(statuses))) }
    }
    defer {
      input.cancel()
      progress.cancel()
    }
    take(.started(at: place))
    draw()
    for await happening in happenings {
      handle(happening)
      if let status {
        await end()
        return status
      }
    }
    return CommandRunner.Status.failed
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
      status = CommandRunner.Status.failed
    case .terminal(.terminationRequested(let signal)):
      status = 128 + signal
    case .action(let action):
      take(action)
      drawSoon()
    case .drawingDue:
      isDrawingPlanned = false
      lastDrawing = clock.now
      draw()
    }
  }

  private func take(_ action: Action) {
    for effect in state.reduce(action) {
      switch effect {
      case .copy(let text, let what): copy(text, what)
      case .suspend: terminal.suspend()
      case .redraw: terminal.redraw()
      case .quit: status = status ?? CommandRunner.Status.done
      default: runner.perform(effect)
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
    terminal.show(state.view(terminal.size))
  }

  /// Draws now, or once the last frame of this kind has stood for long enough: a first answer is
  /// seen at once, and a flood of them ten times a second.
  private func drawSoon() {
    guard !isDrawingPlanned else { return }
    guard let last = lastDrawing, last.duration(to: clock.now) < Self.drawingPause else {
      lastDrawing = clock.now
      return draw()
    }
    isDrawingPlanned = true
    let (clock, sink) = (clock, sink)
    Task {
      // Sleeping fails only when the task is cancelled, and nobody does that.
      try? await clock.sleep(until: last.advanced(by: Self.drawingPause))
      sink.yield(.drawingDue)
    }
  }

  // MARK: - Ending

  /// Stops what runs, so that no half uploaded object and no partial file is left behind, and gives
  /// the terminal back.
  private func end() async {
    let (runner, transfers, clock) = (runner, service.transfers, clock)
    // No task group: it would wait for both, also for a server that does not answer.
    let (ends, end) = AsyncStream.makeStream(of: Void.self)
    Task {
      await transfers.cancelAll()
      await runner.cancelAll()
      end.finish()
    }
    Task {
      try? await clock.sleep(for: Self.endingPatience)
      end.finish()
    }
    for await _ in ends {}
    terminal.close()
  }
}
