import Browser
import Glibc
import S3
import Storage
import SystemPackage
import Testing

@testable import App

@Suite("Lines between processes")
struct TransferWireTests {
  private func sample(_ state: TransferStatus.State) -> TransferStatus {
    TransferStatus(
      id: TransferID(7), direction: .download, name: [0x61, 0xFF, 0x1B],
      location: ObjectLocation(bucket: BucketName("b"), key: ObjectKey(bytes: [0xFF, 0x0A])),
      localPath: FilePath(bytes: Array("/srv/\n".utf8)), total: .gibibytes(2), moved: ByteCount(5),
      rate: 1000, timeLeft: .seconds(21), state: state)
  }

  @Test("What is told is what arrives, whatever the names are")
  func states() {
    let result = TransferResult(
      location: sample(.waiting).location, localPath: sample(.waiting).localPath,
      size: .gibibytes(2), isSkipped: true)
    var doubtful = result
    doubtful.isSkipped = false
    doubtful.verification = .notVerified(.noChecksum)
    var again = result
    again.isSkipped = false
    again.resumption = .startedOver(.sourceChanged)
    let states: [TransferStatus.State] = [
      .waiting, .running, .paused, .retrying(RetryStatus(attempt: 2, of: 5, code: "SlowDown")),
      .finished(result), .finished(doubtful), .finished(again),
      .cancelling, .cancelled,
      .failed(
        StorageError(kind: .service, message: "no \u{1B}", recovery: "wait", code: "Busy")),
    ]
    for state in states {
      let line = TransferWire.line(for: [sample(state)], limit: 2_000_000)
      #expect(!line.contains(0x0A) && !line.contains(0x1B))
      #expect(TransferWire.state(line) == .transfers([sample(state)], limit: 2_000_000))
    }
    var tree = sample(.running)
    tree.stalledFor = .seconds(8)
    tree.tree = TreeStatus(
      found: 9, isComplete: true, done: 3, skipped: 2, failed: 1, renamed: 1, unverified: 2,
      bytes: .gibibytes(3))
    #expect(
      TransferWire.state(TransferWire.line(for: [tree], limit: nil))
        == .transfers([tree], limit: nil))
    var renamed = sample(.finished(again))
    renamed.otherName = ObjectKey(bytes: [0xFF, 0x0A])
    #expect(
      TransferWire.state(TransferWire.line(for: [renamed], limit: nil))
        == .transfers([renamed], limit: nil))
    #expect(TransferWire.state(TransferWire.end) == .end)
  }

  @Test("Of a thousand transfers a hundred are told of, first what moves")
  func many() {
    let statuses = (1...1000).map { number in
      var status = sample(number % 50 == 0 ? .running : .cancelled)
      status.id = TransferID(number)
      return status
    }
    guard
      case .transfers(let told, nil)? = TransferWire.state(
        TransferWire.line(for: statuses, limit: nil))
    else {
      Issue.record("nothing was told")
      return
    }
    #expect(told.count == TransferWire.transferLimit)
    #expect(told.count { $0.state == .running } == 20)
  }

  @Test("Commands arrive as they were sent")
  func commands() {
    for control in TransferControl.allCases {
      let command = TransferWire.Command.control(TransferID(3), control)
      #expect(TransferWire.command(TransferWire.line(for: command)) == command)
    }
    for limit in [nil, 2_000_000] {
      let command = TransferWire.Command.limit(bytesPerSecond: limit)
      #expect(TransferWire.command(TransferWire.line(for: command)) == command)
    }
  }

  @Test(
    "Lines that make no sense are no commands and no states",
    arguments: [
      "", "{", "[]", "null", "{}", #"{"command":"explode","id":1}"#, #"{"command":"pause"}"#,
      #"{"command":"pause","id":"1"}"#, #"{"command":"pause","id":1e99}"#,
      #"{"command":"limit","bytesPerSecond":0}"#, #"{"command":"limit","bytesPerSecond":-5}"#,
      #"{"command":"limit","bytesPerSecond":99999999999999999999}"#, #"{"transfers":7}"#,
      String(repeating: "[", count: 4000), "\u{0}\u{1}",
    ])
  func nonsense(line: String) {
    #expect(TransferWire.command(Array(line.utf8)) == nil)
    #expect(TransferWire.state(Array(line.utf8)) == nil)
  }

  @Test("Transfers without sense are left out, and two of one name make a line no state")
  func nonsenseTransfers() {
    let some = #"{"id":1,"direction":"upload","bucket":"b","moved":-5,"state":"running"}"#
    let state = TransferWire.state(
      Array(#"{"transfers":[\#(some),{"id":2},7,{"id":3,"direction":"up"}]}"#.utf8))
    guard case .transfers(let transfers, nil)? = state else {
      Issue.record("the others were lost with it")
      return
    }
    #expect(transfers.map(\.id) == [TransferID(1)])
    #expect(transfers.first?.moved == .zero)
    #expect(TransferWire.state(Array(#"{"transfers":[\#(some),\#(some)]}"#.utf8)) == nil)
  }
}

@Suite("The folder of sockets")
struct RunFolderTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test("Folder and socket are the user's alone, also where they were wider")
  func modes() throws {
    let path = folder.path.appending("deep").appending("run")
    _ = folder.path.appending("deep").withPlatformString { mkdir($0, 0o755) }
    _ = path.withPlatformString { mkdir($0, 0o777) }
    let run = try open(path)
    let socket = try run.listen()
    defer { close(socket) }
    #expect(try mode(of: path) == 0o700)
    #expect(try mode(of: path.appending("\(getpid()).sock")) == 0o600)
    let all = run.processes()
    #expect(all == [getpid()])
    let ours = run.connect(to: getpid())
    #expect(ours != nil)
    if let ours { close(ours) }
    run.removeOurs()
    let left = run.processes()
    #expect(left.isEmpty)
  }

  @Test("Who comes next takes the sockets of dead processes away, whether or not anybody looks")
  func sweep() throws {
    let path = folder.path.appending("run")
    let run = try open(path)
    let first = try run.listen()
    _ = path.appending("\(getpid()).sock").withPlatformString { from in
      path.appending("2000000000.sock").withPlatformString { rename(from, $0) }
    }
    close(first)
    let second = try run.listen()
    defer { close(second) }
    let left = run.processes()
    #expect(left == [getpid()])
  }

  @Test("A path of any length will do")
  func longPath() throws {
    let path = folder.path.appending(String(repeating: "x", count: 200)).appending("run")
    let run = try open(path)
    let socket = try run.listen()
    defer { close(socket) }
    let ours = run.connect(to: getpid())
    #expect(ours != nil)
    if let ours { close(ours) }
  }

  @Test("The socket of a dead process is taken away, and other files are left alone")
  func stale() throws {
    let path = folder.path.appending("run")
    let run = try open(path)
    let socket = try run.listen()
    // No process has this number: the kernel's limit is 4,194,304.
    let dead = path.appending("2000000000.sock")
    _ = path.appending("\(getpid()).sock").withPlatformString { from in
      dead.withPlatformString { rename(from, $0) }
    }
    close(socket)
    for name in ["notes.txt", "x.sock", "07.sock", "-1.sock"] {
      try folder.write("", to: "run/\(name)", permissions: 0o600)
    }
    let before = run.processes()
    #expect(before == [2_000_000_000])
    let peer = run.connect(to: 2_000_000_000)
    #expect(peer == nil)
    let left = run.processes()
    #expect(left.isEmpty)
  }

  @Test("A link in the place of the folder is not followed")
  func link() {
    let path = folder.path.appending("run")
    _ = path.withPlatformString { symlink("/tmp", $0) }
    #expect(throws: Errno.self) { _ = try open(path) }
  }

  private func open(_ path: FilePath) throws -> RunFolder {
    guard let folder = RunFolder(path, makes: true) else { throw Errno.notDirectory }
    return folder
  }

  private func mode(of path: FilePath) throws -> UInt32 {
    var status = stat()
    try #require(path.withPlatformString { stat($0, &status) } == 0)
    return status.st_mode & 0o777
  }
}

@Suite("Going on in the background")
struct SuccessorTests {
  @Test("The successor gets the options that every command has, and the transfers to go on with")
  func words() {
    let successor = Successor(
      arguments: [
        "--profile", "ana", "s3://reports/2026/", "--utc", "--endpoint-url=http://h:1",
        "--read-only", "--region",
      ], endpoint: nil)
    #expect(
      successor.words(ids: [3, 4]) == [
        "pail", "transfers", "resume", "--detached", "--profile", "ana",
        "--endpoint-url=http://h:1", "--read-only", "3", "4",
      ])
    #expect(
      Successor(arguments: [], endpoint: "http://h:1").words(ids: [])
        == ["pail", "transfers", "resume", "--detached", "--endpoint-url", "http://h:1"])
    #expect(
      Successor(arguments: [], endpoint: nil).words(ids: [1], openFiles: 1024)
        == ["pail", "transfers", "resume", "--detached", "--open-files", "1024", "1"])
  }

  @Test("The limit is the one that was set last, whatever the options say")
  func limit() {
    let successor = Successor(
      arguments: ["--limit-rate", "2M", "--user", "ana", "--limit-rate=3M"], endpoint: nil)
    let start = ["pail", "transfers", "resume", "--detached", "--user", "ana"]
    #expect(successor.limited(to: nil).words(ids: []) == start)
    #expect(successor.limited(to: 5000).words(ids: [1]) == start + ["--limit-rate", "5000", "1"])
  }
}

@Suite("Login manager")
struct LoginManagerTests {
  private static let kills = "[Login]\n#KillUserProcesses=no\n KillUserProcesses = yes\n"
  private static let session = "0::/user.slice/user-1000.slice/session-3.scope\n"
  private static let manager = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/x.scope"

  @Test(
    "A logout ends what the configuration and the control group say",
    arguments: [
      ([], session, false, false), ([kills], session, false, true),
      ([kills], session, true, true), ([kills, "KillUserProcesses=no"], session, false, false),
      ([kills, "KillExcludeUsers=bob ana"], session, false, false),
      ([kills, "KillExcludeUsers=ana\nKillExcludeUsers="], session, false, true),
      ([kills, "KillOnlyUsers=bob"], session, false, false),
      ([kills, "KillOnlyUsers=bob ana"], session, false, true),
      ([kills], manager, true, false), ([], manager, false, true),
      ([kills], "0::/system.slice/cron.service", false, false), ([kills], "", false, false),
    ] as [([String], String, Bool, Bool)])
  func ends(files: [String], group: String, lingers: Bool, ends: Bool) {
    let manager = LoginManager(files: files)
    #expect(
      manager.endsProcesses(of: "ana", controlGroup: group, lingers: lingers) == ends)
    #expect(
      !LoginManager(files: [Self.kills]).endsProcesses(
        of: "root", controlGroup: Self.session, lingers: false))
  }
}
