import HTTP
import S3
import Synchronization
import Testing

@testable import Storage

@Suite("Part sizes")
struct PartSizesTests {
  @Test(
    "The size that a tool used is among the candidates",
    arguments: [
      // Object, part size, as the AWS CLI, rclone, s5cmd, s3cmd and even splits make them.
      (41_943_051, 8 << 20), (41_943_051, 5 << 20), (209_715_200, 50 << 20),
      (100_000_000, 15 << 20), (100_000_000, 10_000_000), (100_000_003, 25_000_001),
      (123_456_789, 7 << 20), (6_291_460, 5 << 20), (300 << 20, 33 << 20),
    ] as [(Int64, Int64)])
  func candidates(objectSize: Int64, partSize: Int64) {
    let count = Int((objectSize + partSize - 1) / partSize)
    let found = PartSizes.candidates(objectSize: objectSize, count: count, limit: 32)
    #expect(found.contains(partSize))
    #expect(Set(found).count == found.count)
    for size in found {
      #expect((objectSize + size - 1) / size == Int64(count))
      let parts = PartSizes.even(size, objectSize: objectSize)
      #expect(parts.count == count && parts.reduce(0, +) == objectSize)
    }
  }

  @Test("No more candidates than asked for, and none where there can be none")
  func limits() {
    #expect(PartSizes.candidates(objectSize: 5 << 30, count: 2, limit: 3).count == 3)
    #expect(PartSizes.candidates(objectSize: 3, count: 4, limit: 9).isEmpty)
    #expect(PartSizes.candidates(objectSize: 0, count: 1, limit: 9) == [1])
    #expect(PartSizes.candidates(objectSize: 100, count: 1, limit: 9) == [100])
  }

  @Test(
    "Sizes that a server tells are believed where they make the object, however large they are",
    arguments: [
      ([300, 200, 500], [300, 200, 500]), ([300, 200, 499], nil), ([300, 0, 700], nil),
      ([999, 1 << 60, 1 << 60], nil), ([999, .max, 1], nil), ([.max, .max, .max], nil),
      ([300, 200, .max - 500], nil),
    ] as [([Int64], [Int64]?)])
  func told(sizes: [Int64], believed: [Int64]?) async throws {
    let client = try Self.client(Self.heads(sizes))
    #expect(
      await client.partSizes(of: Self.place, count: sizes.count, objectSize: 1_000) == believed)
  }

  private static let place = ObjectLocation(
    bucket: BucketName("bucket"), key: ObjectKey("key"))

  private static func client(_ transport: WatchedTransport) throws -> S3Client {
    S3Client(
      endpoint: try Endpoint(parsing: "http://store.test:9000"), region: .usEast1,
      credentials: StaticCredentials(accessKeyID: "AKID", secretAccessKey: Secret("secret")),
      transport: transport)
  }

  /// Answers that know of parts of these sizes in HEAD.
  private static func heads(_ sizes: [Int64]) -> WatchedTransport {
    let transport = WatchedTransport()
    transport.answerInPlace { request in
      guard let part = request.query["partNumber"].flatMap({ Int($0) }) else {
        return .refusal(501, "NotImplemented")
      }
      return HTTPResponse(
        head: HTTPResponseHead(
          status: 206,
          headers: [
            HTTPHeader("Content-Length", String(sizes[part - 1])),
            HTTPHeader("x-amz-mp-parts-count", String(sizes.count)),
          ]), bodyCount: 0)
    }
    return transport
  }

  @Test("Of many parts that differ each is asked for once, a few at a time")
  func manyUneven() async throws {
    let sizes = (0..<2_500).map { Int64(5 + $0 % 3) }
    let transport = Self.heads(sizes)
    let found = try await Self.client(transport).partSizes(
      of: Self.place, count: sizes.count, objectSize: sizes.reduce(0, +))
    #expect(found == sizes)
    #expect(transport.sent.count == sizes.count)
  }

  /// Answers that know of no parts in HEAD, and of these in GetObjectAttributes, a page each.
  private static func attributes(_ pages: [[Int64]]) -> WatchedTransport {
    let transport = WatchedTransport()
    let asked = Mutex(0)
    transport.answerInPlace { request in
      guard request.method == .get else {
        return HTTPResponse(
          head: HTTPResponseHead(status: 200, headers: [HTTPHeader("Content-Length", "1000")]))
      }
      let page = asked.withLock { asked in
        defer { asked += 1 }
        return asked
      }
      let start = pages.prefix(page).joined().count
      let parts = (pages.indices.contains(page) ? pages[page] : []).enumerated().map {
        "<Part><PartNumber>\(start + $0 + 1)</PartNumber><Size>\($1)</Size></Part>"
      }
      let body = Array(
        "<GetObjectAttributesResponse><ObjectParts>\(parts.joined())</ObjectParts></GetObjectAttributesResponse>"
          .utf8)
      return HTTPResponse(
        head: HTTPResponseHead(
          status: 200, headers: [HTTPHeader("Content-Length", String(body.count))]),
        body: body, bodyCount: Int64(body.count))
    }
    return transport
  }

  @Test(
    "Where HEAD tells nothing of parts the attributes of the object may",
    arguments: [
      ([[300, 200, 500]], [300, 200, 500]), ([[300, 200], [500]], [300, 200, 500]),
      ([[300, 200, 499]], nil), ([[300, 200, 500, 1]], nil), ([[300, 200], []], nil), ([[]], nil),
      ([[300, 0, 700]], nil), ([[.max, .max, 2]], nil),
    ] as [([[Int64]], [Int64]?)])
  func attributes(pages: [[Int64]], believed: [Int64]?) async throws {
    let transport = Self.attributes(pages)
    #expect(
      try await Self.client(transport).partSizes(of: Self.place, count: 3, objectSize: 1_000)
        == believed)
  }

  @Test("A store that answers with the object itself is not asked for attributes again")
  func unknownQuestion() async throws {
    let transport = WatchedTransport()
    transport.answerInPlace { _ in
      HTTPResponse(
        head: HTTPResponseHead(
          status: 200,
          headers: [HTTPHeader("Content-Length", "4"), HTTPHeader("ETag", "\"e-3\"")]),
        body: Array("body".utf8), bodyCount: 4)
    }
    let client = try Self.client(transport)
    for _ in 1...2 {
      #expect(await client.partSizes(of: Self.place, count: 3, objectSize: 1_000) == nil)
    }
    #expect(transport.sent.filter { $0.method == .get }.count == 1)
  }
}
