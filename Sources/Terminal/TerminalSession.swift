import Dispatch
import Glibc
public import TextUI

/// What happens at the terminal.
public enum TerminalEvent: Hashable, Sendable {
  case input(InputEvent)
  /// The program was stopped and goes on; the last frame has been drawn again.
  case resumed
  /// Nobody sits at the terminal any more: SIGHUP, end of file or an input/output error. What is
  /// shown from now on goes nowhere.
  case hungUp
  /// SIGTERM or SIGINT came, whose number this is: close the session and end with 128 + number.
  case terminationRequested(Int32)
}

/// The one terminal: shows frames and delivers keys.
///
/// Where things live in this module:
/// - `TerminalDevice`  the device: bytes, modes, size
/// - `CursesScreen`    ncurses: from one frame to the next in few bytes
/// - `CellPainter`     from a cell to characters that take its width in every terminal
/// - `SignalRelay`     signals, brought to a queue
/// - `CrashRestore`    gives the terminal back when the program dies
/// - `Clipboard`       copying through the terminal
/// - `Theme`           from roles to colours
///
/// The terminal never blocks us: when it is behind, the frames that come meanwhile are dropped but
/// for the newest, which is drawn once it has caught up. While nothing changes, nothing is written
/// and nothing runs. It is restored by ``close()``, and also when the program crashes or exits.
@MainActor
public final class TerminalSession {
  private enum State {
    case open
    /// Open, but the terminal is gone.
    case gone
    case closed
  }

  /// In cells. A change is announced as `.input(.resize)`.
  public private(set) var size: Size
  /// For one reader. Ends with ``close()``.
  public let events: AsyncStream<TerminalEvent>

  private let eventSink: AsyncStream<TerminalEvent>.Continuation
  private let device: TerminalDevice
  private var screen: CursesScreen
  private let environment: [String: String]
  private var state = State.open
  private var isHungUp = false

  private var decoder = KeyDecoder()
  private var decoderTimer: (any DispatchSourceTimer)?
  private var readSource: (any DispatchSourceRead)?
  private let signals: SignalRelay
  private var isResizePending = false

  /// What the terminal has been told to show.
  private var shown: Frame?
  /// What it should show once it has taken ``unsent``.
  private var wanted: Frame?
  private var unsent: ArraySlice<UInt8> = []
  private var writeSource: (any DispatchSourceWrite)?

  private static var isInUse = false
  private static let handledSignals = [SIGWINCH, SIGTERM, SIGINT, SIGHUP, SIGTSTP, SIGCONT]
  /// A window that is being dragged changes its size often; only so often do we follow.
  private static let resizePause = DispatchTimeInterval.milliseconds(25)
  /// How long a terminal that is behind may take to read some of our last words. The program has
  /// to be gone within 2 seconds of SIGTERM, and has other things to end as well.
  private static let leavePatience = Duration.milliseconds(250)
  private static let pasteOn = Array("\u{1B}[?2004h".utf8)
  private static let pasteOff = Array("\u{1B}[?2004l".utf8)

  /// Takes the terminal that standard input and output are connected to.
  ///
  /// - Parameters:
  ///   - colours: At most; fewer where terminfo knows of fewer.
  ///   - environment: `TERM` says what the terminal is, `TMUX` and `STY` what stands between, and
  ///     `COLUMNS` and `LINES` how large it is where the device does not know.
  public convenience init(
    theme: Theme, colours: ColourDepth, environment: [String: String] = processEnvironment
  ) throws(TerminalError) {
    try self.init(
      device: TerminalDevice(), theme: theme, colours: colours, environment: environment)
  }

  init(
    device: consuming TerminalDevice, theme: Theme, colours: ColourDepth,
    environment: [String: String]
  ) throws(TerminalError) {
    guard !Self.isInUse else { throw .alreadyOpen }
    let size = Self.size(of: device, environment: environment)
    // Before the screen, because ncurses leaves signals alone that somebody handles already.
    let relay = SignalTarget()
    let signals = try SignalRelay(Self.handledSignals, queue: .main) { signal in
      MainActor.assumeIsolated { relay.handler(signal) }
    }
    do {
      screen = try CursesScreen(
        terminal: environment["TERM"] ?? "", theme: theme, colours: colours)
    } catch {
      signals.close()
      throw error
    }
    self.device = device
    self.size = size
    self.environment = environment
    self.signals = signals
    (events, eventSink) = AsyncStream.makeStream()
    Self.isInUse = true
    relay.handler = { [weak self] in self?.received(signal: $0) }
    screen.resize(to: size)
    enter()
    startReading()
  }

  /// Shows the frame, now or as soon as the terminal has taken what it was sent before. Only the
  /// newest frame counts.
  public func show(_ frame: Frame) {
    CrashRestore.coverThread()
    wanted = frame
    drawWanted()
  }

  /// Draws everything anew, for when something else has written to the terminal.
  public func redraw() {
    forgetShown()
    drawWanted()
  }

  /// Asks the terminal to put the text into its clipboard.
  public func copy(_ text: String) -> ClipboardRoute {
    let (route, bytes) = Clipboard(environment: environment).sequence(for: text)
    send(bytes)
    return route
  }

  /// Gives the terminal back and stops the program and its whole process group, as ^z does; on
  /// SIGCONT takes it again and announces `.resumed`.
  ///
  /// Where nobody could resume it (no shell with job control), it goes on at once.
  public func suspend() {
    guard state == .open else { return }
    leave()
    // Ours is ignored while the others of the group stop; then this thread stops all of us, and
    // is the one that goes on.
    signal(SIGTSTP, SIG_IGN)
    kill(0, SIGTSTP)
    signals.useDefault(SIGTSTP)
    signals.useDefault(SIGCONT)
    SignalRelay.raiseUnblocked(SIGTSTP)
    signals.install(SIGTSTP)
    signals.install(SIGCONT)
    resume()
  }

  /// Gives the terminal up, for a program that goes on without one: nothing is shown or read any
  /// more. Signals are announced as before, but for SIGHUP, which has said all it can.
  public func detach() {
    guard state == .open else { return }
    leave()
    letGo()
    isHungUp = true
  }

  /// Gives the terminal back for good. May be called more than once.
  ///
  /// After `.hungUp` SIGHUP stays ignored, so that what runs without a screen is not ended by it.
  public func close() {
    guard state != .closed else { return }
    if state == .open { leave() }
    CrashRestore.disarm()
    state = .closed
    readSource?.cancel()
    writeSource?.cancel()
    decoderTimer?.cancel()
    // The shell and the kernel may both send one, and what is left to do must not die of the second.
    signals.close(ignoring: isHungUp ? SIGHUP : nil)
    eventSink.finish()
    Self.isInUse = false
  }

  /// The variables that matter here, as they are now.
  nonisolated public static var processEnvironment: [String: String] {
    let names = [
      "TERM", "COLORTERM", "NO_COLOR", "COLORFGBG", "TMUX", "STY", "COLUMNS", "LINES",
    ]
    return names.reduce(into: [:]) { result, name in
      result[name] = getenv(name).map { String(cString: $0) }
    }
  }
}

/// Lets the relay be made before the session that it tells.
@MainActor
private final class SignalTarget {
  var handler: @MainActor (Int32) -> Void = { _ in }
}

// MARK: - Drawing

extension TerminalSession {
  private func drawWanted() {
    guard state == .open, unsent.isEmpty, let frame = wanted, frame != shown else { return }
    screen.draw(frame, previous: shown, size: size)
    shown = frame
    send(screen.takeBytes())
  }

  private func forgetShown() {
    shown = nil
    screen.invalidate()
  }

  private func send(_ bytes: [UInt8]) {
    guard state == .open else { return }
    unsent = unsent.isEmpty ? bytes[...] : unsent + bytes
    sendUnsent()
    guard state == .open, !unsent.isEmpty, writeSource == nil else { return }
    let source = DispatchSource.makeWriteSource(
      fileDescriptor: device.descriptor, queue: .main)
    source.setEventHandler { [weak self] in
      MainActor.assumeIsolated { self?.terminalCaughtUp() }
    }
    source.activate()
    writeSource = source
  }

  private func sendUnsent() {
    guard let count = device.write(unsent) else {
      terminalIsGone()
      return
    }
    unsent = count == unsent.count ? [] : unsent.dropFirst(count)
  }

  private func terminalCaughtUp() {
    guard state == .open else { return }
    sendUnsent()
    guard state == .open, unsent.isEmpty else { return }
    writeSource?.cancel()
    writeSource = nil
    drawWanted()
  }
}

// MARK: - Coming and going

extension TerminalSession {
  private func enter() {
    device.setRaw()
    CrashRestore.arm(
      descriptor: device.descriptor, modes: device.savedModes,
      bytes: Self.pasteOff + screen.restoringBytes)
    send(Self.pasteOn)
    forgetShown()
  }

  private func leave() {
    screen.leave()
    send(Self.pasteOff + screen.takeBytes())
    // One that is slow gets as long as it makes progress; one that reads nothing is given up.
    let last = ContinuousClock.now + Self.leavePatience * 4
    while state == .open, !unsent.isEmpty {
      let deadline = min(last, ContinuousClock.now + Self.leavePatience)
      guard device.waitUntilWritable(before: deadline) else { break }
      sendUnsent()
    }
    unsent = []
    device.restoreModes()
    CrashRestore.disarm()
  }

  private func resume() {
    enter()
    updateSize()
    drawWanted()
    eventSink.yield(.resumed)
  }

  private func terminalIsGone() {
    guard state == .open else { return }
    letGo()
    CrashRestore.disarm()
    hangUp()
  }

  private func letGo() {
    state = .gone
    unsent = []
    readSource?.cancel()
    writeSource?.cancel()
    decoderTimer?.cancel()
  }

  private func hangUp() {
    guard !isHungUp else { return }
    isHungUp = true
    eventSink.yield(.hungUp)
  }

  private func received(signal: Int32) {
    guard state != .closed else { return }
    switch signal {
    case SIGWINCH: sizeMayHaveChanged()
    case SIGHUP: hangUp()
    case SIGTSTP: suspend()
    case SIGCONT where state == .open:
      // Somebody stopped us without asking (SIGSTOP), so the shell has had the terminal.
      screen.leave()
      _ = screen.takeBytes()
      resume()
    case SIGTERM, SIGINT: eventSink.yield(.terminationRequested(signal))
    default: break
    }
  }
}

// MARK: - Size

extension TerminalSession {
  private static func size(of device: borrowing TerminalDevice, environment: [String: String])
    -> Size
  {
    if let size = device.size() { return size }
    let columns = environment["COLUMNS"].flatMap { Int($0) } ?? 0
    let rows = environment["LINES"].flatMap { Int($0) } ?? 0
    // Source: the VT100, which is what everything without a better answer is like.
    return Size(columns: columns > 0 ? columns : 80, rows: rows > 0 ? rows : 24)
  }

  private func sizeMayHaveChanged() {
    guard !isResizePending else { return }
    isResizePending = true
    DispatchQueue.main.asyncAfter(deadline: .now() + Self.resizePause) { [weak self] in
      MainActor.assumeIsolated {
        self?.isResizePending = false
        self?.updateSize()
      }
    }
  }

  private func updateSize() {
    guard state == .open else { return }
    let current = Self.size(of: device, environment: environment)
    guard current != size else {
      // It had another size for a moment, and terminals drop what does not fit.
      redraw()
      return
    }
    size = current
    screen.resize(to: current)
    shown = nil
    eventSink.yield(.input(.resize(current)))
  }
}

// MARK: - Input

extension TerminalSession {
  private func startReading() {
    let source = DispatchSource.makeReadSource(fileDescriptor: device.descriptor, queue: .main)
    source.setEventHandler { [weak self] in
      MainActor.assumeIsolated { self?.readInput() }
    }
    source.activate()
    readSource = source
  }

  private func readInput() {
    CrashRestore.coverThread()
    // All there is: a terminal that hung up is announced with what was typed last, or never.
    for _ in 0..<64 where state == .open {
      switch device.read() {
      case .bytes(let bytes): deliver(decoder.feed(bytes, at: .now))
      case .nothingNow: return
      case .gone: terminalIsGone()
      }
    }
  }

  private func deliver(_ events: [InputEvent]) {
    for event in events { eventSink.yield(.input(event)) }
    decoderTimer?.cancel()
    decoderTimer = nil
    guard let deadline = decoder.deadline else { return }
    let left = ContinuousClock.now.duration(to: deadline) / .milliseconds(1)
    let timer = DispatchSource.makeTimerSource(queue: .main)
    timer.schedule(deadline: .now() + .milliseconds(max(0, Int(left.rounded(.up)))))
    timer.setEventHandler { [weak self] in
      MainActor.assumeIsolated {
        guard let self else { return }
        self.deliver(self.decoder.expire(at: .now))
      }
    }
    timer.activate()
    decoderTimer = timer
  }
}
