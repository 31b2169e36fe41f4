import HTTP
import Testing

@Suite("What is sent stands as it was given", .timeLimit(.minutes(5)))
struct RequestChecksTests {
  @Test(
    "A path is sent byte for byte",
    arguments: [
      "/b/../x", "/b//y", "/b/./.", "/..", "/b/%2e%2e/%2F", "/b/a+b=c&d@e", "/b/%F0%9F%AA%A3",
      "/b/k?a=/../b&c", "/?delimiter=%2F",
    ])
  func paths(path: String) async throws {
    let server = try ScriptedServer { connection in
      guard let request = connection.readRequest() else { return }
      connection.answer("200 OK", body: request.line)
    }
    let response = try await CurlTransport().send(
      HTTPRequest(method: .get, url: server.url + path))
    #expect(String(decoding: response.body, as: UTF8.self) == "GET \(path) HTTP/1.1")
  }

  @Test("Headers are sent as they stand, empty ones too")
  func headers() async throws {
    let received = Collected<ReceivedRequest>()
    let server = try ScriptedServer { connection in
      guard let request = connection.readRequest() else { return }
      received.append(request)
      connection.answer("200 OK")
    }
    _ = try await CurlTransport(configuration: .init(userAgent: "pail/1.0")).send(
      HTTPRequest(
        method: .put, url: server.url + "/",
        headers: [
          HTTPHeader("x-amz-meta-name", "поставка"), HTTPHeader("X-Empty", ""),
          HTTPHeader("Host", "bucket.example"), HTTPHeader("Content-Type", "text/plain"),
        ],
        body: .bytes([1])))
    let request = try #require(received.all.first)
    #expect(request.header("x-amz-meta-name") == "поставка")
    #expect(request.header("X-Empty") == "")
    #expect(request.headers.filter { $0.name == "Host" }.map(\.value) == ["bucket.example"])
    #expect(request.header("Content-Type") == "text/plain")
    #expect(request.header("User-Agent") == "pail/1.0")
  }

  @Test(
    "A header that would bring another one along is refused before a connection is made",
    arguments: [
      HTTPHeader("x-amz-meta-a", "1\r\nx-amz-acl: public-read"), HTTPHeader("x-a", "1\nb: 2"),
      HTTPHeader("x-a", "1\u{0}"), HTTPHeader("x-a\r\nb", "1"), HTTPHeader("x a", "1"),
      HTTPHeader("", "1"), HTTPHeader("x:a", "1"), HTTPHeader("Content-Length", "5"),
      HTTPHeader("transfer-encoding", "chunked"),
    ])
  func headerInjection(header: HTTPHeader) async throws {
    let server = try ScriptedServer { connection in _ = connection.readRequest() }
    let error = await #expect(throws: HTTPError.self) {
      try await CurlTransport().send(
        HTTPRequest(method: .get, url: server.url + "/", headers: [header]))
    }
    guard case .invalidRequest(let reason) = error else {
      Issue.record("unexpected \(String(describing: error))")
      return
    }
    #expect(!reason.contains(header.value) || header.value.count == 1)
    #expect(server.connectionCount == 0)
  }

  @Test(
    "A URL that libcurl would change or take for something else is refused",
    arguments: [
      "ftp://127.0.0.1/", "file:///etc/passwd", "127.0.0.1/x", "http://", "http:///x",
      "http://user:secret@127.0.0.1/", "http://127.0.0.1/a b", "http://127.0.0.1/é",
      "http://127.0.0.1/a#b", "http://127.0.0.1/a\r\nHost: x", "",
    ])
  func urls(url: String) async {
    let error = await #expect(throws: HTTPError.self) {
      try await CurlTransport().send(HTTPRequest(method: .get, url: url))
    }
    guard case .invalidRequest = error else {
      Issue.record("unexpected \(String(describing: error))")
      return
    }
  }
}
