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
  /// In memory of its own, which expat hands to the callbacks: three for each element.
  private let reading: UnsafeMutablePointer<XMLReading>
  private var length = 0
  private var hasBegun = false
  /// What is wrong with the document; nothing more is read once there is something.
  var problem: String? { reading.pointee.problem }

  init(_ handler: any XMLHandler) {
    guard let parser = XML_ParserCreate("UTF-8") else {
      preconditionFailure("no memory for an XML parser")
    }
    self.parser = parser
    reading = .allocate(capacity: 1)
    reading.initialize(to: XMLReading(parser: parser, handler: handler))
    XML_SetUserData(parser, reading)
    XML_SetElementHandler(
      parser,
      { data, name, _ in
        guard let data, let name else { return }
        data.assumingMemoryBound(to: XMLReading.self).pointee.start(
          UnsafeRawBufferPointer(start: name, count: strlen(name)))
      },
      { data, _ in data?.assumingMemoryBound(to: XMLReading.self).pointee.end() })
    XML_SetCharacterDataHandler(parser) { data, characters, count in
      guard let data, let characters else { return }
      data.assumingMemoryBound(to: XMLReading.self).pointee.append(
        UnsafeRawBufferPointer(start: characters, count: Int(count)))
    }
    XML_SetStartDoctypeDeclHandler(parser) { data, _, _, _, _ in
      data?.assumingMemoryBound(to: XMLReading.self).pointee.refuse("declares a document type")
    }
  }

  deinit {
    XML_ParserFree(parser)
    reading.deinitialize(count: 1)
    reading.deallocate()
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
    if length > Self.maxLength { reading.pointee.refuse("is longer than \(Self.maxLength) bytes") }
    parse(UnsafeRawBufferPointer(rebasing: piece), isLast: false)
    return problem == nil
  }

  /// Ends the document. False when it is wrong or not complete.
  func finish() -> Bool {
    if !hasBegun { reading.pointee.refuse("is empty") }
    parse(UnsafeRawBufferPointer(start: nil, count: 0), isLast: true)
    return problem == nil
  }

  private func parse(_ bytes: UnsafeRawBufferPointer, isLast: Bool) {
    guard problem == nil else { return }
    let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
    let status = XML_Parse(parser, start, Int32(bytes.count), isLast ? 1 : 0)
    guard status != XML_STATUS_OK, problem == nil else { return }
    let reason = XML_ErrorString(XML_GetErrorCode(parser)).map { String(cString: $0) }
    reading.pointee.problem = "is not XML: \(reason ?? "unknown error")"
  }
}

/// What is known of a document between two of expat's callbacks.
private struct XMLReading {
  let parser: OpaquePointer
  let handler: any XMLHandler
  /// Of the element that is open, 0 when none is.
  private var depth = 0
  private var text: [UInt8] = []
  var problem: String?

  init(parser: OpaquePointer, handler: any XMLHandler) {
    self.parser = parser
    self.handler = handler
    text.reserveCapacity(256)
  }

  mutating func refuse(_ reason: String) {
    guard problem == nil else { return }
    problem = reason
    XML_StopParser(parser, 0)
  }

  mutating func start(_ name: UnsafeRawBufferPointer) {
    guard problem == nil else { return }
    guard depth < XMLStream.maxDepth else { return refuse("is nested too deeply") }
    var local = name
    if let colon = name.firstIndex(of: UInt8(ascii: ":")) {
      local = UnsafeRawBufferPointer(rebasing: name[(colon + 1)...])
    }
    handler.started(local, depth: depth)
    depth += 1
    text.removeAll(keepingCapacity: true)
  }

  mutating func end() {
    guard problem == nil else { return }
    depth -= 1
    text.withUnsafeBytes { handler.ended(depth: depth, text: $0) }
    text.removeAll(keepingCapacity: true)
  }

  mutating func append(_ characters: UnsafeRawBufferPointer) {
    guard problem == nil else { return }
    guard text.count + characters.count <= XMLStream.maxText else {
      return refuse("has an element of more than \(XMLStream.maxText) bytes")
    }
    text.append(contentsOf: characters)
  }
}
