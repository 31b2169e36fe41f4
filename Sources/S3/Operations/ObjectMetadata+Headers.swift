internal import HTTP

extension HTTPResponseHead {
  /// In bytes; nil when it is missing or can be no size.
  var contentLength: Int64? { headers["Content-Length"].flatMap { Int64(sizeTold: $0) } }

  var etag: ETag? { headers["ETag"].flatMap(ETag.init(nonEmpty:)) }
  var versionID: VersionID? { headers["x-amz-version-id"].map { VersionID($0) } }
}

extension ObjectMetadata {
  private static let metadataPrefix = "x-amz-meta-"

  /// - Parameter size: of the whole object, in bytes.
  init(head: HTTPResponseHead, size: Int64) {
    let headers = head.headers
    self.init(
      size: ByteCount(size),
      lastModified: headers["Last-Modified"].flatMap { Timestamp(httpDate: $0) },
      etag: head.etag, versionID: head.versionID, contentType: headers["Content-Type"],
      contentEncoding: headers["Content-Encoding"],
      contentDisposition: headers["Content-Disposition"],
      contentLanguage: headers["Content-Language"], cacheControl: headers["Cache-Control"],
      expires: headers["Expires"],
      storageClass: headers["x-amz-storage-class"].map { StorageClass($0) },
      serverSideEncryption: headers["x-amz-server-side-encryption"],
      kmsKeyID: headers["x-amz-server-side-encryption-aws-kms-key-id"],
      usesCustomerKey: headers["x-amz-server-side-encryption-customer-algorithm"] != nil,
      checksums: ObjectChecksum.all(in: head),
      tagCount: headers["x-amz-tagging-count"].flatMap { Int($0) },
      restoration: headers["x-amz-restore"],
      isDeleteMarker: headers["x-amz-delete-marker"] == "true")
    for header in headers where header.name.isField(beginningWith: Self.metadataPrefix) {
      let name = header.name.lowercased().dropFirst(Self.metadataPrefix.count)
      metadata.append(
        MetadataField(name: String(name), value: EncodedWord.decode(header.value)))
    }
  }
}

extension ObjectChecksum {
  /// Those of the whole object that an answer gives, the preferred one first. One that does not say
  /// of what it is, is left out.
  static func all(in head: HTTPResponseHead) -> [ObjectChecksum] {
    DigestAlgorithm.checksums.compactMap { algorithm in
      head.headers[algorithm.header].flatMap {
        ObjectChecksum(
          algorithm, header: $0, type: head.headers["x-amz-checksum-type"], etag: head.etag)
      }
    }
  }

  /// - Parameters:
  ///   - header: `rosUhgp5mIg=`, or `oBEPzg==-2` for one of two parts.
  ///   - type: `FULL_OBJECT` or `COMPOSITE`; nil from servers that do not say.
  ///   - etag: tells whether the object was stored in parts where the type is missing.
  init?(
    _ algorithm: DigestAlgorithm, header: String, type: String?, etag: @autoclosure () -> ETag?
  ) {
    let dash = header.utf8.firstIndex(of: UInt8(ascii: "-"))
    guard let value = Base64.decode(String(header[..<(dash ?? header.endIndex)])),
      value.count == algorithm.size
    else { return nil }
    let count = dash.flatMap { Int(header[header.utf8.index(after: $0)...]) }
    // Most answers tell the type, and the ETag is not looked at.
    var partsByETag: Int? {
      etag()?.text.split(separator: "-").dropFirst().first.flatMap { Int($0) }
    }
    let kind: Kind
    switch type?.uppercased() {
    case "FULL_OBJECT" where dash == nil: kind = .fullObject
    case "COMPOSITE": kind = .composite(partCount: count ?? partsByETag)
    case nil where count != nil: kind = .composite(partCount: count)
    // CRC64NVME is never a composite one.
    case nil where dash == nil && (algorithm == .crc64nvme || partsByETag == nil):
      kind = .fullObject
    default: return nil
    }
    self.init(algorithm, kind, value: value)
  }
}

extension ObjectPart {
  /// What the answer may give of the part alone. Some servers answer with the values of the whole,
  /// and nothing tells them apart where one has the form of the other.
  static func digests(in head: HTTPResponseHead) -> [DigestAlgorithm: [UInt8]] {
    var digests: [DigestAlgorithm: [UInt8]] = [:]
    for algorithm in DigestAlgorithm.checksums {
      guard let text = head.headers[algorithm.header],
        let value = Base64.decode(text), value.count == algorithm.size
      else { continue }
      digests[algorithm] = value
    }
    if let md5 = head.etag?.md5, md5.partCount == nil { digests[.md5] = md5.value }
    return digests
  }
}

extension S3Call {
  /// The headers that give an object its attributes. S3 API Reference: PutObject.
  mutating func add(_ attributes: ObjectAttributes) throws(S3Error) {
    add("Content-Type", attributes.contentType)
    add("Content-Encoding", attributes.contentEncoding)
    add("Content-Disposition", attributes.contentDisposition)
    add("Content-Language", attributes.contentLanguage)
    add("Expires", attributes.expires)
    add("Cache-Control", attributes.cacheControl)
    add("x-amz-tagging", attributes.tagging)
    add("x-amz-storage-class", attributes.storageClass?.text)
    add("x-amz-server-side-encryption", attributes.serverSideEncryption)
    add("x-amz-server-side-encryption-aws-kms-key-id", attributes.kmsKeyID)
    add("x-amz-acl", attributes.acl)
    for field in attributes.metadata {
      guard field.name.isToken else {
        throw S3Error(operation, .invalidRequest("\"\(field.name)\" cannot name a metadata field"))
      }
      add("x-amz-meta-\(field.name)", EncodedWord.encode(field.value))
    }
  }

  mutating func add(_ condition: WriteCondition) {
    switch condition {
    case .none: break
    case .ifNoneMatch: add("If-None-Match", "*")
    case .ifMatch(let etag): add("If-Match", etag.quoted)
    }
    isConditional = condition != .none
  }
}

/// Text beyond ASCII in a header field, as S3 gives it back: `=?UTF-8?B?w6k=?=` (RFC 2047).
enum EncodedWord {
  private static let start = "=?UTF-8?B?"
  private static let end = "?="

  static func encode(_ text: String) -> String {
    text.utf8.allSatisfy { $0 < 0x80 } ? text : start + Base64.encode(Array(text.utf8)) + end
  }

  static func decode(_ text: String) -> String {
    guard text.uppercased().hasPrefix(start), text.hasSuffix(end),
      text.utf8.count >= start.utf8.count + end.utf8.count,
      let bytes = Base64.decode(String(text.dropFirst(start.count).dropLast(end.count))),
      let decoded = String(validating: bytes, as: UTF8.self)
    else { return text }
    return decoded
  }
}

extension String {
  /// RFC 9110, section 5.6.2.
  fileprivate var isToken: Bool {
    !isEmpty
      && utf8.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
      }
  }
}

extension S3Error {
  /// For a request that was never sent.
  init(_ operation: S3Operation, _ cause: Cause) {
    self.init(operation: operation, cause: cause, attempts: 0)
  }
}
