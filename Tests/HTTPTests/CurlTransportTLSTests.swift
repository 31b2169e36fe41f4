import Foundation
import HTTP
import SystemPackage
import Testing

@Suite("TLS", .timeLimit(.minutes(5)))
struct CurlTransportTLSTests {
  @Test("A certificate that nobody vouches for is refused; one of the added bundle is accepted")
  func certificates() async throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("pail-tls-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let certificate = folder.appendingPathComponent("cert.pem").path
    let key = folder.appendingPathComponent("key.pem").path
    _ = try run([
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
      "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2",
      "-keyout", key, "-out", certificate,
    ]).waitUntilExit()

    let output = Pipe()
    let server = try run(
      ["s_server", "-accept", "127.0.0.1:0", "-cert", certificate, "-key", key, "-www"],
      output: output)
    // It has the blocked signals of the thread that starts it, SIGTERM mostly among them.
    defer {
      kill(server.processIdentifier, SIGKILL)
      server.waitUntilExit()
    }
    let port = try #require(try acceptedPort(of: output))

    let url = "https://localhost:\(port)/"
    let error = await #expect(throws: HTTPError.self) {
      try await CurlTransport().send(HTTPRequest(method: .get, url: url))
    }
    guard case .tls("localhost", let reason) = error else {
      Issue.record("unexpected \(String(describing: error))")
      return
    }
    #expect(reason.contains("certificate"))

    let trusting = CurlTransport(configuration: .init(caBundle: FilePath(certificate)))
    let response = try await trusting.send(HTTPRequest(method: .get, url: url))
    #expect(response.status == 200)

    // The certificate is for a name, not for this address.
    let stranger = await #expect(throws: HTTPError.self) {
      try await trusting.send(HTTPRequest(method: .get, url: "https://127.0.0.1:\(port)/"))
    }
    guard case .tls("127.0.0.1", _) = stranger else {
      Issue.record("unexpected \(String(describing: stranger))")
      return
    }
  }

  private func run(_ arguments: [String], output: Pipe? = nil) throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output ?? FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    return process
  }

  /// `ACCEPT 127.0.0.1:41234` is what the server says once it listens.
  private func acceptedPort(of output: Pipe) throws -> Int? {
    var text = ""
    while true {
      let data = output.fileHandleForReading.availableData
      guard !data.isEmpty else { return nil }
      text += String(decoding: data, as: UTF8.self)
      for line in text.split(separator: "\n").dropLast(text.hasSuffix("\n") ? 0 : 1) {
        if line.hasPrefix("ACCEPT"), let port = line.split(separator: ":").last {
          return Int(port)
        }
      }
    }
  }
}
