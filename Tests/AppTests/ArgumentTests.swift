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
    arguments: ["", "b/k", "s3:/b", "s3://", "s3:///k", "S3://b", "https://b/k", "s3:\u{301}//b"])
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
