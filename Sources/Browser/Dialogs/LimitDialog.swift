import TextUI

/// Asks how many bytes a second the transfers of a process may move.
struct LimitDialog: Overlay {
  let place = KeyPlace.field
  private let processID: Int32?
  private var form: Form
  private var problem: String?

  /// - Parameters:
  ///   - processID: nil for this process.
  ///   - limit: in bytes a second, as it is now; nil for none.
  init(processID: Int32?, limit: Int?) {
    self.processID = processID
    form = Form([Form.text("Bytes a second", limit.map { ByteFormat.typed(Int64($0)) } ?? "")])
  }

  mutating func typed(_ press: KeyPress, _ turn: inout Turn) -> Bool {
    guard form.typed(press) else { return false }
    problem = nil
    return true
  }

  mutating func pasted(_ text: String, _ turn: inout Turn) -> Bool { form.pasted(text) }

  mutating func perform(_ command: Command, _ turn: inout Turn) {
    switch command {
    case .accept: accept(&turn)
    case .close: turn.close()
    default: break
    }
  }

  private mutating func accept(_ turn: inout Turn) {
    let text = form.text(0)
    if text.allSatisfy(\.isWhitespace) {
      turn.perform(.limitTransfers(processID: processID, bytesPerSecond: nil))
      turn.say("There is no limit")
    } else if let rate = ByteFormat.bytes(text).flatMap({ Int(exactly: $0) }), rate > 0 {
      turn.perform(.limitTransfers(processID: processID, bytesPerSecond: rate))
      turn.say("At most \(ByteFormat.rate(Double(rate)))")
    } else {
      problem = "Write bytes a second, such as 200K, 2M or 1.5GiB"
      return
    }
    turn.close()
  }

  func draw(on frame: inout Frame, _ facts: BrowserFacts, _ retries: RequestRetries) {
    let note = problem.map { Line($0, .error) } ?? Line("Empty means no limit", .secondary)
    let whose = processID.map { "process \($0)" } ?? "this run"
    Panel.draw(
      "Limit the bandwidth", body: [Line("For all transfers of \(whose)"), .blank], form: form,
      notes: [.blank, note], on: &frame)
  }
}
