import S3
import Storage
import TextUI

/// Asks before a bucket is removed; one with contents only after its name has been typed.
struct RemoveBucketDialog: Overlay {
  private enum Phase: Sendable {
    /// *No* has the focus, or the field for the owner.
    case asking(inField: Bool)
    case removing(RequestID)
    /// The bucket has contents: its name must be typed.
    case typing
    case emptying(RequestID, WorkProgress)
    case stopping(RequestID)
  }

  private let bucket: BucketName
  private var phase = Phase.asking(inField: false)
  private var owner = Form([Form.text("Expected owner's account ID (optional)")])
  private var typedName = Form([Form.text("Name of the bucket")])
  private var count = DeletionCount()
  private var counting: RequestID?

  init(_ bucket: BucketName) {
    self.bucket = bucket
  }

  var place: KeyPlace {
    switch phase {
    case .asking(inField: false): .removal
    case .asking, .typing: .field
    case .removing, .emptying, .stopping: .waiting
    }
  }

  private var expectedOwner: AccountID? {
    let text = owner.text(0).filter { !$0.isWhitespace && $0 != "-" }
    return text.isEmpty ? nil : AccountID(text)
  }

  mutating func typed(_ press: KeyPress, _ turn: inout Turn) -> Bool {
    switch phase {
    case .asking(inField: true): owner.typed(press)
    case .typing: typedName.typed(press)
    default: false
    }
  }

  mutating func pasted(_ text: String, _ turn: inout Turn) -> Bool {
    switch phase {
    case .asking(inField: true): owner.pasted(text)
    // Typed, not pasted: the point is that one reads the name.
    default: false
    }
  }

  mutating func perform(_ command: Command, _ turn: inout Turn) {
    switch (command, phase) {
    case (.nextField, .asking(inField: false)):
      phase = .asking(inField: true)
    case (.accept, .asking(inField: true)), (.nextField, .asking), (.previousField, .asking):
      phase = .asking(inField: false)
    case (.confirm, .asking):
      let (bucket, expectedOwner) = (bucket, expectedOwner)
      phase = .removing(
        turn.request { .removeBucket(bucket, expectedOwner: expectedOwner, $0) })
    case (.accept, .typing):
      guard typedName.text(0) == bucket.text else {
        return turn.say("That is not the name of the bucket: nothing was done")
      }
      turn.cancel(counting)
      let (bucket, expectedOwner) = (bucket, expectedOwner)
      let request = turn.request {
        .emptyAndRemoveBucket(bucket, expectedOwner: expectedOwner, $0)
      }
      phase = .emptying(request, WorkProgress())
    case (.close, .removing(let request)):
      turn.cancel(request)
      turn.close()
    case (.close, .emptying(let request, _)):
      turn.cancel(request)
      phase = .stopping(request)
    case (.decline, _), (.close, .typing), (.close, .asking):
      turn.cancel(counting)
      turn.close()
    default: break
    }
  }

  mutating func received(_ answer: Answer, to id: RequestID, _ turn: inout Turn) {
    switch phase {
    case _ where id == counting: counted(answer)
    case .removing(id): removed(answer, &turn)
    case .emptying(id, _), .stopping(id): emptied(answer, id, &turn)
    default: break
    }
  }

  private mutating func counted(_ answer: Answer) {
    if case .counted(let newest) = answer {
      count = newest
      if newest.isComplete { counting = nil }
    } else {
      counting = nil
    }
  }

  private mutating func removed(_ answer: Answer, _ turn: inout Turn) {
    switch answer {
    case .bucketRemoved(let warning):
      turn.say("Removed bucket \(bucket.text)")
      if let warning { turn.fail(warning) }
      turn.bucketChanged(.removed(bucket))
      turn.close()
    case .failed(let error) where error.kind == .bucketNotEmpty:
      phase = .typing
      let bucket = bucket
      counting = turn.request { .countEveryVersion(bucket, $0) }
    case .failed(let error):
      turn.fail(error)
      turn.close()
    default: break
    }
  }

  private mutating func emptied(_ answer: Answer, _ id: RequestID, _ turn: inout Turn) {
    switch answer {
    case .deletionProgressed:
      guard case .emptying(_, var progress) = phase else { break }
      progress.take(answer)
      phase = .emptying(id, progress)
    case .deleted(let report):
      DeletionSummary(report).tell(&turn)
      if report.stoppedBy == nil, report.failed == 0 {
        turn.say("\(DeletionSummary(report).text) and removed bucket \(bucket.text)")
        if let warning = report.warning { turn.fail(warning) }
        turn.bucketChanged(.removed(bucket))
      } else {
        turn.objectsChanged(in: bucket)
      }
      turn.close()
    case .failed(let error):
      turn.fail(error)
      turn.close()
    default: break
    }
  }

  // MARK: - View

  func draw(on frame: inout Frame, _ facts: BrowserFacts, _ retries: RequestRetries) {
    let what = Line("Remove bucket \(bucket.text)", .emphasis)
    switch phase {
    case .asking(let inField): drawQuestion(what, inField: inField, on: &frame)
    case .removing(let request):
      let line = retries.line("Removing…", request)
      Panel(title: "Removing", body: [what, .blank], foot: [line]).draw(on: &frame)
    case .typing: drawTyping(on: &frame, retries)
    case .emptying(let request, let progress):
      let line = retries.line(progress.words("Deleted"), request)
      Panel(title: "Emptying", body: [what, .blank], foot: [line]).draw(on: &frame)
    case .stopping:
      Panel(title: "Emptying", body: [what, .blank], foot: [Line("Stopping…")]).draw(on: &frame)
    }
  }

  private func drawQuestion(_ what: Line, inField: Bool, on frame: inout Frame) {
    let body = [
      what, Line("If anything is in it, its name has to be typed first."),
      Line("With an account ID the server refuses when another account owns it."), .blank,
    ]
    let answer =
      inField
      ? Line("Enter goes back to the question", .secondary)
      : Choices.yesNo(yes: "remove", no: "no")
    let held = Line(" ")
    let foot = Panel(title: "Remove?", body: body, foot: [held, .blank, answer], columns: 72)
      .draw(on: &frame).foot
    if inField {
      owner.draw(at: foot.origin, columns: foot.columns, on: &frame)
    } else {
      let text = owner.text(0).isEmpty ? "any" : owner.text(0)
      frame.write(
        Line(" Expected owner's account ID: \(text)"), at: foot.origin, columns: foot.columns)
    }
  }

  private func drawTyping(on frame: inout Frame, _ retries: RequestRetries) {
    let sign = count.isComplete ? "" : "+"
    let amount =
      "\(ByteFormat.exact(Int64(count.objects)))\(sign) \(count.objects == 1 ? "object or version" : "objects and versions"), "
      + "\(ByteFormat.iec(count.bytes.bytes))\(sign)"
      + (counting == nil ? "" : ", counting…")
      + (retries[counting].map { " \($0.words)" } ?? "")
    Panel.draw(
      "Empty and remove?",
      body: [
        Line("Bucket \(bucket.text) is not empty.", .emphasis),
        Line("All of it is deleted for ever, versions included.", .warning), Line(amount),
        .blank,
      ], form: typedName,
      notes: [.blank, Line("Enter empties and removes it once the name is right", .secondary)],
      on: &frame, columns: 72)
  }
}
