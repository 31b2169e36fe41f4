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

  /// Throws when an answer that need not have a body has an error in it.
  static func checkNoError(in response: HTTPResponse) throws(S3Error.Cause) {
    guard !response.body.isEmpty, let root = try? XMLElement(parsing: response.body),
      root.name == "Error"
    else { return }
    throw .service(ServiceError(document: root, head: response.head))
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
