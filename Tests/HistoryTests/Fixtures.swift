import Foundation
import GRDB
import S3
import SystemPackage

@testable import History

/// A folder of its own, removed at the end of the test.
final class TemporaryFolder: Sendable {
  let path: FilePath

  init() throws {
    path = FilePath(
      FileManager.default.temporaryDirectory.path + "/pail-history-\(UUID().uuidString)")
    try FileManager.default.createDirectory(
      atPath: path.string, withIntermediateDirectories: true,
      attributes: [.posixPermissions: 0o700])
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path.string)
  }

  var history: FilePath { path.appending("history.sqlite") }
}

extension Author {
  static func test(
    user: String = "ana", host: String = "bastion", processID: Int32 = 4711
  ) -> Author {
    Author(
      user: user, loginUID: 1000, auditUID: 1001, host: host, sshClient: "192.0.2.7",
      bootID: "5ab3e5b4-6a0f-4f6b-8f0e-8c9d1f7a2b3c", processID: processID, processStart: 987_654)
  }
}

extension ChangeDraft {
  /// An upload at `second` seconds after 2026-11-20T00:00:00Z.
  static func test(
    _ key: String = "2026/q3/summary.csv", action: ChangeAction = .upload, user: String = "ana",
    bucket: String = "reports", second: Int64 = 0
  ) -> ChangeDraft {
    ChangeDraft(
      Change(
        action, bucket: BucketName(bucket), key: ObjectKey(key), size: ByteCount(12_697),
        localPath: "/home/ana/summary.csv"),
      author: .test(user: user), accessKeyID: "AKIAEXAMPLE", endpoint: "http://127.0.0.1:8333",
      startedAt: .test(second: second))
  }
}

extension ChangeOutcome {
  static func test(_ change: ChangeID, _ outcome: Outcome = .done) -> ChangeOutcome {
    ChangeOutcome(
      change,
      Ending(
        outcome: outcome, etag: ETag("\"9b2cf535f27731c974343645a3985328\""),
        versionID: VersionID("v1"), checksum: "CRC64NVME:rosUhgp5mIg=", size: ByteCount(12_700),
        errorCode: outcome == .failed ? "AccessDenied" : nil),
      finishedAt: .test(second: 60))
  }
}

extension Timestamp {
  static func test(second: Int64) -> Timestamp {
    Timestamp(seconds: 1_795_132_800 + second, nanoseconds: 123_456_789)
  }
}

/// Runs SQL on a history file as somebody else would, in a connection of its own.
func withForeignConnection<Value>(
  to path: FilePath, _ body: (Database) throws -> Value
) throws -> Value {
  try DatabaseQueue(path: path.string).writeWithoutTransaction(body)
}

/// Keeps everybody else from writing, as another process would.
struct ForeignLock {
  private let database: DatabaseQueue

  init(on path: FilePath) throws {
    var configuration = Configuration()
    configuration.allowsUnsafeTransactions = true
    configuration.busyMode = .timeout(10)
    database = try DatabaseQueue(path: path.string, configuration: configuration)
    try database.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
  }

  func release() throws {
    try database.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
  }
}

/// The names in a folder, without `.` and `..`.
func contents(of folder: FilePath) throws -> [String] {
  try FileManager.default.contentsOfDirectory(atPath: folder.string)
}
