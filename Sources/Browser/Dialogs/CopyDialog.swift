import S3
import Storage
import TextUI

/// Asks where objects are copied or moved to within the store, or what one is to be called, and
/// shows how far that has come.
struct CopyDialog: Overlay {
  enum Verb: Sendable {
    case copy, move, rename

    var isMove: Bool { self != .copy }
    fileprivate var title: String {
      switch self {
      case .copy: "Copy"
      case .move: "Move"
      case .rename: "Rename"
      }
    }
    fileprivate var done: String {
      switch self {
      case .copy: "Copied"
      case .move: "Moved"
      case .rename: "Renamed"
      }
    }
  }

  private enum Phase: Sendable {
    case asking
    case copying(RequestID, WorkProgress)
    /// Waits for what is under way.
    case stopping(RequestID)
  }

  private static let existing: [(word: String, choice: TransferRequest.ExistingDestination)] = [
    ("leave it", .skip), ("overwrite it", .overwrite), ("keep both", .rename),
  ]

  private let verb: Verb
  private let from: Place
  private let objects: [ObjectKey]
  private let prefixes: [ObjectKey]
  private var form: Form
  private var phase = Phase.asking

  /// - Parameter rows: the rows of `pane` that it is about, 1 or more; 1 to rename.
  init(_ verb: Verb, _ pane: ObjectPane, rows: [Int]) {
    self.verb = verb
    from = pane.place
    prefixes = rows.filter(pane.rows.isPrefix).map(pane.rows.key)
    objects = rows.filter { !pane.rows.isPrefix($0) }.map(pane.rows.key)
    let place = Place(bucket: from.bucket, prefix: from.prefix)
    let proposed =
      verb == .rename
      ? String(decoding: (objects + prefixes).first?.lastSegment.trimmed ?? [], as: UTF8.self)
      : String(decoding: place.uri, as: UTF8.self)
    form = Form([
      Form.text(verb == .rename ? "New name" : "To", proposed),
      Form.choice("What is there", Self.existing.map(\.word)),
    ])
  }

  var place: KeyPlace {
    switch phase {
    case .asking: .form
    case .copying, .stopping: .waiting
    }
  }

  mutating func typed(_ press: KeyPress, _ turn: inout Turn) -> Bool {
    guard case .asking = phase else { return false }
    return form.typed(press)
  }

  mutating func pasted(_ text: String, _ turn: inout Turn) -> Bool {
    guard case .asking = phase else { return false }
    return form.pasted(text)
  }

  mutating func perform(_ command: Command, _ turn: inout Turn) {
    switch (command, phase) {
    case (.accept, .asking): start(&turn)
    case (.close, .asking): turn.close()
    case (.close, .copying(let request, _)):
      turn.cancel(request)
      phase = .stopping(request)
    case (_, .asking): _ = form.perform(command)
    default: break
    }
  }

  private mutating func start(_ turn: inout Turn) {
    guard let items = items(&turn) else { return }
    let wish = CopyWish(
      bucket: from.bucket, items: items, isMove: verb.isMove,
      ifExists: Self.existing[form.chosen(1)].choice)
    phase = .copying(turn.request { .copyObjects(wish, $0) }, WorkProgress())
  }

  /// nil after a message about what is wrong with the text.
  private func items(_ turn: inout Turn) -> [CopyWish.Item]? {
    let text = form.text(0)
    if verb == .rename {
      guard !text.isEmpty, !text.contains("/") else {
        turn.say("A name has at least one character, and no slash")
        return nil
      }
      let key = from.prefix + ObjectKey(text)
      return objects.map { .object($0, to: ObjectLocation(bucket: from.bucket, key: key)) }
        + prefixes.map {
          .prefix($0, to: ObjectLocation(bucket: from.bucket, key: key + ObjectKey("/")))
        }
    }
    guard let target = Self.target(text) else {
      turn.say("Type where to, as in s3://bucket/prefix/")
      return nil
    }
    // One object may get another name; anything else goes into the prefix.
    if objects.count == 1, prefixes.isEmpty, !target.key.isEmpty, !target.key.endsWithSlash {
      return [.object(objects[0], to: target)]
    }
    let into =
      target.key.isEmpty || target.key.endsWithSlash ? target.key : target.key + ObjectKey("/")
    func destination(_ key: ObjectKey) -> ObjectLocation {
      ObjectLocation(
        bucket: target.bucket,
        key: ObjectKey(bytes: into.bytes + key.bytes.dropFirst(from.prefix.bytes.count)))
    }
    return objects.map { .object($0, to: destination($0)) }
      + prefixes.map { .prefix($0, to: destination($0)) }
  }

  /// `s3://bucket/key`, the key as it stands; nil for anything else.
  private static func target(_ text: String) -> ObjectLocation? {
    guard text.utf8.afterS3Scheme != nil, let place = Place(parsing: text) else { return nil }
    let key = text.dropFirst(5).drop { $0 != "/" }.dropFirst()
    return ObjectLocation(bucket: place.bucket, key: ObjectKey(String(key)))
  }

  mutating func received(_ answer: Answer, to id: RequestID, _ turn: inout Turn) {
    switch phase {
    case .copying(id, _), .stopping(id): break
    default: return
    }
    switch answer {
    case .copyProgressed:
      guard case .copying(_, var progress) = phase else { break }
      progress.take(answer)
      phase = .copying(id, progress)
    case .objectsCopied(let report):
      tell(report, &turn)
      turn.objectsChanged(in: from.bucket)
      for bucket in report.buckets { turn.objectsChanged(in: bucket) }
      turn.close()
    case .failed(let error):
      turn.fail(error)
      turn.close()
    default: break
    }
  }

  /// Says it in the bottom row, and opens the list of failures when there are any.
  private func tell(_ report: CopyReport, _ turn: inout Turn) {
    let number = ByteFormat.exact(Int64(report.copied))
    var text = "\(verb.done) \(number) \(report.copied == 1 ? "object" : "objects")"
    if report.skipped > 0 {
      text += ", left \(ByteFormat.exact(Int64(report.skipped))) that were there"
    }
    if report.failed > 0 { text += ", \(ByteFormat.exact(Int64(report.failed))) failed" }
    if report.isStopped { text += ", then stopped" }
    turn.say(text)
    if let warning = report.warning { turn.fail(warning) }
    guard report.failed > 0 else { return }
    FailureList(
      title: "\(verb.title): what failed", summary: text,
      advice: report.failures.map(\.recovery),
      rows: report.failures.map { VisibleText($0.messageAndCode) },
      unlisted: report.failed - report.failures.count
    ).tell(&turn)
    // One alone says all that the server said.
    if report.failed == 1, let failure = report.failures.first { turn.keep(failure) }
  }

  func draw(on frame: inout Frame, _ facts: BrowserFacts, _ retries: RequestRetries) {
    let title = VisibleText(verb.title)
    switch phase {
    case .asking:
      let note =
        verb.isMove
        ? "The source goes once its copy is proven equal" : "The server copies; nothing comes here"
      Panel.draw(
        title, body: [Line(what, .emphasis), .blank], form: form,
        notes: [.blank, Line(note, .secondary)], on: &frame, columns: 72)
    case .copying(let request, let progress):
      drawWork(retries.line(progress.words(verb.done), request), on: &frame)
    case .stopping: drawWork(Line("Stopping…"), on: &frame)
    }
  }

  private func drawWork(_ line: Line, on frame: inout Frame) {
    Panel(
      title: VisibleText(verb.title), body: [Line(what), .blank], foot: [line], columns: 72
    ).draw(on: &frame)
  }

  private var what: VisibleText {
    if objects.count + prefixes.count == 1, let key = (objects + prefixes).first {
      let all: VisibleText = prefixes.isEmpty ? "" : "everything under "
      return VisibleText("\(verb.title) ") + all
        + VisibleText(bytes: Place(bucket: from.bucket, prefix: key).uri)
    }
    var parts: [String] = []
    if !objects.isEmpty {
      parts.append("\(objects.count) \(objects.count == 1 ? "object" : "objects")")
    }
    if !prefixes.isEmpty {
      parts.append("all under \(prefixes.count) \(prefixes.count == 1 ? "prefix" : "prefixes")")
    }
    return VisibleText("\(verb.title) \(parts.joined(separator: " and ")) of ")
      + VisibleText(bytes: from.uri)
  }
}

extension ArraySlice<UInt8> {
  /// Without a slash at the end.
  fileprivate var trimmed: ArraySlice<UInt8> { last == UInt8(ascii: "/") ? dropLast() : self }
}
