import S3
import Storage
import TextUI

/// The objects and common prefixes under one prefix: what is loaded, in which order it is shown,
/// what is selected and marked.
///
/// - `ObjectPane+Loading.swift`   pages asked for as one moves
/// - `ObjectPane+Ordering.swift`  sorting and filtering, done elsewhere
/// - `ObjectPane+Marks.swift`     marks and the range
struct ObjectPane: Sendable {
  let place: Place
  var rows = ListingRows()
  var loading = Loading.waiting(nil)
  /// Why the last page did not come; nil once one does.
  var problem: StorageError?
  /// Tokens sent so far: a server that answers with one of them would be asked for ever.
  var usedTokens: Set<ContinuationToken> = []

  var ordering: RowOrdering
  /// Row numbers as shown; nil when the rows are shown as they were listed.
  var order: [UInt32]?
  /// How many rows ``order`` takes into account.
  var orderCovers = 0
  var orderRequest: OrderRequest?

  var marks = RowSet()
  var markedBytes: Int64 = 0
  /// Where a range of marks began, as a position on the screen's list.
  var rangeStart: Int?

  var viewport: ListViewport
  /// Whether a key has moved the selection: until then it goes to the first row by itself.
  var hasMoved = false
  /// What is still to be selected and marked once its page comes.
  var restoring: Restoring?
  /// A name that may be an object's, until that is known.
  var sought: ObjectKey?
  /// Objects here were changed since the listing; it is read anew when it is shown again.
  var isStale = false
  /// Whether it was to be read anew, and could not be.
  var couldNotRefresh = false

  enum Loading: Sendable, Hashable {
    /// The page after this token is there to be asked for; the first page for nil.
    case waiting(ContinuationToken?)
    case asked(RequestID, after: ContinuationToken?)
    /// Esc was pressed: nothing more is asked for until one moves on.
    case stopped(ContinuationToken?)
    case complete
  }

  /// What a pane that replaces another one takes over from it, by key.
  struct Restoring: Sendable {
    var selection: ObjectKey?
    var marks: Set<ObjectKey>
    /// Stops looking after so many rows.
    var rowLimit: Int
  }

  init(
    _ place: Place, height: Int, ordering: RowOrdering = RowOrdering(),
    restoring: Restoring? = nil
  ) {
    self.place = place
    self.ordering = ordering
    self.restoring = restoring
    viewport = ListViewport(height: height)
    viewport.setCount(shownCount)
  }

  /// Whether the list begins with the row `..`.
  var hasParentRow: Bool { !place.isRoot }

  private var parentRows: Int { hasParentRow ? 1 : 0 }

  /// Rows that satisfy the filter.
  var matchingCount: Int { order?.count ?? rows.count }

  /// Rows of the list on the screen, `..` included.
  var shownCount: Int { matchingCount + parentRows }

  /// The row of the listing at a position of the list; nil for `..` and beyond the end.
  func row(at position: Int) -> Int? {
    let index = position - parentRows
    guard index >= 0, index < matchingCount else { return nil }
    if let order { return Int(order[index]) }
    return index
  }

  /// The position of a row of the listing, nil when the filter hides it.
  func position(of row: Int) -> Int? {
    guard let order else { return row < rows.count ? row + parentRows : nil }
    return order.firstIndex { Int($0) == row }.map { $0 + parentRows }
  }

  var selectedRow: Int? { row(at: viewport.selection) }

  var isParentSelected: Bool { hasParentRow && viewport.selection == 0 }

  /// Moves the selection, and asks for more rows when it comes near the end of those loaded.
  mutating func move(_ command: Command, _ turn: inout Turn) -> Bool {
    let before = viewport
    guard viewport.perform(command) else { return false }
    hasMoved = true
    restoring?.selection = nil
    // A filter that matches nothing leaves `..` alone, and down still means "go on".
    if viewport != before || command == .moveDown || command == .moveLast {
      resumeLoading(&turn)
    }
    if command == .moveLast, hasMore { turn.say("More is coming: this is the last row loaded") }
    return true
  }

  mutating func setHeight(_ height: Int, _ turn: inout Turn) {
    viewport.setHeight(height)
    loadMore(&turn)
  }

  /// Takes the answer to one of its requests; `false` when it asked for no such thing.
  mutating func received(_ answer: Answer, to request: RequestID, _ turn: inout Turn) -> Bool {
    if case .asked(request, let token) = loading {
      pageAnswered(answer, after: token, &turn)
    } else if orderRequest?.id == request {
      orderAnswered(answer, &turn)
    } else {
      return false
    }
    return true
  }

  /// Cancels what is under way, so that the pane can be kept for when one comes back.
  mutating func leave(_ turn: inout Turn) {
    if case .asked(let request, let token) = loading {
      turn.cancel(request)
      loading = .waiting(token)
    }
    turn.cancel(orderRequest?.id)
    orderRequest = nil
    endRange()
  }

  /// Takes up where ``leave(_:)`` broke off.
  mutating func comeBack(_ turn: inout Turn) {
    reorder(&turn)
    loadMore(&turn)
  }

  /// Peels one layer: a range, a running listing, the filter, the marks. `false` when none is left.
  mutating func peel(_ turn: inout Turn) -> Bool {
    if rangeStart != nil {
      endRange()
    } else if stopLoading(&turn) {
      turn.say("Stopped listing; move on or press r to list again")
    } else if !ordering.filter.isEmpty {
      setFilter("", &turn)
    } else if !marks.isEmpty {
      clearMarks()
    } else {
      return false
    }
    return true
  }
}
