import S3
import Storage
import TextUI

/// Asks for the name of a new bucket, and checks it against the rules as one types.
struct CreateBucketDialog: Overlay {
  private var form = Form([Form.text("Name"), Form.text("Region (optional)")])
  private var request: RequestID?
  private var problem: StorageError?

  var place: KeyPlace { request == nil ? .form : .waiting }

  private var name: BucketName { BucketName(form.text(0)) }

  private var region: Region? {
    let text = form.text(1)
    return text.isEmpty ? nil : Region(text)
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
    if form.perform(command) { return }
    switch command {
    case .accept where name.text.isEmpty:
      turn.say("A bucket needs a name")
    case .accept:
      guard name.problemForCreation == nil else { return }
      let (name, region) = (name, region)
      request = turn.request { .createBucket(name, region: region, $0) }
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
    case .bucketCreated(let warning):
      turn.say("Created bucket \(name.text)")
      if let warning { turn.fail(warning) }
      turn.bucketChanged(.created(name))
      turn.close()
    case .failed(let error):
      problem = error
      turn.fail(error)
    default: break
    }
  }

  func draw(on frame: inout Frame, _ facts: BrowserFacts) {
    Panel.draw(
      "Create a bucket",
      body: [
        Line("At \(facts.endpoint). Without a region the server chooses."), .blank,
      ], form: form, notes: [.blank, note], on: &frame)
  }

  private var note: Line {
    if request != nil { return Line("Creating…", .secondary) }
    if let problem { return Line(problem.message, .error) }
    if name.text.isEmpty {
      return Line("3 to 63 of a-z, 0-9, dot and hyphen", .secondary)
    }
    if let broken = name.problemForCreation {
      return Line(StorageError.invalidName(name, broken).message, .warning)
    }
    return Line("Enter creates it", .secondary)
  }
}
