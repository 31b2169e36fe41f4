import Glibc
import Synchronization

/// Everything a dying program needs to give the terminal back, prepared beforehand: a handler may
/// neither allocate nor lock.
private struct Restoration {
  var descriptor: Int32
  var modes: termios
  var bytes: UnsafeMutablePointer<UInt8>
  var count: Int
}

/// Nil while the terminal is as it should be. Whoever takes it restores, so it is done once.
/// Unsafe is only what it points to, which belongs to whoever took it.
nonisolated(unsafe) private let armed = Atomic<UnsafeMutablePointer<Restoration>?>(nil)

private let fatalSignals = [
  SIGSEGV, SIGABRT, SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGQUIT,
  // Nothing here handles these either, and their default ends the program: signal(7).
  SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU, SIGXFSZ, SIGSYS, SIGIO, SIGPWR,
]

/// How we die once the terminal is restored, by signal number. Written before the handlers are
/// installed, never afterwards, and never freed: so reading from any thread is safe.
nonisolated(unsafe) private let finalActions: UnsafeMutablePointer<sigaction> = {
  let actions = UnsafeMutablePointer<sigaction>.allocate(capacity: 65)
  actions.initialize(repeating: sigaction(), count: 65)
  return actions
}()

/// Async-signal-safe: `write`, `poll` and `tcsetattr` only.
private func restoreTerminal() {
  guard let saved = armed.exchange(nil, ordering: .sequentiallyConsistent) else { return }
  let descriptor = saved.pointee.descriptor
  var done = 0
  var tries = 0
  while done < saved.pointee.count, tries < 10 {
    let count = write(descriptor, saved.pointee.bytes + done, saved.pointee.count - done)
    if count > 0 {
      done += count
    } else {
      // The terminal is behind, and does not block us; it gets a second in all.
      var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      poll(&entry, 1, 100)
      tries += 1
    }
  }
  tcsetattr(descriptor, TCSANOW, &saved.pointee.modes)
}

private let restoreAndDie: @convention(c) (Int32) -> Void = { signal in
  restoreTerminal()
  sigaction(signal, finalActions + Int(signal), nil)
  raise(signal)
}

/// Here and not in place, where it would belong to the main actor: any thread may call `exit`.
private let restoreAtExit: @convention(c) () -> Void = { restoreTerminal() }

/// Gives the terminal back when the program crashes, or ends without closing its session.
@MainActor
enum CrashRestore {
  private static var isInstalled = false

  /// - Parameter bytes: Written before the modes are put back.
  static func arm(descriptor: Int32, modes: termios, bytes: [UInt8]) {
    install()
    coverThread()
    let saved = UnsafeMutablePointer<Restoration>.allocate(capacity: 1)
    let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, bytes.count))
    copy.initialize(from: bytes, count: bytes.count)
    saved.initialize(
      to: Restoration(descriptor: descriptor, modes: modes, bytes: copy, count: bytes.count))
    release(armed.exchange(saved, ordering: .sequentiallyConsistent))
  }

  static func disarm() {
    release(armed.exchange(nil, ordering: .sequentiallyConsistent))
  }

  private static func release(_ saved: UnsafeMutablePointer<Restoration>?) {
    saved?.pointee.bytes.deallocate()
    saved?.deallocate()
  }

  private static func install() {
    guard !isInstalled else { return }
    isInstalled = true
    // Swift's own handler asks at the terminal what to print, and prints memory, in which secrets
    // may be: only for those who want it.
    let wantsBacktrace = getenv("SWIFT_BACKTRACE") != nil
    for signal in fatalSignals {
      var action = sigaction()
      action.__sigaction_handler.sa_handler = restoreAndDie
      action.sa_flags = SA_ONSTACK
      var previous = sigaction()
      sigaction(signal, nil, &previous)
      // Whoever started us may have had it ignored, which then stays so.
      guard !previous.isIgnored else { continue }
      // Zeroed is SIG_DFL.
      if wantsBacktrace { finalActions[Int(signal)] = previous }
      sigaction(signal, &action, nil)
    }
    atexit(restoreAtExit)
  }

  /// Gives this thread a stack for handlers, since a stack that ran over has no room for one. On
  /// Linux the main actor runs on whatever thread Dispatch takes for it, so it is asked for often.
  static func coverThread() {
    var current = stack_t()
    guard sigaltstack(nil, &current) == 0, current.ss_flags & Int32(SS_DISABLE) != 0 else { return }
    var stack = stack_t()
    stack.ss_sp = alternateStack
    stack.ss_size = alternateStackSize
    sigaltstack(&stack, nil)
  }

  private static let alternateStackSize = 64 * 1024
  /// One for all threads: they are used one after the other, and at most one of them crashes.
  private static let alternateStack = UnsafeMutableRawPointer.allocate(
    byteCount: alternateStackSize, alignment: 16)
}
