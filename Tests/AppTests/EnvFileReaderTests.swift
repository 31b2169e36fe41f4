import Glibc
import SystemPackage
import Testing

@testable import App

@Suite("Env file reader")
struct EnvFileReaderTests {
  @Test("A .env of one's own, which nobody else may write, is read")
  func own() throws {
    let folder = try TemporaryFolder()
    try folder.write("A=1\nbad\n", to: ".env", permissions: 0o644)
    guard
      case .read(let file, let path, let isImplicit) = try EnvFileReader.read(
        named: nil, folder: folder.path)
    else {
      Issue.record("not read")
      return
    }
    #expect(file.values == ["A": "1"])
    #expect(file.badLines == [2])
    #expect(path == "./.env")
    #expect(isImplicit)
  }

  @Test("A .env that others may write is left alone, and why is said", arguments: [0o620, 0o602])
  func shared(permissions: mode_t) throws {
    let folder = try TemporaryFolder()
    try folder.write("A=1", to: ".env", permissions: permissions)
    guard case .refused(let reason) = try EnvFileReader.read(named: nil, folder: folder.path)
    else {
      Issue.record("read or absent")
      return
    }
    #expect(reason.contains("other users may write it"))
    #expect(reason.contains("chmod go-w .env"))
  }

  @Test("A FIFO or a folder named .env neither hangs nor fails")
  func special() throws {
    let folder = try TemporaryFolder()
    let fifo = folder.path.appending(".env")
    #expect(fifo.withPlatformString { mkfifo($0, 0o600) } == 0)
    guard case .refused = try EnvFileReader.read(named: nil, folder: folder.path) else {
      Issue.record("a FIFO was read")
      return
    }
  }

  @Test("No .env is no problem, and a named file that is missing is one")
  func missing() throws {
    let folder = try TemporaryFolder()
    guard case .absent = try EnvFileReader.read(named: nil, folder: folder.path) else {
      Issue.record("found something")
      return
    }
    #expect(throws: SetupProblem.self) {
      try EnvFileReader.read(named: folder.path.appending("none"))
    }
  }

  @Test("A named file is read although others may write it")
  func named() throws {
    let folder = try TemporaryFolder()
    try folder.write("A=1", to: "settings", permissions: 0o666)
    guard
      case .read(let file, _, let isImplicit) = try EnvFileReader.read(
        named: folder.path.appending("settings"))
    else {
      Issue.record("not read")
      return
    }
    #expect(file.values == ["A": "1"])
    #expect(!isImplicit)
  }
}
