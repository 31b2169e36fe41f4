internal import HTTP
internal import Synchronization

/// What the head of an answer to GetObject must say.
struct ObjectExpectation: Sendable {
  /// nil when the whole object was asked for; never empty.
  var range: Range<Int64>?
  /// Of the whole object, as an earlier answer told; nil when none did.
  var objectSize: Int64?
  var etag: ETag?
  /// Whether the store has told an ETag of the object before.
  var hasETag = false
  var versionID: VersionID?

  struct Accepted: Equatable {
    /// Of the answer's body, in bytes.
    var count: Int64
    /// Of the whole object, in bytes.
    var objectSize: Int64
  }

  func check(_ head: HTTPResponseHead) throws(S3Error.Cause) -> Accepted {
    let accepted = try checkExtent(head)
    if let etag, head.headers["ETag"].map({ ETag($0) }) != etag {
      throw .malformedAnswer("the answer has another ETag than \(etag.text)")
    }
    guard !hasETag || head.etag != nil else { throw .malformedAnswer("the answer has no ETag") }
    if let versionID, let answered = head.headers["x-amz-version-id"], answered != versionID.text {
      throw .malformedAnswer("the answer is version \(answered), not \(versionID.text)")
    }
    if let objectSize, accepted.objectSize != objectSize {
      throw .malformedAnswer(
        "the object has \(accepted.objectSize) bytes in the answer, and had \(objectSize) before")
    }
    return accepted
  }

  private func checkExtent(_ head: HTTPResponseHead) throws(S3Error.Cause) -> Accepted {
    guard let range else {
      guard head.status == 200 else {
        throw .malformedAnswer("status \(head.status) for a whole object")
      }
      guard let length = head.contentLength else {
        throw .malformedAnswer("the answer does not say how large the object is")
      }
      return Accepted(count: length, objectSize: length)
    }
    guard head.status == 206 else {
      throw .malformedAnswer("status \(head.status) for a range")
    }
    guard let extent = head.headers["Content-Range"].flatMap(ContentRange.init) else {
      throw .malformedAnswer("no Content-Range for a range")
    }
    guard extent.bytes == range.clamped(to: 0..<extent.total), !extent.bytes.isEmpty else {
      throw .malformedAnswer(
        "the answer has the bytes \(extent.bytes) of \(extent.total), not \(range)")
    }
    let count = extent.bytes.upperBound - extent.bytes.lowerBound
    guard head.contentLength ?? count == count else {
      throw .malformedAnswer("Content-Length and Content-Range contradict each other")
    }
    return Accepted(count: count, objectSize: extent.total)
  }
}

/// `bytes 0-99/1234`, RFC 9110, section 14.4.
struct ContentRange: Equatable {
  var bytes: Range<Int64>
  var total: Int64

  init?(_ text: String) {
    let words = text.split(separator: " ")
    guard words.count == 2, words[0].lowercased() == "bytes" else { return nil }
    let fields = words[1].split(separator: "/")
    guard fields.count == 2, let total = Int64(sizeTold: fields[1]) else { return nil }
    let ends = fields[0].split(separator: "-")
    guard ends.count == 2, let first = Int64(ends[0]), let last = Int64(ends[1]), first <= last,
      last < total
    else { return nil }
    bytes = first..<(last + 1)
    self.total = total
  }
}

/// Lets an answer's body through only once its head is what was expected.
final class BodyReceiver: Sendable {
  private let destination: HTTPResponseBody
  private let expectation: ObjectExpectation
  private let problem = Mutex<S3Error.Cause?>(nil)
  private let hasHandedOver = Atomic(false)

  init(_ destination: HTTPResponseBody, _ expectation: ObjectExpectation) {
    self.destination = destination
    self.expectation = expectation
  }

  /// nil when the destination itself wanted no more pieces.
  var refusal: S3Error.Cause? { problem.withLock { $0 } }

  /// False once a piece has been handed over, which cannot be taken back.
  var isUntouched: Bool { !hasHandedOver.load(ordering: .relaxed) }

  func accepts(_ head: HTTPResponseHead) -> Bool {
    do throws(S3Error.Cause) {
      _ = try expectation.check(head)
      return true
    } catch {
      problem.withLock { $0 = error }
      return false
    }
  }

  var body: HTTPResponseBody {
    guard case .pieces(let take) = destination else { return destination }
    return .pieces { piece in
      self.hasHandedOver.store(true, ordering: .relaxed)
      return take(piece)
    }
  }
}
