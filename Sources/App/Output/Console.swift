import Dispatch
import Glibc
import Synchronization
import SystemPackage

/// Standard output and standard error of one command.
///
/// Results go to standard output, in pieces of 64 KiB or what a tenth of a second brings; what a
/// person should know goes to standard error at once. A reader of the results who has gone away is no error: what is written from then
/// on is dropped, and ``isClosed`` says so. Nor is a terminal that has gone away.
final class Console: Sendable {
  let isOutputTerminal: Bool
  let isErrorTerminal: Bool
  private let isQuiet: Bool
  private let terminal = TerminalWriter()
  private let state = Mutex(State())
  private static let lastMoment = DispatchTimeInterval.milliseconds(250)
  /// The terminal's cursor stands behind a piece of an object, and not at the start of a line.
  private let isInLine = Atomic(false)

  private struct State {
    var pending: [UInt8] = []
    /// Whether `pending` will be written before long, however little it is.
    var isDue = false
    /// EPIPE and the like: nobody reads any more.
    var isClosed = false
    /// Any other failure to write results, such as a full disk.
    var failure: Errno?
    var waitsForTerminal = true
  }

  init(isQuiet: Bool) {
    self.isQuiet = isQuiet
    isOutputTerminal = isatty(STDOUT_FILENO) == 1
    isErrorTerminal = isatty(STDERR_FILENO) == 1
  }

  /// Nobody reads the results any more.
  var isClosed: Bool { state.withLock { $0.isClosed } }
  /// Why results could not be written, when it was not for a reader who left.
  var failure: Errno? { state.withLock { $0.failure } }

  // MARK: Results

  /// Adds a line of results.
  ///
  /// - Parameter end: `\n`, or NUL for `-0`.
  func result(_ bytes: [UInt8], end: UInt8 = 0x0A) {
    state.withLock { state in
      state.pending.append(contentsOf: bytes)
      state.pending.append(end)
      flushSoon(&state)
    }
  }

  func result(_ text: String) {
    result(Array(text.utf8))
  }

  /// Adds lines of results, their ends included, as they are.
  func results(_ lines: [UInt8]) {
    state.withLock { state in
      state.pending.append(contentsOf: lines)
      flushSoon(&state)
    }
  }

  /// Writes a piece of an object at once and as it is.
  ///
  /// - Returns: `false` when there is no use in going on.
  func write(_ piece: UnsafeRawBufferPointer) -> Bool {
    state.withLock { state in
      guard !state.isClosed, state.failure == nil else { return false }
      if isOutputTerminal {
        // What stands there now would be wiped away later, and the piece with it.
        terminal.clearProgress()
        terminal.finish()
        isInLine.store(piece.last != UInt8(ascii: "\n"), ordering: .relaxed)
      }
      do {
        try FileDescriptor.standardOutput.writeAll(piece)
      } catch Errno.brokenPipe {
        state.isClosed = true
      } catch {
        state.failure = error as? Errno ?? .ioError
      }
      return !state.isClosed && state.failure == nil
    }
  }

  /// A result in words, such as `Created s3://reports`; `--quiet` leaves it out.
  func confirmation(_ text: String) {
    confirmation(Array(text.utf8))
  }

  func confirmation(_ text: [UInt8]) {
    if !isQuiet { result(text) }
  }

  /// Shown as it may be on a terminal, raw in a pipe.
  func name(_ bytes: [UInt8]) -> [UInt8] {
    isOutputTerminal ? Array(Visible.text(bytes).utf8) : bytes
  }

  /// Waits until everything is written.
  func flush() {
    state.withLock { flush(&$0) }
    terminal.finish()
  }

  /// A reader waits for no more than a moment, and many lines are one write.
  private func flushSoon(_ state: inout State) {
    guard !isOutputTerminal, state.pending.count < 64 * 1024 else { return flush(&state) }
    guard !state.isDue else { return }
    state.isDue = true
    DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(100)) {
      self.state.withLock { state in
        state.isDue = false
        self.flush(&state)
      }
    }
  }

  private func flush(_ state: inout State) {
    defer { state.pending.removeAll(keepingCapacity: true) }
    guard !state.isClosed, state.failure == nil, !state.pending.isEmpty else { return }
    if isOutputTerminal {
      terminal.write(state.pending, to: STDOUT_FILENO, waits: state.waitsForTerminal)
      return
    }
    do {
      try FileDescriptor.standardOutput.writeAll(state.pending)
    } catch Errno.brokenPipe {
      state.isClosed = true
    } catch {
      state.failure = error as? Errno ?? .ioError
    }
  }

  // MARK: Messages

  /// A failure or a warning, shown in every mode. `text` is made visible here.
  func message(_ text: String) {
    state.withLock { state in
      flush(&state)
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      let visible = lines.map { Visible.text(Array($0.utf8)) }.joined(separator: "\n")
      writeError(visible + "\n", waits: state.waitsForTerminal)
    }
  }

  /// What is good to know; `--quiet` leaves it out.
  func notice(_ text: String) {
    if !isQuiet { message(text) }
  }

  /// Puts one line in place of the progress line before it. The caller keeps it within the width.
  func progress(_ line: String) {
    // It is wiped away with the line that it stands on, which must be its own.
    if isInLine.load(ordering: .relaxed) { writeError("\n", waits: false) }
    terminal.progress(Array(line.utf8))
  }

  func clearProgress() {
    terminal.clearProgress()
  }

  private func writeError(_ text: String, waits: Bool) {
    isInLine.store(false, ordering: .relaxed)
    guard !isErrorTerminal else {
      return terminal.write(Array(text.utf8), to: STDERR_FILENO, waits: waits)
    }
    // Where standard error itself cannot be written there is nowhere left to say so.
    _ = try? FileDescriptor.standardError.writeAll(Array(text.utf8))
  }

  // MARK: The terminal

  /// From now on a terminal that does not read holds up nobody: what it is too far behind for is
  /// left out, and it is told how much that was.
  func neverWaitForTerminal() {
    state.withLock { $0.waitsForTerminal = false }
  }

  /// The terminal is gone, and the command goes on. Results in a file or a pipe go on as well.
  func loseTerminal() {
    terminal.loseTerminal()
    StandardStreams.releaseTerminal()
  }

  /// What is said before the process is ended. For it, and for results that are not written yet,
  /// their readers get a moment, and no more: it may be for one of them that it has to be ended.
  func lastWords(_ text: String) {
    let said = DispatchGroup()
    DispatchQueue.global().async(group: said) { [self] in
      writeError(text + "\n", waits: false)
      _ = state.withLockIfAvailable { flush(&$0) }
      terminal.finish()
    }
    _ = said.wait(timeout: .now() + Self.lastMoment)
  }

  /// The width of the terminal behind standard error; 80 when it does not tell.
  var errorColumns: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  /// Asks for one word, such as a code that is good only once.
  ///
  /// - Returns: nil when there is no terminal to ask at, or nothing was typed.
  func ask(_ question: String) async -> String? {
    guard isatty(STDIN_FILENO) == 1, isErrorTerminal else { return nil }
    flush()
    clearProgress()
    // Waiting for a person would take a thread from the cooperative pool.
    return await withCheckedContinuation { continuation in
      DispatchQueue.global().async {
        self.writeError(Visible.text(Array(question.utf8)), waits: true)
        let answer = readLine()?.filter { !$0.isWhitespace } ?? ""
        continuation.resume(returning: answer.isEmpty ? nil : answer)
      }
    }
  }

  /// Asks a question that only a person at a terminal can answer.
  ///
  /// - Returns: nil when there is no terminal to ask at.
  func confirm(_ question: String) -> Bool? {
    guard isatty(STDIN_FILENO) == 1, isErrorTerminal else { return nil }
    clearProgress()
    writeError(Visible.text(Array(question.utf8)) + " [y/N] ", waits: true)
    flush()
    guard let line = readLine() else { return false }
    return ["y", "yes"].contains(line.lowercased())
  }
}
