import History
import S3
import SystemPackage
import Testing

@testable import Storage

@Suite("What an earlier run is found to have made")
struct FoundDoneTests {
  private static let change = Change(
    .upload, bucket: BucketName("b"), key: ObjectKey("k"), size: ByteCount(3),
    localPath: FilePath("/srv/k"), detail: "resumed")
  private static let ending = Ending(
    outcome: .done, etag: ETag("abc"), versionID: nil, checksum: nil, size: ByteCount(3))
  private static let undertaking = Undertaking.upload(
    FilePath("/srv/k"), to: ObjectLocation(bucket: BucketName("b"), key: ObjectKey("k")))

  private func rows(
    after before: Ending, by author: Author = .current()
  ) async throws -> [HistoryEntry] {
    let local = try LocalFolder()
    let history = try await HistoryStore.open(path: local.path.appending("history.sqlite"))
    let recorder = Recorder(
      history: history, author: author, accessKeyID: { nil }, endpoint: "https://e",
      isReadOnly: false)
    let row = try await recorder.begin(Self.change, while: Self.undertaking)
    #expect(await recorder.finish([(row, before)], while: Self.undertaking) == nil)
    #expect(
      await recorder.foundDone(Self.change, Self.ending, while: Self.undertaking) == nil)
    return try await history.page(HistoryQuery(), limit: 10)
  }

  @Test("A row that ended without knowing so gets another one beside it")
  func interrupted() async throws {
    let rows = try await rows(after: Ending(outcome: .interrupted, errorCode: "Cancelled"))
    #expect(rows.map(\.outcome) == [.done, .interrupted])
    #expect(rows.first?.etag == ETag("abc") && rows.first?.detail == "resumed")
  }

  @Test("A row that tells it already is enough")
  func done() async throws {
    let rows = try await rows(after: Self.ending)
    #expect(rows.map(\.outcome) == [.done])
  }
}
