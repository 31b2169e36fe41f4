import HTTP
import S3
import Storage
import SystemPackage
import Testing

@testable import App

@Suite("Arguments")
struct ArgumentTests {
  @Test(
    "Every byte string survives the way through text",
    arguments: [
      [], Array("plain".utf8), Array("emoji 🦀 e\u{301}".utf8), [0xFF], [0x61, 0xC3, 0x62],
      [0xC3, 0x28, 0xE2, 0x82, 0xF0, 0x9F, 0xA6], Array(UInt8(1)...255),
      // U+10FFFD, which is itself among the scalars that stand for bytes.
      [0xF4, 0x8F, 0xBF, 0xBD],
      // CESU surrogates and an overlong slash, which UTF-8 forbids.
      [0xED, 0xA0, 0x80, 0xC0, 0xAF],
    ] as [[UInt8]])
  func rawBytes(bytes: [UInt8]) {
    #expect(RawArguments.bytes(of: RawArguments.text(of: bytes)) == bytes)
    if !bytes.contains(0) {
      #expect(FilePath(argument: RawArguments.text(of: bytes)).bytes == bytes)
    }
  }

  @Test("Text that is UTF-8 stays as it is")
  func text() {
    #expect(RawArguments.text(of: Array("e\u{301}é".utf8)).unicodeScalars.count == 3)
  }

  @Test(
    "A place is a bucket and the bytes of a key",
    arguments: [
      ("s3://b", "b", ""), ("s3://b/", "b", ""), ("s3://b/k", "b", "k"), ("s3://b//k", "b", "/k"),
      ("s3://b/a//b/../%2F?x#y", "b", "a//b/../%2F?x#y"), ("s3://b/ ", "b", " "),
      ("s3://b/\u{301}x", "b", "\u{301}x"), ("s3://B_old.name/k", "B_old.name", "k"),
      ("S3://B/K", "B", "K"),
    ])
  func place(argument: String, bucket: String, key: String) throws {
    let place = try S3URI(parsing: argument)
    #expect(place == S3URI(bucket: BucketName(bucket), key: ObjectKey(key)))
  }

  @Test("A key that is not UTF-8 keeps its bytes")
  func notUTF8() throws {
    let argument = RawArguments.text(of: Array("s3://b/a".utf8) + [0xFF, 0x2F])
    let place = try S3URI(parsing: argument)
    #expect(place.key.bytes == [0x61, 0xFF, 0x2F])
    #expect(place.bytes == Array("s3://b/a".utf8) + [0xFF, 0x2F])
  }

  @Test(
    "What is no place is refused",
    arguments: [
      "", "b/k", "s3:/b", "s3://", "s3:///k", "S3:/b", "S3", "x3://b", "https://b/k",
      "s3:\u{301}//b",
    ])
  func noPlace(argument: String) {
    #expect(throws: ArgumentProblem.self) { try S3URI(parsing: argument) }
  }

  @Test(
    "A duration has a unit or is in seconds",
    arguments: [
      ("1", 1), ("90", 90), ("30s", 30), ("15m", 900), ("12h", 43_200), ("7d", 604_800),
    ] as [(String, Int64)])
  func duration(argument: String, seconds: Int64) throws {
    #expect(try DurationArgument(parsing: argument).seconds == seconds)
  }

  @Test(
    "What is no duration is refused",
    arguments: [
      "", "0", "0m", "-1", "+1", "1.5h", "m", "1w", "1 m", "15M", "٣", "9223372036854775808",
      "9223372036854775807d",
    ])
  func noDuration(argument: String) {
    #expect(throws: ArgumentProblem.self) { try DurationArgument(parsing: argument) }
  }
}

@Suite("Sizes and rates")
struct SizeArgumentTests {
  @Test(
    "A size has a unit or is in bytes",
    arguments: [
      ("1", 1), ("16M", 16 << 20), ("16m", 16 << 20), ("1.5GiB", 3 << 29), ("200K", 204_800),
      ("200KB", 200_000), ("2mb", 2_000_000), ("5T", 5 << 40), ("10B", 10), ("0.5K", 512),
      ("1.0009765625K", 1025), ("0.1M", 104_857),
    ] as [(String, Int64)])
  func size(argument: String, bytes: Int64) throws {
    #expect(try SizeArgument(parsing: argument).bytes == bytes)
  }

  @Test(
    "What is no size is refused",
    arguments: [
      "", "0", "-1", "M", "1.5", "1..5M", ".5M", "5.M", "1 M", "16X", "16MiBs", "1e3", "0.0001K",
      "9223372036854775808", "9000000T", "٣M",
    ])
  func noSize(argument: String) {
    #expect(throws: ArgumentProblem.self) { try SizeArgument(parsing: argument) }
  }

  @Test("A rate may say that it is one")
  func rate() throws {
    #expect(try RateArgument(parsing: "2M/s").bytesPerSecond == 2 << 20)
    #expect(try RateArgument(parsing: "200KB").bytesPerSecond == 200_000)
    #expect(throws: ArgumentProblem.self) { try RateArgument(parsing: "/s") }
  }
}

@Suite("Options before the command")
struct LeadingOptionsTests {
  @Test(
    "They are moved behind the words that name the command",
    arguments: [
      ("--json ls s3://b", "ls --json s3://b"),
      ("--profile ana -q ls --profile eva", "ls --profile ana -q --profile eva"),
      ("--profile=ana history verify", "history verify --profile=ana"),
      ("--profile ls ls", "ls --profile ls"),
      ("--profile ls", "--profile ls"), ("--json", "--json"), ("ls --json", "ls --json"),
      ("--json s3://b/", "--json s3://b/"), ("--nonsense ls", "--nonsense ls"),
      ("--read-only", "--read-only"), ("--profile", "--profile"),
      ("--quiet -- ls", "--quiet -- ls"),
    ])
  func moved(line: String, expected: String) {
    let words = { (line: String) in line.split(separator: " ").map(String.init) }
    #expect(LeadingOptions.moved(words(line)) == words(expected))
  }

  @Test("Every shared option may lead, and no other")
  func names() throws {
    var flags: Set<String> = []
    var valued: Set<String> = []
    for argument in try HelpDump(of: SharedOptions.self).command.arguments ?? [] {
      let names = (argument.names ?? []).map(\.text)
      guard !names.contains("--help") else { continue }
      if argument.kind == .flag { flags.formUnion(names) } else { valued.formUnion(names) }
    }
    #expect(LeadingOptions.flags == flags)
    #expect(LeadingOptions.valued == valued)
  }
}

@Suite("What a log hides")
struct LogMaskTests {
  @Test(
    "Values of a URL show by name",
    arguments: [
      ("http://h/b/k?list-type=2&prefix=a%20b", "http://h/b/k?list-type=2&prefix=a%20b"),
      (
        "http://h/k?X-Amz-Signature=5ec&X-Amz-Credential=AK&uploads",
        "http://h/k?X-Amz-Signature=***&X-Amz-Credential=***&uploads"
      ),
      ("https://ana:pw@h/?WebIdentityToken=t", "https://***@h/?WebIdentityToken=***"),
      ("http://h/a@b", "http://h/a@b"),
    ])
  func url(url: String, shown: String) {
    #expect(LogMask.url(url) == shown)
  }

  @Test("Headers that are not known to be harmless keep their values")
  func headers() {
    let headers = [
      HTTPHeader("Authorization", "AWS4-HMAC-SHA256 Credential=AK"),
      HTTPHeader("X-Amz-Security-Token", "token"), HTTPHeader("x-amz-meta-note", "private"),
      HTTPHeader("Range", "bytes=0-1"), HTTPHeader("x-amz-checksum-crc64nvme", "rosUhgp5mIg="),
      HTTPHeader("ETag", "a\u{1B}[31m"),
    ]
    #expect(
      LogMask.headers(headers)
        == "Authorization: ***; X-Amz-Security-Token: ***; x-amz-meta-note: ***; "
        + "Range: bytes=0-1; x-amz-checksum-crc64nvme: rosUhgp5mIg=; ETag: a\\x1b[31m")
  }
}
