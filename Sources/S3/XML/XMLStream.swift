internal import CExpat
internal import Glibc

/// Told of each element of a document, in order. The root has depth 0.
protocol XMLHandler: AnyObject {
  /// - Parameter name: without its namespace's prefix; to be read during the call only.
  func started(_ name: UnsafeRawBufferPointer, depth: Int)
  /// - Parameter text: what stood in the element after its last child, all of it for a leaf; to be
  ///   read during the call only.
  func ended(depth: Int, text: UnsafeRawBufferPointer)
}

/// Reads an XML document piece by piece, as it arrives.
///
/// A document from a server is hostile: declarations of types and entities are refused, and depth,
/// text and total length are limited. Namespaces are ignored, since some stores leave them out.
///
/// Used by one thread at a time: see ``XMLReceiver``.
final class XMLStream {
  static let maxDepth = 32
  /// In bytes, of one element's text.
  static let maxText = 1 << 20
  /// In bytes, of the whole document: a page of 1,000 keys has half a megabyte.
  static let maxLength = 64 << 20

  private let parser: OpaquePointer
  private let handler: any XMLHandler
  /// Of the element that is open, 0 when none is.
  private var depth = 0
  private var text: [UInt8] = []
  private var length = 0
  private var hasBegun = false
  /// What is wrong with the document; nothing more is read once there is something.
  private(set) var problem: String?

  init(_ handler: any XMLHandler) {
    guard let parser = XML_ParserCreate("UTF-8") else {
      preconditionFailure("no memory for an XML parser")
    }
    self.parser = parser
    self.handler = handler
    XML_SetUserData(parser, Unmanaged.passUnretained(self).toOpaque())
    XML_SetElementHandler(
      parser,
      { data, name, _ in
        guard let stream = XMLStream.from(data), let name else { return }
        stream.start(UnsafeRawBufferPointer(start: name, count: strlen(name)))
      },
      { data, _ in XMLStream.from(data)?.end() })
    XML_SetCharacterDataHandler(parser) { data, characters, count in
      guard let stream = XMLStream.from(data), let characters else { return }
      stream.append(UnsafeRawBufferPointer(start: characters, count: Int(count)))
    }
    XML_SetStartDoctypeDeclHandler(parser) { data, _, _, _, _ in
      XMLStream.from(data)?.refuse("declares a document type")
    }
  }

  deinit {
    XML_ParserFree(parser)
  }

  /// Takes the next piece. False when the document is wrong; ``problem`` says why.
  func feed(_ piece: UnsafeRawBufferPointer) -> Bool {
    var piece = piece[...]
    if !hasBegun {
      // Servers send blanks to keep a connection alive until they know the answer.
      piece = piece.drop { $0 == 0x20 || $0 == 0x0A || $0 == 0x0D || $0 == 0x09 }
      hasBegun = !piece.isEmpty
    }
    guard !piece.isEmpty else { return problem == nil }
    length += piece.count
    if length > Self.maxLength { refuse("is longer than \(Self.maxLength) bytes") }
    parse(UnsafeRawBufferPointer(rebasing: piece), isLast: false)
    return problem == nil
  }

  /// Ends the document. False when it is wrong or not complete.
  func finish() -> Bool {
    if !hasBegun { refuse("is empty") }
    parse(UnsafeRawBufferPointer(start: nil, count: 0), isLast: true)
    return problem == nil
  }

  private func parse(_ bytes: UnsafeRawBufferPointer, isLast: Bool) {
    guard problem == nil else { return }
    let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
    let status = XML_Parse(parser, start, Int32(bytes.count), isLast ? 1 : 0)
    guard status != XML_STATUS_OK, problem == nil else { return }
    let reason = XML_ErrorString(XML_GetErrorCode(parser)).map { String(cString: $0) }
    problem = "is not XML: \(reason ?? "unknown error")"
  }

  private func refuse(_ reason: String) {
    guard problem == nil else { return }
    problem = reason
    XML_StopParser(parser, 0)
  }

  private func start(_ name: UnsafeRawBufferPointer) {
    guard problem == nil else { return }
    guard depth < Self.maxDepth else { return refuse("is nested too deeply") }
    let colon = name.firstIndex(of: UInt8(ascii: ":"))
    handler.started(
      UnsafeRawBufferPointer(rebasing: name[(colon.map { $0 + 1 } ?? 0)...]), depth: depth)
    depth += 1
    text.removeAll(keepingCapacity: true)
  }

  private func end() {
    guard problem == nil else { return }
    depth -= 1
    text.withUnsafeBytes { handler.ended(depth: depth, text: $0) }
    text.removeAll(keepingCapacity: true)
  }

  private func append(_ characters: UnsafeRawBufferPointer) {
    guard problem == nil else { return }
    guard text.count + characters.count <= Self.maxText else {
      return refuse("has an element of more than \(Self.maxText) bytes")
    }
    text.append(contentsOf: characters)
  }

  private static func from(_ data: UnsafeMutableRawPointer?) -> XMLStream? {
    data.map { Unmanaged<XMLStream>.fromOpaque($0).takeUnretainedValue() }
  }
}
