internal import Synchronization

/// The key that signs all requests of one day to one region.
///
/// Source: IAM User Guide, "Create a signed AWS API request", step 4.
struct SigningKey: Sendable {
  /// What it is good for: `20261120/eu-central-1/s3/aws4_request`.
  let scope: String
  private let key: HMACKey

  /// - Parameter date: as `20261120`, in UTC.
  init(secretAccessKey: Secret, date: String, region: String, service: String) {
    let parts = [date, region, service, "aws4_request"]
    scope = parts.joined(separator: "/")
    var key = Array("AWS4\(secretAccessKey.revealed)".utf8)
    for part in parts { key = Digest.hmacSHA256(key: key, part.utf8) }
    self.key = HMACKey(key)
  }

  /// In hexadecimal.
  func signature(of text: [UInt8]) -> [UInt8] { Digest.hexBytes(key.code(of: text)) }
}

/// Keeps the last keys: deriving one takes four digests, and thousands of requests share it.
final class SigningKeys: Sendable {
  private struct Entry {
    var secretAccessKey: Secret
    var date: String
    var region: String
    var service: String
    var key: SigningKey
  }

  private static let capacity = 8
  private let entries = Mutex<[Entry]>([])

  func key(secretAccessKey: Secret, date: String, region: String, service: String) -> SigningKey {
    entries.withLock { entries in
      if let entry = entries.first(where: {
        $0.date == date && $0.region == region && $0.service == service
          && $0.secretAccessKey == secretAccessKey
      }) {
        return entry.key
      }
      let key = SigningKey(
        secretAccessKey: secretAccessKey, date: date, region: region, service: service)
      if entries.count == Self.capacity { entries.removeFirst() }
      entries.append(
        Entry(
          secretAccessKey: secretAccessKey, date: date, region: region, service: service, key: key))
      return key
    }
  }
}
