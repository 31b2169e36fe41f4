import HTTP
import S3
import Storage
import SystemPackage
import Testing
import TextUI

@testable import App
@testable import HTTP
@testable import History
@testable import S3
@testable import Storage
@testable import TextUI

/// None of these may end the process or go on for ever, whatever they read; what else holds is said.
@Suite("Hostile bytes")
struct HostileBytesTests {
  private static let page = """
    <?xml version="1.0" encoding="UTF-8"?>
    <ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>true</IsTruncated>\
    <EncodingType>url</EncodingType><NextContinuationToken>abc</NextContinuationToken>\
    <Contents><Key>a%2Fb%20c</Key><LastModified>2026-11-20T14:02:11.000Z</LastModified>\
    <ETag>&quot;0123-4&quot;</ETag><Size>12</Size><StorageClass>STANDARD</StorageClass></Contents>\
    <CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes></ListBucketResult>
    """
  private static let versions = """
    <ListVersionsResult><IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker>\
    <Version><Key>k</Key><VersionId>1</VersionId><IsLatest>true</IsLatest><Size>3</Size></Version>\
    <DeleteMarker><Key>k</Key><VersionId>2</VersionId></DeleteMarker></ListVersionsResult>
    """
  private static let failure = """
    <Error><Code>NoSuchKey</Code><Message>The key</Message><RequestId>1</RequestId></Error>
    """

  private func read<Handler: PageHandler>(
    _ bytes: [UInt8], _ handler: Handler, pieces: [Int]
  ) -> String {
    let receiver = XMLReceiver(handler)
    var rest = bytes[...]
    for count in pieces + [bytes.count] where !rest.isEmpty {
      let isWanted = Array(rest.prefix(count)).withUnsafeBytes { receiver.feed($0) }
      rest = rest.dropFirst(count)
      if !isWanted { break }
    }
    do throws(S3Error.Cause) {
      return "\(try receiver.finish(head: HTTPResponseHead(status: 200, headers: [])))"
    } catch .malformedAnswer {
      // Which of several faults is seen first depends on what has come.
      return "not an answer"
    } catch {
      return "\(error)"
    }
  }

  @Test("A listing is the same whatever pieces it comes in")
  func listings() {
    fuzz("listings", samples: [Self.page, Self.versions, Self.failure]) { bytes, chance in
      let pieces = (0..<20).map { _ in Int.random(in: 1...80, using: &chance) }
      #expect(
        read(bytes, ObjectPageHandler(), pieces: pieces)
          == read(bytes, ObjectPageHandler(), pieces: []))
      #expect(
        read(bytes, VersionPageHandler(), pieces: pieces)
          == read(bytes, VersionPageHandler(), pieces: []))
    }
  }

  @Test("Errors and short answers")
  func answers() {
    fuzz("answers", samples: [Self.failure, Self.page]) { bytes, _ in
      let head = HTTPResponseHead(status: 500, headers: [])
      guard let document = try? XMLElement(parsing: bytes) else { return }
      let error = S3Error(
        operation: .getObject, cause: .service(ServiceError(document: document, head: head)),
        attempts: 1)
      #expect(!StorageError(error, while: .list(BucketName("b"), prefix: .empty)).message.isEmpty)
    }
  }

  @Test("Files with settings and credentials")
  func settings() {
    let samples = [
      "[default]\naws_access_key_id = AKIA\naws_secret_access_key = s\n[profile a]\ns3 =\n  addressing_style = path\n",
      "export A='b c' # d\nB=\"x\"\r\nAWS_REGION=eu-west-1\n",
      "region = \"eu-west-1\"\n[profiles.a]\ncolor = \"red\"\nread_only = true\n",
      #"{"Version": 1, "AccessKeyId": "a\u00e9", "n": [1, -2.5e3, null, true]}"#,
    ]
    fuzz("settings", samples: samples) { bytes, _ in
      let profiles = AWSProfiles(credentials: bytes, config: bytes)
      for name in profiles.names { #expect(profiles[name] != nil) }
      let env = EnvFile(parsing: bytes)
      #expect(!env.values.keys.contains(""))
      let text = String(decoding: bytes, as: UTF8.self)
      _ = ConfigFile(parsing: text, path: "config.toml")
      _ = ShellWords.split(text)
      _ = JSONValue(parsing: bytes)
    }
  }

  @Test("Arguments")
  func arguments() {
    let samples = [
      "s3://bucket/key", "s3://arn:aws:s3:eu-west-1:1:accesspoint/a/k", "1.5GiB", "15m",
      "2026-11-20",
    ]
    fuzz("arguments", samples: samples, longest: 200) { bytes, _ in
      let text = String(decoding: bytes, as: UTF8.self)
      _ = try? S3URI(parsing: text)
      if let size = try? SizeArgument(parsing: text) { #expect(size.bytes > 0) }
      if let rate = try? RateArgument(parsing: text) { #expect(rate.bytesPerSecond > 0) }
      _ = try? DurationArgument(parsing: text)
      _ = try? SinceArgument.parse(text)
      _ = try? Endpoint(parsing: text)
    }
  }

  @Test("The journal's trees come back as they were stored")
  func journal() throws {
    let sample = """
      {"filter":[{"pattern":"Kg==","isIncluded":true}],"links":"inside","keyFilter":[],"dropping":"",\
      "decisions":[{"key":"YQ==","ifExists":"skip"}],"files":[{"bucket":"b","key":"YQ==",\
      "localPath":"YQ==","ifExists":"overwrite"}]}
      """
    try fuzz("journal", samples: [sample]) { bytes, _ in
      guard let tree = try? StoredTree(json: bytes).tree else { return }
      let again = try StoredTree(json: StoredTree(tree).json)
      #expect(again.tree == tree)
    }
  }

  @Test("The journal's attributes come back as they were stored")
  func storedAttributes() throws {
    let sample = """
      {"contentType":"text/plain","contentEncoding":"gzip","contentDisposition":"inline","acl":"private",\
      "contentLanguage":"en","cacheControl":"no-cache","expires":"0","tagging":"a=b","kmsKeyID":"k",\
      "metadata":[{"name":"a","value":"\\u00e9"}],"storageClass":"GLACIER",\
      "serverSideEncryption":"aws:kms"}
      """
    try fuzz("attributes", samples: [sample]) { bytes, _ in
      let text = String(decoding: bytes, as: UTF8.self)
      guard let attributes = try? StoredAttributes(json: text).attributes else { return }
      let again = try StoredAttributes(json: StoredAttributes(attributes).json)
      #expect(again.attributes == attributes)
    }
  }

  private static let keys = [
    "a/b.txt", "../../etc/passwd", "/abs", "a//b/", ".", ".pail-x.part", "%2E", "a%2Fb", "%",
    "a%+/b",
    "é/e\u{301}", String(repeating: "x", count: 253),
  ]

  @Test("Every key has a name below the folder, and no two have the same")
  func localNames() {
    var last: [UInt8] = []
    fuzz("local names", samples: Self.keys, longest: 1500) { bytes, _ in
      let name = EscapedName(ObjectKey(bytes: bytes)).name
      #expect(throws: Never.self, "\(bytes)") { try RelativeName(name) }
      if bytes != last {
        #expect(name != EscapedName(ObjectKey(bytes: last)).name, "\(bytes) and \(last)")
      }
      last = bytes
    }
  }

  @Test("No key reaches the terminal with a control or bidi character, nor wider than it may be")
  func visible() {
    fuzz("visible text", samples: Self.keys, longest: 600) { bytes, chance in
      let columns = Int.random(in: 1...50, using: &chance)
      let text = VisibleText(bytes: bytes)
      for shown in [text, text.elidedInMiddle(to: columns), text.clipped(to: columns)] {
        #expect(shown.text.unicodeScalars.allSatisfy { !Self.isHarmful($0) }, "\(bytes)")
      }
      #expect(text.elidedInMiddle(to: columns).width <= columns)
      #expect(text.padded(to: columns).clipped(to: columns).width <= columns)
    }
  }

  private static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
    default: false
    }
  }

  @Test("A pattern matches what its definition says")
  func patterns() {
    fuzz("patterns", samples: ["*a*b", "?é*", "**", "a?c"], longest: 14) { pattern, chance in
      let text = (0..<Int.random(in: 0..<10, using: &chance)).map { _ in
        Array("abc*?".utf8).randomElement(using: &chance) ?? 0
      }
      #expect(
        KeyPattern(bytes: pattern).matches(ObjectKey(bytes: text))
          == Self.matches(pattern[...], text[...]), "\(pattern) and \(text)")
    }
  }

  /// - Parameter text: ASCII.
  private static func matches(_ pattern: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> Bool {
    guard let first = pattern.first else { return text.isEmpty }
    let rest = pattern.dropFirst()
    switch first {
    case UInt8(ascii: "*"):
      return matches(rest, text) || (!text.isEmpty && matches(pattern, text.dropFirst()))
    case UInt8(ascii: "?"): return !text.isEmpty && matches(rest, text.dropFirst())
    default: return text.first == first && matches(rest, text.dropFirst())
    }
  }
}
