import S3
import TextUI

/// What a person gives the objects of an upload beside their bytes.
struct UploadAttributes: Sendable {
  /// Why the fields cannot be taken as they are, in words.
  struct Problem: Error {
    var message: String
  }

  private enum Row: Int {
    case contentType, storageClass, encryption, kmsKey, metadata, tags
  }

  private static let ownClass = "default"
  /// Source: S3 API Reference, PutObject, `x-amz-storage-class`.
  private static let classes = [
    ownClass, "STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR",
    "GLACIER", "DEEP_ARCHIVE", "REDUCED_REDUNDANCY",
  ]
  private static let encryptions = ["the bucket's own", "SSE-S3", "SSE-KMS"]
  /// Source: Amazon S3 User Guide, "Categorizing objects using tags".
  private static let mostTags = 10
  /// In bytes. Source: Amazon S3 User Guide, "Working with object metadata".
  private static let mostMetadata = 2_048

  private(set) var form = Form([
    Form.text("Content type (empty: by the name)"), Form.choice("Storage class", classes),
    Form.choice("Encryption", encryptions), Form.text("KMS key ID (empty: the bucket's own)"),
    Form.text("Metadata (k=v, k=v)"), Form.text("Tags (k=v, k=v)"),
  ])

  init() {
    form.setHidden(true, Row.kmsKey.rawValue)
  }

  private func text(_ row: Row) -> String {
    String(form.text(row.rawValue).drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }

  private var isKMS: Bool { form.chosen(Row.encryption.rawValue) == 2 }

  mutating func typed(_ press: KeyPress) -> Bool { form.typed(press) }
  mutating func pasted(_ text: String) -> Bool { form.pasted(text) }

  mutating func perform(_ command: Command) -> Bool {
    let wasUsed = form.perform(command)
    form.setHidden(!isKMS, Row.kmsKey.rawValue)
    return wasUsed
  }

  /// - Parameter guessed: the content type by the name of the file.
  func attributes(guessed: String?) throws(Problem) -> ObjectAttributes {
    var attributes = ObjectAttributes(contentType: guessed)
    let contentType = text(.contentType)
    if !contentType.isEmpty {
      guard contentType.utf8.allSatisfy({ (0x20..<0x7f).contains($0) }) else {
        throw Problem(message: "A content type has ASCII characters alone, such as text/csv")
      }
      attributes.contentType = contentType
    }
    let storageClass = Self.classes[form.chosen(Row.storageClass.rawValue)]
    if storageClass != Self.ownClass { attributes.storageClass = StorageClass(storageClass) }
    switch form.chosen(Row.encryption.rawValue) {
    case 1: attributes.serverSideEncryption = "AES256"
    case 2:
      attributes.serverSideEncryption = "aws:kms"
      let key = text(.kmsKey)
      attributes.kmsKeyID = key.isEmpty ? nil : key
    default: break
    }
    let metadata = try Self.pairs(text(.metadata), of: "Metadata")
    for (name, _) in metadata where !Self.isMetadataName(name) {
      throw Problem(
        message: "\u{201C}\(name)\u{201D} cannot name metadata: use a-z, 0-9 and hyphens")
    }
    guard metadata.reduce(0, { $0 + $1.0.utf8.count + $1.1.utf8.count }) <= Self.mostMetadata else {
      throw Problem(message: "Metadata has at most 2 KiB")
    }
    attributes.metadata = metadata.map { MetadataField(name: $0, value: $1) }
    let tags = try Self.pairs(text(.tags), of: "Tags")
    guard tags.count <= Self.mostTags else {
      throw Problem(message: "An object has at most 10 tags")
    }
    if let tag = tags.first(where: { $0.0.count > 128 || $0.1.count > 256 }) {
      throw Problem(message: "The tag \(tag.0) is too long: 128 characters, and 256 for its value")
    }
    if !tags.isEmpty { attributes.tagging = ObjectAttributes.tagging(of: tags.map { ($0, $1) }) }
    return attributes
  }

  /// RFC 9110, section 5.6.2, of which a person needs no more than these.
  private static func isMetadataName(_ name: String) -> Bool {
    name.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
      default: "-_.".utf8.contains(byte)
      }
    }
  }

  /// `k=v, k=v`; a value may hold `=`, and no comma.
  private static func pairs(_ text: String, of what: String) throws(Problem) -> [(String, String)] {
    var pairs: [(String, String)] = []
    for item in text.split(separator: ",") {
      let halves = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = halves[0].drop { $0 == " " }
      guard halves.count == 2, !name.isEmpty else {
        throw Problem(message: "\(what): \u{201C}\(item)\u{201D} is not name=value")
      }
      guard !pairs.contains(where: { $0.0 == name }) else {
        throw Problem(message: "\(what): \(name) is there twice")
      }
      pairs.append((String(name), String(halves[1])))
    }
    return pairs
  }

  /// What differs from an upload without any of it, in few words; empty for nothing.
  var summary: String {
    guard let attributes = try? attributes(guessed: nil) else { return "" }
    var parts: [String] = []
    if let type = attributes.contentType { parts.append(type) }
    if let storageClass = attributes.storageClass { parts.append(storageClass.text) }
    if attributes.serverSideEncryption != nil {
      parts.append(Self.encryptions[form.chosen(Row.encryption.rawValue)])
    }
    if !attributes.metadata.isEmpty { parts.append("\(attributes.metadata.count) metadata") }
    if attributes.tagging != nil {
      let count = attributes.tagging?.split(separator: "&").count ?? 0
      parts.append("\(count) \(count == 1 ? "tag" : "tags")")
    }
    return parts.joined(separator: " · ")
  }
}
