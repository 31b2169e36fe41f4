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
    bytes += "<\(name)>".utf8
    content(&self)
    bytes += "</\(name)>".utf8
  }

  mutating func element(_ name: String, _ text: String) {
    element(name, bytes: text.utf8)
  }

  /// - Parameter text: UTF-8 that XML can carry, see ``ObjectKey/fitsXML``.
  mutating func element(_ name: String, bytes text: some Sequence<UInt8>) {
    element(name) { writer in
      for byte in text {
        switch byte {
        case UInt8(ascii: "&"): writer.bytes += "&amp;".utf8
        case UInt8(ascii: "<"): writer.bytes += "&lt;".utf8
        case UInt8(ascii: ">"): writer.bytes += "&gt;".utf8
        // A parser turns CR into LF, and may join blanks, unless they are character references.
        case 0x09: writer.bytes += "&#9;".utf8
        case 0x0A: writer.bytes += "&#10;".utf8
        case 0x0D: writer.bytes += "&#13;".utf8
        default: writer.bytes.append(byte)
        }
      }
    }
  }
}
