import S3
import Storage
import TextUI

/// Asks for the name of a new bucket, and checks it against the rules as one types.
struct CreateBucketDialog: Overlay {
  private var creation = Creation([Form.text("Name"), Form.text("Region (optional)")])

  var place: KeyPlace { creation.place }

  private var name: BucketName { BucketName(creation.text(0)) }

  private var region: Region? {
    let text = creation.text(1)
    return text.isEmpty ? nil : Region(text)
  }

  mutating func typed(_ press: KeyPress, _ turn: inout Turn) -> Bool { creation.typed(press) }

  mutating func pasted(_ text: String, _ turn: inout Turn) -> Bool { creation.pasted(text) }

  mutating func perform(_ command: Command, _ turn: inout Turn) {
    guard !creation.perform(command, &turn), command == .accept else { return }
    guard !name.text.isEmpty else { return turn.say("A bucket needs a name") }
    guard name.problemForCreation == nil else { return }
    let (name, region) = (name, region)
    creation.send(&turn) { .createBucket(name, region: region, $0) }
  }

  mutating func received(_ answer: Answer, to id: RequestID, _ turn: inout Turn) {
    guard case .bucketCreated(let warning)? = creation.success(answer, to: id, &turn) else {
      return
    }
    turn.say("Created bucket \(name.text)")
    if let warning { turn.fail(warning) }
    turn.bucketChanged(.created(name))
    turn.close()
  }

  func draw(on frame: inout Frame, _ facts: BrowserFacts, _ retries: RequestRetries) {
    Panel.draw(
      "Create a bucket",
      body: [
        Line("At \(facts.endpoint). Without a region the server chooses."), .blank,
      ], form: creation.form, notes: [.blank] + creation.notes(hint, retries), on: &frame)
  }

  private var hint: Line {
    if name.text.isEmpty {
      return Line("3 to 63 of a-z, 0-9, dot and hyphen", .secondary)
    }
    if let broken = name.problemForCreation {
      return Line(StorageError.invalidName(name, broken).message, .warning)
    }
    return Line("Enter creates it", .secondary)
  }
}
