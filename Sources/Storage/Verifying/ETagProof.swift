import HTTP
import S3
import Synchronization

extension S3Client {
  /// Up to here an object is read only to see what its ETag is.
  private static let largestForProof = ByteCount.kibibytes(64)

  /// Looks beside an object, whose own bytes may have been damaged, for another one that shows that
  /// the ETags of the endpoint are MD5s; ``etagMeaning`` then says so.
  ///
  /// One request where an empty object is near, two otherwise. What does not fit proves nothing.
  func seekProofOfETags(beside object: ObjectLocation) async {
    let name = object.key.lastSegment.count
    let prefix = ObjectKey(bytes: object.key.bytes.dropLast(name))
    guard
      let page = try? await listObjectsV2(
        bucket: object.bucket, prefix: prefix, delimiter: "/", after: nil)
    else { return }
    let candidates = page.objects.filter { other in
      guard other.key != object.key, other.size <= Self.largestForProof else { return false }
      return other.etag?.md5.map { $0.partCount == nil } ?? false
    }
    guard let other = candidates.min(by: { $0.size < $1.size }), let etag = other.etag else {
      return
    }
    var bytes: [UInt8]? = []
    if other.size > .zero {
      bytes = await contents(of: ObjectLocation(bucket: object.bucket, key: other.key), etag)
    }
    guard let bytes, let value = DigestAlgorithm.md5.digest(of: bytes), value == etag.md5?.value
    else { return }
    noteETag(isMD5: true)
  }

  private func contents(of object: ObjectLocation, _ etag: ETag) async -> [UInt8]? {
    let bytes = Mutex<[UInt8]>([])
    let answer = try? await getObject(
      object, range: nil, ifMatch: etag,
      into: .pieces { piece in
        bytes.withLock { bytes in
          bytes.append(contentsOf: piece)
          return bytes.count <= Self.largestForProof.bytes
        }
      }, progress: nil)
    return answer == nil ? nil : bytes.withLock { $0 }
  }
}
