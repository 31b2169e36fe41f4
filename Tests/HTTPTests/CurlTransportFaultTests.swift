import SystemPackage
import Testing

@testable import HTTP

@Suite("Answers that break the rules", .timeLimit(.minutes(5)))
struct CurlTransportFaultTests {
  let transport = CurlTransport()

  @Test(
    "A body that ends early is an error",
    arguments: [
      "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
      "HTTP/1.1 404 Not Found\r\nContent-Length: 10\r\n\r\nhello",
      "",
    ])
  func truncated(answer: String) async throws {
    let server = try ScriptedServer { connection in
      _ = connection.readRequest()
      connection.send(answer)
    }
    let error = await #expect(throws: HTTPError.self) {
      try await transport.send(HTTPRequest(method: .get, url: server.url + "/"))
    }
    guard case .connectionLost = error else {
      Issue.record("unexpected \(String(describing: error))")
      return
    }
  }

  @Test(
    "A body longer than allowed is refused, and a promised one before its first byte",
    arguments: [true, false])
  func tooLarge(isPromised: Bool) async throws {
    let server = try ScriptedServer { connection in
      _ = connection.readRequest()
      connection.send(
        isPromised
          ? "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world"
          : "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n")
    }
    let file = try temporaryFile()
    await #expect(throws: HTTPError.bodyTooLarge(limit: 10)) {
      try await transport.send(
        HTTPRequest(
          method: .get, url: server.url + "/", responseBody: .file(file, offset: 0, limit: 10)))
    }
    #expect(try file.contents().isEmpty)
    await #expect(throws: HTTPError.bodyTooLarge(limit: 10)) {
      try await transport.send(
        HTTPRequest(method: .get, url: server.url + "/", responseBody: .memory(limit: 10)))
    }
  }

  @Test(
    "A proxy that could not connect just now is told from one that will not",
    arguments: [
      (408, true), (429, true), (500, true), (502, true), (503, true), (504, true), (400, false),
      (401, false), (403, false), (404, false), (405, false), (407, false),
    ])
  func tunnel(status: Int, isPassing: Bool) async throws {
    let proxy = try ScriptedServer { connection in
      let request = connection.readHead()
      #expect(request?.line == "CONNECT store.invalid:443 HTTP/1.1")
      connection.answer("\(status) No", headers: "Connection: close\r\n")
    }
    let transport = CurlTransport(
      configuration: .init(proxies: ProxySettings(https: ProxyServer(parsing: proxy.url))))
    let error = await #expect(throws: HTTPError.self) {
      try await transport.send(HTTPRequest(method: .get, url: "https://store.invalid/"))
    }
    guard case .proxy(let reason, isPassing) = error else {
      Issue.record("unexpected \(String(describing: error))")
      return
    }
    #expect(reason.contains("\(status)"))
  }

  @Test("A redirect is an answer like another, and no other host hears of it")
  func redirect() async throws {
    let other = try ScriptedServer { connection in connection.answer("200 OK") }
    let place = other.url
    let server = try ScriptedServer { connection in
      _ = connection.readRequest()
      connection.answer("302 Found", headers: "Location: \(place)/stolen\r\n")
    }
    let response = try await transport.send(
      HTTPRequest(
        method: .get, url: server.url + "/", headers: [HTTPHeader("x-amz-security-token", "t")]))
    #expect(response.status == 302)
    #expect(response.headers["location"] == place + "/stolen")
    #expect(server.connectionCount == 1)
    #expect(other.connectionCount == 0)
  }

  @Test("An error document goes to memory and never into the file")
  func errorBody() async throws {
    let server = try ScriptedServer { connection in
      _ = connection.readRequest()
      connection.answer("404 Not Found", body: "<Error><Code>NoSuchKey</Code></Error>")
    }
    let file = try temporaryFile([7])
    let response = try await transport.send(
      HTTPRequest(
        method: .get, url: server.url + "/", responseBody: .file(file, offset: 0, limit: 10),
        accepts: { _ in
          Issue.record("a head that is no success was offered")
          return false
        }))
    #expect(response.status == 404)
    #expect(String(decoding: response.body, as: UTF8.self).contains("NoSuchKey"))
    #expect(try file.contents() == [7])
  }

  @Test("Of an endless error document the beginning is kept")
  func endlessErrorBody() async throws {
    let ended = Gate()
    let server = try ScriptedServer { connection in
      _ = connection.readRequest()
      connection.send("HTTP/1.1 502 Bad Gateway\r\n\r\n")
      while connection.send([UInt8](repeating: 0x20, count: 100_000)) {}
      ended.open()
    }
    let response = try await transport.send(HTTPRequest(method: .get, url: server.url + "/"))
    #expect(response.status == 502)
    #expect(response.body.count == HTTPRequest.errorBodyLimit)
    await ended.opened()
  }

  @Test("An answer that is not accepted stores nothing")
  func notAccepted() async throws {
    let server = try ScriptedServer { connection in
      _ = connection.readRequest()
      connection.send("HTTP/1.1 100 Continue\r\n\r\n")
      connection.send("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")
      connection.answer("200 OK", headers: "ETag: \"other\"\r\n", body: "hello")
    }
    let file = try temporaryFile()
    let heads = Collected<HTTPResponseHead>()
    let error = await #expect(throws: HTTPError.self) {
      try await transport.send(
        HTTPRequest(
          method: .get, url: server.url + "/", responseBody: .file(file, offset: 0, limit: 10),
          accepts: { head in
            heads.append(head)
            return false
          }))
    }
    let head = HTTPResponseHead(
      status: 200, headers: [HTTPHeader("Content-Length", "5"), HTTPHeader("ETag", "\"other\"")])
    #expect(error == .refused(head))
    #expect(heads.all == [head])
    #expect(try file.contents().isEmpty)
  }

  @Test("A header field of 90 kB is read, one of 200 kB is refused, and so is a flood of fields")
  func longHeads() async throws {
    let server = try ScriptedServer { connection in
      guard let request = connection.readRequest() else { return }
      switch request.line.split(separator: " ")[1] {
      case "/long": connection.answer("200 OK", headers: "X-Long: \(letters(90_000))\r\n")
      case "/longer": connection.answer("200 OK", headers: "X-Long: \(letters(200_000))\r\n")
      default:
        let field = "X-Field: \(letters(1_000))\r\n"
        connection.answer("200 OK", headers: String(repeating: field, count: 300))
      }
    }
    let response = try await transport.send(HTTPRequest(method: .get, url: server.url + "/long"))
    #expect(response.headers["x-long"]?.utf8.count == 90_000)
    for path in ["/longer", "/many"] {
      let error = await #expect(throws: HTTPError.self) {
        try await transport.send(HTTPRequest(method: .get, url: server.url + path))
      }
      guard case .malformedAnswer = error else {
        Issue.record("unexpected \(String(describing: error)) for \(path)")
        continue
      }
    }
  }

  @Test(
    "What is not HTTP is refused as such",
    arguments: ["SSH-2.0-OpenSSH_9.2\r\n\r\n", "\u{0}\u{1}\u{2}garbage\r\n\r\n", "\r\n\r\n\r\n"])
  func garbage(answer: String) async throws {
    let server = try ScriptedServer { connection in
      _ = connection.readRequest()
      connection.send(answer)
    }
    let error = await #expect(throws: HTTPError.self) {
      try await transport.send(HTTPRequest(method: .get, url: server.url + "/"))
    }
    guard case .malformedAnswer = error else {
      Issue.record("unexpected \(String(describing: error))")
      return
    }
  }

  @Test("Bytes beyond the Content-Length are dropped with their connection")
  func excess() async throws {
    let server = try ScriptedServer { connection in
      while connection.readRequest() != nil {
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrueHTTP/1.1 500 No\r\n\r\n")
      }
    }
    for _ in 0..<3 {
      let response = try await transport.send(HTTPRequest(method: .get, url: server.url + "/"))
      #expect(response.status == 200)
      #expect(String(decoding: response.body, as: UTF8.self) == "true")
    }
    #expect(server.connectionCount == 3)
  }

  @Test("A host that is not there and a port that is closed are told apart from a lost connection")
  func noConnection() async throws {
    let error = await #expect(throws: HTTPError.self) {
      try await transport.send(HTTPRequest(method: .get, url: "http://127.0.0.1:1/"))
    }
    guard case .noConnection("127.0.0.1", _) = error else {
      Issue.record("unexpected \(String(describing: error))")
      return
    }
    await #expect(throws: HTTPError.unresolvedHost("nowhere.invalid")) {
      try await transport.send(HTTPRequest(method: .get, url: "http://nowhere.invalid/"))
    }
    let proxies = ProxySettings(http: ProxyServer(parsing: "http://nowhere.invalid:3128"))
    let lost = await #expect(throws: HTTPError.self) {
      try await CurlTransport(configuration: .init(proxies: proxies))
        .send(HTTPRequest(method: .get, url: "http://127.0.0.1:1/"))
    }
    guard case .proxy(_, isPassing: true) = lost else {
      Issue.record("unexpected \(String(describing: lost))")
      return
    }
  }

  @Test("Where the system gives no thread requests fail, and nothing else does")
  func noThread() async throws {
    // No address space has room for such a stack: pthread_create(3) fails as at a limit of threads.
    let transport = CurlTransport(CurlTransport.Configuration(threads: 2), stackSize: 1 << 60)
    #expect(transport.taskExecutor == nil)
    let error = await #expect(throws: HTTPError.self) {
      try await transport.send(HTTPRequest(method: .get, url: "http://127.0.0.1:1/"))
    }
    guard case .connectionLost = error else {
      Issue.record("unexpected \(String(describing: error))")
      return
    }
  }
}

private func letters(_ count: Int) -> String { String(repeating: "a", count: count) }
