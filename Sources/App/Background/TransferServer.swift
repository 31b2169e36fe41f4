import Dispatch
import Glibc
import Storage
import SystemPackage

/// Shows the transfers of this process to other Pails of the same user, and takes their commands.
///
/// There is a socket once a transfer is under way, and until nothing is left. Each who is connected gets the
/// newest state when something changes, at most ten times a second, and misses what it was too slow
/// for.
actor TransferServer {
  /// More than anyone has terminals for.
  private static let peerLimit = 8

  private nonisolated let executor = SocketQueue()
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  private let path: FilePath
  private let transfers: ProcessTransfers
  private let staysOpen: Bool
  private var listener: (any DispatchSourceRead)?
  private var peers: [Int: LineConnection] = [:]
  private var nextPeer = 0
  private var statuses: [TransferStatus] = []
  private var limit: Int?
  private var shown: [UInt8] = []

  /// - Parameters:
  ///   - path: of the folder of sockets; made when it is missing.
  ///   - staysOpen: whether more transfers may come when all are over, so that this is not the end.
  init(_ path: FilePath, _ transfers: ProcessTransfers, staysOpen: Bool) {
    self.path = path
    self.staysOpen = staysOpen
    self.transfers = transfers
  }

  /// Whether another process looks on.
  var isWatched: Bool { !peers.isEmpty }

  /// Serves until the task is cancelled. Where there can be no socket, nothing is shown, and the
  /// transfers go on.
  func run() async {
    for await overview in transfers.updates() {
      limit = await transfers.limit
      follow(overview.statuses)
    }
    // The last state may be newer than what came last.
    follow(await transfers.statuses())
    close()
  }

  private func follow(_ newest: [TransferStatus]) {
    statuses = newest
    let isOver = newest.allSatisfy(\.state.isOver)
    if listener == nil, !isOver { open() }
    guard listener != nil else { return }
    show()
    // Who stops them is about to end, and perhaps another process takes them over before that.
    if isOver, !staysOpen, !newest.contains(where: \.isStopped) { close() }
  }

  private func show() {
    // What a command is done with it forgets; whoever looks on keeps the last of it.
    guard !peers.isEmpty, !statuses.isEmpty else { return }
    let line = TransferWire.line(for: statuses, limit: limit)
    guard line != shown else { return }
    shown = line
    for peer in peers.values { peer.offer(line) }
    forgetClosed()
  }

  // MARK: The socket

  private func open() {
    guard let folder = RunFolder(path, makes: true), let socket = try? folder.listen() else {
      return
    }
    let source = DispatchSource.makeReadSource(fileDescriptor: socket, queue: executor.queue)
    source.setEventHandler { [weak self] in
      self?.assumeIsolated { $0.acceptPeers(socket) }
    }
    source.setCancelHandler { Glibc.close(socket) }
    source.activate()
    listener = source
  }

  private func close() {
    guard let source = listener else { return }
    source.cancel()
    listener = nil
    RunFolder(path, makes: false)?.removeOurs()
    let isOver = statuses.allSatisfy(\.state.isOver)
    for peer in peers.values {
      if isOver { peer.send(TransferWire.end) }
      peer.close()
    }
    peers = [:]
    shown = []
  }

  private func acceptPeers(_ socket: Int32) {
    while listener != nil, let descriptor = UnixSocket.accept(socket) {
      guard peers.count < Self.peerLimit else {
        Glibc.close(descriptor)
        continue
      }
      let id = nextPeer
      nextPeer += 1
      let peer = LineConnection(
        descriptor, lineLimit: TransferWire.commandLimit, queue: executor.queue
      ) { [weak self] in self?.assumeIsolated { $0.serve(id) } }
      peers[id] = peer
      peer.offer(TransferWire.line(for: statuses, limit: limit))
    }
  }

  private func serve(_ id: Int) {
    guard let peer = peers[id] else { return }
    let commands = peer.serve().compactMap(TransferWire.command)
    forgetClosed()
    guard !commands.isEmpty else { return }
    Task { for command in commands { await obey(command) } }
  }

  private func forgetClosed() {
    for (id, peer) in peers where peer.isClosed { peers[id] = nil }
  }

  private func obey(_ command: TransferWire.Command) async {
    switch command {
    case .control(let id, let control): await transfers.perform(control, on: id)
    case .limit(let bytesPerSecond): await transfers.setLimit(bytesPerSecond: bytesPerSecond)
    }
  }
}
