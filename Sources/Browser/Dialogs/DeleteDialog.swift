import S3
import Storage
import TextUI

/// Asks before objects are deleted: what, how many, how large, and whether it can be undone.
struct DeleteDialog: Overlay {
  private enum Phase: Sendable {
    case asking
    /// All versions: the word must be typed.
    case typing(Form)
    case deleting(RequestID, WorkProgress)
    /// Stopped by Esc; the report of what was done until then is on its way.
    case stopping(RequestID)
  }

  /// What must be typed before all versions go.
  private static let word = "delete"

  private let from: Place
  private let targets: [DeletionTarget]
  /// What is marked, named below the prefix.
  private let names: [VisibleText]
  private var phase = Phase.asking
  private var count: DeletionCount
  private var counting: RequestID?
  private var countProblem: StorageError?
  private var versioning: VersioningState?
  private var versioningRequest: RequestID?
  /// Whether all versions are to go.
  private var isOfVersions = false

  /// - Parameter rows: the rows of `pane` to be deleted, 1 or more.
  init(_ pane: ObjectPane, rows: [Int]) {
    from = pane.place
    count = DeletionCount(isComplete: true)
    var targets: [DeletionTarget] = []
    for row in rows {
      let key = pane.rows.key(row)
      if let size = pane.rows.size(row) {
        targets.append(.object(key))
        count.objects += 1
        count.bytes += size
      } else {
        targets.append(.prefix(key))
        count.isComplete = false
      }
    }
    self.targets = targets
    names = rows.prefix(100).map { RowName(pane.rows.name($0)).text }
  }

  var place: KeyPlace {
    switch phase {
    case .asking: keepsVersions ? .deletion : .question
    case .typing: .field
    case .deleting, .stopping: .waiting
    }
  }

  /// Whether there may be older versions.
  private var keepsVersions: Bool { versioning == .enabled || versioning == .suspended }

  /// The same choice, with all that it ever was.
  private var everyVersion: [DeletionTarget] {
    targets.map { target in
      switch target {
      case .object(let key): .everyVersion(key)
      case .prefix(let prefix): .everyVersionOf(KeySelection(prefix: prefix))
      case .selection(let selection): .everyVersionOf(selection)
      case .version, .everyVersion, .everyVersionOf: target
      }
    }
  }

  mutating func opened(_ turn: inout Turn) {
    let (targets, bucket) = (targets, from.bucket)
    versioningRequest = turn.request { .readVersioning(bucket, $0) }
    // Objects tell their sizes in the listing; only what is below prefixes has to be counted.
    guard !count.isComplete else { return }
    counting = turn.request { .count(targets, in: bucket, $0) }
  }

  mutating func perform(_ command: Command, _ turn: inout Turn) {
    switch (command, phase) {
    case (.confirm, .asking):
      delete(targets, &turn)
    case (.deleteVersions, .asking) where keepsVersions:
      stopAsking(&turn)
      let (targets, bucket) = (everyVersion, from.bucket)
      isOfVersions = true
      count = DeletionCount()
      countProblem = nil
      counting = turn.request { .count(targets, in: bucket, $0) }
      phase = .typing(Form([Form.text("Type \u{201C}\(Self.word)\u{201D}")]))
    case (.accept, .typing(let form)):
      guard form.text(0) == Self.word else {
        return turn.say("That is not the word: nothing was done")
      }
      delete(everyVersion, &turn)
    case (.close, .typing):
      stopAsking(&turn)
      turn.close()
    case (.decline, .asking):
      stopAsking(&turn)
      turn.close()
    case (.close, .deleting(let request, _)):
      turn.cancel(request)
      phase = .stopping(request)
    default: break
    }
  }

  private mutating func delete(_ targets: [DeletionTarget], _ turn: inout Turn) {
    stopAsking(&turn)
    let bucket = from.bucket
    let request = turn.request { .delete(targets, in: bucket, $0) }
    phase = .deleting(request, WorkProgress())
  }

  /// Esc stops a count that is under way, and leaves the question.
  mutating func typed(_ press: KeyPress, _ turn: inout Turn) -> Bool {
    if press.key == .escape, counting != nil, place != .waiting {
      turn.cancel(counting)
      counting = nil
      return true
    }
    // Pasting is refused: the point is that one knows what one types.
    guard case .typing(var form) = phase, form.typed(press) else { return false }
    phase = .typing(form)
    return true
  }

  private mutating func stopAsking(_ turn: inout Turn) {
    turn.cancel(counting)
    turn.cancel(versioningRequest)
    counting = nil
    versioningRequest = nil
  }

  mutating func received(_ answer: Answer, to id: RequestID, _ turn: inout Turn) {
    if id == counting { return counted(answer) }
    if id == versioningRequest {
      if case .versioning(let state) = answer { versioning = state }
      versioningRequest = nil
      return
    }
    switch phase {
    case .deleting(id, _), .stopping(id): deleted(answer, id, &turn)
    default: break
    }
  }

  private mutating func counted(_ answer: Answer) {
    switch answer {
    case .counted(let newest):
      count = newest
      if newest.isComplete { counting = nil }
    case .failed(let error):
      countProblem = error
      counting = nil
    default: break
    }
  }

  private mutating func deleted(_ answer: Answer, _ id: RequestID, _ turn: inout Turn) {
    switch answer {
    case .deletionProgressed:
      guard case .deleting(_, var progress) = phase else { break }
      progress.take(answer)
      phase = .deleting(id, progress)
    case .deleted(let report):
      DeletionSummary(report, isOfVersions: isOfVersions).tell(&turn)
      turn.objectsChanged(in: from.bucket)
      turn.close()
    case .failed(let error):
      turn.fail(error)
      if error.isCancellation { turn.say("Stopped before anything was deleted") }
      turn.close()
    default: break
    }
  }

  // MARK: - View

  func draw(on frame: inout Frame, _ facts: BrowserFacts, _ retries: RequestRetries) {
    switch phase {
    case .asking: drawQuestion(on: &frame, retries)
    case .typing(let form):
      Panel.draw(
        "Delete all versions?",
        body: [
          Line(what, .emphasis), .blank,
          Line("All of it goes for ever, older versions and delete markers included.", .warning),
          Line(amount(retries)), .blank,
        ], form: form,
        notes: [.blank, Line("Enter deletes once the word is there", .secondary)], on: &frame,
        columns: 70)
    case .deleting(let request, let progress):
      drawWork(retries.line(progress.words("Deleted"), request), on: &frame)
    case .stopping: drawWork(Line("Stopping…"), on: &frame)
    }
  }

  private func drawQuestion(on frame: inout Frame, _ retries: RequestRetries) {
    var body = [Line(what, .emphasis)]
    if names.count > 1 {
      body += names.prefix(5).map { Line("  " + $0) }
      if targets.count > 5 {
        body.append(Line("  and \(ByteFormat.exact(Int64(targets.count - 5))) more", .secondary))
      }
    }
    body.append(.blank)
    // At the foot, where a small screen cuts nothing off.
    var choices = Choices.yesNo(yes: "delete", no: "no")
    if keepsVersions { choices = choices + Line("     [v] all versions") }
    let foot = [Line(amount(retries)), undoing(retries), .blank, choices]
    Panel(title: "Delete?", body: body, foot: foot, columns: 70).draw(on: &frame)
  }

  private func drawWork(_ line: Line, on frame: inout Frame) {
    Panel(title: "Deleting", body: [Line(what), .blank], foot: [line], columns: 70)
      .draw(on: &frame)
  }

  /// The verb and the full target.
  private var what: VisibleText {
    let verb: VisibleText = isOfVersions ? "Delete all versions of " : "Delete "
    if targets.count == 1 {
      switch targets[0] {
      case .object(let key), .version(let key, _), .everyVersion(let key):
        return verb + VisibleText(bytes: Place(bucket: from.bucket, prefix: key).uri)
      case .prefix(let key):
        return verb + "everything under "
          + VisibleText(bytes: Place(bucket: from.bucket, prefix: key).uri)
      case .selection(let selection), .everyVersionOf(let selection):
        return verb + "what is chosen under "
          + VisibleText(bytes: Place(bucket: from.bucket, prefix: selection.prefix).uri)
      }
    }
    let prefixes = targets.count { if case .prefix = $0 { true } else { false } }
    var parts: [String] = []
    let objects = targets.count - prefixes
    if objects > 0 { parts.append(Self.plural(objects, "object", "objects")) }
    if prefixes > 0 {
      parts.append("everything under " + Self.plural(prefixes, "prefix", "prefixes"))
    }
    return verb + VisibleText("\(parts.joined(separator: " and ")) of ")
      + VisibleText(bytes: from.uri)
  }

  private func amount(_ retries: RequestRetries) -> String {
    let number = ByteFormat.exact(Int64(count.objects))
    let one = isOfVersions ? "version" : "object"
    let objects = count.objects == 1 && count.isComplete ? one : one + "s"
    let sign = count.isComplete ? "" : "+"
    let text = "\(number)\(sign) \(objects), \(ByteFormat.iec(count.bytes.bytes))\(sign)"
    if counting != nil {
      return text + ", counting… \(retries[counting]?.words ?? "(Esc stops the count)")"
    }
    if let countProblem { return text + "; not all could be counted: \(countProblem.message)" }
    return count.isComplete ? text : text + "; the count was stopped"
  }

  private func undoing(_ retries: RequestRetries) -> Line {
    switch versioning {
    case .enabled:
      Line("The bucket keeps versions: this adds delete markers, and can be undone.")
    case .suspended:
      Line("Versioning is suspended: only versions from before can be restored.", .warning)
    case .never:
      Line("This cannot be undone.", .warning)
    case nil:
      versioningRequest != nil
        ? retries.line(
          "Asking whether the bucket keeps versions…", versioningRequest, .secondary)
        : Line("Whether the bucket keeps versions is not known: this may be for ever.", .warning)
    }
  }

  private static func plural(_ number: Int, _ one: String, _ many: String) -> String {
    "\(ByteFormat.exact(Int64(number))) \(number == 1 ? one : many)"
  }
}

/// What a deletion did, in a sentence, and the list of what failed.
struct DeletionSummary {
  private let report: DeletionReport
  private let noun: String

  /// - Parameter isOfVersions: whether versions and delete markers were deleted, for ever.
  init(_ report: DeletionReport, isOfVersions: Bool = false) {
    self.report = report
    noun = isOfVersions ? "version" : "object"
  }

  var text: String {
    let number = ByteFormat.exact(Int64(report.deleted))
    var text = "Deleted \(number) \(report.deleted == 1 ? noun : noun + "s")"
    if report.abortedUploads > 0 { text += ", aborted \(report.abortedUploads) uploads" }
    if report.failed > 0 { text += ", \(ByteFormat.exact(Int64(report.failed))) failed" }
    if report.unknown > 0 { text += ", \(ByteFormat.exact(Int64(report.unknown))) unknown" }
    if report.leftNewer > 0 {
      text += ", left \(ByteFormat.exact(Int64(report.leftNewer))) that came later"
    }
    if report.missing > 0 {
      text += ", \(ByteFormat.exact(Int64(report.missing))) no longer there"
    }
    if report.stoppedBy?.isCancellation == true { text += ", then stopped" }
    return text
  }

  /// Says it in the bottom row, and opens the list of failures when there are any.
  func tell(_ turn: inout Turn) {
    turn.say(text)
    if let warning = report.warning { turn.fail(warning) }
    if let stopped = report.stoppedBy { turn.fail(stopped) }
    guard report.failed > 0 else { return }
    let rows = report.failures.map { failure in
      let words = failure.message.isEmpty ? "not deleted" : failure.message
      return VisibleText(bytes: failure.key.bytes) + VisibleText("  \(failure.code): \(words)")
    }
    FailureList(
      title: "What could not be deleted", summary: text,
      advice: [report.stoppedBy?.recovery] + report.failures.map(\.recovery), rows: rows,
      unlisted: report.failed - report.failures.count
    ).tell(&turn)
  }
}
