import S3
import Storage
import TextUI

/// What the server tells of one object.
struct DetailsDialog: Overlay {
  let place = KeyPlace.text
  private let bucket: BucketName
  private let object: ObjectSummary
  private var request: RequestID?
  private var metadata: ObjectMetadata?
  private var problem: StorageError?
  private var scroll = ScrollingText([])

  init(bucket: BucketName, object: ObjectSummary) {
    self.bucket = bucket
    self.object = object
  }

  mutating func opened(_ turn: inout Turn) {
    let location = ObjectLocation(bucket: bucket, key: object.key)
    request = turn.request { .readDetails(location, $0) }
    update(turn.facts.clock)
  }

  mutating func received(_ answer: Answer, to id: RequestID, _ turn: inout Turn) {
    guard id == request else { return }
    request = nil
    switch answer {
    case .details(let read): metadata = read
    case .failed(let error):
      problem = error
      turn.fail(error)
    default: break
    }
    update(turn.facts.clock)
  }

  mutating func resized(_ size: Size) {
    scroll.resized(Panel.room(on: size).inset(by: 2).size)
  }

  mutating func perform(_ command: Command, _ turn: inout Turn) {
    if scroll.perform(command) { return }
    guard command == .close else { return }
    turn.cancel(request)
    turn.close()
  }

  private mutating func update(_ clock: ClockStyle) {
    scroll.set(lines(clock, RequestRetries()))
  }

  private func lines(_ clock: ClockStyle, _ retries: RequestRetries) -> [Line] {
    var lines = [
      Self.row("Bucket", bucket.text), Self.row("Key", VisibleText(bytes: object.key.bytes)),
      Self.row("Key length", "\(object.key.bytes.count) bytes"),
    ]
    let size = metadata?.size ?? object.size
    lines.append(
      Self.row("Size", "\(ByteFormat.exact(size.bytes)) bytes (\(ByteFormat.iec(size.bytes)))"))
    if let modified = metadata?.lastModified ?? object.lastModified {
      lines.append(Self.row("Modified", clock.seconds(modified)))
    }
    lines.append(
      Self.row("Class", (metadata?.storageClass ?? object.storageClass ?? .standard).text))
    if let metadata {
      lines += Self.facts(metadata)
    } else if let problem {
      lines += [.blank] + problem.lines
    } else {
      lines += [.blank, retries.line("Loading…", request, .secondary)]
    }
    return lines
  }

  private static func facts(_ metadata: ObjectMetadata) -> [Line] {
    let known: [(String, String?)] = [
      ("ETag", metadata.etag?.text), ("Version ID", metadata.versionID?.text),
      ("Content type", metadata.contentType), ("Encoding", metadata.contentEncoding),
      ("Disposition", metadata.contentDisposition), ("Language", metadata.contentLanguage),
      ("Cache control", metadata.cacheControl), ("Expires", metadata.expires),
      ("Encryption", metadata.serverSideEncryption), ("KMS key", metadata.kmsKeyID),
      ("Checksum", metadata.checksum), ("Restore", metadata.restoration),
      ("Tags", metadata.tagCount.map { "\($0)" }),
    ]
    var lines = known.compactMap { name, value in value.map { row(name, $0) } }
    lines.append(.blank)
    if metadata.metadata.isEmpty {
      lines.append(Line("No metadata of its own", .secondary))
    } else {
      lines.append(Line("Metadata", .title))
      lines += metadata.metadata.map { row($0.name, $0.value) }
    }
    return lines
  }

  private static func row(_ name: String, _ value: String) -> Line {
    row(name, VisibleText(value))
  }

  private static func row(_ name: String, _ value: VisibleText) -> Line {
    // One style, so that a long value is wrapped and not cut.
    Line(VisibleText(name).padded(to: 15) + value)
  }

  func draw(on frame: inout Frame, _ facts: BrowserFacts, _ retries: RequestRetries) {
    let rect = Panel.room(on: frame.size)
    frame.fill(rect)
    var scroll = scroll
    if retries[request] != nil { scroll.set(lines(facts.clock, retries)) }
    let (shown, all) = scroll.draw(in: rect.inset(by: 2), on: &frame)
    frame.box(
      rect, title: "Details", footer: shown < all ? VisibleText("\(shown) of \(all) lines") : nil,
      focused: true)
  }
}
