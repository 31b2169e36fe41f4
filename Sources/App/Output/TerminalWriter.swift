import Dispatch
import Glibc
import Synchronization

/// Writes to the terminal behind standard output and standard error, on a thread of its own.
///
/// A terminal that stops reading (^s, a line that hangs) would otherwise stop whoever writes, and
/// with it the transfers. Of the lines of progress only the newest counts. Text either waits until the
/// terminal has taken it, or is kept up to a limit and left out beyond.
final class TerminalWriter: Sendable {
  /// Bytes that may lie here for a terminal that is behind.
  static let limit = 256 * 1024

  private struct State {
    var text: [(descriptor: Int32, bytes: [UInt8])] = []
    var count = 0
    /// Pieces that nobody will read, since the terminal was too far behind.
    var leftOut = 0
    var progress: [UInt8]?
    var clearsProgress = false
    var isWriting = false
    /// Nobody sits there any more.
    var isLost = false

    var hasWork: Bool { !isLost && (!text.isEmpty || progress != nil || clearsProgress) }
  }

  private let state = Mutex(State())
  private let queue = DispatchQueue(label: "pail.terminal")
  private let working = DispatchGroup()
  /// Whether a line of progress stands on the terminal; used on `queue` alone.
  private let isProgressShown = Atomic(false)

  /// - Parameter waits: whether to wait until the terminal has taken it, rather than to leave out
  ///   what it is too far behind for.
  func write(_ bytes: [UInt8], to descriptor: Int32, waits: Bool) {
    state.withLock { state in
      guard !state.isLost else { return }
      state.progress = nil
      state.clearsProgress = true
      if !waits, state.count >= Self.limit {
        state.leftOut += 1
      } else {
        state.text.append((descriptor, bytes))
        state.count += bytes.count
      }
      startWriting(&state)
    }
    if waits { finish() }
  }

  /// Puts one line in place of the one before it.
  func progress(_ line: [UInt8]) {
    state.withLock { state in
      state.progress = line
      startWriting(&state)
    }
  }

  func clearProgress() {
    state.withLock { state in
      state.progress = nil
      state.clearsProgress = true
      startWriting(&state)
    }
  }

  /// Waits until all is written, or the time is up, or there is no terminal.
  func finish(within patience: DispatchTimeInterval = .never) {
    guard !state.withLock({ $0.isLost }) else { return }
    _ = working.wait(timeout: .now() + patience)
  }

  /// From now on everything is dropped.
  func loseTerminal() {
    state.withLock { state in
      state.isLost = true
      state.text = []
    }
  }

  private func startWriting(_ state: inout State) {
    guard !state.isWriting, state.hasWork else { return }
    state.isWriting = true
    queue.async(group: working) { self.writeAll() }
  }

  private func writeAll() {
    while true {
      let work = state.withLock { state -> State? in
        guard state.hasWork else {
          state.isWriting = false
          return nil
        }
        let work = state
        state.text = []
        state.count = 0
        state.leftOut = 0
        state.progress = nil
        state.clearsProgress = false
        return work
      }
      guard let work else { return }
      guard put(work) else { return loseTerminal() }
    }
  }

  /// - Returns: `false` when there is no terminal any more.
  private func put(_ work: State) -> Bool {
    if isProgressShown.exchange(false, ordering: .relaxed) {
      // Carriage return, and ECMA-48 EL: erase to the end of the line.
      guard put(Array("\r\u{1B}[K".utf8), STDERR_FILENO) else { return false }
    }
    for piece in work.text {
      guard put(piece.bytes, piece.descriptor) else { return false }
    }
    if work.leftOut > 0 {
      let note = "pail: \(work.leftOut) lines were left out while the terminal did not read\n"
      guard put(Array(note.utf8), STDERR_FILENO) else { return false }
    }
    guard let line = work.progress else { return true }
    isProgressShown.store(true, ordering: .relaxed)
    return put(line, STDERR_FILENO)
  }

  private func put(_ bytes: [UInt8], _ descriptor: Int32) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count >= 0 {
        rest = rest.dropFirst(count)
      } else if errno == EAGAIN {
        // Whoever else has the terminal open may have made it so.
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&entry, 1, -1)
      } else if errno != EINTR {
        return false
      }
    }
    return true
  }
}
