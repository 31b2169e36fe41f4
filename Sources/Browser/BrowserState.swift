import S3
import Storage
public import TextUI

/// All that the screen shows, as one value: actions change it, effects come out, and
/// ``view(_:)`` makes a frame of it. It does no input or output and reads no clock.
///
/// Where things live in this module:
/// - `Panes/`     the buckets, the objects, the transfers, and the trail of where one has been
/// - `Listing/`   the rows of a listing, packed, and their order
/// - `Dialogs/`   everything that lies over the panes; each is an ``Overlay``
/// - `Local/`     folders of this machine, and plans of what goes where
/// - `Keys/`      the key table: decoding, hints and help are made from it
/// - `Views/`     from state and size to a frame
public struct BrowserState: Sendable {
  public let facts: BrowserFacts
  let keys: KeyTable

  var size: Size
  var focus = Focus.buckets
  var buckets = BucketPane()
  var objects: ObjectPane?
  /// A listing that takes the place of ``objects`` once it has come as far.
  var replacement: ObjectPane?
  var retries = RequestRetries()
  var transfers = TransfersPane()
  var trail = Trail()
  /// The last one is on top and gets the keys.
  var overlays: [any Overlay] = []
  var prompt: Prompt?
  /// Keys of a sequence that is not complete.
  var pendingKeys: [KeyPress] = []
  var message: Message?
  var lastError: StorageError?
  /// Where one was the last time, until it has been listed.
  var leftPlace: Place?
  /// What was last asked to be remembered of ``leaving``.
  var remembered: Leaving?
  private var lastRequest = 0
  /// When the place shown was last listed anew because of uploads, as the actions tell the time.
  private var refreshedAt: Duration?
  /// Whether it was asked for what earlier runs have left.
  private var hasAskedForLeft = false
  /// What was said last of those that earlier runs have left.
  var toldOfLeft: Message?
  /// Whether it was said that others are left for other profiles or servers.
  var hasToldOfElsewhere = false

  private static let pauseBetweenRefreshes = Duration.seconds(3)
  /// Of a place that is listed anew while uploads still come to it.
  private static let mostRowsBetween = 5_000

  public init(facts: BrowserFacts, size: Size, keys: KeyTable = .standard) {
    self.facts = facts
    self.size = size
    self.keys = keys
  }

  /// Takes what happened, and says what is wanted.
  public mutating func reduce(_ action: Action) -> [Effect] {
    var turn = Turn(facts: facts, lastRequest: lastRequest)
    handle(action, &turn)
    settle(&turn)
    lastRequest = turn.lastRequest
    return turn.effects
  }

  private mutating func handle(_ action: Action, _ turn: inout Turn) {
    switch action {
    case .started(let place, let wasLeft):
      buckets.load(&turn)
      leftPlace = wasLeft ? place : nil
      if let place { turn.go(to: place) }
    case .keyPressed(let press):
      keyPressed(press, &turn)
    case .pasted(let text):
      pasted(text, &turn)
    case .resized(let size):
      self.size = size
      for index in overlays.indices { overlays[index].resized(size) }
    case .answered(let request, let answer):
      received(answer, to: request, &turn)
      // Not before something is on the screen, so that it delays no start.
      if !hasAskedForLeft { turn.perform(.findLeftTransfers) }
      hasAskedForLeft = true
    case .requestRetried(let request, let status):
      retries.note(status, of: request)
    case .foundLeftTransfers(let entries):
      found(left: entries, &turn)
    case .transfersProgressed(let statuses, let earlier, let rate, let time):
      transfers.ownRate = rate
      transfersProgressed(statuses, earlier, at: time, &turn)
    case .settled(let summary):
      // Nobody waits for it, so it takes the place of nothing.
      guard message == nil, summary.settled > 0 else { break }
      let noun = summary.settled == 1 ? "change" : "changes"
      turn.say(
        "\(summary.settled) \(noun) of processes that died: \(summary.done) done, "
          + "\(summary.interrupted) interrupted (H shows them)")
    case .noticed(let sentence):
      turn.say(sentence)
    case .otherProgressed(let process):
      // It may have taken over what was left when the journal was read.
      if !transfers.knows(process.processID) { turn.perform(.findLeftTransfers) }
      let uploading = transfers.bucketsUploadedTo(by: process.processID)
      transfers.update(process, follows: focus != .transfers)
      for bucket in uploading.subtracting(transfers.bucketsUploadedTo(by: process.processID)) {
        turn.objectsChanged(in: bucket)
      }
      leaveEmptyTransfers()
      tellLeftAgain(&turn)
    case .otherEnded(let processID, let isComplete):
      otherEnded(processID, isComplete: isComplete, &turn)
    case .transfersLimited(let limit):
      transfers.limit = limit
    case .endingBegan(inBackground: true):
      turn.say("Handing the transfers over to the background")
    case .endingBegan(inBackground: false):
      if !transfers.running.isEmpty { turn.say("Stopping what runs") }
    case .endingFailed(let error):
      turn.fail(error)
    case .copied(let what, let route):
      turn.say("\(what) was sent to the clipboard \(route)")
    case .notCopied(let what, let reason):
      turn.say("\(what) was not copied: \(reason). Select it on the screen")
    }
  }

  /// Carries out what the parts asked of the whole.
  private mutating func settle(_ turn: inout Turn) {
    for overlay in turn.takeOpened() {
      overlays.append(overlay)
      let top = overlays.count - 1
      overlays[top].resized(size)
      overlays[top].opened(&turn)
    }
    if turn.takeRetry() { retry(&turn) }
    if let place = turn.takeDestination() { go(to: place, &turn) }
    if let change = turn.takeBucketChange() { follow(change, &turn) }
    for bucket in turn.takeChangedObjects() {
      trail.objectsChanged(in: bucket)
      if objects?.place.bucket == bucket { refreshObjects(&turn) }
    }
    fitPanes(&turn)
    rememberPlace(&turn)
    if let newest = turn.message {
      message = newest
      if case .error(let error) = newest {
        lastError = error
        if error.kind == .signInNeeded, overlays.isEmpty { overlays.append(SignInDialog(error)) }
      }
    }
    if let kept = turn.kept { lastError = kept }
  }

  private mutating func follow(_ change: Turn.BucketChange, _ turn: inout Turn) {
    switch change {
    case .created(let bucket):
      buckets.select(bucket)
    case .removed(let bucket):
      buckets.remove(bucket)
      trail.forget(bucket)
      if objects?.place.bucket == bucket {
        cancelReplacement(&turn)
        objects?.leave(&turn)
        objects = nil
        focus = .buckets
      }
    }
    buckets.load(&turn)
  }

  var layout: Layout { layout(for: size) }

  func layout(for size: Size) -> Layout {
    Layout(
      size, focus: focus, transfers: transfers.count,
      longestBucket: buckets.longestName)
  }

  private mutating func fitPanes(_ turn: inout Turn) {
    let layout = layout
    buckets.setHeight((layout.buckets?.rows ?? 2) - 2)
    objects?.setHeight((layout.objects?.rows ?? 2) - 2, &turn)
    transfers.setHeight((layout.transfers?.rows ?? 2) - 2)
  }

  private mutating func received(
    _ answer: Answer, to request: RequestID, _ turn: inout Turn
  ) {
    let namesBefore = buckets.names
    if buckets.received(answer, to: request, isNeeded: objects == nil, &turn) {
      // Gone from the list: what is shown of it is looked at again.
      if let place = objects?.place, namesBefore.contains(place.bucket),
        !buckets.names.contains(place.bucket)
      {
        refreshObjects(&turn)
      }
      return
    }
    if objects?.received(answer, to: request, &turn) == true {
      if let pane = objects, pane.problem?.kind == .noSuchBucket {
        buckets.forget(pane.place.bucket)
      }
      cameBack(&turn)
      seekObject(&turn)
      return
    }
    if replacement?.received(answer, to: request, &turn) == true {
      replaceWhenReady(&turn)
      seekObject(&turn)
      return
    }
    for index in overlays.indices.reversed() {
      withOverlay(index, &turn) { $0.received(answer, to: request, &$1) }
    }
  }

  /// Lets a dialog handle something, and takes it away when it wants to go.
  mutating func withOverlay(
    _ index: Int, _ turn: inout Turn, _ body: (inout any Overlay, inout Turn) -> Void
  ) {
    body(&overlays[index], &turn)
    if turn.takeClosing() { overlays.remove(at: index) }
  }

  private mutating func transfersProgressed(
    _ statuses: [TransferStatus], _ earlier: [TransferID: String], at time: Duration,
    _ turn: inout Turn
  ) {
    let wasActive = !transfers.active.isEmpty
    let wasRunning = Set(transfers.running.map(\.id))
    transfers.update(statuses, earlier: earlier, follows: focus != .transfers)
    leaveEmptyTransfers()
    let ended = statuses.filter { $0.state.isOver && wasRunning.contains($0.id) }
    if !ended.isEmpty || wasActive && transfers.active.isEmpty {
      let told = transfers.takeEnded()
      if !told.isEmpty { turn.say(TransferSummary(told).text) }
    }
    for status in ended { report(status, &turn) }
    // A bucket of an earlier session is none of those on the screen, even with the same name.
    let uploads = statuses.filter { $0.direction == .upload && earlier[$0.id] == nil }
    let endedIDs = Set(ended.map(\.id))
    for upload in uploads where endedIDs.contains(upload.id) {
      trail.objectsChanged(in: upload.location.bucket)
      if let place = objects?.place, upload.uploads(to: place) { objects?.isStale = true }
    }
    refreshAfter(uploads, at: time, &turn)
  }

  /// Lists what is shown anew when uploads have come to it: at once after the last one, and before
  /// only now and then, since a thousand uploads would cost a thousand listings.
  private mutating func refreshAfter(
    _ uploads: [TransferStatus], at time: Duration, _ turn: inout Turn
  ) {
    guard let pane = objects, pane.isStale else { return }
    if uploads.contains(where: { $0.isActive && $0.uploads(to: pane.place) }) {
      // A long list would be listed all the time.
      guard replacement == nil, pane.rows.count <= Self.mostRowsBetween,
        refreshedAt.map({ time - $0 >= Self.pauseBetweenRefreshes }) ?? true
      else { return }
    }
    refreshedAt = time
    refreshObjects(&turn)
  }

  mutating func leaveEmptyTransfers() {
    if transfers.isEmpty, focus == .transfers { focus = objects == nil ? .buckets : .objects }
  }

  private mutating func otherEnded(
    _ processID: Int32, isComplete: Bool, _ turn: inout Turn
  ) {
    let process = transfers.remove(processID: processID, follows: focus != .transfers)
    leaveEmptyTransfers()
    guard let process else { return }
    for transfer in process.transfers where transfer.direction == .upload {
      turn.objectsChanged(in: transfer.location.bucket)
    }
    let unfinished = process.transfers.count { !$0.state.isOver }
    if unfinished == 0 {
      turn.say("Process \(processID): \(TransferSummary(process.transfers).text)")
    } else if isComplete {
      // Its last words may be older than its end.
      turn.say("Process \(processID) has ended; H shows what became of its transfers")
    } else {
      let transfers = unfinished == 1 ? "1 transfer" : "\(unfinished) transfers"
      turn.say("Process \(processID) ended with \(transfers) unfinished")
    }
    turn.perform(.findLeftTransfers)
  }

  private func report(_ status: TransferStatus, _ turn: inout Turn) {
    switch status.state {
    case .failed(let error): turn.fail(error)
    case .finished(let result): if let warning = result.warning { turn.fail(warning) }
    default: break
    }
  }
}
