import History
import Storage
import TextUI

/// Asks whether a transfer that an earlier run has left is to be given up with what has moved.
struct GiveUpDialog: Overlay {
  private let entry: JournalEntry
  private var request: RequestID?

  init(_ entry: JournalEntry) {
    self.entry = entry
  }

  var place: KeyPlace { request == nil ? .question : .waiting }

  mutating func perform(_ command: Command, _ turn: inout Turn) {
    switch command {
    case .confirm:
      let entry = entry
      request = turn.request { .abortLeftTransfer(entry, $0) }
    case .close:
      turn.cancel(request)
    case .decline:
      turn.close()
    default: break
    }
  }

  mutating func received(_ answer: Answer, to id: RequestID, _ turn: inout Turn) {
    guard let request, request == id else { return }
    switch answer {
    case .leftTransferAborted(let warning):
      turn.say("Gave up \(VisibleText(bytes: entry.name).text)")
      if let warning { turn.fail(warning) }
    case .failed(let error): turn.fail(error)
    default: return
    }
    turn.perform(.findLeftTransfers)
    turn.close()
  }

  func draw(on frame: inout Frame, _ facts: BrowserFacts, _ retries: RequestRetries) {
    let isUpload = entry.request.direction == .upload
    let loss =
      if entry.request.tree != nil {
        "Files that are complete stay; half of a file is removed for ever."
      } else if isUpload {
        "The parts that are on the server are removed for ever."
      } else {
        "What has arrived of it is removed for ever."
      }
    var body = [
      Line(VisibleText(bytes: entry.name), .emphasis),
      Line("\(isUpload ? "Upload" : "Download"), \(entry.stateWord), \(entry.movedWords)"),
      Line(loss),
    ]
    var foot = [Line.blank, Choices.yesNo(yes: "give it up", no: "keep it")]
    if request != nil {
      body += [.blank, retries.line("Giving it up…", request)]
      foot = []
    }
    Panel(title: "Give up?", body: body, foot: foot).draw(on: &frame)
  }
}
