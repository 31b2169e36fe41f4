internal import HTTP

/// Gathers what a long answer says from the elements of its document: a page of a listing, or what was
/// deleted.
protocol PageHandler: XMLHandler, SendableMetatype {
  associatedtype Page: Sendable
  /// The name of the root element of an answer that is such a page.
  static var root: String { get }
  /// What the document's root is; nil before it has begun.
  var rootName: String? { get }
  /// - Throws: when something is missing without which the page cannot be used.
  func page() throws(S3Error.Cause) -> Page
}

/// Takes the pieces of an answer on the transport's thread, and gives the page afterwards.
///
/// `@unchecked Sendable`: the transport hands the pieces over one after the other on its thread,
/// and the caller looks at what came of them only after the transport has returned.
final class XMLReceiver<Handler: PageHandler>: @unchecked Sendable {
  private let handler: Handler
  private let stream: XMLStream
  /// The beginning of the document, for the error that may stand in place of a page.
  private var beginning: [UInt8] = []

  init(_ handler: Handler) {
    self.handler = handler
    stream = XMLStream(handler)
  }

  func feed(_ piece: UnsafeRawBufferPointer) -> Bool {
    if beginning.count < 4096 { beginning += piece.prefix(4096 - beginning.count) }
    return stream.feed(piece)
  }

  var problem: S3Error.Cause? {
    stream.problem.map { .malformedAnswer("the answer \($0)") }
  }

  func finish(head: HTTPResponseHead) throws(S3Error.Cause) -> Handler.Page {
    guard stream.finish() else { throw problem ?? .malformedAnswer("the answer is not complete") }
    if handler.rootName == "Error", let document = try? XMLElement(parsing: beginning) {
      throw .service(ServiceError(document: document, head: head))
    }
    guard handler.rootName == Handler.root else {
      let name = handler.rootName?.prefix(40) ?? ""
      throw .malformedAnswer("the answer is a \(name), not a \(Handler.root)")
    }
    return try handler.page()
  }
}

/// What a page says of itself: whether it is the last one, and how its keys are written.
struct ListingEnd {
  static let missing = S3Error.Cause.malformedAnswer("the listing goes on but does not say where")

  private(set) var isTruncated = false
  private(set) var isEncoded = false

  mutating func note(_ element: ListingElement, _ text: UnsafeRawBufferPointer) {
    switch element {
    case .isTruncated: isTruncated = text.elementsEqual("true".utf8)
    case .encodingType: isEncoded = text.elementsEqual("url".utf8)
    default: break
    }
  }

  /// Makes the key what it is on the server.
  func decode(_ key: inout ObjectKey) {
    if isEncoded { key = ObjectKey(bytes: PercentEncoding.decode(key.bytes)) }
  }
}

extension UnsafeRawBufferPointer {
  /// nil when there is no text.
  var string: String? { isEmpty ? nil : String(decoding: self, as: UTF8.self) }
}

extension Int64 {
  /// nil when the bytes are no decimal number.
  init?(_ digits: UnsafeRawBufferPointer) {
    // What is longer may not fit, and is no length of an object.
    guard (1...18).contains(digits.count) else { return nil }
    var value: Int64 = 0
    for digit in digits {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
      value = value &* 10 &+ Int64(digit &- UInt8(ascii: "0"))
    }
    self = value
  }
}

extension ETag {
  init?(nonEmpty text: UnsafeRawBufferPointer) {
    var bytes = text[...]
    if bytes.starts(with: "W/".utf8) { bytes = bytes.dropFirst(2) }
    let mark = UInt8(ascii: "\"")
    if bytes.count >= 2, bytes.first == mark, bytes.last == mark {
      bytes = bytes.dropFirst().dropLast()
    }
    guard !bytes.isEmpty else { return nil }
    self.init(unmarked: String(decoding: UnsafeRawBufferPointer(rebasing: bytes), as: UTF8.self))
  }
}
