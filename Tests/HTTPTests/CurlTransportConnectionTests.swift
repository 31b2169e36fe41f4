import Foundation
import Glibc
import HTTP
import Testing

@Suite("Connections, cancelling and waiting", .timeLimit(.minutes(5)))
struct CurlTransportConnectionTests {
  @Test("A connection is kept and used again")
  func reuse() async throws {
    let server = try ScriptedServer { connection in
      while connection.readRequest() != nil { connection.answer("200 OK", body: "x") }
    }
    let transport = CurlTransport()
    for number in 0..<40 {
      // One after the other of the same kind, and of another.
      let method: HTTPMethod = number / 2 % 2 == 0 ? .get : .put
      _ = try await transport.send(HTTPRequest(method: method, url: server.url + "/\(number)"))
    }
    #expect(server.connectionCount == 1)
    #expect(transport.statistics.connectionsOpened == 1)
    #expect(transport.statistics.requestCount == 40)
  }

  @Test("A request has nothing of the one before it, whatever kinds they are of")
  func nothingLeft() async throws {
    let received = Collected<[String]>()
    let server = try ScriptedServer { connection in
      while let request = connection.readRequest() {
        received.append(
          [request.line] + request.headers.map { "\($0.name): \($0.value)" }
            + [String(decoding: request.body, as: UTF8.self)])
        if request.line.contains("/cut") {
          connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
          return
        }
        if request.line.hasPrefix("HEAD") {
          connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
        } else {
          connection.answer(
            request.line.contains("/missing") ? "404 Not Found" : "200 OK", body: "x")
        }
      }
    }
    let url = server.url
    let large = pattern(100_000).map { $0 & 0x7F }
    let file = try temporaryFile(Array("in a file".utf8))
    let own = [HTTPHeader("X-Own", "1"), HTTPHeader("X-Empty", "")]
    let kinds = [
      HTTPRequest(method: .get, url: url + "/a"),
      HTTPRequest(method: .get, url: url + "/missing"),
      HTTPRequest(method: .get, url: url + "/cut"),
      HTTPRequest(method: .get, url: url + "/b", headers: own),
      HTTPRequest(method: .head, url: url + "/c"),
      HTTPRequest(method: .delete, url: url + "/d"),
      HTTPRequest(method: .put, url: url + "/e"),
      HTTPRequest(method: .put, url: url + "/f", headers: own, body: .bytes(Array("few".utf8))),
      HTTPRequest(method: .put, url: url + "/g", body: .bytes(large)),
      HTTPRequest(
        method: .put, url: url + "/h", body: .file(FileSlice(file: file, offset: 3, count: 6))),
      HTTPRequest(method: .post, url: url + "/i", body: .bytes(Array("form".utf8))),
      HTTPRequest(method: .post, url: url + "/j"),
    ]
    var alone: [[String]] = []
    for request in kinds {
      _ = try? await CurlTransport().send(request)
      alone.append(try #require(received.all.last))
    }
    // Of one connection there is one handle.
    let transport = CurlTransport(configuration: .init(maxConnectionsPerHost: 1))
    for first in kinds.indices {
      for second in kinds.indices {
        _ = try? await transport.send(kinds[first])
        var request = kinds[second]
        let progress = ByteCounter()
        request.progress = progress
        let answer = try? await transport.send(request)
        #expect(received.all.suffix(2) == [alone[first], alone[second]])
        let isCut = kinds[second].url.hasSuffix("/cut")
        #expect((answer == nil) == isCut)
        let hasBody = !isCut && kinds[second].method != .head
        #expect(answer.map(\.bodyCount) == (isCut ? nil : hasBody ? 1 : 0))
        // Of an error document none counts.
        let isCounted = hasBody && !kinds[second].url.hasSuffix("/missing")
        #expect(isCut || progress.value == Int(kinds[second].body.count) + (isCounted ? 1 : 0))
      }
    }
  }

  @Test("The kernel holds little of a body for a server that is near")
  func nearServer() async throws {
    let sizes = Collected<Int32>()
    let server = try ScriptedServer { connection in
      while connection.readRequest() != nil {
        sizes.append(connection.sendBufferOfClient)
        connection.answer("200 OK", body: "")
      }
    }
    // A processor that is taken away in the middle of a handshake makes its server look far.
    for _ in 0..<10 {
      _ = try await CurlTransport().send(HTTPRequest(method: .get, url: server.url))
    }
    #expect(sizes.all.count == 10 && !sizes.all.contains(0))
    // The kernel doubles what it is asked for.
    #expect(sizes.all.contains { $0 <= 2 * 256 * 1024 })
  }

  @Test(
    "No more connections are opened than allowed, and all requests get their turn",
    arguments: [1, 2, 3, 4])
  func connectionLimit(threads: Int) async throws {
    let server = try ScriptedServer { connection in
      while let request = connection.readRequest() {
        connection.answer("200 OK", body: request.line)
      }
    }
    let transport = CurlTransport(
      configuration: .init(threads: threads, maxConnectionsPerHost: 3))
    let url = server.url
    let answers = try await withThrowingTaskGroup(of: String.self) { group in
      for number in 0..<300 {
        group.addTask {
          let response = try await transport.send(
            HTTPRequest(method: .get, url: url + "/\(number)"))
          return String(decoding: response.body, as: UTF8.self)
        }
      }
      return try await group.reduce(into: Set<String>()) { $0.insert($1) }
    }
    #expect(answers == Set((0..<300).map { "GET /\($0) HTTP/1.1" }))
    #expect(server.connectionCount <= 3)
  }

  @Test("A task on a thread of the transport stays there, and may outlive it")
  func tasks() async throws {
    let server = try ScriptedServer { connection in
      while let request = connection.readRequest() {
        connection.answer("200 OK", body: request.line)
      }
    }
    var transport: CurlTransport? = CurlTransport(configuration: .init(threads: 2))
    let url = server.url
    let tasks = (0..<40).map { number in
      Task(executorPreference: transport?.taskExecutor) { [transport] in
        var own = transport
        let thread = pthread_self()
        let response = try await own?.send(HTTPRequest(method: .get, url: url + "/\(number)"))
        let isSameThread = pthread_self() == thread
        own = nil
        for _ in 0..<200 { await Task.yield() }
        return (thread, isSameThread, response?.status)
      }
    }
    transport = nil
    var threads: Set<pthread_t> = []
    for task in tasks {
      let (thread, isSameThread, status) = try await task.value
      threads.insert(thread)
      #expect(isSameThread && status == 200)
    }
    #expect(threads.count == 2)
  }

  @Test("What a task begins is shared by all threads of the transport")
  func sharing() async throws {
    let transport = CurlTransport(configuration: .init(threads: 2))
    let threads = await Task(executorPreference: transport.taskExecutor) {
      await withTaskGroup(of: pthread_t.self) { group in
        for _ in 0..<100 { group.addTask { pthread_self() } }
        return await group.reduce(into: Set()) { $0.insert($1) }
      }
    }.value
    #expect(threads.count == 2)
  }

  @Test("A task that is on the thread of a transport when that ends goes on elsewhere")
  func outliving() async throws {
    var transport: CurlTransport? = CurlTransport()
    let executor = try #require(transport?.taskExecutor)
    let task = Task(executorPreference: executor) {
      // Each time it leaves the thread something to run, also when that has run its last turn.
      let thread = pthread_self()
      while pthread_self() == thread { await Task.yield() }
    }
    transport = nil
    await task.value
  }

  @Test("A task that comes after its transport is not run by whoever wakes it")
  func lateTasks() async throws {
    var transport: CurlTransport? = CurlTransport()
    let executor = try #require(transport?.taskExecutor)
    let curl = await Self.threads(executor).task
    transport = nil
    // Its thread ends soon, and takes what comes until then.
    while true {
      let (waker, task) = await Self.threads(executor)
      #expect(task != waker)
      if task != curl { break }
    }
  }

  /// Begins a task from a thread of its own, which does nothing else.
  private static func threads(
    _ executor: any TaskExecutor
  ) async -> (waker: pthread_t, task: pthread_t) {
    await withCheckedContinuation { continuation in
      Thread.detachNewThread {
        let waker = pthread_self()
        Task(executorPreference: executor) {
          continuation.resume(returning: (waker, pthread_self()))
        }
      }
    }
  }

  @Test("A request that changes something is not sent twice behind the caller's back")
  func noSilentRepetition() async throws {
    let received = Collected<String>()
    let server = try ScriptedServer { connection in
      while let request = connection.readRequest() {
        received.append(request.line)
        // The work may be done; the answer is not given.
        if request.line.contains("/lost") { return }
        connection.answer("200 OK")
      }
    }
    let transport = CurlTransport()
    for method in [HTTPMethod.put, .post, .delete] {
      // A machine that is busy with all suites may hold the server's thread up.
      let stallTimeout = Duration.seconds(120)
      _ = try await transport.send(
        HTTPRequest(method: .get, url: server.url + "/warm", stallTimeout: stallTimeout))
      let error = await #expect(throws: HTTPError.self) {
        try await transport.send(
          HTTPRequest(method: method, url: server.url + "/lost", stallTimeout: stallTimeout))
      }
      guard case .connectionLost = error else {
        Issue.record("unexpected \(String(describing: error))")
        continue
      }
    }
    #expect(received.all.filter { $0.contains("/lost") }.count == 3)
  }

  @Test(
    "A body that has left whole over a kept connection counts as sent when no answer comes",
    arguments: [100, 40_000, 3 << 20])
  func sentCountOfLost(size: Int) async throws {
    let server = try ScriptedServer { connection in
      while let request = connection.readRequest() {
        if request.line.contains("/lost") { return }
        connection.answer("200 OK")
      }
    }
    let transport = CurlTransport()
    _ = try await transport.send(
      HTTPRequest(method: .get, url: server.url + "/warm", stallTimeout: .seconds(120)))
    let counter = ByteCounter()
    await #expect(throws: HTTPError.self) {
      try await transport.send(
        HTTPRequest(
          method: .put, url: server.url + "/lost", body: .bytes([UInt8](repeating: 7, count: size)),
          progress: counter, stallTimeout: .seconds(120)))
    }
    #expect(counter.value == size)
  }

  @Test("A reading request goes out again when a kept connection turns out to be closed")
  func closedKeptConnection() async throws {
    let received = Collected<String>()
    let server = try ScriptedServer { connection in
      while let request = connection.readRequest() {
        received.append(request.line)
        if received.all.count == 2 { return }
        connection.answer("200 OK")
      }
    }
    let transport = CurlTransport()
    for path in ["/one", "/two"] {
      // A machine that is busy with all suites may hold the server's thread up.
      let request = HTTPRequest(
        method: .get, url: server.url + path, stallTimeout: .seconds(120))
      #expect(try await transport.send(request).status == 200)
    }
    #expect(received.all == ["GET /one HTTP/1.1", "GET /two HTTP/1.1", "GET /two HTTP/1.1"])
  }

  @Test("It does so however often that has happened before")
  func alwaysClosed() async throws {
    let server = try ScriptedServer { connection in
      guard connection.readRequest() != nil else { return }
      connection.answer("200 OK")
      _ = connection.readRequest()
    }
    let transport = CurlTransport()
    for number in 0..<20 {
      let request = HTTPRequest(
        method: .get, url: server.url + "/\(number)", stallTimeout: .seconds(120))
      #expect(try await transport.send(request).status == 200)
    }
    #expect(server.connectionCount == 20)
  }

  @Test("Cancelling ends a request whose answer is withheld, and closes its connection")
  func cancelling() async throws {
    let arrived = Gate()
    let closed = Gate()
    let server = try ScriptedServer { connection in
      _ = connection.readRequest()
      arrived.open()
      if connection.readRequest() == nil { closed.open() }
    }
    let transport = CurlTransport()
    let url = server.url
    let task = Task { try await transport.send(HTTPRequest(method: .get, url: url + "/")) }
    await arrived.opened()
    task.cancel()
    await #expect(throws: HTTPError.cancelled) { try await task.value }
    await closed.opened()
  }

  @Test("What is left of a body that is given up is not sent any more")
  func cancellingABody() async throws {
    let arrived = Gate()
    let release = Gate()
    let ended = Collected<CInt>()
    let closed = Gate()
    let server = try ScriptedServer { connection in
      _ = connection.readHead()
      connection.send("HTTP/1.1 100 Continue\r\n\r\n")
      connection.receive()
      arrived.open()
      release.waitOnThread()
      ended.append(connection.readToEnd())
      closed.open()
    }
    let transport = CurlTransport()
    let url = server.url
    let body = HTTPRequestBody.bytes([UInt8](repeating: 1, count: 64 << 20))
    let task = Task {
      try await transport.send(HTTPRequest(method: .put, url: url + "/", body: body))
    }
    await arrived.opened()
    task.cancel()
    await #expect(throws: HTTPError.cancelled) { try await task.value }
    release.open()
    await closed.opened()
    // In good order the kernel would send all that it has before.
    #expect(ended.all == [ECONNRESET])
  }

  @Test("Cancelling ends a request that waits for its turn; the next one takes it")
  func cancellingInTheQueue() async throws {
    let arrived = Gate()
    let release = Gate()
    let received = Collected<String>()
    let server = try ScriptedServer { connection in
      while let request = connection.readRequest() {
        received.append(request.line)
        arrived.open()
        release.waitOnThread()
        connection.answer("200 OK")
      }
    }
    let transport = CurlTransport(configuration: .init(maxConnectionsPerHost: 1))
    let url = server.url
    let first = Task { try await transport.send(HTTPRequest(method: .get, url: url + "/first")) }
    await arrived.opened()
    let second = Task { try await transport.send(HTTPRequest(method: .get, url: url + "/second")) }
    let third = Task { try await transport.send(HTTPRequest(method: .get, url: url + "/third")) }
    second.cancel()
    await #expect(throws: HTTPError.cancelled) { try await second.value }
    release.open()
    #expect(try await first.value.status == 200)
    #expect(try await third.value.status == 200)
    #expect(received.all == ["GET /first HTTP/1.1", "GET /third HTTP/1.1"])
  }

  @Test("A task that is cancelled already sends nothing")
  func cancelledBefore() async throws {
    let server = try ScriptedServer { connection in _ = connection.readRequest() }
    let transport = CurlTransport()
    let url = server.url
    let gate = Gate()
    let task = Task {
      await gate.opened()
      return try await transport.send(HTTPRequest(method: .get, url: url + "/"))
    }
    task.cancel()
    gate.open()
    await #expect(throws: HTTPError.cancelled) { try await task.value }
    #expect(server.connectionCount == 0)
  }

  @Test("A server that stops answering is noticed, wherever it stops", arguments: [0, 1, 2])
  func stall(place: Int) async throws {
    let done = Gate()
    let server = try ScriptedServer { connection in
      _ = connection.readHead()
      if place > 0 { connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n") }
      if place > 1 { connection.send("hello") }
      done.waitOnThread()
    }
    defer { done.open() }
    let transport = CurlTransport()
    await #expect(throws: HTTPError.stalled) {
      try await transport.send(
        HTTPRequest(method: .get, url: server.url + "/", stallTimeout: .milliseconds(200)))
    }
  }

  @Test("A server that stops reading is noticed")
  func stalledUpload() async throws {
    let done = Gate()
    let server = try ScriptedServer { connection in
      _ = connection.readHead()
      connection.send("HTTP/1.1 100 Continue\r\n\r\n")
      done.waitOnThread()
    }
    defer { done.open() }
    let transport = CurlTransport()
    await #expect(throws: HTTPError.stalled) {
      try await transport.send(
        HTTPRequest(
          method: .put, url: server.url + "/", body: .bytes(pattern(64 << 20)),
          stallTimeout: .milliseconds(300)))
    }
  }

  @Test("A transport that is let go ends its thread and closes its connections")
  func lettingGo() async throws {
    let closed = Gate()
    let server = try ScriptedServer { connection in
      while connection.readRequest() != nil { connection.answer("200 OK") }
      closed.open()
    }
    var transport: CurlTransport? = CurlTransport()
    _ = try await transport?.send(HTTPRequest(method: .get, url: server.url + "/"))
    transport = nil
    await closed.opened()
  }
}
