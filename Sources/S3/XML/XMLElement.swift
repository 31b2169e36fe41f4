/// An element of a short document, held as a whole. Listings of objects are read as they arrive.
struct XMLElement {
  var name: String
  /// Never trimmed: a key may begin and end with blanks.
  var text: [UInt8] = []
  var children: [XMLElement] = []

  /// The whole document.
  init(parsing bytes: [UInt8]) throws(S3Error.Cause) {
    let builder = Builder()
    let stream = XMLStream(builder)
    _ = bytes.withUnsafeBytes { stream.feed($0) } && stream.finish()
    if let problem = stream.problem { throw .malformedAnswer("the answer \(problem)") }
    guard let root = builder.root else { throw .malformedAnswer("the answer is empty") }
    self = root
  }

  fileprivate init(name: String) {
    self.name = name
  }

  func children(named name: String) -> [XMLElement] {
    children.filter { $0.name == name }
  }

  subscript(_ name: String) -> XMLElement? {
    children.first { $0.name == name }
  }

  /// The text of a child; nil when there is none or it is empty.
  func string(_ name: String) -> String? {
    self[name].flatMap { $0.text.isEmpty ? nil : String(decoding: $0.text, as: UTF8.self) }
  }

  func isTrue(_ name: String) -> Bool { string(name) == "true" }

  func etag(_ name: String = "ETag") -> ETag? { string(name).flatMap(ETag.init(nonEmpty:)) }

  private final class Builder: XMLHandler {
    private var open: [XMLElement] = []
    var root: XMLElement?

    func started(_ name: UnsafeRawBufferPointer, depth: Int) {
      open.append(XMLElement(name: String(decoding: name, as: UTF8.self)))
    }

    func ended(depth: Int, text: UnsafeRawBufferPointer) {
      guard var element = open.popLast() else { return }
      element.text = Array(text)
      if open.isEmpty {
        root = element
      } else {
        open[open.count - 1].children.append(element)
      }
    }
  }
}

extension ETag {
  /// nil for the empty ETag that some stores answer with.
  init?(nonEmpty raw: String) {
    let etag = ETag(raw)
    guard !etag.text.isEmpty else { return nil }
    self = etag
  }
}
