import HTTP
import Testing

@testable import S3

@Suite("Answers to listings")
struct ListingAnswerTests {
  private let bucket = BucketName("bucket")

  private func page(_ body: String, pieceSize: Int = 4096) async throws -> ObjectPage {
    let scripted = try ScriptedClient([.response(200, [], body)], pieceSize: pieceSize)
    return try await scripted.client.listObjectsV2(
      bucket: bucket, prefix: .empty, delimiter: "/", after: nil)
  }

  private func problem(_ body: String) async throws -> S3Error.Cause? {
    let scripted = try ScriptedClient([.response(200, [], body)])
    return await failure { () async throws(S3Error) in
      try await scripted.client.listObjectsV2(
        bucket: bucket, prefix: .empty, delimiter: nil, after: nil)
    }?.cause
  }

  static let answer = """
    <?xml version="1.0" encoding="UTF-8"?>
    <ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bucket</Name>
    <Prefix></Prefix><IsTruncated>true</IsTruncated><NextContinuationToken> t+/= </NextContinuationToken>
    <EncodingType>url</EncodingType>
    <Contents><Key>%20a+b%2B%0A%01</Key><LastModified>2026-11-20T14:02:07.000Z</LastModified>
    <ETag>&quot;9b2c&quot;</ETag><Size>12</Size><Owner><ID>x</ID><Key>not this</Key></Owner>
    <StorageClass>GLACIER</StorageClass></Contents>
    <Contents><Key>zero</Key><Size>0</Size><ETag></ETag></Contents>
    <CommonPrefixes><Prefix>caf%C3%A9/</Prefix></CommonPrefixes>
    </ListBucketResult>
    """

  @Test("A page is the same whatever the pieces it comes in", arguments: [1, 2, 7, 100, 4096])
  func pieces(_ size: Int) async throws {
    let page = try await page(Self.answer, pieceSize: size)
    #expect(
      page.objects == [
        ObjectSummary(
          key: ObjectKey(" a b+\n\u{1}"), size: ByteCount(12), lastModified: ScriptedClient.moment,
          etag: ETag("9b2c"), storageClass: StorageClass("GLACIER")),
        ObjectSummary(key: ObjectKey("zero"), size: .zero),
      ])
    #expect(page.commonPrefixes == [ObjectKey("café/")])
    #expect(page.next == ContinuationToken(" t+/= "))
  }

  @Test("A namespace, a byte order mark and the order of elements make no difference")
  func variants() async throws {
    let plain = "<ListBucketResult><Contents><Key>%61</Key><Size>1</Size></Contents>"
    let encoded =
      "<EncodingType>url</EncodingType><IsTruncated>false</IsTruncated></ListBucketResult>"
    let expected = ObjectPage(objects: [ObjectSummary(key: ObjectKey("a"), size: ByteCount(1))])
    #expect(try await page(plain + encoded) == expected)
    #expect(try await page("\u{FEFF}" + plain + encoded) == expected)
    #expect(try await page(" \r\n\t" + plain + encoded) == expected)
    let prefixed = (plain + encoded).replacing("</", with: "</s:").replacing("<", with: "<s:")
      .replacing("<s:/s:", with: "</s:").replacing(
        "<s:ListBucketResult>", with: "<s:ListBucketResult xmlns:s=\"x\">", maxReplacements: 1)
    #expect(try await page(prefixed) == expected)
  }

  @Test("Keys are taken as they stand when the server does not encode them, blanks included")
  func plainKeys() async throws {
    let page = try await page(
      "<ListBucketResult><Contents><Key> a%20+b </Key><Size>1</Size></Contents></ListBucketResult>")
    #expect(page.objects.map(\.key) == [ObjectKey(" a%20+b ")])
    #expect(page.next == nil)
  }

  @Test("An empty page may have more to come, and a page any order, duplicates, or 2,500 keys")
  func unusual() async throws {
    let empty = try await page(
      "<ListBucketResult><IsTruncated>true</IsTruncated>"
        + "<NextContinuationToken>n</NextContinuationToken></ListBucketResult>")
    #expect(empty.objects.isEmpty && empty.next == ContinuationToken("n"))
    let keys = ["b", "a", "a"] + (0..<2500).map { "k\($0)" }
    let contents = keys.map { "<Contents><Key>\($0)</Key><Size>1</Size></Contents>" }.joined()
    let large = try await page("<ListBucketResult>\(contents)</ListBucketResult>")
    #expect(large.objects.map(\.key.text) == keys)
  }

  @Test(
    "What is no listing is malformed",
    arguments: [
      "", "   ", "<html><body>502 Bad Gateway</body></html>", "<!DOCTYPE html><html></html>",
      "<ListBucketResult><IsTruncated>false</IsTruncated>",
      "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
      "<ListBucketResult><Contents><Size>1</Size></Contents></ListBucketResult>",
      "<ListBucketResult><Contents><Key>a</Key><Size>-1</Size></Contents></ListBucketResult>",
      "<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>",
      "<ListBucketResult><Contents><Key>\u{1}</Key><Size>1</Size></Contents></ListBucketResult>",
      "<!DOCTYPE x [<!ENTITY a \"b\">]><ListBucketResult>&a;</ListBucketResult>",
      "<ListBucketResult>&undefined;</ListBucketResult>",
      String(repeating: "<a>", count: 40) + String(repeating: "</a>", count: 40),
      "{\"json\": true}", "<ListBucketResult/><ListBucketResult/>",
    ])
  func malformed(_ body: String) async throws {
    guard case .malformedAnswer = try await problem(body) else {
      Issue.record("taken for a listing: \(body.prefix(60))")
      return
    }
  }

  @Test("An endless element and an endless document are given up")
  func limits() async throws {
    let text = String(repeating: "x", count: XMLStream.maxText + 1)
    #expect(
      try await problem("<ListBucketResult><Name>\(text)</Name></ListBucketResult>")
        == .malformedAnswer("the answer has an element of more than 1048576 bytes"))
    let names = String(repeating: "<Name>\(text.dropLast())</Name>", count: 65)
    #expect(
      try await problem("<ListBucketResult>\(names)</ListBucketResult>")
        == .malformedAnswer("the answer is longer than 67108864 bytes"))
  }

  @Test("An error inside a successful answer is an error")
  func errorInside() async throws {
    let cause = try await problem("<Error><Code>AccessDenied</Code><Message>no</Message></Error>")
    #expect(
      cause == .service(ServiceError(code: .accessDenied, message: "no", status: 200)))
  }

  @Test("A token that comes back ends the listing instead of repeating it")
  func circle() async throws {
    let scripted = try ScriptedClient([.response(200, [], Self.answer)])
    let error = await failure { () async throws(S3Error) in
      try await scripted.client.listObjectsV2(
        bucket: bucket, prefix: .empty, delimiter: nil, after: ContinuationToken(" t+/= "))
    }
    #expect(error?.cause == .malformedAnswer("the server's listing goes in a circle"))
  }

  @Test("A listing that leads from A to B and back to A comes to an end")
  func longerCircle() async throws {
    let pages = (0..<12).map { number in
      ScriptedTransport.Answer.response(
        200, [],
        "<ListBucketResult><IsTruncated>true</IsTruncated>"
          + "<NextContinuationToken>\(number % 2)</NextContinuationToken></ListBucketResult>")
    }
    let scripted = try ScriptedClient(pages)
    let error = await failure { () async throws(S3Error) in
      var token: ContinuationToken?
      repeat {
        token = try await scripted.client.listObjectsV2(
          bucket: bucket, prefix: .empty, delimiter: nil, after: token
        ).next
      } while token != nil
    }
    #expect(error?.cause == .malformedAnswer("the server's listing goes in a circle"))
    #expect(scripted.requests.count == 4)
  }

  @Test("A listing of versions that leads in a circle comes to an end")
  func circleOfVersions() async throws {
    let pages = (0..<12).map { number in
      ScriptedTransport.Answer.response(
        200, [],
        "<ListVersionsResult><IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker>"
          + "<NextVersionIdMarker>\(number % 2)</NextVersionIdMarker></ListVersionsResult>")
    }
    let scripted = try ScriptedClient(pages)
    let error = await failure { () async throws(S3Error) in
      var marker: VersionMarker?
      repeat {
        marker = try await scripted.client.listObjectVersions(
          bucket: bucket, prefix: .empty, delimiter: nil, after: marker
        ).next
      } while marker != nil
    }
    #expect(error?.cause == .malformedAnswer("the server's listing goes in a circle"))
    #expect(scripted.requests.count == 4)
  }

  @Test("Listing buckets goes on to the last page, and stops when a page comes again")
  func buckets() async throws {
    func page(_ name: String, _ token: String) -> ScriptedTransport.Answer {
      .response(
        200, [],
        "<ListAllMyBucketsResult><Buckets><Bucket><Name>\(name)</Name>"
          + "<BucketRegion>eu-west-1</BucketRegion></Bucket></Buckets>"
          + "<ContinuationToken>\(token)</ContinuationToken></ListAllMyBucketsResult>")
    }
    let good = try ScriptedClient([page("a", "1"), page("b", "")])
    #expect(try await good.client.listBuckets().map(\.name.text) == ["a", "b"])
    #expect(good.requests[1].target.contains("continuation-token=1"))
    let round = try ScriptedClient([page("a", "1"), page("b", "2"), page("a", "1")])
    let error = await failure { () async throws(S3Error) in try await round.client.listBuckets() }
    #expect(error?.cause == .malformedAnswer("the server's listing goes in a circle"))
  }

  @Test(
    "Delete markers that a server lists behind all versions stand with their keys, newest first")
  func markersBehind() async throws {
    func entry(_ kind: String, _ key: String, _ id: Int, _ more: String = "") -> String {
      "<\(kind)><Key>\(key)</Key><VersionId>\(id)</VersionId>"
        + "<LastModified>2026-11-29T12:00:0\(id).000Z</LastModified>\(more)</\(kind)>"
    }
    let body =
      "<ListVersionsResult>" + entry("Version", "a", 3) + entry("Version", "a", 1)
      + entry("Version", "b", 5) + entry("DeleteMarker", "a", 2)
      + entry("DeleteMarker", "b", 4, "<IsLatest>true</IsLatest>") + "</ListVersionsResult>"
    let scripted = try ScriptedClient([.response(200, [], body)])
    let page = try await scripted.client.listObjectVersions(
      bucket: bucket, prefix: .empty, delimiter: nil, after: nil)
    #expect(
      page.versions.map { "\($0.key.text)\($0.versionID.text)" } == ["a3", "a2", "a1", "b4", "b5"])
  }

  @Test("Versions and delete markers keep their order, and the markers are decoded")
  func versions() async throws {
    let body = """
      <ListVersionsResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>
      <NextKeyMarker>a%2Bb</NextKeyMarker><NextVersionIdMarker>v1</NextVersionIdMarker>
      <DeleteMarker><Key>a%2Bb</Key><VersionId>v2</VersionId><IsLatest>true</IsLatest></DeleteMarker>
      <Version><Key>a%2Bb</Key><VersionId>v1</VersionId><IsLatest>false</IsLatest><Size>3</Size>
      <ETag>"e"</ETag></Version><Version><Key>old</Key><Size>1</Size></Version>
      </ListVersionsResult>
      """
    let scripted = try ScriptedClient([.response(200, [], body)], pieceSize: 3)
    let page = try await scripted.client.listObjectVersions(
      bucket: bucket, prefix: .empty, delimiter: nil, after: nil)
    #expect(page.versions.map(\.key.text) == ["a+b", "a+b", "old"])
    #expect(page.versions.map(\.versionID.text) == ["v2", "v1", "null"])
    #expect(page.versions.map(\.isDeleteMarker) == [true, false, false])
    #expect(
      page.next == VersionMarker(key: ObjectKey("a+b"), versionID: VersionID("v1")))
  }

  private static func page(_ keys: [String], _ more: String) -> ScriptedTransport.Answer {
    let contents = keys.map { "<Contents><Key>\($0)</Key><Size>1</Size></Contents>" }.joined()
    return .response(200, [], "<ListBucketResult>\(contents)\(more)</ListBucketResult>")
  }

  @Test("A store without ListObjectsV2 is listed by markers, and asked so from then on")
  func markers() async throws {
    let scripted = try ScriptedClient([
      .response(501, [], "<Error><Code>NotImplemented</Code></Error>"),
      Self.page(
        ["a%2F1", "a%2F2"],
        "<EncodingType>url</EncodingType><Marker/><IsTruncated>true</IsTruncated>"),
      Self.page(
        ["a%2F3"],
        "<EncodingType>url</EncodingType><Marker>a%2F2</Marker><IsTruncated>true</IsTruncated><NextMarker>a%2F3%2B</NextMarker>"
      ),
      Self.page(["a/4"], "<Marker>a/3+</Marker><IsTruncated>false</IsTruncated>"),
      Self.page([], "<Marker/>"),
    ])
    var keys: [String] = []
    var token: ContinuationToken?
    repeat {
      let page = try await scripted.client.listObjectsV2(
        bucket: bucket, prefix: ObjectKey("a/"), delimiter: nil, after: token)
      keys += page.objects.map(\.key.text)
      token = page.next
    } while token != nil
    #expect(keys == ["a/1", "a/2", "a/3", "a/4"])
    _ = try await scripted.client.listObjectsV2(
      bucket: bucket, prefix: .empty, delimiter: nil, startAfter: ObjectKey("b"), after: nil)
    let asked = "/bucket?encoding-type=url&max-keys=1000&prefix="
    #expect(
      scripted.requests.map(\.target) == [
        "/bucket?list-type=2&encoding-type=url&max-keys=1000&prefix=a%2F", asked + "a%2F",
        asked + "a%2F&marker=a%2F2", asked + "a%2F&marker=a%2F3%2B", asked + "&marker=b",
      ])
  }

  @Test("A store that takes ListObjectsV2 for ListObjects is listed to its end")
  func unknowing() async throws {
    let scripted = try ScriptedClient([
      Self.page(
        ["b"],
        "<Marker/><IsTruncated>true</IsTruncated><CommonPrefixes><Prefix>c/</Prefix></CommonPrefixes>"
      ),
      Self.page([], "<Marker>c/</Marker><IsTruncated>false</IsTruncated>"),
    ])
    let first = try await scripted.client.listObjectsV2(
      bucket: bucket, prefix: .empty, delimiter: "/", after: nil)
    let next = try #require(first.next)
    _ = try await scripted.client.listObjectsV2(
      bucket: bucket, prefix: .empty, delimiter: "/", after: next)
    #expect(
      scripted.requests[1].target
        == "/bucket?encoding-type=url&max-keys=1000&prefix=&delimiter=%2F&marker=c%2F")
    // One that gives the same page again and again is noticed all the same.
    let round = try ScriptedClient([
      Self.page(["b"], "<Marker/><IsTruncated>true</IsTruncated><NextMarker>c/</NextMarker>")
    ])
    let error = await failure { () async throws(S3Error) in
      try await round.client.listObjectsV2(
        bucket: bucket, prefix: .empty, delimiter: "/", after: next)
    }
    #expect(error?.cause == .malformedAnswer("the server's listing goes in a circle"))
  }

  @Test("A store that refuses encoding-type is asked without, and a wrong bucket asked once")
  func refusedEncoding() async throws {
    let refusal = ScriptedTransport.Answer.response(
      400, [], "<Error><Code>InvalidArgument</Code><Message>encoding-type</Message></Error>")
    let scripted = try ScriptedClient([refusal, refusal, Self.page(["a"], ""), Self.page([], "")])
    for _ in 0..<2 {
      _ = try await scripted.client.listObjectsV2(
        bucket: bucket, prefix: .empty, delimiter: nil, after: nil)
    }
    #expect(
      scripted.requests.suffix(2).map(\.target) == [
        "/bucket?list-type=2&max-keys=1000&prefix=", "/bucket?list-type=2&max-keys=1000&prefix=",
      ])
    let others = try ScriptedClient([
      refusal, .response(200, [], "<ListVersionsResult/>"),
      .response(200, [], "<ListMultipartUploadsResult/>"),
    ])
    _ = try await others.client.listObjectVersions(
      bucket: bucket, prefix: .empty, delimiter: nil, after: nil)
    _ = try await others.client.listMultipartUploads(bucket: bucket, prefix: .empty)
    #expect(others.requests.map { $0.target.contains("encoding-type") } == [true, false, false])
    let none = try ScriptedClient([.response(501, [], "<Error><Code>NotImplemented</Code></Error>")]
    )
    _ = await failure { () async throws(S3Error) in
      try await none.client.listMultipartUploads(bucket: bucket, prefix: .empty)
    }
    #expect(none.requests.count == 1)
    // What is refused in every way was wrong in another one, and nothing is learnt from it.
    let always = try ScriptedClient(
      [.response(400, [], "<Error><Code>InvalidRequest</Code><Message>first</Message></Error>")]
        + [refusal, refusal, refusal, Self.page([], "")])
    let error = await failure { () async throws(S3Error) in
      try await always.client.listObjectsV2(
        bucket: bucket, prefix: .empty, delimiter: nil, after: nil)
    }
    #expect(error?.code == S3ErrorCode("InvalidRequest"))
    _ = try await always.client.listObjectsV2(
      bucket: bucket, prefix: .empty, delimiter: nil, after: nil)
    #expect(always.requests.last?.target.contains("list-type=2&encoding-type=url") == true)
    let missing = try ScriptedClient([
      .response(404, [], "<Error><Code>NoSuchBucket</Code></Error>")
    ])
    _ = await failure { () async throws(S3Error) in
      try await missing.client.listObjectsV2(
        bucket: bucket, prefix: .empty, delimiter: nil, after: nil)
    }
    #expect(missing.requests.count == 1)
  }

  @Test("A part of a size that none can have is no answer")
  func impossiblePart() async throws {
    func list(_ size: String) async throws -> (parts: [PartSummary], error: S3Error?) {
      let scripted = try ScriptedClient([
        .response(
          200, [],
          "<ListPartsResult><Part><PartNumber>1</PartNumber><Size>\(size)</Size></Part>"
            + "</ListPartsResult>")
      ])
      do throws(S3Error) {
        let place = ObjectLocation(bucket: bucket, key: ObjectKey("key"))
        return (try await scripted.client.listParts(place, uploadID: UploadID("u")), nil)
      } catch {
        return ([], error)
      }
    }
    #expect(try await list("5242880").parts.map(\.size) == [.mebibytes(5)])
    for size in ["9223372036854775000", "-9223372036854775807", "many"] {
      guard case .malformedAnswer? = try await list(size).error?.cause else {
        Issue.record("\(size) was taken for a size")
        continue
      }
    }
  }

  @Test("A list of more parts than an upload can have comes to an end")
  func endlessParts() async throws {
    let parts = (1...1_000).map { "<Part><PartNumber>\($0)</PartNumber><Size>1</Size></Part>" }
    let pages = (1...20).map { page in
      ScriptedTransport.Answer.response(
        200, [],
        "<ListPartsResult><IsTruncated>\(page < 20)</IsTruncated>"
          + "<NextPartNumberMarker>\(page)</NextPartNumberMarker>\(parts.joined())"
          + "</ListPartsResult>")
    }
    let scripted = try ScriptedClient(pages)
    let error = await failure { () async throws(S3Error) in
      try await scripted.client.listParts(
        ObjectLocation(bucket: bucket, key: ObjectKey("key")), uploadID: UploadID("u"))
    }
    #expect(error?.cause == .malformedAnswer("there are more than 10,000 parts"))
    #expect(scripted.requests.count == 11)
  }

  @Test("What is asked for stands in the query, byte for byte")
  func query() async throws {
    let scripted = try ScriptedClient([.response(200, [], "<ListBucketResult/>")])
    _ = try await scripted.client.listObjectsV2(
      bucket: bucket, prefix: ObjectKey("a/ü+"), delimiter: "/", startAfter: ObjectKey("a/b"),
      after: ContinuationToken("x/=+"), pageSize: 7)
    #expect(
      scripted.requests.first?.target
        == "/bucket?list-type=2&encoding-type=url&max-keys=7&prefix=a%2F%C3%BC%2B&delimiter=%2F"
        + "&start-after=a%2Fb&continuation-token=x%2F%3D%2B")
  }
}
