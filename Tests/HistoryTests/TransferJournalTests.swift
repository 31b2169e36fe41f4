import Foundation
import GRDB
import Glibc
import S3
import SystemPackage
import Testing

@testable import History

@Suite("Transfer journal")
struct TransferJournalTests {
  private static let pathVariable = "PAIL_TEST_SHARED_JOURNAL"

  let folder: TemporaryFolder
  let journal: TransferJournal

  init() throws {
    folder = try TemporaryFolder()
    journal = TransferJournal(openingAtFirstUse: folder.journal)
  }

  private let subject = JournalSubject(
    size: .mebibytes(200), modified: Timestamp(seconds: -1, nanoseconds: 999_999_999),
    partSize: .mebibytes(8), uploadID: UploadID("u"))

  private func request(_ key: String = "films/a.bin") -> JournalRequest {
    JournalRequest(
      .upload, endpoint: "http://127.0.0.1:8333", region: "us-east-1", profile: "work",
      bucket: BucketName("reports"), key: ObjectKey(key), localPath: "/home/ana/a.bin",
      ifExists: .skip,
      attributes: ObjectAttributes(
        contentType: "video/mp4", metadata: [MetadataField(name: "owner", value: "ana")],
        storageClass: StorageClass("STANDARD_IA")))
  }

  private func piece(_ place: Int64) -> JournalPiece {
    JournalPiece(
      place: place, size: 8 << 20, crc64nvme: .max - UInt64(place), crc32c: .max, etag: ETag("e"))
  }

  @Test("What is kept comes back as it was, from the file alone")
  func roundTrip() async throws {
    let entry = try await journal.take(request(), for: .current())
    #expect(entry.state == .stopped && entry.subject == nil && entry.request == request())
    try await journal.begin(entry.id, as: request(), subject)
    await journal.note([piece(2), piece(1)], of: entry.id)
    try await journal.release(entry.id)
    try journal.close()

    let again = TransferJournal(openingAtFirstUse: folder.journal)
    let left = try #require(try await again.entries().first)
    #expect(left.id == entry.id && left.request == request() && left.subject == subject)
    #expect(left.state == .stopped && left.kept == .mebibytes(16))
    #expect(try await again.pieces(of: entry.id) == [piece(1), piece(2)])
  }

  @Test("A transfer that could not be taken for a failed commit can be taken later")
  func failedCommit() async throws {
    let entry = try await journal.take(request(), for: .current())
    try await journal.release(entry.id)
    try withForeignConnection(to: folder.journal) { db in
      // What a commit looks at last.
      try db.execute(
        sql: """
          CREATE TABLE missing (id INTEGER PRIMARY KEY);
          CREATE TABLE wrong (id INTEGER REFERENCES missing DEFERRABLE INITIALLY DEFERRED);
          CREATE TRIGGER fail AFTER UPDATE ON transfers BEGIN INSERT INTO wrong VALUES (1); END;
          """)
    }
    await #expect(throws: JournalError.self) {
      try await journal.take(entry.id, for: .current())
    }
    try withForeignConnection(to: folder.journal) { try $0.execute(sql: "DROP TRIGGER fail") }
    #expect(try await journal.take(entry.id, for: .current()).id == entry.id)
  }

  @Test("Everything that an upload gives its object is kept, so that resuming loses none of it")
  func attributes() async throws {
    let attributes = ObjectAttributes(
      contentType: "text/csv", contentEncoding: "gzip", contentDisposition: "attachment",
      contentLanguage: "de", cacheControl: "no-store", expires: "0",
      metadata: [MetadataField(name: "owner", value: "ana")], tagging: "project=atlas",
      storageClass: StorageClass("GLACIER_IR"), serverSideEncryption: "aws:kms",
      kmsKeyID: "key/1", acl: "private")
    for field in Mirror(reflecting: attributes).children {
      let isSet = !Mirror(reflecting: field.value).children.isEmpty
      #expect(isSet, "\(field.label ?? "") is not tried here")
    }
    var request = request()
    request.attributes = attributes
    try await journal.save([request], for: .current())
    #expect(try await journal.entries().map(\.request.attributes) == [attributes])
  }

  @Test("Keys and paths are bytes, and a download is known by its name and version")
  func identity() async throws {
    var download = request()
    download.direction = .download
    download.key = ObjectKey(bytes: [0x2F, 0xFF, 0x0A])
    download.name = ObjectKey(bytes: [0xFE])
    download.localPath = FilePath("/home/ana")
    var version = download
    version.versionID = VersionID("v1")
    var other = download
    other.name = ObjectKey("x")
    try await journal.save([download, version, other, download], for: .current())
    #expect(try await journal.entries().map(\.request) == [download, version, other])
    var changed = download
    changed.ifExists = .overwrite
    changed.attributes = ObjectAttributes(acl: "private")
    let first = try #require(try await journal.entries().first)
    #expect(try await journal.takeIfThere(changed, for: .current())?.id == first.id)
    #expect(try await journal.takeIfThere(request(), for: .current()) == nil)
  }

  @Test("A folder is known by what it takes in, and what is in it by the folder")
  func trees() async throws {
    var folder = request("films/")
    folder.tree = JournalTree(
      filter: [JournalTree.Rule([0xFF], isIncluded: false)], links: .all,
      decisions: [ObjectKey(bytes: [0xFE]): .skip])
    var prefix = folder
    prefix.direction = .download
    prefix.tree = JournalTree(
      pattern: [0x2A], keyFilter: [JournalTree.Rule([0x3F], isIncluded: true)],
      dropping: ObjectKey("films/"), filesBeside: [ObjectKey(bytes: [0xFD])])
    var other = prefix
    other.tree?.pattern = nil
    try await journal.save([folder, prefix, other, folder], for: .current())
    #expect(try await journal.entries().map(\.request) == [folder, prefix, other])

    let parent = try await journal.take(folder, for: .current())
    let part = try await journal.take(request(), for: .current(), partOf: parent.id)
    #expect(parent.begunAt == nil && part.parent == parent.id)
    #expect(try await journal.entries().first?.begunAt != nil)
    #expect(try await journal.entries().last?.parent == parent.id)
    // It can be resumed without the folder, once that is no more.
    try await journal.remove(parent.id)
    #expect(try await journal.entries().last?.id == part.id)
    #expect(try await journal.entries().last?.parent == nil)
  }

  @Test("A list of files is known by its files, and what has none is kept as it always was")
  func lists() async throws {
    var list = request("films/")
    list.tree = JournalTree(files: [
      JournalTree.File(
        bucket: BucketName("reports"), key: ObjectKey(bytes: [0xFF]), versionID: VersionID("v"),
        localPath: FilePath("/home/ana"), name: ObjectKey(bytes: [0xFE]), ifExists: .rename)
    ])
    var longer = list
    longer.tree?.files?.append(
      JournalTree.File(
        bucket: BucketName("other"), key: ObjectKey("b"), localPath: FilePath("/b"),
        ifExists: .fail))
    try await journal.save([list, longer, list], for: .current())
    #expect(try await journal.entries().map(\.request) == [list, longer])
    let stored = String(decoding: try StoredTree(JournalTree()).json, as: UTF8.self)
    #expect(
      stored == #"{"decisions":[],"dropping":"","filter":[],"keyFilter":[],"links":"inside"}"#)
  }

  @Test("What waits is this process's, is taken over when it begins, and goes when it is over")
  func waiting() async throws {
    try await journal.save([request("left")], for: .current())
    let queued = try await journal.queue(
      [request("a"), request("left"), request("b"), request("a")], for: .current())
    #expect(queued.map { $0?.wasLeft } == [false, true, false, nil])
    #expect(try await journal.entries().map(\.isRunning) == [true, true, true])
    #expect(try await !journal.hasLeftovers(besidesThoseOf: .current()))
    #expect(try await !journal.hasLeft(request("a"), for: .current()))
    #expect(try await journal.hasLeft(request("left"), for: .current()))

    let begun = try await journal.take(request("a"), for: .current())
    #expect(begun.id == queued[0]?.id)
    // One that goes by another name takes the place of what waited.
    let renamed = try await journal.take(
      request("b (1)"), for: .current(), insteadOf: request("b"))
    #expect(
      try await Set(journal.entries().map(\.request.key.text)) == ["left", "a", "b (1)"])
    // Those that are worked on are nobody's to save.
    try await journal.save([request("a"), request("left")], for: .current())
    let states = try await journal.entries().reduce(into: [:]) { states, entry in
      states[entry.request.key.text] = entry.isRunning
    }
    #expect(states == ["left": false, "a": true, "b (1)": true])
    _ = try await journal.queue(
      [], for: .current(), removing: [begun.id], releasing: [renamed.id])
    #expect(try await journal.entries().map(\.isRunning) == [false, false])
  }

  @Test("What is reserved is there for whoever names it, and what is another's stays so")
  func reserved() async throws {
    try await journal.save([request("a"), request("b")], for: .current())
    let held = try await journal.queue([request("a"), request("b")], for: .current())
    let ids = held.compactMap { $0?.id }
    #expect(try await journal.queue([request("a")], for: .current()) == [nil])
    let begun = try await journal.queue([request("a")], for: .current(), reserved: Set(ids))
    #expect(begun == [held[0]])

    var other = Author.current()
    other.processID += 1
    _ = try await journal.queue([], for: other, releasing: ids)
    #expect(try await journal.entries().map(\.isRunning) == [true, true])
    _ = try await journal.queue([], for: .current(), releasing: ids)
    #expect(try await journal.entries().map(\.isRunning) == [false, false])
  }

  @Test("One transfer is held once: by another transfer of this process, or by another process")
  func lease() async throws {
    let entry = try await journal.take(request(), for: .current())
    await #expect(throws: JournalError.self) {
      try await journal.take(request(), for: .current())
    }
    let other = TransferJournal(openingAtFirstUse: folder.journal)
    await #expect(throws: JournalError.held(by: JournalLease(.current()))) {
      try await other.take(entry.id, for: .current())
    }
    try await journal.release(entry.id)
    #expect(try await other.take(request(), for: .current()).id == entry.id)
    try await other.remove(entry.id)
    #expect(try await journal.entries().isEmpty)
    await #expect(throws: JournalError.unknown(entry.id)) {
      try await journal.take(entry.id, for: .current())
    }
  }

  @Test("The lease of a process that has died is nobody's, one of another host is its own")
  func deadProcess() async throws {
    var dead = Author.current()
    dead.processStart += 1
    let entry = try await journal.take(request(), for: dead)
    try await journal.begin(entry.id, as: request(), subject)
    let other = TransferJournal(openingAtFirstUse: folder.path.appending("other.sqlite"))
    var elsewhere = dead
    elsewhere.host = "elsewhere"
    let foreign = try await other.take(request(), for: elsewhere)
    try journal.close()
    try other.close()

    // Copies, as another process sees them: in this one the transfers are still held.
    let copies = try ["transfers", "other"].map { name in
      let copy = folder.path.appending("\(name)-copy.sqlite")
      for suffix in ["", "-wal"] {
        let file = folder.path.appending("\(name).sqlite").string + suffix
        guard FileManager.default.fileExists(atPath: file) else { continue }
        try FileManager.default.copyItem(atPath: file, toPath: copy.string + suffix)
      }
      return TransferJournal(openingAtFirstUse: copy)
    }
    #expect(try await copies[0].entries().first?.state == .abandoned(JournalLease(dead)))
    let taken = try await copies[0].take(entry.id, for: .current())
    #expect(taken.state == .abandoned(JournalLease(dead)) && taken.subject == subject)
    await #expect(throws: JournalError.held(by: JournalLease(elsewhere))) {
      try await copies[1].take(foreign.id, for: .current())
    }
    // Until somebody says that nothing runs there. Of this host one knows better.
    try await copies[1].release(ofDead: ["another", dead.host])
    #expect(try await copies[1].entries().first?.isRunning == true)
    try await copies[1].release(ofDead: ["elsewhere"])
    #expect(try await copies[1].take(foreign.id, for: .current()).state == .stopped)
  }

  @Test("Starting over forgets the pieces of what it was before")
  func startingOver() async throws {
    let entry = try await journal.take(request(), for: .current())
    try await journal.begin(entry.id, as: request(), subject)
    await journal.note([piece(1)], of: entry.id)
    await journal.flush()
    var other = subject
    other.uploadID = UploadID("v")
    try await journal.begin(entry.id, as: request(), other)
    #expect(try await journal.pieces(of: entry.id).isEmpty)
    // A piece that is noted after its transfer came to its end is of nothing.
    try await journal.remove(entry.id)
    await journal.note([piece(2)], of: entry.id)
    #expect(try await journal.pieces(of: entry.id).isEmpty)
  }

  @Test("The file is private, also in a folder that a group shares, and none is made to look")
  func privacy() async throws {
    #expect(try await journal.entries().isEmpty)
    #expect(try await journal.takeIfThere(request(), for: .current()) == nil)
    #expect(!FileManager.default.fileExists(atPath: folder.journal.string))
    #expect(chmod(folder.path.string, 0o2770) == 0)
    try await journal.save([request()], for: .current())
    for name in try contents(of: folder.path) {
      let attributes = try FileManager.default.attributesOfItem(
        atPath: folder.path.appending(name).string)
      #expect(attributes[.posixPermissions] as? Int == 0o600, "\(name)")
    }
  }

  @Test("A history is no journal, and a journal no history")
  func otherFiles() async throws {
    _ = try HistoryStore(path: folder.history)
    let wrong = TransferJournal(openingAtFirstUse: folder.history)
    await #expect(throws: JournalError.self) { try await wrong.save([request()], for: .current()) }
    try await journal.save([request()], for: .current())
    #expect(throws: HistoryError.self) { try HistoryStore(path: folder.journal) }
  }

  /// Started anew by itself, with a path in the environment, this test is one of the takers: it
  /// holds each transfer that it gets for a while, in a file that must not be there already.
  @Test("Of several processes that want the same transfers at once, one gets each")
  func processes() async throws {
    let environment = ProcessInfo.processInfo.environment
    if let path = environment[Self.pathVariable] { return try await takeAll(FilePath(path)) }
    try await journal.save((0..<40).map { request("k\($0)") }, for: .current())
    var takers: [Process] = []
    for _ in 0..<4 {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
      process.arguments = [
        "--testing-library", "swift-testing", "--filter", "TransferJournalTests/processes",
      ]
      process.environment = environment.merging(
        [Self.pathVariable: folder.journal.string], uniquingKeysWith: { $1 })
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      try process.run()
      takers.append(process)
    }
    for taker in takers {
      taker.waitUntilExit()
      #expect(taker.terminationStatus == 0)
    }
    #expect(try await journal.entries().isEmpty)
  }

  private func isTaken(
    _ id: JournalID, from journal: TransferJournal, for holder: Author
  ) async -> Bool {
    do {
      _ = try await journal.take(id, for: holder)
      return true
    } catch {
      if case .unusable = error { Issue.record(error) }
      return false
    }
  }

  private func takeAll(_ path: FilePath) async throws {
    let journal = TransferJournal(openingAtFirstUse: path)
    let me = Author.current()
    while let entry = try await journal.entries().first(where: { $0.state == .stopped }) {
      let mark = path.string + "-held-\(entry.id)"
      guard await isTaken(entry.id, from: journal, for: me) else { continue }
      let held = open(mark, O_CREAT | O_EXCL | O_WRONLY, 0o600)
      try #require(held >= 0, "two processes hold transfer \(entry.id)")
      await journal.note([piece(1)], of: entry.id)
      await journal.flush()
      close(held)
      unlink(mark)
      try await journal.remove(entry.id)
    }
  }
}

extension TemporaryFolder {
  fileprivate var journal: FilePath { path.appending("transfers.sqlite") }
}
