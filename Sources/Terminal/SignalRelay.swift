internal import CNcurses
public import Dispatch
import Glibc
import Synchronization

/// Where the handler writes; -1 while there is nobody to tell. A handler can reach globals only.
private let signalPipe = Atomic<Int32>(-1)

/// Async-signal-safe: one write, and errno is left as it was.
private let relaySignal: @convention(c) (Int32) -> Void = { signal in
  let saved = errno
  var byte = UInt8(truncatingIfNeeded: signal)
  _ = write(signalPipe.load(ordering: .relaxed), &byte, 1)
  errno = saved
}

/// Brings signals to a queue: the handler writes the signal's number into a pipe, and a Dispatch
/// source reads it. One at a time in a process.
///
/// Dispatch's own source for signals needs them ignored until one of its threads has come to install
/// a handler: what comes meanwhile is lost.
public final class SignalRelay {
  private var previous: [Int32: sigaction] = [:]
  private let reading: Int32
  private let writing: Int32
  private let source: any DispatchSourceRead

  /// - Parameter handler: called on `queue`, with the number of a signal.
  /// - Throws: ``TerminalError/system(operation:reason:)`` when there is no pipe to be had.
  public init(
    _ signals: [Int32], queue: DispatchQueue, handler: @escaping @Sendable (Int32) -> Void
  ) throws(TerminalError) {
    var ends: [Int32] = [0, 0]
    guard pipe2(&ends, O_CLOEXEC | O_NONBLOCK) == 0 else {
      throw .system(operation: "prepare for signals", reason: String(cString: strerror(errno)))
    }
    let reading = ends[0]
    self.reading = reading
    writing = ends[1]
    signalPipe.store(writing, ordering: .sequentiallyConsistent)
    source = DispatchSource.makeReadSource(fileDescriptor: reading, queue: queue)
    source.setEventHandler {
      var bytes = [UInt8](repeating: 0, count: 256)
      let count = read(reading, &bytes, bytes.count)
      for byte in bytes.prefix(max(0, count)) { handler(Int32(byte)) }
    }
    source.activate()
    for signal in signals { install(signal) }
  }

  /// Whether whoever started this program had it ignored, as nohup(1) does, and a shell for what a
  /// script leaves in the background.
  public static func isIgnored(_ signal: Int32) -> Bool {
    var action = sigaction()
    sigaction(signal, nil, &action)
    return action.isIgnored
  }

  func install(_ signal: Int32) {
    var action = sigaction()
    action.__sigaction_handler.sa_handler = relaySignal
    action.sa_flags = SA_RESTART
    var old = sigaction()
    sigaction(signal, &action, &old)
    if previous[signal] == nil { previous[signal] = old }
  }

  /// Until ``install(_:)`` is called again the system does what it does by default.
  func useDefault(_ signal: Int32) {
    var action = sigaction()
    action.__sigaction_handler.sa_handler = SIG_DFL
    sigaction(signal, &action, nil)
  }

  /// Raises a signal on this thread, which Dispatch has made to block most of them.
  static func raiseUnblocked(_ signal: Int32) {
    var wanted = sigset_t()
    var before = sigset_t()
    sigemptyset(&wanted)
    sigaddset(&wanted, signal)
    pthread_sigmask(SIG_UNBLOCK, &wanted, &before)
    raise(signal)
    pthread_sigmask(SIG_SETMASK, &before, nil)
  }

  /// Puts back what was there before, but ignores one of them from now on.
  func close(ignoring ignored: Int32? = nil) {
    for (signal, var action) in previous {
      if signal == ignored { action.__sigaction_handler.sa_handler = SIG_IGN }
      sigaction(signal, &action, nil)
    }
    previous.removeAll()
    signalPipe.store(-1, ordering: .sequentiallyConsistent)
    let (reading, writing) = (reading, writing)
    source.setCancelHandler {
      Glibc.close(reading)
      Glibc.close(writing)
    }
    source.cancel()
  }
}

extension sigaction {
  /// Whether it is `SIG_IGN`, which cannot be compared.
  var isIgnored: Bool { unsafeBitCast(__sigaction_handler.sa_handler, to: Int.self) == 1 }
}
