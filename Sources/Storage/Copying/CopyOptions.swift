public import S3

/// How objects are copied within a store.
public struct CopyOptions: Sendable, Hashable {
  /// What happens when the destination is there already.
  public var ifExists: TransferRequest.ExistingDestination
  /// What the copy gets in place of what the source has; nil and empty fields keep that. The ACL
  /// is the only one that a copy never takes over.
  public var attributes: ObjectAttributes
  /// Larger objects are copied in parts; at most 5 GiB, which CopyObject takes.
  public var multipartThreshold: ByteCount
  /// Parts of one object copied at the same time, 1 or more.
  public var partsAtOnce: Int
  /// Objects under one prefix copied at the same time, 1 or more.
  public var objectsAtOnce: Int

  public init(
    ifExists: TransferRequest.ExistingDestination = .overwrite,
    attributes: ObjectAttributes = ObjectAttributes(),
    multipartThreshold: ByteCount = .gibibytes(5), partsAtOnce: Int = 8, objectsAtOnce: Int = 16
  ) {
    self.ifExists = ifExists
    self.attributes = attributes
    self.multipartThreshold = multipartThreshold
    self.partsAtOnce = partsAtOnce
    self.objectsAtOnce = objectsAtOnce
  }
}

extension ObjectAttributes {
  /// Whether something is asked for that CopyObject gives only together with all content headers
  /// and metadata.
  var replacesHeaders: Bool {
    var rest = self
    rest.storageClass = nil
    rest.serverSideEncryption = nil
    rest.kmsKeyID = nil
    rest.acl = nil
    return rest != ObjectAttributes()
  }

  /// The same, with what the source has where nothing is asked for.
  func completed(by source: ObjectMetadata, tagging: String?) -> ObjectAttributes {
    var attributes = self
    attributes.contentType = contentType ?? source.contentType
    attributes.contentEncoding = contentEncoding ?? source.contentEncoding
    attributes.contentDisposition = contentDisposition ?? source.contentDisposition
    attributes.contentLanguage = contentLanguage ?? source.contentLanguage
    attributes.cacheControl = cacheControl ?? source.cacheControl
    attributes.expires = expires ?? source.expires
    if metadata.isEmpty { attributes.metadata = source.metadata }
    attributes.tagging = self.tagging ?? tagging
    attributes.storageClass = storageClass ?? source.storageClass
    if serverSideEncryption == nil, kmsKeyID == nil {
      attributes.serverSideEncryption = source.serverSideEncryption
      attributes.kmsKeyID = source.kmsKeyID
    }
    return attributes
  }
}
