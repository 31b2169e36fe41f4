import HTTP
import Testing

@testable import S3

@Suite("Sizes of parts from the attributes of an object")
struct AttributesTests {
  private let object = ObjectLocation(bucket: BucketName("bucket"), key: ObjectKey("a"))

  private static func page(_ parts: String) -> ScriptedTransport.Answer {
    .response(
      200, [],
      "<GetObjectAttributesResponse><ObjectParts>\(parts)</ObjectParts></GetObjectAttributesResponse>"
    )
  }

  @Test("They are asked for in pages that go on where the one before ended")
  func pages() async throws {
    let scripted = try ScriptedClient([
      Self.page("<Part><PartNumber>1</PartNumber><Size>7</Size></Part>"),
      // Numbers may have been left out when it was stored.
      Self.page("<Part><PartNumber>4</PartNumber><Size>3</Size></Part>"),
    ])
    #expect(try await scripted.client.partSizesByAttributes(object, count: 2) == [7, 3])
    #expect(
      scripted.requests.map(\.target) == ["/bucket/a?attributes=", "/bucket/a?attributes="])
    #expect(
      scripted.requests.map { $0.headers["x-amz-object-attributes"] }
        == ["ObjectParts", "ObjectParts"])
    #expect(
      scripted.requests.map { $0.headers["x-amz-part-number-marker"] } == [nil, "1"])
  }

  @Test(
    "Pages that do not go on are not followed",
    arguments: [
      "", "<Part><PartNumber>1</PartNumber><Size>7</Size></Part>",
      "<Part><PartNumber>2</PartNumber><Size>many</Size></Part>",
    ])
  func circle(second: String) async throws {
    let scripted = try ScriptedClient([
      Self.page("<Part><PartNumber>1</PartNumber><Size>7</Size></Part>"), Self.page(second),
    ])
    #expect(try await scripted.client.partSizesByAttributes(object, count: 3) == nil)
  }

  @Test(
    "A store that refuses the question, or answers with the object itself, is not asked again",
    arguments: [
      .response(501, [], "<Error><Code>NotImplemented</Code></Error>"),
      .response(200, [HTTPHeader("ETag", "\"e\"")], "<GetObjectAttributesResponse/>"),
      .response(200, [], "{}"),
    ] as [ScriptedTransport.Answer])
  func unknownQuestion(answer: ScriptedTransport.Answer) async throws {
    let scripted = try ScriptedClient([answer])
    let error = await failure { () async throws(S3Error) in
      try await scripted.client.partSizesByAttributes(object, count: 3)
    }
    #expect(error != nil)
    #expect(try await scripted.client.partSizesByAttributes(object, count: 3) == nil)
    #expect(scripted.requests.count == 1)
  }
}
