import Foundation
import S3
import SystemPackage
import Testing

@testable import History

@Suite("Uploads that cannot be resumed, in the journal")
struct JournalUploadTests {
  let folder: TemporaryFolder
  let journal: TransferJournal

  init() throws {
    folder = try TemporaryFolder()
    journal = TransferJournal(openingAtFirstUse: folder.path.appending("transfers.sqlite"))
  }

  private func upload(
    _ id: String, from source: JournalUpload.Source = .stream, at createdAt: Timestamp = .now()
  ) -> JournalUpload {
    JournalUpload(
      endpoint: "http://127.0.0.1:8333",
      location: ObjectLocation(
        bucket: BucketName("backups"), key: ObjectKey(bytes: [0x61, 0xFF])),
      uploadID: UploadID(id), source: source, createdAt: createdAt)
  }

  private var dead: Author {
    var author = Author.current()
    author.processStart += 1
    return author
  }

  @Test("They are there with their process, for others too, until they end")
  func roundTrip() async throws {
    #expect(try await journal.uploads().isEmpty)
    #expect(
      !FileManager.default.fileExists(atPath: folder.path.appending("transfers.sqlite").string))
    let source = ObjectLocation(bucket: BucketName("a"), key: ObjectKey(bytes: [0xFE, 0x2F]))
    let begun = [
      upload("1", at: Timestamp(seconds: 1_800_000_000)),
      upload("2", from: .copy(of: source), at: Timestamp(seconds: 1_800_000_001)),
    ]
    for each in begun.reversed() { try await journal.begin(each, for: .current()) }

    let other = TransferJournal(
      openingAtFirstUse: folder.path.appending("transfers.sqlite"))
    let lease = JournalLease(.current())
    let expected = begun.map { each in
      var each = each
      each.state = .running(lease)
      return each
    }
    #expect(try await other.uploads() == expected)
    #expect(try await other.entries().isEmpty)

    try await journal.release(begun[0])
    try await journal.remove(begun[1])
    #expect(try await other.uploads() == [begun[0]])
  }

  @Test("Those of dead processes are nobody's, of another host until somebody says that it is dead")
  func deadProcesses() async throws {
    var elsewhere = dead
    elsewhere.host = "elsewhere"
    try await journal.begin(upload("1"), for: dead)
    try await journal.begin(upload("2"), for: elsewhere)
    let states = try await journal.uploads().map(\.state)
    #expect(
      states == [.abandoned(JournalLease(dead)), .running(JournalLease(elsewhere))])
    try await journal.release(ofDead: ["another", dead.host])
    #expect(try await journal.uploads().map(\.state) == states)
    try await journal.release(ofDead: ["elsewhere"])
    #expect(try await journal.uploads().last?.state == .stopped)
  }

  @Test("What a dead process left is forgotten after a month, what runs never")
  func forgetting() async throws {
    func daysAgo(_ days: Int) -> Timestamp { .now().advanced(by: .seconds(-86_400 * days)) }
    try await journal.begin(upload("runs", at: daysAgo(90)), for: .current())
    try await journal.begin(upload("young", at: daysAgo(29)), for: dead)
    try await journal.begin(upload("old", at: daysAgo(31)), for: dead)
    #expect(try await journal.uploads().map(\.uploadID.text) == ["runs", "old", "young"])
    try await journal.begin(upload("new"), for: .current())
    #expect(try await journal.uploads().map(\.uploadID.text) == ["runs", "young", "new"])
  }
}
