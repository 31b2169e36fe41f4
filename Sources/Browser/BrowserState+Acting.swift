import History
import S3
import Storage
import TextUI

extension BrowserState {
  /// Commands that do something with what is marked or selected. `false` for all others.
  mutating func act(_ command: Command, _ turn: inout Turn) -> Bool {
    switch command {
    case .create: create(&turn)
    case .delete: delete(&turn)
    case .upload: upload(&turn)
    case .download: download(&turn)
    case .share: share(&turn)
    case .copyObjects: copyObjects(.copy, &turn)
    case .moveObjects: copyObjects(.move, &turn)
    case .renameObject: copyObjects(.rename, &turn)
    case .details: showDetails(&turn)
    case .copyURI: copy("The s3:// URI", &turn) { Links.uri($0) }
    case .copyKey: copy("The key", &turn) { $0.key.exactText }
    case .copyURL:
      let endpoint = facts.endpoint
      copy("The URL", &turn) { Links.url($0, at: endpoint) }
    case .copyARN:
      let region = facts.region
      copy("The ARN", &turn) { Links.arn($0, in: region) }
    case .pauseTransfer: pauseTransfer(&turn)
    case .moveTransferUp: moveTransfer(by: -1, &turn)
    case .moveTransferDown: moveTransfer(by: 1, &turn)
    case .limitTransfers:
      let processID = transfers.selected?.processID
      turn.open(LimitDialog(processID: processID, limit: transfers.limit(of: processID)))
    case .cancelTransfer: cancelTransfer(&turn)
    case .retryTransfer: retryTransfer(&turn)
    case .clearTransfers:
      transfers.giveBack()
      turn.perform(.findLeftTransfers)
      turn.perform(.clearTransfers)
    case .resumeLeftTransfers: resumeLeft(transfers.left, &turn)
    case .showBookmarks: turn.open(BookmarksDialog())
    case .addBookmark: addBookmark(&turn)
    case .switchSession: turn.open(SwitchDialog(facts.choice, running: transfers.running.count))
    default: return false
    }
    return true
  }

  private func addBookmark(_ turn: inout Turn) {
    let place = focus == .buckets ? buckets.selected.map { Place(bucket: $0) } : objects?.place
    guard let place else { return turn.say("There is no bucket to bookmark") }
    turn.perform(.addBookmark(place))
  }

  private func create(_ turn: inout Turn) {
    if focus == .buckets {
      turn.open(CreateBucketDialog())
    } else if let pane = objects {
      turn.open(CreatePrefixDialog(in: pane.place))
    }
  }

  private func delete(_ turn: inout Turn) {
    if focus == .buckets {
      guard let bucket = buckets.selected else { return turn.say("There is no bucket to remove") }
      turn.open(RemoveBucketDialog(bucket))
    } else if let pane = objects {
      let rows = pane.chosenRows
      guard !rows.isEmpty else { return turn.say("There is nothing selected to delete") }
      turn.open(DeleteDialog(pane, rows: rows))
    }
  }

  private func upload(_ turn: inout Turn) {
    guard let pane = objects else { return }
    turn.open(UploadDialog(to: pane.place, from: facts.localFolder))
  }

  private func download(_ turn: inout Turn) {
    guard let pane = objects else { return }
    let rows = pane.chosenRows
    guard !rows.isEmpty else { return turn.say("There is nothing selected to download") }
    turn.open(DownloadDialog(pane, rows: rows, folder: facts.saveFolder))
  }

  private func copyObjects(_ verb: CopyDialog.Verb, _ turn: inout Turn) {
    guard let pane = objects else { return }
    let rows = verb == .rename ? pane.selectedRow.map { [$0] } ?? [] : pane.chosenRows
    guard !rows.isEmpty else { return turn.say("There is nothing selected") }
    turn.open(CopyDialog(verb, pane, rows: rows))
  }

  private func share(_ turn: inout Turn) {
    guard let pane = objects else { return }
    let key = pane.selectedRow.map(pane.rows.key) ?? pane.place.prefix
    turn.open(ShareDialog(bucket: pane.place.bucket, key: key))
  }

  func showDetails(_ turn: inout Turn) {
    if focus == .transfers {
      guard let row = transfers.selected else { return }
      let view = TransferDetailsView(row: row, clock: facts.clock)
      return turn.open(TextDialog(title: "Transfer", lines: view.lines))
    }
    guard let pane = objects, let row = pane.selectedRow, let object = pane.rows.object(row) else {
      return turn.say("Only an object has details; this is a prefix")
    }
    turn.open(DetailsDialog(bucket: pane.place.bucket, object: object))
  }

  /// What copying is about: the marked or selected keys, or the selected bucket with an empty key.
  private var chosenLocations: [ObjectLocation] {
    switch focus {
    case .buckets:
      return buckets.selected.map { [ObjectLocation(bucket: $0, key: .empty)] } ?? []
    case .objects, .transfers:
      guard let pane = objects else { return [] }
      return pane.chosenRows.map {
        ObjectLocation(bucket: pane.place.bucket, key: pane.rows.key($0))
      }
    }
  }

  private func copy(
    _ what: String, _ turn: inout Turn, _ text: (ObjectLocation) -> String?
  ) {
    let locations = chosenLocations
    guard !locations.isEmpty else { return turn.say("There is nothing selected to copy") }
    let texts = locations.compactMap(text)
    guard texts.count == locations.count else {
      return turn.say("A key that is not UTF-8 cannot be copied as text; its URL can")
    }
    turn.perform(.copy(texts.joined(separator: "\n"), what: what))
  }

  private mutating func pauseTransfer(_ turn: inout Turn) {
    guard let selected = transfers.selected else { return }
    guard case .known(let status, _, _) = selected else { return retryTransfer(&turn) }
    switch status.state {
    case .paused: turn.perform(.controlTransfer(selected.reference, .resume))
    case .waiting, .running, .retrying:
      turn.perform(.controlTransfer(selected.reference, .pause))
    case .finished, .failed, .cancelling, .cancelled: turn.say("That transfer is over")
    }
  }

  private func moveTransfer(by places: Int, _ turn: inout Turn) {
    switch transfers.selected {
    case .known(_, let processID?, _): turn.say("The order is that of process \(processID)")
    case .known(let status, nil, _) where status.state == .waiting:
      turn.perform(.moveTransfer(status.id, by: places))
    case .known, .left: turn.say("Only a transfer that waits can be moved")
    case nil: break
    }
  }

  private func cancelTransfer(_ turn: inout Turn) {
    guard let selected = transfers.selected else { return }
    switch selected {
    case .known(let status, _, _) where status.state.isOver: turn.say("That transfer is over")
    case .known: turn.perform(.controlTransfer(selected.reference, .cancel))
    case .left(let entry): turn.open(GiveUpDialog(entry))
    }
  }

  private mutating func retryTransfer(_ turn: inout Turn) {
    guard let selected = transfers.selected else { return }
    switch selected {
    case .left(let entry): resumeLeft([entry], &turn)
    case .known(let status, _, _):
      switch status.state {
      case .failed, .cancelled: turn.perform(.controlTransfer(selected.reference, .retry))
      case .finished: turn.say("That transfer went well")
      default: turn.say("That transfer is still running")
      }
    }
  }

  // MARK: - What earlier runs have left

  private mutating func resumeLeft(_ entries: [JournalEntry], _ turn: inout Turn) {
    guard !entries.isEmpty else { return turn.say("No transfer was left unfinished") }
    transfers.takeOver(entries, follows: focus != .transfers)
    turn.perform(.resumeLeftTransfers(entries))
  }

  /// Shows what earlier runs have left for this server, and offers to go on with it where that is
  /// news.
  mutating func found(left entries: [JournalEntry], _ turn: inout Turn) {
    let idle = entries.filter { !$0.isRunning }
    let own = idle.filter {
      $0.request.isOf(endpoint: facts.endpoint.description, profile: facts.profile)
    }
    let before = Set(transfers.left.map(\.id))
    transfers.update(left: own, follows: focus != .transfers)
    leaveEmptyTransfers()
    tellLeftAgain(&turn)
    if case .error = message { return }
    guard transfers.left.contains(where: { !before.contains($0.id) }) else {
      return tell(elsewhere: idle.count - own.count, &turn)
    }
    turn.say(wordsOfLeft)
    toldOfLeft = turn.message
  }

  private var wordsOfLeft: String {
    let count = transfers.left.count
    let what = count == 1 ? "1 transfer was" : "\(count) transfers were"
    let way = focus == .transfers ? "" : "\(keys.keyName(for: .showTransfers)), then "
    return "\(what) interrupted: \(way)\(keys.keyName(for: .resumeLeftTransfers)) goes on with "
      + (count == 1 ? "it" : "all of them")
  }

  /// Another process has taken some of them over since that was said.
  mutating func tellLeftAgain(_ turn: inout Turn) {
    guard let told = toldOfLeft, message == told else { return }
    guard !transfers.left.isEmpty else {
      message = nil
      return
    }
    turn.say(wordsOfLeft)
    toldOfLeft = turn.message
  }

  /// Those of other profiles and servers go on with their own keys alone. Said once.
  private mutating func tell(elsewhere count: Int, _ turn: inout Turn) {
    guard count > 0, transfers.left.isEmpty, !hasToldOfElsewhere else { return }
    hasToldOfElsewhere = true
    let what = count == 1 ? "1 transfer was" : "\(count) transfers were"
    turn.say(
      "\(what) interrupted with another profile or server: "
        + "\(keys.keyName(for: .switchSession)) switches there")
  }
}
