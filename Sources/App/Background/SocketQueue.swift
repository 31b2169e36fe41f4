import Dispatch

/// A Dispatch queue as the executor of an actor, so that the handlers of its sources run on it.
final class SocketQueue: SerialExecutor {
  let queue = DispatchQueue(label: "pail.sockets", qos: .utility)

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
  }

  func checkIsolated() {
    dispatchPrecondition(condition: .onQueue(queue))
  }
}
