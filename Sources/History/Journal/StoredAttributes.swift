internal import Foundation
internal import S3

/// The attributes of an upload as the journal keeps them.
struct StoredAttributes: Codable {
  struct Field: Codable {
    var name: String
    var value: String
  }

  var contentType: String?
  var contentEncoding: String?
  var contentDisposition: String?
  var contentLanguage: String?
  var cacheControl: String?
  var expires: String?
  var metadata: [Field]?
  var tagging: String?
  var storageClass: String?
  var serverSideEncryption: String?
  var kmsKeyID: String?
  var acl: String?

  init(_ attributes: ObjectAttributes) {
    contentType = attributes.contentType
    contentEncoding = attributes.contentEncoding
    contentDisposition = attributes.contentDisposition
    contentLanguage = attributes.contentLanguage
    cacheControl = attributes.cacheControl
    expires = attributes.expires
    if !attributes.metadata.isEmpty {
      metadata = attributes.metadata.map { Field(name: $0.name, value: $0.value) }
    }
    tagging = attributes.tagging
    storageClass = attributes.storageClass?.text
    serverSideEncryption = attributes.serverSideEncryption
    kmsKeyID = attributes.kmsKeyID
    acl = attributes.acl
  }

  init(json: String) throws {
    self = try JSONDecoder().decode(Self.self, from: Data(json.utf8))
  }

  var json: String {
    get throws { String(decoding: try JSONEncoder().encode(self), as: UTF8.self) }
  }

  var attributes: ObjectAttributes {
    ObjectAttributes(
      contentType: contentType, contentEncoding: contentEncoding,
      contentDisposition: contentDisposition, contentLanguage: contentLanguage,
      cacheControl: cacheControl, expires: expires,
      metadata: (metadata ?? []).map { MetadataField(name: $0.name, value: $0.value) },
      tagging: tagging, storageClass: storageClass.map { StorageClass($0) },
      serverSideEncryption: serverSideEncryption, kmsKeyID: kmsKeyID, acl: acl)
  }
}
