import Browser
import Dispatch
import Glibc
import History
import Storage
import SystemPackage

/// Finds the other Pails of the same user that move something, shows their transfers, and passes
/// commands on to them.
actor OtherTransfers {
  /// Between two looks into the folder.
  private static let pause = Duration.seconds(1)
  private static let processLimit = 32
  /// Between two looks whether a process that closed its socket has ended, and how many of them.
  private static let pauseAtEnd = Duration.milliseconds(20)
  private static let looksAtEnd = 100

  private nonisolated let executor = SocketQueue()
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  private let path: FilePath
  private let send: @Sendable (Action) -> Void
  private var connections: [Int32: LineConnection] = [:]
  private var complete: Set<Int32> = []

  /// - Parameter send: is called on a thread of its own.
  init(_ path: FilePath, send: @escaping @Sendable (Action) -> Void) {
    self.path = path
    self.send = send
  }

  /// Looks for them until the task is cancelled.
  func run() async {
    while !Task.isCancelled {
      look()
      // Processes come without a word, so the folder is looked at again. Sleeping fails only when
      // the task is cancelled, which is looked at anyway.
      try? await Task.sleep(for: Self.pause)
    }
    for connection in connections.values { connection.close() }
    connections = [:]
  }

  /// Passes a command on; one to a process that is gone goes nowhere.
  func pass(_ command: TransferWire.Command, to processID: Int32) {
    connections[processID]?.send(TransferWire.line(for: command))
    forgetClosed()
  }

  func isConnected(to processID: Int32) -> Bool { connections[processID] != nil }

  /// Looks for them now.
  func look() {
    guard let folder = RunFolder(path, makes: false) else { return }
    for processID in folder.processes() where processID != getpid() {
      guard connections[processID] == nil, connections.count < Self.processLimit,
        let descriptor = folder.connect(to: processID)
      else { continue }
      connections[processID] = LineConnection(
        descriptor, lineLimit: TransferWire.stateLimit, queue: executor.queue
      ) { [weak self] in self?.assumeIsolated { $0.serve(processID) } }
    }
  }

  private func serve(_ processID: Int32) {
    guard let connection = connections[processID] else { return }
    for state in connection.serve().compactMap(TransferWire.state) {
      switch state {
      case .transfers(let transfers, let limit):
        send(
          .otherProgressed(
            OtherProcess(processID: processID, transfers: transfers, limit: limit)))
      case .end: complete.insert(processID)
      }
    }
    forgetClosed()
  }

  private func forgetClosed() {
    for (processID, connection) in connections where connection.isClosed {
      connections[processID] = nil
      if complete.remove(processID) != nil {
        send(.otherEnded(processID: processID, isComplete: true))
      } else {
        Task { await tellEnd(of: processID) }
      }
    }
  }

  /// The kernel closes what a killed process has open a moment before the process counts as ended;
  /// until then the journal takes its transfers for running.
  private func tellEnd(of processID: Int32) async {
    var looks = 0
    while Author.isRunning(processID), looks < Self.looksAtEnd {
      looks += 1
      // Nothing tells the end of a process that is no child of this one, so it is looked for again.
      // Sleeping fails only when the task is cancelled, and nobody does that.
      try? await Task.sleep(for: Self.pauseAtEnd)
    }
    // It may have been found again meanwhile.
    guard connections[processID] == nil else { return }
    send(.otherEnded(processID: processID, isComplete: false))
  }
}
