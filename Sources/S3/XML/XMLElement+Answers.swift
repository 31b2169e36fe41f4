internal import HTTP

extension XMLElement {
  /// The document of an answer whose root element must be `root`.
  ///
  /// An error may follow a status that promised success, and a proxy may answer with a page of its
  /// own: only the element that the operation promises is a success.
  ///
  /// - Parameter alias: what some stores call the same element.
  init(
    answer response: HTTPResponse, root name: String, alias: String? = nil
  ) throws(S3Error.Cause) {
    let root = try XMLElement(parsing: response.body)
    if root.name == "Error" { throw .service(ServiceError(document: root, head: response.head)) }
    guard root.name == name || root.name == alias else {
      throw .malformedAnswer("the answer is a \(root.name.prefix(40)), not a \(name)")
    }
    self = root
  }

  /// Throws when an answer that need not say anything beyond its status is an error after all, or
  /// the page of a proxy. Some stores say more than they need to, in a document of their own.
  static func checkSilence(of response: HTTPResponse) throws(S3Error.Cause) {
    guard !response.body.allSatisfy({ [0x20, 0x09, 0x0A, 0x0D].contains($0) }) else { return }
    let root = try XMLElement(parsing: response.body)
    if root.name == "Error" { throw .service(ServiceError(document: root, head: response.head)) }
    guard root.name.lowercased() != "html" else {
      throw .malformedAnswer("the answer is a web page")
    }
  }
}

/// The markers of the pages read so far: a server that repeats one would be listed for ever.
struct SeenMarkers {
  private var markers: Set<String> = []

  mutating func insert(_ marker: String?, _ operation: S3Operation) throws(S3Error) {
    guard let marker, !markers.insert(marker).inserted else { return }
    throw .circle(operation)
  }
}

extension S3Error {
  /// Following this listing would never end.
  static func circle(_ operation: S3Operation) -> S3Error {
    S3Error(
      operation: operation, cause: .malformedAnswer("the server's listing goes in a circle"),
      attempts: 1)
  }
}
