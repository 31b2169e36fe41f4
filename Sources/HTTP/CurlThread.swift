internal import Glibc
internal import Synchronization

/// The thread that sits in `curl_multi_poll`, as the executor of ``CurlLoop``.
///
/// `@unchecked Sendable`: `multi` is used on this thread alone, except for `wakeUp`, which libcurl
/// allows from any; `loop` and `thread` are written before the thread starts or by it alone; the
/// rest is behind the lock.
final class CurlThread: SerialExecutor, @unchecked Sendable {
  let multi: MultiHandle
  private weak var loop: CurlLoop?
  private let inbox = Mutex(Inbox())

  /// What other threads leave for this one.
  private struct Inbox {
    var jobs: [UnownedJob] = []
    var cancelled: [Exchange.ID] = []
    var isStopping = false
    var thread: pthread_t?

    var isEmpty: Bool { jobs.isEmpty && cancelled.isEmpty && !isStopping }
    /// Whether this is the thread that takes things out.
    var isReadHere: Bool { thread.map { pthread_equal($0, pthread_self()) != 0 } ?? false }
  }

  init(multi: consuming MultiHandle) {
    self.multi = multi
  }

  /// Starts the thread, which ends after `stop`. `loop` is not kept alive by it.
  func start(_ loop: CurlLoop) {
    self.loop = loop
    var thread = pthread_t()
    let context = Unmanaged.passRetained(self)
    let status = pthread_create(
      &thread, nil,
      { context in
        guard let context else { return nil }
        Unmanaged<CurlThread>.fromOpaque(context).takeRetainedValue().run()
        return nil
      }, context.toOpaque())
    precondition(status == 0, "the system refuses another thread")
    pthread_detach(thread)
  }

  func stop() {
    leave { $0.isStopping = true }
  }

  /// Has the loop end the request with this number, soon.
  func cancel(_ id: Exchange.ID) {
    leave { $0.cancelled.append(id) }
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    leave { $0.jobs.append(job) }
  }

  func checkIsolated() {
    precondition(inbox.withLock { $0.isReadHere }, "not on the thread of libcurl")
  }

  /// Wakes the thread for the first thing only: it takes all there is before it waits again.
  private func leave(_ change: (inout Inbox) -> Void) {
    let mayWait = inbox.withLock { inbox in
      let mayWait = inbox.isEmpty && !inbox.isReadHere
      change(&inbox)
      return mayWait
    }
    if mayWait { multi.wakeUp() }
  }

  private func run() {
    Self.blockSignals()
    inbox.withLock { $0.thread = pthread_self() }
    while let timeout = turn() {
      if inbox.withLock({ $0.isEmpty }) { multi.poll(timeout: timeout) }
    }
  }

  /// Runs what has been left, then lets libcurl move bytes. By itself, so that no reference to the
  /// loop is held while the thread waits.
  ///
  /// - Returns: how long to wait at most; `nil` once the loop is gone.
  private func turn() -> Duration? {
    let (jobs, cancelled) = inbox.withLock { inbox in
      defer {
        inbox.jobs.removeAll(keepingCapacity: true)
        inbox.cancelled.removeAll()
      }
      return (inbox.jobs, inbox.cancelled)
    }
    for job in jobs {
      job.runSynchronously(on: asUnownedSerialExecutor())
    }
    return loop?.assumeIsolated { $0.turn(cancelled: cancelled) }
  }

  /// Leaves signals to the program's other threads.
  ///
  /// SIGPIPE (OpenSSL writes to sockets) and SIGXFSZ become the errors EPIPE and EFBIG that way.
  /// What a crash raises stays open, since its handler restores the terminal, and so does SIGPROF,
  /// with which Swift's own handler stops the other threads.
  private static func blockSignals() {
    var signals = sigset_t()
    sigfillset(&signals)
    for crash in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS, SIGPROF] {
      sigdelset(&signals, crash)
    }
    pthread_sigmask(SIG_SETMASK, &signals, nil)
  }
}
