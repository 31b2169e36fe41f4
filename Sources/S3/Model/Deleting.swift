/// One object of a bucket, or one version of it.
public struct ObjectIdentifier: Sendable, Hashable {
  public var key: ObjectKey
  /// nil for the current version.
  public var versionID: VersionID?

  public init(key: ObjectKey, versionID: VersionID? = nil) {
    self.key = key
    self.versionID = versionID
  }
}

/// What a server says of a deletion it has done. S3 API Reference: DeleteObject, DeletedObject.
public struct DeletedObject: Sendable, Hashable {
  public var key: ObjectKey
  /// The version that was asked for and is gone.
  public var versionID: VersionID?
  /// Whether the deletion added a delete marker, or removed one that was asked for by version.
  public var isDeleteMarker: Bool
  /// The version ID of that delete marker.
  public var deleteMarkerVersionID: VersionID?

  public init(
    key: ObjectKey, versionID: VersionID? = nil, isDeleteMarker: Bool = false,
    deleteMarkerVersionID: VersionID? = nil
  ) {
    self.key = key
    self.versionID = versionID
    self.isDeleteMarker = isDeleteMarker
    self.deleteMarkerVersionID = deleteMarkerVersionID
  }
}

/// One object that a batch left in place, and why.
public struct DeleteFailure: Error, Sendable, Hashable {
  public var object: ObjectIdentifier
  public var code: S3ErrorCode
  public var message: String
  /// Whether it may be gone all the same. `false` only when the server has said that it is not.
  public var isInDoubt: Bool

  public init(
    object: ObjectIdentifier, code: S3ErrorCode, message: String, isInDoubt: Bool = false
  ) {
    self.object = object
    self.code = code
    self.message = message
    self.isInDoubt = isInDoubt
  }

  /// The server's words, as an error of a whole request has them.
  public var refusal: ServiceError { ServiceError(code: code, message: message, status: 200) }
}

/// The answer to a batch: what became of each object asked for, in the order of the request.
///
/// An object that the server's answer does not mention counts as failed.
public struct DeleteObjectsResult: Sendable, Hashable {
  public var answers: [Result<DeletedObject, DeleteFailure>]

  public init(_ answers: [Result<DeletedObject, DeleteFailure>] = []) {
    self.answers = answers
  }

  public var deleted: [DeletedObject] { answers.compactMap { try? $0.get() } }

  public var failed: [DeleteFailure] {
    answers.compactMap { answer in
      if case .failure(let failure) = answer { failure } else { nil }
    }
  }
}

extension ObjectKey {
  /// Whether XML 1.0 can carry the key there and back: UTF-8, and no control character but tab and
  /// LF. Where a server writes a CR as it is, parsers read LF, and its answer is about another key.
  ///
  /// Source: XML 1.0 (Fifth Edition), production 2, "Char", and section 2.11, "End-of-Line Handling".
  public var fitsXML: Bool {
    // Nearly every key is plain ASCII.
    if bytes.allSatisfy({ (0x20..<0x7F).contains($0) }) { return true }
    guard let text = exactText else { return false }
    return text.unicodeScalars.allSatisfy { scalar in
      switch scalar.value {
      case 0x9, 0xA, 0x20...0xD7FF, 0xE000...0xFFFD, 0x1_0000...0x10_FFFF: true
      default: false
      }
    }
  }
}
