import CSQLite
import History
import S3
import SystemPackage
import Testing

@testable import Storage

@Suite("What the journal keeps of the queue")
struct QueueLogTests {
  private let local: LocalFolder
  private let journal: TransferJournal
  private let journaling: Journaling

  init() throws {
    local = try LocalFolder()
    journal = TransferJournal(openingAtFirstUse: local.path.appending("transfers.sqlite"))
    journaling = Journaling(
      journal: journal, holder: .current(user: "ana"), endpoint: "http://store.test",
      region: .usEast1, profile: nil)
  }

  private func request(_ number: Int) -> JournalRequest {
    journaling.entry(
      for: .upload(
        FilePath("/files/\(number)"),
        to: ObjectLocation(bucket: BucketName("b"), key: ObjectKey("\(number)")),
        attributes: ObjectAttributes()))
  }

  private func transfer(_ number: Int) -> (id: TransferID, request: JournalRequest) {
    (TransferID(number), request(number))
  }

  private func keys() async throws -> [String] {
    try await journal.entries().map(\.request.key.text)
  }

  @Test("Each is there until it is over, and stays when it is kept")
  func rows() async throws {
    let log = QueueLog(journaling)
    log.add((1...4).map(transfer))
    await log.flush()
    #expect(try await keys() == ["1", "2", "3", "4"])
    await log.end(TransferID(1), as: .over)?.value
    #expect(try await keys() == ["2", "3", "4"])
    #expect(log.end(TransferID(2), as: .kept) != nil)
    await log.end(TransferID(3), as: .failed)?.value
    #expect(try await keys() == ["2", "4"])
    #expect(log.end(TransferID(9), as: .over) == nil)
  }

  @Test("What is over before it was written, or just then, is not there afterwards")
  func early() async throws {
    let log = QueueLog(journaling)
    for number in 1...200 {
      log.add([transfer(number)])
      if number % 3 != 0 { log.end(TransferID(number), as: .over) }
      if number % 7 == 0 { await Task.yield() }
    }
    for number in 1...200 where number % 3 == 0 {
      await log.end(TransferID(number), as: .over)?.value
    }
    await log.flush()
    #expect(try await keys().isEmpty)
  }

  @Test("What an earlier run has left is left once more when it fails, and goes when it is done")
  func left() async throws {
    try await journal.save([request(1), request(2)], for: .current(user: "ana"))
    let log = QueueLog(journaling)
    log.add([transfer(1), transfer(2)])
    await log.flush()
    #expect(try await journal.entries().map(\.isRunning) == [true, true])
    await log.end(TransferID(1), as: .failed)?.value
    await log.end(TransferID(2), as: .over)?.value
    #expect(try await keys() == ["1"])
    #expect(try await journal.entries().map(\.isRunning) == [false])
  }

  @Test("What is reserved is this process's, and goes when its turn has come and it is over")
  func reserved() async throws {
    try await journal.save([request(1), request(2)], for: .current(user: "ana"))
    let log = QueueLog(journaling)
    let held = await log.reserve([request(1), request(2)])
    #expect(held.map { $0?.wasLeft } == [true, true])
    #expect(try await journal.entries().map(\.isRunning) == [true, true])
    log.add([transfer(1)])
    await log.flush()
    await log.end(TransferID(1), as: .over)?.value
    #expect(try await keys() == ["2"])
    // Named once, it is not given to a second transfer of the same.
    log.add([transfer(2), (TransferID(3), request(2))])
    await log.flush()
    #expect(log.end(TransferID(3), as: .over) == nil)
    await log.end(TransferID(2), as: .failed)?.value
    #expect(try await journal.entries().map(\.isRunning) == [false])
  }

  @Test("What was over when a commit failed goes with the next one")
  func failedCommit() async throws {
    try await journal.save([request(1)], for: .current(user: "ana"))
    let log = QueueLog(journaling)
    log.add((1...3).map(transfer))
    await log.flush()
    // What a commit looks at last.
    try execute(
      """
      CREATE TABLE missing (id INTEGER PRIMARY KEY);
      CREATE TABLE wrong (id INTEGER REFERENCES missing DEFERRABLE INITIALLY DEFERRED);
      CREATE TRIGGER failDelete AFTER DELETE ON transfers BEGIN INSERT INTO wrong VALUES (1); END;
      CREATE TRIGGER failUpdate AFTER UPDATE ON transfers BEGIN INSERT INTO wrong VALUES (1); END;
      """)
    await log.end(TransferID(1), as: .failed)?.value
    await log.end(TransferID(2), as: .over)?.value
    #expect(try await keys() == ["1", "2", "3"])
    try execute("DROP TRIGGER failDelete; DROP TRIGGER failUpdate;")
    await log.end(TransferID(3), as: .over)?.value
    #expect(try await keys() == ["1"])
    #expect(try await journal.entries().map(\.isRunning) == [false])
  }

  /// As somebody else would, in a connection of its own.
  private func execute(_ sql: String) throws {
    var database: OpaquePointer?
    defer { sqlite3_close(database) }
    try #require(
      sqlite3_open(local.path.appending("transfers.sqlite").string, &database) == SQLITE_OK)
    try #require(sqlite3_exec(database, sql, nil, nil, nil) == SQLITE_OK)
  }
}
