import S3
import Storage
import SystemPackage
import TextUI

/// Asks where downloads go, and what becomes of files that are there already.
struct DownloadDialog: Overlay {
  private enum Phase: Sendable {
    case asking
    case planning(RequestID)
    case resolving(DownloadPlan, Conflicts)
  }

  private let from: Place
  private let objects: [ObjectSummary]
  private let prefixes: [ObjectKey]
  /// Where downloads go unless another folder is typed.
  private let proposed: FilePath
  private var form: Form
  private var phase = Phase.asking
  private var problem: StorageError?

  /// - Parameter rows: the rows of `pane` to be downloaded, 1 or more.
  init(_ pane: ObjectPane, rows: [Int], folder: FilePath) {
    from = pane.place
    objects = rows.compactMap(pane.rows.object)
    prefixes = rows.filter(pane.rows.isPrefix).map(pane.rows.key)
    proposed = folder
    form = Form([Form.text("Into", folder.string)])
  }

  var place: KeyPlace {
    switch phase {
    case .asking: .field
    case .planning: .waiting
    case .resolving: .conflict
    }
  }

  private var folder: FilePath {
    // As it was shown: unchanged text leaves a folder alone that is not UTF-8.
    form.text(0) == proposed.string ? proposed : FilePath(form.text(0))
  }

  mutating func typed(_ press: KeyPress, _ turn: inout Turn) -> Bool {
    guard case .asking = phase, form.typed(press) else { return false }
    problem = nil
    return true
  }

  mutating func pasted(_ text: String, _ turn: inout Turn) -> Bool {
    guard case .asking = phase else { return false }
    return form.pasted(text)
  }

  mutating func perform(_ command: Command, _ turn: inout Turn) {
    switch (command, phase) {
    case (.accept, .asking):
      guard !form.text(0).isEmpty else { return turn.say("Type the folder to download into") }
      guard form.text(0) == proposed.string || !form.text(0).contains(where: { $0 == "\u{FFFD}" })
      else {
        // What stands there for bytes that are not UTF-8 would be the name of another folder.
        return turn.say("That folder's name is not UTF-8: leave it as it was, or type another one")
      }
      let wish = DownloadWish(from: from, objects: objects, prefixes: prefixes, folder: folder)
      phase = .planning(turn.request { .planDownload(wish, $0) })
    case (.close, .planning(let request)):
      turn.cancel(request)
      phase = .asking
    case (.close, _):
      turn.close()
    case (_, .resolving(let plan, var conflicts)):
      conflicts.perform(command)
      phase = .resolving(plan, conflicts)
      if conflicts.isDecided { start(plan, conflicts, &turn) }
    default: break
    }
  }

  mutating func received(_ answer: Answer, to id: RequestID, _ turn: inout Turn) {
    guard case .planning(id) = phase else { return }
    switch answer {
    case .downloadPlan(let plan):
      let conflicts = Conflicts(
        plan.items.compactMap { item in
          item.existing.map { existing in
            Conflicts.Item(
              name: VisibleText(bytes: plan.folder.bytes + [UInt8(ascii: "/")] + item.name.bytes),
              newSize: item.object.size, newDate: item.object.lastModified,
              oldSize: existing.size, oldDate: existing.modified)
          }
        }, plan.taken
      ) { VisibleText(bytes: $0.path.bytes) }
      phase = .resolving(plan, conflicts)
      if conflicts.isDecided { start(plan, conflicts, &turn) }
    case .failed(let error):
      problem = error
      turn.fail(error)
      phase = .asking
    default: break
    }
  }

  private func start(_ plan: DownloadPlan, _ conflicts: Conflicts, _ turn: inout Turn) {
    var decisions = conflicts.decisions[...]
    var requests: [TransferRequest] = []
    for item in plan.items {
      let decision = item.existing == nil ? .fail : decisions.popFirst() ?? .fail
      guard decision != .skip else { continue }
      requests.append(
        .download(
          ObjectLocation(bucket: from.bucket, key: item.object.key), summary: item.object,
          into: plan.folder, name: item.name, ifExists: decision))
    }
    let decided = conflicts.decisions(
      after: plan.items.count { $0.existing != nil }, on: plan.taken)
    let trees = plan.trees.map { tree in
      var tree = tree
      tree.ifExists = conflicts.rest
      tree.decisions = decided
      return tree
    }
    TransferStart(requests, trees, plan.leftOut).perform(
      "Downloading", to: VisibleText(bytes: plan.folder.bytes), &turn)
    turn.close()
  }

  func draw(on frame: inout Frame, _ facts: BrowserFacts, _ retries: RequestRetries) {
    if case .resolving(_, let conflicts) = phase {
      return conflicts.draw("Downloading", on: &frame, facts.clock)
    }
    var body = [Line(what, .emphasis)]
    let bytes = objects.reduce(Int64(0)) { $0.addingReportingOverflow($1.size.bytes).partialValue }
    if prefixes.isEmpty { body.append(Line(ByteFormat.iec(bytes))) }
    body.append(.blank)
    var notes = [Line("Enter downloads", .secondary)]
    if case .planning(let request) = phase {
      notes = [retries.line("Looking what is there…", request, .secondary)]
    }
    if let problem { notes = problem.lines }
    Panel.draw(
      "Download", body: body, form: form, notes: [.blank] + notes, on: &frame, columns: 72)
  }

  private var what: VisibleText {
    if objects.count == 1, prefixes.isEmpty, let object = objects.first {
      return "Download " + VisibleText(bytes: Place(bucket: from.bucket, prefix: object.key).uri)
    }
    var parts: [String] = []
    if !objects.isEmpty {
      parts.append("\(objects.count) \(objects.count == 1 ? "object" : "objects")")
    }
    if !prefixes.isEmpty {
      parts.append("all under \(prefixes.count) \(prefixes.count == 1 ? "prefix" : "prefixes")")
    }
    return VisibleText("Download \(parts.joined(separator: " and ")) of ")
      + VisibleText(bytes: from.uri)
  }
}
