import Storage
import TextUI

/// What the dialogs share that make one thing: fields, a request under way, and why it failed.
struct Creation: Sendable {
  private(set) var form: Form
  private var request: RequestID?
  private(set) var problem: StorageError?

  init(_ fields: [Form.Field]) {
    form = Form(fields)
  }

  var isUnderWay: Bool { request != nil }

  var place: KeyPlace {
    if isUnderWay { return .waiting }
    return form.fields.count > 1 ? .form : .field
  }

  func text(_ index: Int) -> String { form.text(index) }

  mutating func typed(_ press: KeyPress) -> Bool {
    guard !isUnderWay, form.typed(press) else { return false }
    problem = nil
    return true
  }

  mutating func pasted(_ text: String) -> Bool {
    !isUnderWay && form.pasted(text)
  }

  /// `false` when the command is about neither the fields nor closing.
  mutating func perform(_ command: Command, _ turn: inout Turn) -> Bool {
    if form.perform(command) { return true }
    guard command == .close else { return false }
    turn.cancel(request)
    turn.close()
    return true
  }

  mutating func send(_ turn: inout Turn, _ effect: (RequestID) -> Effect) {
    request = turn.request(effect)
  }

  /// The answer that says what was made; a failure stays in ``problem``.
  mutating func success(_ answer: Answer, to id: RequestID, _ turn: inout Turn) -> Answer? {
    guard id == request else { return nil }
    request = nil
    guard case .failed(let error) = answer else { return answer }
    problem = error
    turn.fail(error)
    return nil
  }

  /// Below the fields: what goes on, what went wrong, or else `hint`.
  func notes(_ hint: Line, _ retries: RequestRetries) -> [Line] {
    if isUnderWay { return [retries.line("Creating…", request, .secondary)] }
    return problem?.lines ?? [hint]
  }
}
