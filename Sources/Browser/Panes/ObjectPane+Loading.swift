import S3
import Storage
import TextUI

extension ObjectPane {
  /// Rows to look through for what was selected before, at most.
  static let restoringLimit = 20_000

  /// Whether the listing goes on beyond the rows that are loaded.
  var hasMore: Bool { loading != .complete }

  var isLoading: Bool { pageRequest != nil }

  var pageRequest: RequestID? {
    if case .asked(let request, _) = loading { request } else { nil }
  }

  /// Whether the first page has come.
  var isListed: Bool {
    switch loading {
    case .waiting(nil), .asked(_, after: nil), .stopped(nil): false
    case .waiting, .asked, .stopped, .complete: true
    }
  }

  /// Asks for the next page when the selection comes near the end of the rows loaded, or when the
  /// order on the screen needs all of them.
  mutating func loadMore(_ turn: inout Turn) {
    guard case .waiting(let token) = loading else { return }
    let isFirst = token == nil
    let isNearEnd = shownCount - viewport.selection < 2 * max(viewport.height, 1)
    // A page that failed waits for a key; without that it would be asked for again and again.
    guard problem == nil, isFirst || isNearEnd || needsMore else { return }
    ask(after: token, &turn)
  }

  /// As ``loadMore(_:)``, after a key that moved: goes on also after Esc or a failure.
  mutating func resumeLoading(_ turn: inout Turn) {
    if case .stopped(let token) = loading {
      let isNearEnd = shownCount - viewport.selection < 2 * max(viewport.height, 1)
      guard isNearEnd || ordering.needsWholeListing else { return }
      loading = .waiting(token)
    }
    problem = nil
    loadMore(&turn)
  }

  private var needsMore: Bool {
    if let restoring, rows.count < restoring.rowLimit { return true }
    return ordering.needsWholeListing
  }

  private mutating func ask(after token: ContinuationToken?, _ turn: inout Turn) {
    if let token { usedTokens.insert(token) }
    let place = place
    let request = turn.request { .listObjects(place, after: token, $0) }
    loading = .asked(request, after: token)
  }

  mutating func pageAnswered(
    _ answer: Answer, after token: ContinuationToken?, _ turn: inout Turn
  ) {
    switch answer {
    case .page(let page):
      problem = nil
      let known = rows.count
      rows.append(page, prefix: place.prefix)
      if let next = page.next {
        if usedTokens.contains(next) {
          loading = .complete
          problem = .repeatedToken
          turn.fail(.repeatedToken)
        } else {
          loading = .waiting(next)
        }
      } else {
        loading = .complete
      }
      rowsGrew(from: known, &turn)
      loadMore(&turn)
    case .failed(let error):
      loading = .waiting(token)
      problem = error
      turn.fail(error)
    default:
      break
    }
  }

  private mutating func rowsGrew(from start: Int, _ turn: inout Turn) {
    reorder(&turn)
    viewport.setCount(shownCount)
    selectFirstRow()
    restore(from: start)
  }

  /// `..` is row 0 and means "up": what one came for is below it.
  private mutating func selectFirstRow() {
    guard !hasMoved, hasParentRow, viewport.selection == 0, matchingCount > 0 else { return }
    viewport.select(1)
  }

  /// Selects and marks again what was selected and marked before, as its rows come.
  ///
  /// - Parameter start: the first row that is new.
  mutating func restore(from start: Int) {
    guard var restoring else { return }
    if let key = restoring.selection, let row = rows.row(of: key),
      let position = position(of: row)
    {
      viewport.select(position)
      restoring.selection = nil
      hasMoved = true
    }
    for key in restoring.marks {
      if let row = rows.row(of: key, from: start) {
        setMark(row, true)
        restoring.marks.remove(key)
      }
    }
    let isDone =
      restoring.selection == nil && restoring.marks.isEmpty || loading == .complete
      || rows.count >= restoring.rowLimit
    self.restoring = isDone ? nil : restoring
  }

  /// - Returns: whether there was a listing to stop.
  mutating func stopLoading(_ turn: inout Turn) -> Bool {
    switch loading {
    case .asked(let request, let token):
      turn.cancel(request)
      loading = .stopped(token)
      restoring = nil
      return true
    case .waiting, .stopped, .complete:
      return false
    }
  }
}

extension StorageError {
  /// The server leads in a circle.
  static let repeatedToken = StorageError(
    kind: .malformedAnswer,
    message: "The server repeats itself: the listing may not be complete",
    recovery: "r lists again",
    detail: """
      The server answered with a continuation token that it had given before. Going on would list \
      the same objects for ever, so the listing ends here and may not be complete.
      """)
}
