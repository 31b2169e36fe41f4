import HTTP
import S3
import Storage
import Testing

@testable import HTTP
@testable import S3
@testable import Storage

/// None of these may end the process or go on for ever, whatever a server answers.
@Suite("Hostile heads of answers")
struct HostileHeadsTests {
  private static let heads = [
    "HTTP/1.1 200 OK\r\nContent-Length: 12\r\nETag: \"0123\"\r\nx-amz-meta-a: b\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 206 Partial Content\r\nContent-Range: bytes 5-8/9\r\n\r\n",
    "HTTP/1.1 503 Slow Down\r\nRetry-After: 120\r\nDate: Fri, 20 Nov 2026 14:02:07 GMT\r\n\r\n",
    "HTTP/1.1 307 Moved\r\nx-amz-bucket-region: eu-west-1\r\nX-Folded: a\r\n\tb\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: -9223372036854775808\r\nContent-Length: 4\r\n\r\n",
  ]

  /// As libcurl hands it over, line by line, whatever it may let through.
  private func answer(
    to request: HTTPRequest, _ bytes: [UInt8], body: [UInt8]
  ) async -> Result<HTTPResponse, HTTPError> {
    await withCheckedContinuation { continuation in
      let exchange = Exchange(
        id: 1, request: request,
        origin: HTTPRequest.Origin(scheme: "http", host: "h", port: ""), limit: nil,
        answer: continuation)
      var isGoingOn = true
      var rest = bytes[...]
      while isGoingOn, !rest.isEmpty {
        let line = rest.prefix(
          (rest.firstIndex(of: 0x0A) ?? rest.endIndex - 1) - rest.startIndex + 1)
        rest = rest.dropFirst(line.count)
        isGoingOn = Array(line).withUnsafeBytes { exchange.receiveHeaderLine($0) }
      }
      if isGoingOn { isGoingOn = body.withUnsafeBytes { exchange.receiveBody($0) } }
      exchange.end(with: exchange.result(error: nil))
    }
  }

  @Test("The heads of answers")
  func responseHeads() async {
    await fuzz("heads", samples: Self.heads) { bytes, chance in
      let range =
        Int64.random(in: 0...9, using: &chance)..<Int64.random(in: 10...20, using: &chance)
      let limit = Int.random(in: 0...20, using: &chance)
      let request = HTTPRequest(
        method: Bool.random(using: &chance) ? .get : .head, url: "http://h/",
        responseBody: .memory(limit: limit))
      guard case .success(let response) = await answer(to: request, bytes, body: [1, 2, 3, 4])
      else { return }
      #expect(response.headers.allSatisfy { !$0.name.contains("\n") && !$0.value.contains("\n") })
      #expect(!response.head.isSuccess || response.body.count <= limit)
      let call = S3Call(.getObject, .get, bucket: BucketName("b"))
      let failure = Failure(answer: response, to: call)
      if let wait = failure.retryAfter(now: Timestamp(seconds: 0)) {
        #expect(wait >= .zero)
        #expect(RetryPolicy.standard.wait(afterAttempt: 1, retryAfter: wait, random: 0) == wait)
      }
      _ = failure.date?.since(Timestamp(seconds: 0))
      let expectation = ObjectExpectation(range: range, etag: nil)
      if let accepted = try? expectation.check(response.head) {
        #expect(accepted.count > 0 && accepted.count <= range.upperBound - range.lowerBound)
        #expect(accepted.objectSize > range.lowerBound)
      }
      if let accepted = try? ObjectExpectation(range: nil, etag: nil).check(response.head) {
        #expect(accepted.count >= 0 && accepted.objectSize == accepted.count)
      }
    }
  }

  @Test("The headers of an object")
  func headers() {
    let names = [
      "ETag", "Last-Modified", "Content-Range", "Content-Length", "x-amz-checksum-crc64nvme",
      "x-amz-checksum-sha256", "x-amz-checksum-type", "x-amz-mp-parts-count", "x-amz-meta-a",
      "x-amz-restore", "Retry-After", "Content-Type", "x-amz-version-id", "Date",
    ]
    let samples = [
      "\"0123456789abcdef0123456789abcdef-12\"", "Fri, 20 Nov 2026 14:02:07 GMT",
      "bytes 0-9/100", "2026-11-20T14:02:07.123Z", "rosF14i6W3c=-3", "=?UTF-8?B?w6k=?=",
      "FULL_OBJECT", "120",
    ]
    fuzz("headers", samples: samples, longest: 300) { bytes, chance in
      let text = String(decoding: bytes, as: UTF8.self)
      let head = HTTPResponseHead(
        status: 206,
        headers: names.map { name in
          HTTPHeader(
            name, Bool.random(using: &chance) ? text : samples.randomElement(using: &chance) ?? "")
        })
      _ = ObjectMetadata(head: head, size: 12)
      _ = ObjectChecksum.all(in: head)
      if let range = ContentRange(text) { #expect(range.bytes.upperBound <= range.total) }
      if let moment = Timestamp(iso8601: text) ?? Timestamp(httpDate: text) {
        #expect(!moment.iso8601.isEmpty)
      }
    }
  }

  @Test("Sizes that a server tells, and how an object of such a size is fetched and copied")
  func sizes() {
    let samples = [
      "9223372036854775807", "-9223372036854775808", "1152921504606846976", "1152921504606846975",
      "53687091200000", "100", "1", "0",
    ]
    let md5 = "0123456789abcdef0123456789abcdef"
    fuzz("sizes", samples: samples, longest: 24) { bytes, chance in
      let text = String(decoding: bytes, as: UTF8.self)
      let count = samples.randomElement(using: &chance) ?? ""
      let head = HTTPResponseHead(
        status: 200,
        headers: [
          HTTPHeader("Content-Length", text),
          HTTPHeader("ETag", "\"\(md5)\(Bool.random(using: &chance) ? "-\(count)" : "")\""),
        ])
      guard let size = head.contentLength else { return }
      let metadata = ObjectMetadata(head: head, size: size)
      let stored = StoredDigest(metadata)
      _ = StreamCheck(stored, objectSize: size, partSizes: nil)
      var check = DownloadCheck(
        stored, objectSize: metadata.size, partSizes: nil, rangeSize: .mebibytes(16),
        etags: .unknown)
      #expect(!check.start(atOnce: 4).isEmpty)
      if let parts = CopyPlan(
        metadata, partSizes: nil, threshold: .mebibytes(16), mustCompare: true)?.parts
      {
        #expect(parts.last?.upperBound == size)
      }
      if let count = stored.partCount, size > 0 {
        for candidate in PartSizes.candidates(objectSize: size, count: count, limit: 32) {
          #expect(PartSizes.even(candidate, objectSize: size).count == count)
        }
      }
    }
  }
}
