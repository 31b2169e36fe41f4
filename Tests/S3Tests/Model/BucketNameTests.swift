import Testing

@testable import S3

@Suite("Bucket names")
struct BucketNameTests {
  @Test("Good names have no problem", arguments: ["abc", "my-bucket.2026", "1ab", "a.b.c"])
  func good(_ name: String) {
    #expect(BucketName(name).problemForCreation == nil)
  }

  @Test(
    "The first rule that a name breaks is named",
    arguments: [
      ("ab", .length(2)), ("", .length(0)), ("Reports", .character("R")),
      ("a_b", .character("_")), ("bücher", .character("ü")), ("-abc", .edge), ("abc-", .edge),
      (".abc", .edge), ("a..b", .adjacentDots), ("192.168.5.4", .ipAddress),
      ("xn--abc", .reservedPrefix("xn--")), ("sthree-x", .reservedPrefix("sthree-")),
      ("abc-s3alias", .reservedSuffix("-s3alias")), ("abc--x-s3", .reservedSuffix("--x-s3")),
    ] as [(String, BucketNameProblem)])
  func bad(_ name: String, problem: BucketNameProblem) {
    #expect(BucketName(name).problemForCreation == problem)
  }

  @Test("63 characters are the most")
  func longest() {
    #expect(BucketName(String(repeating: "a", count: 63)).problemForCreation == nil)
    #expect(BucketName(String(repeating: "a", count: 64)).problemForCreation == .length(64))
  }
}
