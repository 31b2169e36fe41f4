import S3
import Testing

@testable import Storage

@Suite("Checking a stream")
struct StreamCheckTests {
  private let body = Array("123456789".utf8)

  private func add(_ pieces: [[UInt8]], to check: StreamCheck) {
    for piece in pieces { piece.withUnsafeBytes { check.add($0) } }
  }

  private func check(
    _ stored: StoredDigest, pieces: [[UInt8]], sizes: [Int64]? = nil, areETagsMD5: Bool = false
  ) -> Result<Verification, DownloadCheck.Mismatch> {
    let size = Int64(pieces.reduce(0) { $0 + $1.count })
    let check = StreamCheck(stored, objectSize: size, partSizes: sizes)
    add(pieces, to: check)
    #expect(check.count == size)
    return check.finish(areETagsMD5: areETagsMD5)
  }

  /// Published check values of `123456789`.
  private var crc: StoredDigest {
    .fullObject(.crc64nvme, [0xAE, 0x8B, 0x14, 0x86, 0x0A, 0x79, 0x98, 0x88])
  }

  @Test("A checksum of the whole does not depend on the pieces")
  func whole() {
    for pieces in [[body], body.map { [$0] }, [[], body, []]] {
      #expect(check(crc, pieces: pieces) == .success(.verified(.fullObject(.crc64nvme))))
    }
    let wrong = check(crc, pieces: [Array("123456780".utf8)])
    guard case .failure(let mismatch) = wrong else {
      Issue.record("\(wrong)")
      return
    }
    #expect(mismatch.stored == crc.text && mismatch.arrived != crc.text)
  }

  @Test("A digest of parts is taken part by part, wherever the pieces end")
  func parts() throws {
    let halves = [Array(body[..<5]), Array(body[5...])]
    let digests = try halves.map { try #require(DigestAlgorithm.sha256.digest(of: $0)) }
    let value = try #require(DigestAlgorithm.sha256.digest(of: Array(digests.joined())))
    let stored = StoredDigest.composite(.sha256, value, partCount: 2)
    let pieces = [Array(body[..<3]), Array(body[3..<7]), Array(body[7...])]
    #expect(
      check(stored, pieces: pieces, sizes: [5, 4])
        == .success(.verified(.composite(.sha256, partCount: 2))))
    // Sizes that are only guessed prove nothing when they do not fit.
    #expect(
      check(stored, pieces: [Array(body.reversed())]) == .success(.notVerified(.unknownParts)))
  }

  @Test("An ETag that differs is an error only where ETags are known to be MD5s")
  func etag() throws {
    let md5 = try #require(DigestAlgorithm.md5.digest(of: body))
    #expect(check(.md5(md5), pieces: [body]) == .success(.verified(.md5)))
    let other = [[UInt8]]([Array("other".utf8)])
    #expect(check(.md5(md5), pieces: other) == .success(.notVerified(.unprovenETag)))
    let known = check(.md5(md5), pieces: other, areETagsMD5: true)
    #expect(throws: DownloadCheck.Mismatch.self) { try known.get() }
  }

  @Test("An empty object is verified as well")
  func empty() {
    let stored = StoredDigest.fullObject(.crc64nvme, [UInt8](repeating: 0, count: 8))
    #expect(check(stored, pieces: []) == .success(.verified(.fullObject(.crc64nvme))))
    #expect(check(.none(.noChecksum), pieces: []) == .success(.notVerified(.noChecksum)))
  }
}
