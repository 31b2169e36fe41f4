import S3
import Testing

@testable import Storage

@Suite("Digests of parts")
struct PartDigestsTests {
  private static let bytes = (0..<1_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 / 256) }
  private static let sizes: [Int64] = [300, 300, 400]

  private static func parts(_ algorithm: DigestAlgorithm) -> [ObjectPart] {
    var rest = bytes[...]
    return sizes.map { size in
      defer { rest = rest.dropFirst(Int(size)) }
      let value = algorithm.digest(of: Array(rest.prefix(Int(size)))) ?? []
      return ObjectPart(size: ByteCount(size), partCount: 3, digests: [algorithm: value])
    }
  }

  private static func stored(_ kind: StoredDigest) -> StoredDigest {
    let algorithm = kind.algorithm ?? .md5
    let values =
      kind.partCount == nil
      ? [algorithm.digest(of: bytes) ?? []]
      : parts(algorithm).map { $0.digests[algorithm] ?? [] }
    return kind.found(values) ?? kind
  }

  private static let provable: [StoredDigest] = [
    .fullObject(.crc64nvme, []), .fullObject(.crc32c, []), .fullObject(.crc32, []),
    .composite(.crc32, [], partCount: 3), .composite(.sha256, [], partCount: 3),
    .md5OfParts([], partCount: 3),
  ].map(stored)

  @Test("Those that make the digest of the whole are believed", arguments: provable)
  func proven(_ stored: StoredDigest) throws {
    let algorithm = try #require(stored.algorithm)
    let told = Self.parts(algorithm)
    let found = try #require(PartDigests(told, of: stored, objectSize: 1_000))
    #expect(found.parts.map(\.bytes) == [0..<300, 300..<600, 600..<1_000])
    #expect(found.parts.map(\.value) == told.map { $0.digests[algorithm] })
  }

  @Test("Others are not: of another object, of the whole, of other sizes, or not of all parts")
  func unproven() throws {
    for stored in Self.provable {
      let algorithm = try #require(stored.algorithm)
      let told = Self.parts(algorithm)
      var wrong = told
      wrong[1].digests[algorithm]?[0] ^= 1
      var whole = told
      for index in whole.indices {
        whole[index].digests[algorithm] = algorithm.digest(of: Self.bytes)
      }
      var resized = told
      resized[2].size = ByteCount(401)
      var silent = told
      silent[2].digests = [:]
      for parts in [wrong, whole, resized, silent, [told[0], told[2], told[1]], [told[0]], []] {
        #expect(PartDigests(parts, of: stored, objectSize: 1_000) == nil)
      }
    }
    let md5 = StoredDigest.md5(DigestAlgorithm.md5.digest(of: Self.bytes) ?? [])
    #expect(PartDigests(Self.parts(.md5), of: md5, objectSize: 1_000) == nil)
  }
}
