import Foundation
import Glibc
import Synchronization

/// Something that happens once; tests and server threads wait for it instead of sleeping.
final class Gate: Sendable {
  private struct State {
    var isOpen = false
    var waiting: [CheckedContinuation<Void, Never>] = []
  }
  private let state = Mutex(State())
  private let semaphore = DispatchSemaphore(value: 0)

  func open() {
    let waiting = state.withLock { state in
      defer { state.waiting = [] }
      state.isOpen = true
      return state.waiting
    }
    for continuation in waiting { continuation.resume() }
    semaphore.signal()
  }

  /// For a task.
  func opened() async {
    await withCheckedContinuation { continuation in
      let isOpen = state.withLock { state in
        if !state.isOpen { state.waiting.append(continuation) }
        return state.isOpen
      }
      if isOpen { continuation.resume() }
    }
  }

  /// For a thread. Gives up after 30 s, so that a broken test ends.
  func waitOnThread() {
    _ = semaphore.wait(timeout: .now() + 30)
    semaphore.signal()
  }
}

/// What arrived on a connection.
struct ReceivedRequest: Sendable {
  /// The first line: `PUT /b/k HTTP/1.1`.
  var line: String
  var headers: [(name: String, value: String)]
  var body: [UInt8] = []

  func header(_ name: String) -> String? {
    headers.first { $0.name.lowercased() == name.lowercased() }?.value
  }
}

/// One accepted connection, used by the thread that serves it. Waits at most 30 s for anything.
final class ServerConnection {
  private let socket: Int32
  private var buffer: [UInt8] = []

  fileprivate init(socket: Int32) {
    self.socket = socket
    var limit = timeval(tv_sec: 30, tv_usec: 0)
    let size = socklen_t(MemoryLayout<timeval>.size)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
    setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
  }

  deinit { Glibc.close(socket) }

  /// SO_SNDBUF of the socket at the other end, which is this process's too; 0 for none.
  var sendBufferOfClient: Int32 {
    let here = Self.ports(of: socket)
    let open = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
    let other = open.compactMap { Int32($0) }.first { candidate in
      let there = Self.ports(of: candidate)
      return there.own != nil && there.own == here.peer && there.peer == here.own
    }
    var size: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    if let other { getsockopt(other, SOL_SOCKET, SO_SNDBUF, &size, &length) }
    return size
  }

  private static func ports(of socket: Int32) -> (own: UInt16?, peer: UInt16?) {
    (port(of: socket, getsockname), port(of: socket, getpeername))
  }

  private static func port(
    of socket: Int32,
    _ name: (Int32, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
  ) -> UInt16? {
    var address = sockaddr_in()
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isNamed = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { name(socket, $0, &size) == 0 }
    }
    guard isNamed, address.sin_family == sa_family_t(AF_INET) else { return nil }
    return UInt16(bigEndian: address.sin_port)
  }

  /// The next head, or `nil` when the other side closed the connection.
  func readHead() -> ReceivedRequest? {
    while true {
      if let end = buffer.firstRange(of: Array("\r\n\r\n".utf8)) {
        let lines = String(decoding: buffer[..<end.lowerBound], as: UTF8.self)
          .components(separatedBy: "\r\n")
        buffer.removeSubrange(..<end.upperBound)
        return ReceivedRequest(
          line: lines[0],
          headers: lines.dropFirst().map { line in
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            return (
              String(parts[0]),
              parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : ""
            )
          })
      }
      guard receive() else { return nil }
    }
  }

  /// The next request, its body as long as its Content-Length says.
  func readRequest() -> ReceivedRequest? {
    guard var request = readHead() else { return nil }
    readBody(of: &request)
    return request
  }

  func readBody(of request: inout ReceivedRequest) {
    let count = request.header("Content-Length").flatMap { Int($0) } ?? 0
    while buffer.count < count {
      guard receive() else { return }
    }
    request.body = Array(buffer[..<count])
    buffer.removeSubrange(..<count)
  }

  /// - Returns: false when the other side takes no more.
  @discardableResult
  func send(_ bytes: some Sequence<UInt8>) -> Bool {
    var rest = Array(bytes)[...]
    while !rest.isEmpty {
      let sent = rest.withUnsafeBytes {
        Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard sent > 0 else { return false }
      rest = rest.dropFirst(sent)
    }
    return true
  }

  @discardableResult
  func send(_ text: String) -> Bool { send(text.utf8) }

  /// A whole answer of the status, `200 OK` and the like, that keeps the connection.
  func answer(_ status: String, headers: String = "", body: String = "") {
    send("HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\(headers)\r\n\(body)")
  }

  /// Takes whatever comes until the end.
  ///
  /// - Returns: of `errno`; 0 when the other side closed the connection in good order.
  func readToEnd() -> CInt {
    while receive() { buffer = [] }
    return receiveError
  }

  private var receiveError: CInt = 0

  /// - Returns: whether more has come.
  @discardableResult
  func receive() -> Bool {
    var chunk = [UInt8](repeating: 0, count: 256 * 1024)
    let count = chunk.withUnsafeMutableBytes { recv(socket, $0.baseAddress, $0.count, 0) }
    guard count > 0 else {
      receiveError = count < 0 ? errno : 0
      return false
    }
    buffer += chunk[..<count]
    return true
  }
}

/// Listens on loopback and gives each connection to `serve`, on a thread of its own.
///
/// Listens until the process ends: Swift may let go of a server before its test ends, and closing
/// then would reset connections. Each one is closed when `serve` returns. There is no S3 in it: it
/// says what it is told.
final class ScriptedServer: Sendable {
  let port: UInt16
  private let connections: Counter

  var url: String { "http://127.0.0.1:\(port)" }
  /// Connections accepted so far.
  var connectionCount: Int { connections.value }

  init(_ serve: @escaping @Sendable (ServerConnection) -> Void) throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        bind(listener, pointer, size) == 0 && listen(listener, 64) == 0
          && getsockname(listener, pointer, &size) == 0
      }
    }
    guard status else { throw POSIXError(.EADDRNOTAVAIL) }
    port = UInt16(bigEndian: address.sin_port)
    let connections = Counter()
    self.connections = connections
    Thread.detachNewThread {
      while case let socket = accept(listener, nil, nil), socket >= 0 {
        connections.increment()
        Thread.detachNewThread { serve(ServerConnection(socket: socket)) }
      }
    }
  }
}

private final class Counter: Sendable {
  private let count = Atomic<Int>(0)
  var value: Int { count.load(ordering: .sequentiallyConsistent) }
  func increment() { count.wrappingAdd(1, ordering: .sequentiallyConsistent) }
}

/// Collects from server threads.
final class Collected<Element: Sendable>: Sendable {
  private let elements = Mutex<[Element]>([])
  var all: [Element] { elements.withLock { $0 } }
  func append(_ element: Element) { elements.withLock { $0.append(element) } }
}
