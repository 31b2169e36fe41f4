import Storage
import TextUI

extension BrowserState {
  /// Where a key is pressed now.
  var keyPlace: KeyPlace { overlays.last?.place ?? focus.place }

  mutating func keyPressed(_ press: KeyPress, _ turn: inout Turn) {
    message = nil
    switch keys.meaning(of: [press], in: keyPlace) {
    case .command(.redraw): return turn.perform(.redraw)
    case .command(.suspend): return turn.perform(.suspend)
    default: break
    }
    guard layout.objects != nil || layout.buckets != nil else {
      // Nothing can be seen, so nothing is done but to quit.
      if case .command(.quit) = keys.meaning(of: [press], in: .notice) { quit(&turn) }
      return
    }
    if prompt != nil, overlays.isEmpty {
      promptKeyPressed(press, &turn)
      return
    }
    let top = overlays.count - 1
    if top >= 0, pendingKeys.isEmpty {
      var wasUsed = false
      withOverlay(top, &turn) { wasUsed = $0.typed(press, &$1) }
      if wasUsed { return }
    }
    decode(press, &turn)
  }

  private mutating func decode(_ press: KeyPress, _ turn: inout Turn) {
    let presses = pendingKeys + [press]
    pendingKeys = []
    switch keys.meaning(of: presses, in: keyPlace) {
    case .command(let command):
      perform(command, &turn)
    case .beginning:
      pendingKeys = presses
    case .nothing where presses.count > 1 && press.key == .escape:
      break
    case .nothing:
      guard press.key != .escape else { return }
      let help = keys.keyName(for: .help, in: keyPlace).map { "; \($0) lists the keys" } ?? ""
      turn.say("\(KeySequence(presses).name) does nothing here\(help)")
    }
  }

  mutating func pasted(_ text: String, _ turn: inout Turn) {
    message = nil
    pendingKeys = []
    var wasUsed = false
    let top = overlays.count - 1
    if top >= 0 {
      withOverlay(top, &turn) { wasUsed = $0.pasted(text, &$1) }
    } else if prompt != nil {
      promptPasted(text, &turn)
      wasUsed = true
    }
    if !wasUsed { turn.say("Pasted text was ignored: there is no text field here") }
  }

  mutating func perform(_ command: Command, _ turn: inout Turn) {
    let top = overlays.count - 1
    if top >= 0 {
      if command == .help {
        turn.open(HelpDialog(keys: keys, place: keyPlace))
      } else {
        withOverlay(top, &turn) { $0.perform(command, &$1) }
      }
      return
    }
    if move(command, &turn) || browse(command, &turn) || act(command, &turn) { return }
    performForProgram(command, &turn)
  }

  private mutating func move(_ command: Command, _ turn: inout Turn) -> Bool {
    switch focus {
    case .buckets: buckets.move(command)
    case .objects: objects?.move(command, &turn) ?? false
    case .transfers: transfers.move(command)
    }
  }

  private mutating func performForProgram(_ command: Command, _ turn: inout Turn) {
    switch command {
    case .commandLine: prompt = Prompt(.command)
    case .filter: beginFilter()
    case .help: turn.open(HelpDialog(keys: keys, place: focus.place))
    case .showHistory: turn.open(HistoryDialog())
    case .showError:
      showError(&turn)
    case .quit: quit(&turn)
    default: break
    }
  }

  /// The error of the selected transfer, else the last one there was.
  private func showError(_ turn: inout Turn) {
    if focus == .transfers, let selected = transfers.selected,
      case .failed(let error)? = selected.status?.state
    {
      turn.open(TextDialog(error: error))
    } else if let lastError {
      turn.open(TextDialog(error: lastError))
    } else {
      turn.say("There was no error")
    }
  }

  /// Quits, after a question only while transfers run.
  mutating func quit(_ turn: inout Turn) {
    let running = transfers.running.count
    if running == 0 || layout.objects == nil && layout.buckets == nil {
      turn.perform(.quit)
    } else {
      turn.open(QuitDialog(running: running, facts))
    }
  }
}
