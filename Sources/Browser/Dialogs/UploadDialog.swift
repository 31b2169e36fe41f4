import S3
import Storage
import SystemPackage
import TextUI

/// Chooses files and folders of this machine, shows where each will go, and asks about keys that
/// exist.
struct UploadDialog: Overlay {
  private enum Phase: Sendable {
    case choosing
    case filtering(TextField)
    case changingDestination(Form)
    case changingAttributes(UploadAttributes, problem: String?)
    case planning(RequestID)
    case resolving(UploadPlan, Conflicts)
  }

  private var destination: Place
  private var pane: LocalPane
  private var attributes = UploadAttributes()
  private var phase = Phase.choosing

  init(to destination: Place, from folder: FilePath) {
    self.destination = destination
    pane = LocalPane(folder)
  }

  var place: KeyPlace {
    switch phase {
    case .choosing: .localFiles
    case .filtering, .changingDestination: .field
    case .changingAttributes: .form
    case .planning: .waiting
    case .resolving: .conflict
    }
  }

  mutating func opened(_ turn: inout Turn) { pane.load(&turn) }

  mutating func resized(_ size: Size) { pane.setHeight(UploadView.listRect(size).rows) }

  mutating func typed(_ press: KeyPress, _ turn: inout Turn) -> Bool {
    switch phase {
    case .filtering(var field):
      switch press.key {
      case .enter: phase = .choosing
      case .escape:
        pane.setFilter("")
        phase = .choosing
      case .up: _ = pane.perform(.moveUp, &turn)
      case .down: _ = pane.perform(.moveDown, &turn)
      default:
        guard field.handle(press) else { return false }
        pane.setFilter(field.text)
        phase = .filtering(field)
      }
      return true
    case .changingDestination(var form):
      guard form.typed(press) else { return false }
      phase = .changingDestination(form)
      return true
    case .changingAttributes(var draft, _):
      guard draft.typed(press) else { return false }
      phase = .changingAttributes(draft, problem: nil)
      return true
    default:
      return false
    }
  }

  mutating func pasted(_ text: String, _ turn: inout Turn) -> Bool {
    switch phase {
    case .filtering(var field):
      field.insert(text)
      pane.setFilter(field.text)
      phase = .filtering(field)
      return true
    case .changingDestination(var form):
      let wasUsed = form.pasted(text)
      phase = .changingDestination(form)
      return wasUsed
    case .changingAttributes(var draft, _):
      let wasUsed = draft.pasted(text)
      phase = .changingAttributes(draft, problem: nil)
      return wasUsed
    default:
      return false
    }
  }

  mutating func perform(_ command: Command, _ turn: inout Turn) {
    switch phase {
    case .choosing: choose(command, &turn)
    case .filtering: if command == .close { phase = .choosing }
    case .changingDestination(let form):
      if command == .accept { setDestination(form.text(0), &turn) }
      if command == .accept || command == .close { phase = .choosing }
    case .changingAttributes(var draft, _):
      if draft.perform(command) {
        phase = .changingAttributes(draft, problem: nil)
      } else if command == .close {
        phase = .choosing
      } else if command == .accept {
        setAttributes(draft)
      }
    case .planning(let request):
      if command == .close {
        turn.cancel(request)
        phase = .choosing
      }
    case .resolving(let plan, var conflicts):
      if command == .close {
        phase = .choosing
        return turn.say("Nothing was uploaded")
      }
      conflicts.perform(command)
      phase = .resolving(plan, conflicts)
      if conflicts.isDecided { start(plan, conflicts, &turn) }
    }
  }

  private mutating func choose(_ command: Command, _ turn: inout Turn) {
    if pane.perform(command, &turn) { return }
    switch command {
    case .filter: phase = .filtering(TextField(pane.filter))
    case .changeDestination:
      phase = .changingDestination(
        Form([Form.text("s3://\(destination.bucket.text)/", destination.prefix.text)]))
    case .changeAttributes: phase = .changingAttributes(attributes, problem: nil)
    case .startUpload:
      let files = pane.chosen
      guard !files.isEmpty else {
        return turn.say("Only regular files and folders can be uploaded")
      }
      let destination = destination
      phase = .planning(turn.request { .planUpload(files, to: destination, $0) })
    case .peel:
      if !pane.peel(&turn) { close(&turn) }
    case .close: close(&turn)
    default: break
    }
  }

  private mutating func close(_ turn: inout Turn) {
    pane.stop(&turn)
    turn.close()
  }

  private mutating func setAttributes(_ draft: UploadAttributes) {
    do {
      _ = try draft.attributes(guessed: nil)
      attributes = draft
      phase = .choosing
    } catch {
      phase = .changingAttributes(draft, problem: error.message)
    }
  }

  private mutating func setDestination(_ text: String, _ turn: inout Turn) {
    // As it was shown: unchanged text leaves a prefix alone that is not UTF-8.
    guard text != destination.prefix.text else { return }
    let needsSlash = !text.isEmpty && !text.hasSuffix("/")
    destination.prefix = ObjectKey(needsSlash ? text + "/" : text)
  }

  mutating func received(_ answer: Answer, to id: RequestID, _ turn: inout Turn) {
    if pane.received(answer, to: id, &turn) { return }
    guard case .planning(id) = phase else { return }
    switch answer {
    case .uploadPlan(let plan): planned(plan, &turn)
    case .failed(let error):
      phase = .choosing
      turn.fail(error)
    default: break
    }
  }

  private mutating func planned(_ plan: UploadPlan, _ turn: inout Turn) {
    if let (key, first, second) = plan.duplicate {
      phase = .choosing
      return turn.say(
        "Nothing was uploaded: \(first) and \(second) would both become \(key.text)")
    }
    let bucket = destination.bucket
    let conflicts = Conflicts(
      plan.files.compactMap { file in
        plan.existing[file.key].map { existing in
          Conflicts.Item(
            name: VisibleText(bytes: Place(bucket: bucket, prefix: file.key).uri),
            newSize: file.size, newDate: file.modified, oldSize: existing.size,
            oldDate: existing.lastModified)
        }
      }, plan.taken
    ) { VisibleText(bytes: Place(bucket: bucket, prefix: $0.key).uri) }
    phase = .resolving(plan, conflicts)
    if conflicts.isDecided { start(plan, conflicts, &turn) }
  }

  private func start(_ plan: UploadPlan, _ conflicts: Conflicts, _ turn: inout Turn) {
    var decisions = conflicts.decisions[...]
    var requests: [TransferRequest] = []
    // Those of a list have the same attributes, and each its type by its name.
    let isList = plan.files.count > TransferTree.mostShownSingly
    for file in plan.files {
      let type = isList ? nil : file.contentType
      let exists = plan.existing[file.key] != nil
      let decision = exists ? decisions.popFirst() ?? .fail : .fail
      guard decision != .skip else { continue }
      requests.append(
        .upload(
          file.path, to: ObjectLocation(bucket: destination.bucket, key: file.key),
          attributes: (try? attributes.attributes(guessed: type))
            ?? ObjectAttributes(contentType: type),
          size: file.size, ifExists: decision))
    }
    let decided = conflicts.decisions(
      after: plan.files.count { plan.existing[$0.key] != nil }, on: plan.taken)
    let trees = plan.folders.map { folder in
      TransferTree(
        .upload(
          folder: folder.path, bucket: destination.bucket, prefix: folder.prefix,
          attributes: (try? attributes.attributes(guessed: nil)) ?? ObjectAttributes()),
        ifExists: conflicts.rest,
        decisions: decided.filter { $0.key.hasPrefix(folder.prefix) })
    }
    TransferStart(requests, trees, plan.leftOut).perform(
      "Uploading", to: VisibleText(bytes: destination.uri), &turn)
    turn.close()
  }

  func draw(on frame: inout Frame, _ facts: BrowserFacts, _ retries: RequestRetries) {
    var view = UploadView(
      pane: pane, destination: destination, attributes: attributes, clock: facts.clock)
    switch phase {
    case .choosing: view.draw(on: &frame)
    case .filtering(let field):
      view.filterField = field
      view.draw(on: &frame)
    case .changingDestination(let form):
      view.draw(on: &frame)
      Panel.draw(
        "Upload to", body: [], form: form,
        notes: [.blank, Line("Ends in / unless it is empty", .secondary)], on: &frame)
    case .changingAttributes(let draft, let problem):
      view.draw(on: &frame)
      Panel.draw(
        "Attributes of what is uploaded", body: [], form: draft.form,
        notes: [
          .blank,
          problem.map { Line(VisibleText($0), .error) }
            ?? Line("Enter takes them for this upload; ← → choose", .secondary),
        ], on: &frame, columns: 74)
    case .planning(let request):
      view.draw(on: &frame)
      Panel(title: "Upload", body: [retries.line("Looking what is there…", request)])
        .draw(on: &frame)
    case .resolving(_, let conflicts):
      view.draw(on: &frame)
      conflicts.draw("Uploading", on: &frame, facts.clock)
    }
  }
}
