import S3
import Storage
import TextUI

/// What the server tells of one object.
struct DetailsDialog: Overlay {
  let place = KeyPlace.text
  private let bucket: BucketName
  private let object: ObjectSummary
  private var details = Asked<ObjectMetadata>()
  private var tags = Asked<[ObjectTag]>()
  private var versions = Asked<VersionPage>()
  private var scroll = ScrollingText([])

  init(bucket: BucketName, object: ObjectSummary) {
    self.bucket = bucket
    self.object = object
  }

  mutating func opened(_ turn: inout Turn) {
    let location = ObjectLocation(bucket: bucket, key: object.key)
    details.request = turn.request { .readDetails(location, $0) }
    update(turn.facts.clock)
  }

  mutating func received(_ answer: Answer, to id: RequestID, _ turn: inout Turn) {
    if details.take(answer, to: id, { if case .details(let read) = $0 { read } else { nil } }) {
      if let problem = details.problem { turn.fail(problem) }
      if let metadata = details.value { askMore(metadata, &turn) }
    } else if !tags.take(answer, to: id, { if case .tags(let read) = $0 { read } else { nil } }) {
      _ = versions.take(answer, to: id) { if case .versions(let page) = $0 { page } else { nil } }
    }
    update(turn.facts.clock)
  }

  /// Most objects have neither tags nor versions, and then there is nothing to ask for.
  private mutating func askMore(_ metadata: ObjectMetadata, _ turn: inout Turn) {
    let location = ObjectLocation(bucket: bucket, key: object.key)
    if let count = metadata.tagCount, count > 0 {
      tags.request = turn.request { .readTags(location, $0) }
    }
    if metadata.versionID != nil {
      versions.request = turn.request { .readVersions(location, $0) }
    }
  }

  mutating func resized(_ size: Size) {
    scroll.resized(Panel.room(on: size).inset(by: 2).size)
  }

  mutating func perform(_ command: Command, _ turn: inout Turn) {
    if scroll.perform(command) { return }
    guard command == .close else { return }
    for request in requests { turn.cancel(request) }
    turn.close()
  }

  private var requests: [RequestID?] { [details.request, tags.request, versions.request] }

  private mutating func update(_ clock: ClockStyle) {
    scroll.set(lines(clock, RequestRetries()))
  }

  private func lines(_ clock: ClockStyle, _ retries: RequestRetries) -> [Line] {
    var lines = [
      Self.row("Bucket", bucket.text), Self.row("Key", VisibleText(bytes: object.key.bytes)),
      Self.row("Key length", ByteFormat.bytes(Int64(object.key.bytes.count))),
    ]
    let metadata = details.value
    let size = metadata?.size ?? object.size
    lines.append(
      Self.row("Size", "\(ByteFormat.bytes(size.bytes)) (\(ByteFormat.iec(size.bytes)))"))
    if let modified = metadata?.lastModified ?? object.lastModified {
      lines.append(Self.row("Modified", clock.seconds(modified)))
    }
    lines.append(
      Self.row("Class", (metadata?.storageClass ?? object.storageClass ?? .standard).text))
    if let metadata {
      lines += Self.facts(metadata)
      lines += tagLines(metadata, retries)
      if metadata.versionID != nil { lines += versionLines(clock, retries) }
    } else if let problem = details.problem {
      lines += [.blank] + problem.lines
    } else {
      lines += [.blank, retries.line("Loading…", details.request, .secondary)]
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

  private func tagLines(_ metadata: ObjectMetadata, _ retries: RequestRetries) -> [Line] {
    guard let count = metadata.tagCount, count > 0 else { return [] }
    var lines = [Line.blank, Line("Tags", .title)]
    if let tags = tags.value {
      lines += tags.map { Self.row($0.key, $0.value) }
    } else if let problem = tags.problem {
      lines += [Line("\(count), which cannot be read:")] + problem.lines
    } else {
      lines.append(retries.line("Loading \(count)…", tags.request, .secondary))
    }
    return lines
  }

  private func versionLines(_ clock: ClockStyle, _ retries: RequestRetries) -> [Line] {
    var lines = [Line.blank, Line("Versions", .title)]
    if let versions = versions.value {
      let own = versions.versions.filter { $0.key == object.key }
      lines += own.map { version in
        let date = version.lastModified.map(clock.minutes) ?? ""
        let size = version.isDeleteMarker ? "deleted" : ByteFormat.iec(version.size.bytes)
        return Line(
          VisibleText(date).padded(to: 18) + VisibleText(size).padded(to: 12)
            + VisibleText(version.versionID.text + (version.isLatest ? "  latest" : "")))
      }
      if versions.next != nil, own.count == versions.versions.count {
        lines.append(Line("and older ones", .secondary))
      }
    } else if let problem = versions.problem {
      lines += [Line("They cannot be read:")] + problem.lines
    } else {
      lines.append(retries.line("Loading…", versions.request, .secondary))
    }
    return lines
  }

  private static func row(_ name: String, _ value: String) -> Line {
    row(VisibleText(name), VisibleText(value))
  }

  private static func row(_ name: VisibleText, _ value: VisibleText) -> Line {
    // One style, so that a long value is wrapped and not cut.
    Line(name.width < 15 ? name.padded(to: 15) + value : name + "  " + value)
  }

  func draw(on frame: inout Frame, _ facts: BrowserFacts, _ retries: RequestRetries) {
    let rect = Panel.room(on: frame.size)
    frame.fill(rect)
    var scroll = scroll
    if requests.contains(where: { retries[$0] != nil }) { scroll.set(lines(facts.clock, retries)) }
    let (shown, all) = scroll.draw(in: rect.inset(by: 2), on: &frame)
    frame.box(
      rect, title: "Details", footer: shown < all ? VisibleText("\(shown) of \(all) lines") : nil,
      focused: true)
  }
}

/// What one request is to bring.
private struct Asked<Value: Sendable>: Sendable {
  /// nil once it was answered, and before.
  var request: RequestID?
  private(set) var value: Value?
  private(set) var problem: StorageError?

  /// - Parameter value: what an answer brings; nil for one of another kind.
  /// - Returns: whether the answer is to this request.
  mutating func take(
    _ answer: Answer, to id: RequestID, _ value: (Answer) -> Value?
  ) -> Bool {
    guard id == request else { return false }
    request = nil
    if case .failed(let error) = answer { problem = error } else { self.value = value(answer) }
    return true
  }
}
