import S3
import Storage
import TextUI

/// The line being typed at the bottom of the screen: a filter or a command.
struct Prompt: Sendable {
  enum Kind: Sendable, Hashable {
    case filter
    case command
  }

  var kind: Kind
  var field: TextField

  init(_ kind: Kind, text: String = "") {
    self.kind = kind
    field = TextField(text)
  }

  var sign: String { kind == .filter ? "/" : ":" }
}

extension BrowserState {
  mutating func beginFilter() {
    let text = focus == .buckets ? buckets.filter : objects?.ordering.filter ?? ""
    prompt = Prompt(.filter, text: text)
  }

  mutating func promptKeyPressed(_ press: KeyPress, _ turn: inout Turn) {
    guard var prompt else { return }
    switch press.key {
    case .escape, .control("c"):
      self.prompt = nil
      if prompt.kind == .filter { setFilter("", &turn) }
    case .enter:
      self.prompt = nil
      if prompt.kind == .command { run(CommandLine(prompt.field.text), &turn) }
    case .tab where prompt.kind == .command:
      let (completed, choices) = CommandLine(prompt.field.text).completed(buckets: buckets.names)
      prompt.field.set(completed)
      self.prompt = prompt
      if choices.count > 1 { turn.say(choices.joined(separator: "  ")) }
    case .up, .down:
      // The list stays in reach while one filters it.
      guard prompt.kind == .filter else { return }
      let command = press.key == .up ? Command.moveUp : .moveDown
      _ = focus == .buckets ? buckets.move(command) : objects?.move(command, &turn) ?? false
    case .backspace where prompt.field.text.isEmpty:
      self.prompt = nil
    default:
      _ = prompt.field.handle(press)
      self.prompt = prompt
      promptChanged(&turn)
    }
  }

  mutating func promptPasted(_ text: String, _ turn: inout Turn) {
    prompt?.field.insert(text)
    promptChanged(&turn)
  }

  private mutating func promptChanged(_ turn: inout Turn) {
    guard let prompt, prompt.kind == .filter else { return }
    setFilter(prompt.field.text, &turn)
  }

  private mutating func setFilter(_ text: String, _ turn: inout Turn) {
    if focus == .buckets {
      buckets.setFilter(text)
    } else {
      objects?.setFilter(text, &turn)
    }
  }

  private mutating func run(_ line: CommandLine, _ turn: inout Turn) {
    switch line.meaning {
    case .nothing: break
    case .command(let command): perform(command, &turn)
    case .jump(let place): turn.go(to: place)
    case .unknown(let word):
      turn.fail(
        StorageError(
          kind: .invalidRequest, message: "There is no command \(word)",
          recovery: "There are \(CommandLine.names.joined(separator: ", "))."))
    }
  }
}
