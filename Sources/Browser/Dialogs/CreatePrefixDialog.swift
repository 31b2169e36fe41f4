import S3
import Storage
import TextUI

/// Asks for the name of a new prefix, for which an empty object is made.
struct CreatePrefixDialog: Overlay {
  private let parent: Place
  private var form = Form([Form.text("Name")])
  private var request: RequestID?
  private var problem: StorageError?

  var place: KeyPlace { request == nil ? .form : .waiting }

  init(in parent: Place) {
    self.parent = parent
  }

  private var key: ObjectKey {
    let key = parent.prefix + ObjectKey(form.text(0))
    return key.endsWithSlash ? key : key + ObjectKey("/")
  }

  mutating func typed(_ press: KeyPress, _ turn: inout Turn) -> Bool {
    guard request == nil, form.typed(press) else { return false }
    problem = nil
    return true
  }

  mutating func pasted(_ text: String, _ turn: inout Turn) -> Bool {
    request == nil && form.pasted(text)
  }

  mutating func perform(_ command: Command, _ turn: inout Turn) {
    switch command {
    case .accept where form.text(0).isEmpty:
      turn.say("A prefix needs a name")
    case .accept:
      guard key.bytes.count <= 1_024 else { return turn.say("A key has at most 1,024 bytes") }
      let (bucket, key) = (parent.bucket, key)
      request = turn.request { .createPrefixMarker(bucket, key, $0) }
    case .close:
      turn.cancel(request)
      turn.close()
    default: break
    }
  }

  mutating func received(_ answer: Answer, to id: RequestID, _ turn: inout Turn) {
    guard id == request else { return }
    request = nil
    switch answer {
    case .markerCreated(let warning):
      turn.say("Created \(key.text)")
      if let warning { turn.fail(warning) }
      turn.objectsChanged(in: parent.bucket)
      turn.close()
    case .failed(let error):
      problem = error
      turn.fail(error)
    default: break
    }
  }

  func draw(on frame: inout Frame, _ facts: BrowserFacts) {
    let note =
      request != nil
      ? Line("Creating…", .secondary)
      : problem.map { Line($0.message, .error) }
        ?? Line("An empty object marks it: \(VisibleText(bytes: key.bytes))", .secondary)
    Panel.draw(
      "Create a prefix", body: [Line("Under \(VisibleText(bytes: parent.uri))"), .blank],
      form: form, notes: [.blank, note], on: &frame)
  }
}
