import HTTP
import Synchronization
import SystemPackage
import Testing

@Suite("Bodies, to and from", .timeLimit(.minutes(5)))
struct CurlTransportBodyTests {
  let transport = CurlTransport()

  @Test("An answer comes back with its head and its body")
  func memory() async throws {
    let server = try ScriptedServer { connection in
      _ = connection.readRequest()
      connection.answer(
        "200 OK", headers: "ETag: \"abc\"\r\nX-Odd:  two  words \r\n", body: "hello")
    }
    let response = try await transport.send(HTTPRequest(method: .get, url: server.url + "/b/k"))
    #expect(response.status == 200)
    #expect(response.headers["etag"] == "\"abc\"")
    #expect(response.headers["x-odd"] == "two  words")
    #expect(response.body == Array("hello".utf8))
    #expect(response.bodyCount == 5)
  }

  @Test("A chunked answer and one that ends with the connection come back whole")
  func otherFramings() async throws {
    let server = try ScriptedServer { connection in
      let request = connection.readRequest()
      if request?.line.contains("chunked") == true {
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        connection.send("5\r\nhello\r\n6\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n")
      } else {
        connection.send("HTTP/1.0 200 OK\r\n\r\nhello world")
      }
    }
    for path in ["/chunked", "/closed"] {
      let response = try await transport.send(HTTPRequest(method: .get, url: server.url + path))
      #expect(String(decoding: response.body, as: UTF8.self) == "hello world")
    }
  }

  @Test("An answer to HEAD has a length and no body")
  func head() async throws {
    let server = try ScriptedServer { connection in
      while connection.readRequest() != nil {
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5000000000\r\n\r\n")
      }
    }
    for _ in 0..<2 {
      let response = try await transport.send(
        HTTPRequest(method: .head, url: server.url + "/", responseBody: .memory(limit: 0)))
      #expect(response.headers["Content-Length"] == "5000000000")
      #expect(response.bodyCount == 0)
    }
    #expect(server.connectionCount == 1)
  }

  @Test("A file that takes no more is an error, at the last byte too", arguments: [100, 100_000])
  func unwritableFile(size: Int) async throws {
    let server = try ScriptedServer { connection in
      while connection.readRequest() != nil {
        connection.answer("200 OK", body: String(repeating: "x", count: size))
      }
    }
    let file = OpenFile(try FileDescriptor.open("/dev/full", .writeOnly))
    await #expect(throws: HTTPError.file(.noSpace)) {
      try await transport.send(
        HTTPRequest(
          method: .get, url: server.url + "/b/k",
          responseBody: .file(file, offset: 0, limit: .max, digest: nil)))
    }
  }

  @Test("A body goes into a file at its place, and what is around it stays")
  func file() async throws {
    let body = pattern(300_000)
    let server = try ScriptedServer { connection in
      _ = connection.readRequest()
      connection.send("HTTP/1.1 206 Partial Content\r\nContent-Length: \(body.count)\r\n\r\n")
      connection.send(body)
    }
    let file = try temporaryFile([1, 2, 3, 4, 5])
    let counter = ByteCounter()
    let response = try await transport.send(
      HTTPRequest(
        method: .get, url: server.url + "/",
        responseBody: .file(file, offset: 3, limit: Int64(body.count)), progress: counter))
    #expect(response.body.isEmpty)
    #expect(response.bodyCount == Int64(body.count))
    #expect(counter.value == Int64(body.count))
    #expect(try file.contents() == [1, 2, 3] + body)
  }

  @Test("A body is handed over in pieces, in order")
  func pieces() async throws {
    let body = pattern(200_000)
    let server = try ScriptedServer { connection in
      _ = connection.readRequest()
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(body.count)\r\n\r\n")
      connection.send(body)
    }
    let received = Collected<[UInt8]>()
    let response = try await transport.send(
      HTTPRequest(
        method: .get, url: server.url + "/",
        responseBody: .pieces { piece in
          received.append(Array(piece))
          return true
        }))
    #expect(response.body.isEmpty)
    #expect(Array(received.all.joined()) == body)
  }

  @Test("A receiver that says no ends the request")
  func refusedPiece() async throws {
    let server = try ScriptedServer { connection in
      _ = connection.readRequest()
      connection.answer("200 OK", body: "hello")
    }
    let error = await #expect(throws: HTTPError.self) {
      try await transport.send(
        HTTPRequest(method: .get, url: server.url + "/", responseBody: .pieces { _ in false }))
    }
    guard case .refused(let head) = error else {
      Issue.record("unexpected \(String(describing: error))")
      return
    }
    #expect(head.status == 200)
  }

  @Test("A slice of a file is sent, no more and no less", arguments: [0, 1, 70_000, 3_000_000])
  func upload(count: Int) async throws {
    let contents = pattern(3_000_100)
    let received = Collected<ReceivedRequest>()
    let server = try ScriptedServer { connection in
      guard var request = connection.readHead() else { return }
      if request.header("Expect") != nil { connection.send("HTTP/1.1 100 Continue\r\n\r\n") }
      connection.readBody(of: &request)
      received.append(request)
      connection.answer("200 OK")
    }
    let counter = ByteCounter()
    let slice = FileSlice(file: try temporaryFile(contents), offset: 17, count: Int64(count))
    let response = try await transport.send(
      HTTPRequest(
        method: .put, url: server.url + "/b/k", body: .file(slice), progress: counter))
    #expect(response.status == 200)
    let request = try #require(received.all.first)
    #expect(request.header("Content-Length") == "\(count)")
    #expect(request.body == Array(contents[17..<17 + count]))
    #expect(counter.value == Int64(count))
  }

  @Test("Each method is sent as it is called, with the length that belongs to it")
  func methods() async throws {
    let received = Collected<ReceivedRequest>()
    let server = try ScriptedServer { connection in
      while let request = connection.readRequest() {
        received.append(request)
        connection.answer("200 OK")
      }
    }
    let bytes = HTTPRequestBody.bytes(Array("<x/>".utf8))
    for (method, body) in [
      (.get, .none), (.put, .none), (.put, bytes), (.post, .none), (.post, bytes), (.delete, .none),
    ] as [(HTTPMethod, HTTPRequestBody)] {
      _ = try await transport.send(HTTPRequest(method: method, url: server.url + "/b", body: body))
    }
    let seen = received.all.map { request in
      (request.line.prefix { $0 != " " }, request.header("Content-Length"), request.body.count)
    }
    #expect(seen.map(\.0) == ["GET", "PUT", "PUT", "POST", "POST", "DELETE"])
    #expect(seen.map(\.1) == [nil, "0", "4", "0", "4", nil])
    #expect(seen.map(\.2) == [0, 0, 4, 0, 4, 0])
    for request in received.all {
      #expect(request.header("Content-Type") == nil)
      #expect(request.header("Transfer-Encoding") == nil)
      #expect(request.header("Accept-Encoding") == nil)
    }
  }

  @Test("A file that ends before its promised length is an error")
  func fileTooShort() async throws {
    let server = try ScriptedServer { connection in _ = connection.readRequest() }
    let slice = FileSlice(file: try temporaryFile(pattern(1_000)), offset: 0, count: 2_000)
    await #expect(throws: HTTPError.fileTooShort) {
      try await transport.send(
        HTTPRequest(method: .put, url: server.url + "/", body: .file(slice)))
    }
  }

  @Test("A file that cannot be written is an error that names the reason")
  func unwritableFile() async throws {
    let server = try ScriptedServer { connection in
      _ = connection.readRequest()
      connection.answer("200 OK", body: "hello")
    }
    let file = OpenFile(try FileDescriptor.open("/dev/full", .writeOnly))
    await #expect(throws: HTTPError.file(.noSpace)) {
      try await transport.send(
        HTTPRequest(
          method: .get, url: server.url + "/", responseBody: .file(file, offset: 0, limit: 10)))
    }
  }

  @Test("A long body waits for 100 Continue, and a refusal saves sending it")
  func refusedBeforeTheBody() async throws {
    let heads = Collected<ReceivedRequest>()
    let server = try ScriptedServer { connection in
      guard let head = connection.readHead() else { return }
      heads.append(head)
      connection.answer("403 Forbidden", headers: "Connection: close\r\n", body: "<Error/>")
    }
    let counter = ByteCounter()
    let response = try await transport.send(
      HTTPRequest(
        method: .put, url: server.url + "/", body: .bytes(pattern(2_000_000)), progress: counter))
    #expect(response.status == 403)
    #expect(response.body == Array("<Error/>".utf8))
    #expect(heads.all.map { $0.header("Expect") } == ["100-continue"])
    #expect(counter.value == 0)
  }

  @Test("A body of at most 1 MiB is sent without asking, and so is one that must not ask")
  func unasked() async throws {
    let received = Collected<ReceivedRequest>()
    let server = try ScriptedServer { connection in
      while let request = connection.readRequest() {
        received.append(request)
        connection.answer("200 OK")
      }
    }
    _ = try await transport.send(
      HTTPRequest(method: .put, url: server.url + "/", body: .bytes(pattern(1 << 20))))
    _ = try await transport.send(
      HTTPRequest(
        method: .put, url: server.url + "/", headers: [HTTPHeader("Expect", "")],
        body: .bytes(pattern(3 << 20))))
    #expect(received.all.map { $0.header("Expect") } == [nil, nil])
    #expect(received.all.map(\.body.count) == [1 << 20, 3 << 20])
  }

  @Test("A success that comes before the body has been sent is none")
  func answeredTooEarly() async throws {
    let server = try ScriptedServer { connection in
      _ = connection.readHead()
      connection.answer("200 OK", headers: "Connection: close\r\n")
    }
    let error = await #expect(throws: HTTPError.self) {
      try await transport.send(
        HTTPRequest(method: .put, url: server.url + "/", body: .bytes(pattern(40 << 20))))
    }
    guard case .connectionLost = error else {
      Issue.record("unexpected \(String(describing: error))")
      return
    }
  }
}
