internal import Glibc
internal import Synchronization

/// The thread that waits for libcurl's sockets, as the executor of ``CurlLoop`` and, by
/// ``CurlTasks``, of tasks.
///
/// `@unchecked Sendable`: `multi`, `taken` and `isRunningTask` are used on this thread alone, except
/// for `wakeUp`, which any may call; `loop` and `peers` are written before the thread starts,
/// and `peers` is used on it alone from then on; the rest is atomic or behind the lock.
final class CurlThread: SerialExecutor, @unchecked Sendable {
  let multi: MultiHandle
  /// How many requests have been given to this thread and not been answered.
  let load = Atomic<Int>(0)
  private weak var loop: CurlLoop?
  /// The other threads of the transport.
  private var peers: [CurlThread] = []
  private let inbox = Mutex(Inbox())
  /// How many jobs of tasks are in the inbox.
  private let taskCount = Atomic<Int>(0)
  /// Whether it waits for sockets, or is about to, and nothing has woken it.
  private let isWaiting = Atomic<Bool>(false)
  /// What has been taken out of the inbox, whose room it gets for what comes meanwhile.
  private var taken: [Job] = []
  /// Whether it runs what a task does, rather than what the loop does.
  private var isRunningTask = false
  /// 0 before the thread has started.
  private let thread = Atomic<pthread_t>(0)

  /// As often the jobs that jobs have left are taken before libcurl has its turn: it looks at every
  /// request then, so that one look for many jobs is better than one for each.
  private static let mostRounds = 16

  /// What a task leaves stays on its thread unless another has less to do by more than this, in
  /// requests and jobs: the other one may have to be woken.
  private static let margin = 8

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

  /// Starts the thread, which ends after `stop`. `loop` is not kept alive by it; `peers` are, until
  /// it ends.
  ///
  /// - Parameter stackSize: in bytes; the system's own when nil.
  /// - Returns: false where the system lets this process or its user have no more threads: then this
  ///   one takes nothing, ever.
  func start(_ loop: CurlLoop, peers: [CurlThread], stackSize: Int? = nil) -> Bool {
    self.loop = loop
    self.peers = peers
    var thread = pthread_t()
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    if let stackSize { pthread_attr_setstacksize(&attributes, stackSize) }
    let context = Unmanaged.passRetained(self)
    let status = pthread_create(
      &thread, &attributes,
      { context in
        guard let context else { return nil }
        Unmanaged<CurlThread>.fromOpaque(context).takeRetainedValue().run()
        return nil
      }, context.toOpaque())
    guard status == 0 else {
      context.release()
      self.peers = []
      inbox.withLock { $0.isOver = true }
      return false
    }
    pthread_detach(thread)
    return true
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

  private var burden: Int { load.load(ordering: .relaxed) + taskCount.load(ordering: .relaxed) }

  fileprivate func enqueue(_ job: UnownedJob, of executor: UnownedTaskExecutor) {
    // An answer is taken where it came. What a task leaves is another task, or what that wakes.
    if isCurrent, isRunningTask {
      let burden = burden
      if let peer = peers.first(where: { $0.burden + Self.margin < burden }) {
        return peer.add(job, of: executor)
      }
    }
    add(job, of: executor)
  }

  private func add(_ job: UnownedJob, of executor: UnownedTaskExecutor) {
    let isTaken = leave { inbox in
      inbox.jobs.append(.ofTask(job, executor))
      taskCount.add(1, ordering: .relaxed)
    }
    // A task may outlive the transport, by what it does after its last request. Whoever wakes it may
    // hold a lock, or be the main thread.
    if !isTaken { globalConcurrentExecutor.enqueue(ExecutorJob(job)) }
  }

  func checkIsolated() {
    precondition(isCurrent, "not on the thread of libcurl")
  }

  /// Wakes the thread if it waits: it takes all there is before it waits again.
  ///
  /// - Returns: false when the thread has ended, and takes nothing.
  @discardableResult
  private func leave(_ change: (inout Inbox) -> Void) -> Bool {
    let isTaken = inbox.withLock { inbox in
      guard !inbox.isOver else { return false }
      change(&inbox)
      return true
    }
    if isTaken, isWaiting.exchange(false, ordering: .relaxed) { multi.wakeUp() }
    return isTaken
  }

  private func run() {
    Self.blockSignals()
    thread.store(pthread_self(), ordering: .relaxed)
    while let timeout = turn() {
      // Before the look into the inbox: whoever comes after that wakes the thread.
      isWaiting.store(true, ordering: .relaxed)
      let isIdle = inbox.withLock { $0.isEmpty }
      if !isIdle { isWaiting.store(false, ordering: .relaxed) }
      multi.poll(timeout: isIdle ? timeout : .zero)
      isWaiting.store(false, ordering: .relaxed)
    }
    peers = []
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
      inbox.withLock { inbox in
        cancelled += inbox.cancelled
        inbox.cancelled.removeAll()
        swap(&inbox.jobs, &taken)
        taskCount.store(0, ordering: .relaxed)
      }
      guard !taken.isEmpty else { break }
      run(taken)
      taken.removeAll(keepingCapacity: true)
    }
    return loop?.assumeIsolated { $0.turn(cancelled: cancelled) }
  }

  private func run(_ jobs: [Job]) {
    for job in jobs {
      switch job {
      case .ofLoop(let job): job.runSynchronously(on: asUnownedSerialExecutor())
      case .ofTask(let job, let executor):
        isRunningTask = true
        job.runSynchronously(on: executor)
        isRunningTask = false
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

/// Runs tasks on the threads of the loops, between two looks at their sockets: a request of theirs is
/// handed to libcurl, and its answer to them, without waking another thread.
///
/// A task that waits for nothing else stays on the thread that it is on. What comes from elsewhere
/// goes to the threads in turn, and what tasks begin to that which has less to do.
final class CurlTasks: TaskExecutor {
  private let threads: [CurlThread]
  private let turn = Atomic<Int>(0)

  /// - Parameter threads: one or more.
  init(_ threads: [CurlThread]) {
    self.threads = threads
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let thread =
      threads.first(where: \.isCurrent)
      ?? threads[turn.wrappingAdd(1, ordering: .relaxed).oldValue % threads.count]
    thread.enqueue(UnownedJob(job), of: asUnownedTaskExecutor())
  }
}
