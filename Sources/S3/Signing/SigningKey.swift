internal import Synchronization

/// The key that signs all requests of one day to one region.
///
/// Source: IAM User Guide, "Create a signed AWS API request", step 4.
struct SigningKey: Sendable {
  let bytes: [UInt8]

  /// - Parameter date: as `20261120`, in UTC.
  init(secretAccessKey: Secret, date: String, region: String, service: String) {
    var key = Array("AWS4\(secretAccessKey.revealed)".utf8)
    for part in [date, region, service, "aws4_request"] {
      key = Digest.hmacSHA256(key: key, part.utf8)
    }
    bytes = key
  }
}

/// Keeps the last keys: deriving one takes four digests, and thousands of requests share it.
final class SigningKeys: Sendable {
  private struct Entry {
    var secretAccessKey: Secret
    var scope: [String]
    var key: SigningKey
  }

  private static let capacity = 8
  private let entries = Mutex<[Entry]>([])

  func key(secretAccessKey: Secret, date: String, region: String, service: String) -> SigningKey {
    let scope = [date, region, service]
    return entries.withLock { entries in
      if let entry = entries.first(where: {
        $0.scope == scope && $0.secretAccessKey == secretAccessKey
      }) {
        return entry.key
      }
      let key = SigningKey(
        secretAccessKey: secretAccessKey, date: date, region: region, service: service)
      if entries.count == Self.capacity { entries.removeFirst() }
      entries.append(Entry(secretAccessKey: secretAccessKey, scope: scope, key: key))
      return key
    }
  }
}
