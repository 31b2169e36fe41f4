/// Writes the small documents that requests carry.
struct XMLWriter {
  private(set) var bytes: [UInt8]

  /// - Parameter root: gets the namespace of S3, which some stores insist on.
  init(root: String, content: (inout XMLWriter) -> Void) {
    bytes = Array("<\(root) xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">".utf8)
    content(&self)
    bytes += "</\(root)>".utf8
  }

  mutating func element(_ name: String, content: (inout XMLWriter) -> Void) {
    bytes.append(UInt8(ascii: "<"))
    bytes += name.utf8
    bytes.append(UInt8(ascii: ">"))
    content(&self)
    bytes += "</".utf8
    bytes += name.utf8
    bytes.append(UInt8(ascii: ">"))
  }

  mutating func element(_ name: String, _ text: String) {
    element(name, bytes: text.utf8)
  }

  /// - Parameter text: UTF-8 that XML can carry, see ``ObjectKey/fitsXML``.
  mutating func element(_ name: String, bytes text: some Collection<UInt8>) {
    element(name) { writer in
      if text.allSatisfy({ Self.reference(to: $0) == nil }) {
        writer.bytes += text
        return
      }
      for byte in text {
        if let reference = Self.reference(to: byte) {
          writer.bytes += reference.utf8
        } else {
          writer.bytes.append(byte)
        }
      }
    }
  }

  /// What stands for a character that cannot stand for itself.
  private static func reference(to byte: UInt8) -> String? {
    switch byte {
    case UInt8(ascii: "&"): "&amp;"
    case UInt8(ascii: "<"): "&lt;"
    case UInt8(ascii: ">"): "&gt;"
    // A parser turns CR into LF, and may join blanks, unless they are character references.
    case 0x09: "&#9;"
    case 0x0A: "&#10;"
    case 0x0D: "&#13;"
    default: nil
    }
  }
}
