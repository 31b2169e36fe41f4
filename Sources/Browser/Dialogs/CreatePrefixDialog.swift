import S3
import Storage
import TextUI

/// Asks for the name of a new prefix, for which an empty object is made.
struct CreatePrefixDialog: Overlay {
  private let parent: Place
  private var creation = Creation([Form.text("Name")])

  var place: KeyPlace { creation.place }

  init(in parent: Place) {
    self.parent = parent
  }

  private var key: ObjectKey {
    let key = parent.prefix + ObjectKey(creation.text(0))
    return key.endsWithSlash ? key : key + ObjectKey("/")
  }

  mutating func typed(_ press: KeyPress, _ turn: inout Turn) -> Bool { creation.typed(press) }

  mutating func pasted(_ text: String, _ turn: inout Turn) -> Bool { creation.pasted(text) }

  mutating func perform(_ command: Command, _ turn: inout Turn) {
    guard !creation.perform(command, &turn), command == .accept else { return }
    guard !creation.text(0).isEmpty else { return turn.say("A prefix needs a name") }
    guard key.bytes.count <= 1_024 else { return turn.say("A key has at most 1,024 bytes") }
    let (bucket, key) = (parent.bucket, key)
    creation.send(&turn) { .createPrefixMarker(bucket, key, $0) }
  }

  mutating func received(_ answer: Answer, to id: RequestID, _ turn: inout Turn) {
    guard case .markerCreated(let warning)? = creation.success(answer, to: id, &turn) else {
      return
    }
    turn.say("Created \(key.text)")
    if let warning { turn.fail(warning) }
    turn.objectsChanged(in: parent.bucket)
    turn.close()
  }

  func draw(on frame: inout Frame, _ facts: BrowserFacts, _ retries: RequestRetries) {
    let hint = Line("An empty object marks it: \(VisibleText(bytes: key.bytes))", .secondary)
    Panel.draw(
      "Create a prefix", body: [Line("Under \(VisibleText(bytes: parent.uri))"), .blank],
      form: creation.form, notes: [.blank] + creation.notes(hint, retries), on: &frame)
  }
}
