import Testing

@testable import S3

@Suite("Trail")
struct TrailTests {
  @Test("A circle of any length is noticed, and soon", arguments: 0..<20, 1..<20)
  func circle(leadIn: Int, length: Int) throws {
    var trail = Trail(from: [0])
    var pages = 1
    while true {
      let position = pages < leadIn ? pages : leadIn + (pages - leadIn) % length
      guard let next = trail.followed(by: [UInt8(position)]) else { break }
      trail = next
      pages += 1
      try #require(pages < 3 * (leadIn + length))
    }
    #expect(pages >= leadIn + length)
  }

  @Test("A way that never comes back is never ended")
  func straight() {
    var trail: Trail? = Trail(from: [])
    for position in 1...2_000 {
      trail = trail?.followed(by: [UInt8(position / 256), UInt8(position % 256)])
    }
    #expect(trail != nil)
  }

  @Test("Tokens and markers are equal however a listing came to them")
  func equality() throws {
    let token = ContinuationToken("b")
    let followed = try #require(token.following(ContinuationToken("a")))
    #expect(followed == token && Set([followed, token]).count == 1)
    let marker = VersionMarker(key: ObjectKey("b"), versionID: VersionID("1"))
    let before = VersionMarker(key: ObjectKey("a"), versionID: nil)
    #expect(marker.following(before) == marker)
  }
}
