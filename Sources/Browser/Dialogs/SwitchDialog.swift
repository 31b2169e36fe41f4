import Storage
import TextUI

/// Another profile, endpoint, region or user, without leaving the browser.
struct SwitchDialog: Overlay {
  private enum FieldIndex { static let profile = 0, endpoint = 1, region = 2, user = 3, code = 4 }

  private var form: Form
  private var request: RequestID?
  private var problem: StorageError?
  private let running: Int

  /// - Parameter running: how many transfers are under way.
  init(_ choice: SessionChoice, running: Int) {
    self.running = running
    form = Form([
      Form.text("Profile", choice.profile), Form.text("Endpoint", choice.endpointURL),
      Form.text("Region", choice.region), Form.text("User", choice.user),
      Form.text("Code of a second factor"),
    ])
  }

  var place: KeyPlace { request == nil ? .form : .waiting }

  private var choice: SessionChoice {
    SessionChoice(
      profile: form.text(FieldIndex.profile), endpointURL: form.text(FieldIndex.endpoint),
      region: form.text(FieldIndex.region), user: form.text(FieldIndex.user),
      code: form.text(FieldIndex.code))
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
    if request == nil, form.perform(command) { return }
    switch command {
    case .accept:
      guard request == nil else { return }
      problem = nil
      let choice = choice
      request = turn.request { .switchSession(choice, $0) }
    case .close:
      turn.cancel(request)
      turn.close()
    default: break
    }
  }

  /// Only a failure comes back: a switch that works begins anew.
  mutating func received(_ answer: Answer, to id: RequestID, _ turn: inout Turn) {
    guard id == request, case .failed(let error) = answer else { return }
    request = nil
    problem = error.isCancellation ? nil : error
    turn.fail(error)
  }

  func draw(on frame: inout Frame, _ facts: BrowserFacts, _ retries: RequestRetries) {
    var body = [Line("What is left empty comes from the settings."), .blank]
    if !facts.profiles.isEmpty {
      body.insert(Line("Profiles: \(facts.profiles.joined(separator: ", "))", .secondary), at: 0)
    }
    if running > 0 {
      let transfers = running == 1 ? "The transfer that runs goes" : "Transfers that run go"
      body.insert(Line("\(transfers) on as before."), at: body.count - 1)
    }
    Panel.draw("Work as", body: body, form: form, notes: [.blank] + notes, on: &frame)
  }

  private var notes: [Line] {
    if request != nil { return [Line("Switching…", .secondary)] }
    guard let problem else { return [Line("Enter switches", .secondary)] }
    return problem.lines
  }
}
