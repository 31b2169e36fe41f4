internal import Glibc
internal import Synchronization

/// The thread that sits in `curl_multi_poll`, as the executor of ``CurlLoop`` and, by
/// ``CurlTasks``, of tasks.
///
/// `@unchecked Sendable`: `multi` is used on this thread alone, except for `wakeUp`, which libcurl
/// allows from any; `loop` is written before the thread starts; the rest is atomic or behind the
/// lock.
final class CurlThread: SerialExecutor, @unchecked Sendable {
  let multi: MultiHandle
  /// How many requests have been given to this thread and not been answered.
  let load = Atomic<Int>(0)
  private weak var loop: CurlLoop?
  private let inbox = Mutex(Inbox())
  /// 0 before the thread has started.
  private let thread = Atomic<pthread_t>(0)

  /// As often the jobs that jobs have left are taken before libcurl has its turn: it looks at every
  /// request then, so that one look for many jobs is better than one for each.
  private static let mostRounds = 16

  /// Something to run, for the actor of the loop or for a task.
  private enum Job {
    case ofLoop(UnownedJob)
    case ofTask(UnownedJob, UnownedTaskExecutor)
  }

  /// What other threads leave for this one.
  private struct Inbox {
    var jobs: [Job] = []
    var cancelled: [Exchange.ID] = []
    var isStopping = false
    /// Nothing is taken out any more.
    var isOver = false

    var isEmpty: Bool { jobs.isEmpty && cancelled.isEmpty && !isStopping }
  }

  /// Whether this is the thread.
  var isCurrent: Bool { thread.load(ordering: .relaxed) == pthread_self() }

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
    leave { $0.jobs.append(.ofLoop(job)) }
  }

  fileprivate func enqueue(_ job: UnownedJob, of executor: UnownedTaskExecutor) {
    let isTaken = leave { $0.jobs.append(.ofTask(job, executor)) }
    // A task may outlive the transport, by what it does after its last request. Whoever wakes it may
    // hold a lock, or be the main thread.
    if !isTaken { globalConcurrentExecutor.enqueue(ExecutorJob(job)) }
  }

  func checkIsolated() {
    precondition(isCurrent, "not on the thread of libcurl")
  }

  /// Wakes the thread for the first thing only: it takes all there is before it waits again.
  ///
  /// - Returns: false when the thread has ended, and takes nothing.
  @discardableResult
  private func leave(_ change: (inout Inbox) -> Void) -> Bool {
    let isCurrent = isCurrent
    let (isTaken, mayWait) = inbox.withLock { inbox in
      guard !inbox.isOver else { return (false, false) }
      let mayWait = inbox.isEmpty && !isCurrent
      change(&inbox)
      return (true, mayWait)
    }
    if mayWait { multi.wakeUp() }
    return isTaken
  }

  private func run() {
    Self.blockSignals()
    thread.store(pthread_self(), ordering: .relaxed)
    while let timeout = turn() {
      if inbox.withLock({ $0.isEmpty }) { multi.poll(timeout: timeout) }
    }
    // What tasks have left since.
    let rest = inbox.withLock { inbox in
      inbox.isOver = true
      return inbox.jobs
    }
    run(rest)
  }

  /// Runs what has been left, then lets libcurl move bytes. By itself, so that no reference to the
  /// loop is held while the thread waits.
  ///
  /// - Returns: how long to wait at most; `nil` once the loop is gone.
  private func turn() -> Duration? {
    var cancelled: [Exchange.ID] = []
    for _ in 0..<Self.mostRounds {
      let jobs = inbox.withLock { inbox in
        cancelled += inbox.cancelled
        inbox.cancelled.removeAll()
        defer { inbox.jobs.removeAll() }
        return inbox.jobs
      }
      guard !jobs.isEmpty else { break }
      run(jobs)
    }
    return loop?.assumeIsolated { $0.turn(cancelled: cancelled) }
  }

  private func run(_ jobs: [Job]) {
    for job in jobs {
      switch job {
      case .ofLoop(let job): job.runSynchronously(on: asUnownedSerialExecutor())
      case .ofTask(let job, let executor): job.runSynchronously(on: executor)
      }
    }
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

/// Runs tasks on the thread of a loop, between two looks at its sockets: a request of theirs is
/// handed to libcurl, and its answer to them, without waking another thread.
final class CurlTasks: TaskExecutor {
  private let thread: CurlThread

  init(_ thread: CurlThread) {
    self.thread = thread
  }

  func enqueue(_ job: consuming ExecutorJob) {
    thread.enqueue(UnownedJob(job), of: asUnownedTaskExecutor())
  }
}
