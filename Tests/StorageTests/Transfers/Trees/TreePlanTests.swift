import HTTP
import S3
import Synchronization
import SystemPackage
import Testing

@testable import Storage

@Suite("Tree plan")
struct TreePlanTests {
  /// What becomes of each, as `a > b` for what is new, `a >> b` for what replaces something.
  private func plan(_ tree: TransferTree, _ fixture: ServerFixture) async throws -> [String] {
    var plan = fixture.service.plan(of: tree)
    var said: [String] = []
    while let planned = try await plan.next() {
      said += planned.map { describe($0, fixture) }
    }
    return said
  }

  private func describe(_ planned: PlannedTransfer, _ fixture: ServerFixture) -> String {
    let key = planned.location?.key.text ?? "-"
    let home = fixture.local.path.string + "/"
    let file = planned.localPath.map { String($0.string.dropFirst(home.count)) } ?? "-"
    return switch planned.end {
    case .creates: "\(key) > \(file)"
    case .replaces: "\(key) >> \(file)"
    case .skips: "\(key) stays \(file)"
    case .unseen: "\(key) ? \(file)"
    case .fails(let error): "\(key) fails: \(error.kind)"
    }
  }

  private func upload(
    _ ifExists: TransferRequest.ExistingDestination, _ fixture: ServerFixture
  ) -> TransferTree {
    TransferTree(
      .upload(
        folder: fixture.local.path.appending("up"), bucket: fixture.bucket,
        prefix: ObjectKey("p/"), attributes: ObjectAttributes()),
      ifExists: ifExists)
  }

  private func download(
    _ ifExists: TransferRequest.ExistingDestination, _ fixture: ServerFixture
  ) -> TransferTree {
    TransferTree(
      .download(
        bucket: fixture.bucket, KeySelection(prefix: ObjectKey("p/")), dropping: ObjectKey("p/"),
        folder: fixture.local.path.appending("down")),
      ifExists: ifExists)
  }

  @Test("Files get the names that the download itself gives them, and nothing is made")
  func names() async throws {
    try await ServerFixture.with { fixture in
      let keys = [
        ("p/", 0), ("p/../../esc", 1), ("p/a", 1), ("p/a/b", 1), ("p/e/", 0), ("p/x//y", 1),
      ]
      let contents = keys.map { key, size in
        "<Contents><Key>\(key)</Key><Size>\(size)</Size></Contents>"
      }
      let listing = HTTPResponse.success(
        "<ListBucketResult>\(contents.joined())</ListBucketResult>")
      fixture.transport.answerInPlace { $0.query["list-type"] == nil ? nil : listing }
      let before = try fixture.local.names()
      #expect(
        try await plan(download(.overwrite, fixture), fixture) == [
          "p/../../esc > down/%2E%2E/%2E%2E/esc", "p/a > down/a", "p/a/b > down/a%2F/b",
          "p/e/ > down/e", "p/x//y > down/x/%/y",
        ])
      #expect(try fixture.local.names() == before)
    }
  }

  @Test("What stands in the way of a download is told as it is")
  func existing() async throws {
    try await ServerFixture.with { fixture in
      try await fixture.put("p/a", "p/b", "p/c/d")
      try fixture.local.write("down/a")
      _ = try fixture.local.makeFolder("down/b")
      try fixture.local.write("down/c")
      let planned = try await plan(download(.overwrite, fixture), fixture)
      #expect(planned.first == "p/a >> down/a" && planned.count == 3)
      #expect(planned[1].hasPrefix("p/b fails") && planned[2].hasPrefix("p/c/d fails"))
      let staying = try await plan(download(.skip, fixture), fixture)
      #expect(staying[0] == "p/a stays down/a" && staying[1].hasPrefix("p/b fails"))
    }
  }

  @Test("A listing tells of many destinations at once, and nothing is changed or recorded")
  func listing() async throws {
    try await ServerFixture.with { fixture in
      for number in 10..<40 { try fixture.local.write("up/\(number)") }
      _ = try fixture.local.makeFolder("up/empty")
      try await fixture.put("p/12", "p/120", "p/empty/")
      let expected = (10..<40).map { "p/\($0) \($0 == 12 ? ">>" : ">") up/\($0)" }
      #expect(
        try await plan(upload(.overwrite, fixture), fixture)
          == expected + ["p/empty/ >> up/empty"])
      #expect(try await plan(upload(.skip, fixture), fixture).contains("p/12 stays up/12"))
      #expect(fixture.transport.sent.count == 2 && fixture.transport.sentChanges.isEmpty)
      #expect(try await fixture.rows().isEmpty)
    }
  }

  @Test(
    "Where no listing may be seen, 16 objects are asked for at a time and told in their order",
    .timeLimit(.minutes(1)))
  func oneByOne() async throws {
    try await ServerFixture.with { fixture in
      for number in 10..<50 { try fixture.local.write("up/\(number)") }
      try await fixture.put("p/10", "p/49")
      let gate = Gate()
      let asked = Mutex((now: 0, most: 0))
      fixture.transport.answerInPlace { request in
        request.query["list-type"] == nil ? nil : .refusal(403, "AccessDenied")
      }
      fixture.transport.beforeEach { request in
        guard request.method == .head else { return }
        let isFull = asked.withLock { asked in
          asked.now += 1
          asked.most = max(asked.most, asked.now)
          return asked.now == 16
        }
        if isFull { gate.open() }
        await gate.pass()
      }
      fixture.transport.afterEach { request in
        if request.method == .head { asked.withLock { $0.now -= 1 } }
      }
      let planned = try await plan(upload(.overwrite, fixture), fixture)
      #expect(
        planned
          == (10..<50).map { "p/\($0) \([10, 49].contains($0) ? ">>" : ">") up/\($0)" })
      #expect(asked.withLock { $0.most } == 16)
    }
  }

  @Test("Who may write need not be allowed to look, but keys that are refused are told")
  func refused() async throws {
    try await ServerFixture.with { fixture in
      for name in ["a", "b"] { try fixture.local.write("up/\(name)") }
      let code = Mutex("AccessDenied")
      fixture.transport.answerInPlace { request in
        request.method == .head
          ? HTTPResponse(
            head: HTTPResponseHead(status: 403, headers: []), body: [], bodyCount: 0)
          : .refusal(403, code.withLock { $0 })
      }
      for ifExists in [TransferRequest.ExistingDestination.overwrite, .skip] {
        #expect(
          try await plan(upload(ifExists, fixture), fixture) == ["p/a ? up/a", "p/b ? up/b"])
      }
      code.withLock { $0 = "InvalidAccessKeyId" }
      for said in try await plan(upload(.overwrite, fixture), fixture) {
        #expect(said.contains("fails: "))
      }
    }
  }

  @Test("A file that cannot be read, and an object that is not there, are failures")
  func failures() async throws {
    try await ServerFixture.with { fixture in
      let (missing, there) = (
        fixture.local.path.appending("none"), try fixture.local.write("there")
      )
      let files = [missing, there].map {
        TransferRequest.upload(
          $0, to: fixture.location("k"), attributes: ObjectAttributes(), ifExists: .overwrite)
      }
      let up = try await plan(TransferTree(.list(files), ifExists: .overwrite), fixture)
      #expect(up.first?.hasPrefix("k fails: ") == true && up.last == "k > there")
      try await fixture.put("k")
      let objects = ["none", "k"].map {
        TransferRequest.download(
          fixture.location($0), into: fixture.local.path.appending("down"), ifExists: .overwrite)
      }
      let down = try await plan(TransferTree(.list(objects), ifExists: .overwrite), fixture)
      #expect(down == ["none fails: noSuchKey", "k > down/k"])
    }
  }
}
