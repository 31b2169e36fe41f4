public import SystemPackage

/// An HTTP method that S3 uses.
public enum HTTPMethod: String, Sendable, Hashable {
  case get = "GET"
  case head = "HEAD"
  case put = "PUT"
  case post = "POST"
  case delete = "DELETE"
}

/// One header field. Names compare without regard to case (RFC 9110, section 5.1).
public struct HTTPHeader: Sendable, Hashable {
  public var name: String
  public var value: String

  public init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}

extension [HTTPHeader] {
  /// The value of the first field of this name, whatever its case.
  public subscript(_ name: String) -> String? {
    first { $0.name.isSameField(as: name) }?.value
  }
}

extension String {
  /// Several times as quick as asking the view of UTF-8, which looks for its storage at each byte.
  @inlinable
  package func allBytes(_ isFine: (UInt8) -> Bool) -> Bool {
    utf8.withContiguousStorageIfAvailable { $0.allSatisfy(isFine) } ?? utf8.allSatisfy(isFine)
  }

  /// Whether two names of header fields are the same, without regard to case.
  func isSameField(as other: String) -> Bool {
    utf8.count == other.utf8.count && isField(beginningWith: other)
  }

  /// Whether the name of a header field begins with `prefix`, without regard to case.
  package func isField(beginningWith prefix: String) -> Bool {
    withBytes { name in
      prefix.withBytes { prefix in
        guard name.count >= prefix.count else { return false }
        // A loop by hand: each answer is looked through for some twenty names.
        for index in 0..<prefix.count where name[index] != prefix[index] {
          guard name[index].inSmallLetters == prefix[index].inSmallLetters else { return false }
        }
        return true
      }
    }
  }

  private func withBytes<Value>(_ body: (UnsafeBufferPointer<UInt8>) -> Value) -> Value {
    utf8.withContiguousStorageIfAvailable(body) ?? Array(utf8).withUnsafeBufferPointer(body)
  }
}

extension UInt8 {
  fileprivate var inSmallLetters: UInt8 { (0x41...0x5a).contains(self) ? self | 0x20 : self }
}

/// What is sent with a request. A file is read by position while it is sent, never as a whole.
public enum HTTPRequestBody: Sendable {
  case none
  case bytes([UInt8])
  case file(FileSlice)

  /// The length in bytes, sent as Content-Length.
  public var count: Int64 {
    switch self {
    case .none: 0
    case .bytes(let bytes): Int64(bytes.count)
    case .file(let slice): slice.count
    }
  }
}

/// `count` bytes of an open file, from `offset`.
///
/// The descriptor stays open for as long as any slice of it is held.
public struct FileSlice: Sendable {
  public var file: OpenFile
  public var offset: Int64
  public var count: Int64

  public init(file: OpenFile, offset: Int64, count: Int64) {
    self.file = file
    self.offset = offset
    self.count = count
  }
}

/// A file descriptor that is closed when the last reference to it goes.
public final class OpenFile: Sendable {
  public let descriptor: FileDescriptor
  /// What bodies leave to one another to be written.
  let writes = WriteQueue()

  /// Takes ownership of `descriptor`.
  public init(_ descriptor: FileDescriptor) {
    self.descriptor = descriptor
  }

  deinit {
    try? descriptor.close()
  }
}

/// Follows the body of an answer on its way into a file, on the thread of the transport.
public protocol BodyDigest: Sendable {
  /// The head of a successful answer is there; what came with an earlier one counts no more.
  func begin(_ head: HTTPResponseHead)
  /// The next bytes. Has to be quick: the other bodies wait meanwhile.
  func update(_ bytes: UnsafeRawBufferPointer)
}

/// Where the body of a successful answer (2xx) goes.
///
/// The body of any other answer is kept in memory, at most `HTTPRequest.errorBodyLimit` bytes of
/// it, so that an error document never ends up in a file.
public enum HTTPResponseBody: Sendable {
  /// Into `HTTPResponse.body`; an answer longer than `limit` bytes fails with `bodyTooLarge`.
  case memory(limit: Int)
  /// Written by position from `offset` on; more than `limit` bytes fails with `bodyTooLarge`.
  /// `digest` gets the bytes as well.
  case file(OpenFile, offset: Int64, limit: Int64, digest: (any BodyDigest)? = nil)
  /// Handed over piece by piece, on the thread of the transport, which waits meanwhile.
  ///
  /// Returning `false` ends the request with `HTTPError.refused`.
  case pieces(@Sendable (UnsafeRawBufferPointer) -> Bool)
}

/// One request. Nothing in it is interpreted: the URL is sent byte for byte.
public struct HTTPRequest: Sendable {
  /// Kept at most of the body of an answer that is not a success, in bytes.
  public static let errorBodyLimit = 256 * 1024

  public var method: HTTPMethod
  /// Absolute and percent-encoded, in ASCII: `http://127.0.0.1:8333/bucket/key?x=y`.
  public var url: String
  /// Sent as they stand, beside `Host`, `Content-Length` and `Accept`, which the transport sets.
  public var headers: [HTTPHeader]
  public var body: HTTPRequestBody
  public var responseBody: HTTPResponseBody
  /// Asked once, on the thread of the transport, when the head of a successful answer is there
  /// and before any of its body is stored. `false` ends the request with `HTTPError.refused`.
  public var accepts: (@Sendable (HTTPResponseHead) -> Bool)?
  /// Grows with each byte of the request's or the answer's body that has moved.
  public var progress: ByteCounter?
  /// The request fails with `stalled` when no byte has moved for this long, or for three times as
  /// long while the answer to a body that has been sent is awaited.
  public var stallTimeout: Duration

  public init(
    method: HTTPMethod, url: String, headers: [HTTPHeader] = [], body: HTTPRequestBody = .none,
    responseBody: HTTPResponseBody = .memory(limit: 16 * 1024 * 1024),
    accepts: (@Sendable (HTTPResponseHead) -> Bool)? = nil, progress: ByteCounter? = nil,
    stallTimeout: Duration = .seconds(20)
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
    self.responseBody = responseBody
    self.accepts = accepts
    self.progress = progress
    self.stallTimeout = stallTimeout
  }
}
