/// An entity tag as the server wrote it, quotation marks included.
///
/// Equal to another one by its text without the marks, since stores add and drop them.
public struct ETag: Sendable, Hashable {
  /// Without quotation marks: `9b2cf535f27731c974343645a3985328` or `…-3`.
  public let text: String

  public init(_ raw: String) {
    let mark = UInt8(ascii: "\"")
    var text = raw.utf8[...]
    // A listing has one for each of a thousand objects, and all but strange ones begin with the mark.
    if text.first != mark, text.starts(with: "W/".utf8) { text = text.dropFirst(2) }
    if text.count >= 2, text.first == mark, text.last == mark {
      text = text.dropFirst().dropLast()
    }
    self.text = String(Substring(text))
  }

  /// - Parameter text: without quotation marks.
  init(unmarked text: String) {
    self.text = text
  }

  /// As a header wants it.
  public var quoted: String { "\"\(text)\"" }
}

/// Names one version of an object; `null` is the version from before versioning.
public struct VersionID: Sendable, Hashable {
  public let text: String
  public init(_ text: String) { self.text = text }
}

/// Names a multipart upload. S3 API Reference: CreateMultipartUpload.
public struct UploadID: Sendable, Hashable {
  public let text: String
  public init(_ text: String) { self.text = text }
}

/// The place of a part in its object: 1 through 10,000.
public struct PartNumber: Sendable, Hashable, Comparable {
  public let value: Int
  public init(_ value: Int) { self.value = value }

  public static func < (left: PartNumber, right: PartNumber) -> Bool { left.value < right.value }
}

/// Where a listing goes on. Opaque: sent back as it came.
public struct ContinuationToken: Sendable, Hashable {
  /// In the place of a token: the key after which a store goes on that knows only ListObjects.
  let marker: ObjectKey?
  public let text: String
  private var trail: Trail

  public init(_ text: String) {
    self.text = text
    marker = nil
    trail = Trail(from: Array(text.utf8))
  }

  init(marker: ObjectKey) {
    self.marker = marker
    text = ""
    trail = Trail(from: marker.bytes)
  }

  /// The same token, which knows the way to it; nil when the listing has been there before.
  func following(_ before: ContinuationToken) -> ContinuationToken? {
    guard self != before,
      let trail = before.trail.followed(by: marker?.bytes ?? Array(text.utf8))
    else { return nil }
    var token = self
    token.trail = trail
    return token
  }
}

/// A storage class. Stores have classes of their own, so any text is one.
public struct StorageClass: Sendable, Hashable {
  public let text: String
  public init(_ text: String) { self.text = text }

  public static let standard = StorageClass("STANDARD")
}

/// The account ID that must own a bucket, twelve digits on AWS.
public struct AccountID: Sendable, Hashable {
  public let text: String
  public init(_ text: String) { self.text = text }
}

/// A region of a store, such as `eu-central-1`.
public struct Region: Sendable, Hashable {
  public let text: String
  public init(_ text: String) { self.text = text }

  public static let usEast1 = Region("us-east-1")
}
