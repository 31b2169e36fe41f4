/// Status and header fields of an answer.
public struct HTTPResponseHead: Sendable, Hashable {
  public var status: Int
  public var headers: [HTTPHeader]

  public init(status: Int, headers: [HTTPHeader]) {
    self.status = status
    self.headers = headers
  }

  public var isSuccess: Bool { (200..<300).contains(status) }
}

/// A complete answer: its head, and the body as far as it was kept in memory.
public struct HTTPResponse: Sendable {
  public var head: HTTPResponseHead
  /// Empty when a successful body went to a file or in pieces.
  public var body: [UInt8]
  /// The bytes of the body that arrived, wherever they went.
  public var bodyCount: Int64

  public init(head: HTTPResponseHead, body: [UInt8] = [], bodyCount: Int64 = 0) {
    self.head = head
    self.body = body
    self.bodyCount = bodyCount
  }

  public var status: Int { head.status }
  public var headers: [HTTPHeader] { head.headers }
}
