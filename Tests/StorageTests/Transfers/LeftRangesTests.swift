import HTTP
import History
import S3
import SystemPackage
import Testing

@testable import Storage

@Suite("Ranges that an earlier run has left")
struct LeftRangesTests {
  private static let rangeSize = ByteCount.mebibytes(8)
  private static let count = 64

  private func left(in local: LocalFolder) async throws -> LeftRanges {
    let journal = TransferJournal(openingAtFirstUse: local.path.appending("transfers.sqlite"))
    let journaling = Journaling(
      journal: journal, holder: .current(user: "ana"), endpoint: "http://store.test",
      region: .usEast1, profile: nil)
    let request = journaling.entry(
      for: .download(
        ObjectLocation(bucket: BucketName("b"), key: ObjectKey("k")), into: local.path,
        name: ObjectKey("k")))
    let size = ByteCount(Self.rangeSize.bytes * Int64(Self.count))
    let descriptor = try FileDescriptor.open(
      local.path.appending("part"), .readWrite, options: [.create],
      permissions: .ownerReadWrite)
    try descriptor.resize(to: size.bytes)
    let file = OpenFile(descriptor)
    let entry = try await journal.take(request, for: .current(user: "ana"))
    try await journal.begin(
      entry.id, as: request,
      JournalSubject(size: size, etag: ETag("e"), versionID: nil, partSize: Self.rangeSize))
    var crc = CRC(.crc64nvme)
    [UInt8](repeating: 0, count: Int(Self.rangeSize.bytes)).withUnsafeBytes { crc.update($0) }
    await journal.note(
      (0..<Self.count).map {
        JournalPiece(
          place: Int64($0) * Self.rangeSize.bytes, size: Self.rangeSize.bytes,
          crc64nvme: crc.value)
      }, of: entry.id)
    return LeftRanges(
      log: RangeLog(journal, request, entry, file),
      ranges: RangePlan(objectSize: size, rangeSize: Self.rangeSize), wanted: nil, file: file)
  }

  @Test("What is as it arrived is found, and the rest is forgotten")
  func found() async throws {
    let local = try LocalFolder()
    let left = try await left(in: local)
    try left.file.descriptor.writeAll(toAbsoluteOffset: Self.rangeSize.bytes, [1])
    #expect(await left.find().keys.sorted() == [0] + Array(2..<Self.count))
    #expect(await left.log.pieces().count == Self.count - 1)
  }

  @Test("Who is stopped while it looks forgets nothing")
  func stopped() async throws {
    let local = try LocalFolder()
    let left = try await left(in: local)
    let looking = Task { await left.find() }
    while await left.log.pieces().isEmpty { await Task.yield() }
    looking.cancel()
    _ = await looking.value
    #expect(await left.log.pieces().count == Self.count)
  }
}
