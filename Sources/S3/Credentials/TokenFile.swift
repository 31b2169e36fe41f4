internal import SystemPackage

/// A file that holds one token, as a pod of Kubernetes has.
enum TokenFile {
  private static let sizeLimit = 1 << 20

  /// - Throws: when it cannot be read, or does not hold one word of printable ASCII.
  static func read(_ path: String) throws(CredentialError) -> Secret {
    let source = "the token file \(path)"
    let bytes: [UInt8]
    do {
      let file = try FileDescriptor.open(
        FilePath(path), .readOnly, options: [.closeOnExec, .nonBlocking])
      bytes = try file.closeAfter { try file.contents(limit: sizeLimit) }
    } catch {
      let words = (error as? Errno).map { "\($0)" } ?? "no reason is known"
      throw .unusable(source: source, reason: "it cannot be read: \(words)")
    }
    let token = String(decoding: bytes, as: UTF8.self).trimmed
    guard !token.isEmpty,
      token.utf8.allSatisfy({ (0x21...0x7E).contains($0) || $0 == 0x20 })
    else {
      throw .unusable(source: source, reason: "it holds no token")
    }
    return Secret(token)
  }
}
