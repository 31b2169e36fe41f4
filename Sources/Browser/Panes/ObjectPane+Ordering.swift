import TextUI

extension ObjectPane {
  /// An ordering under way.
  struct OrderRequest: Sendable {
    var id: RequestID
    var ordering: RowOrdering
    /// The rows from here on are looked at; those before are in ``ObjectPane/order`` already.
    var from: Int
  }

  /// Sorts by `key`; by the same key again, the other way round.
  mutating func sort(by key: SortKey, _ turn: inout Turn) {
    ordering.isDescending = ordering.key == key ? !ordering.isDescending : false
    ordering.key = key
    orderChanged(&turn)
    // The order is only right for the whole listing, so a listing that was stopped goes on.
    resumeLoading(&turn)
  }

  mutating func setFilter(_ text: String, _ turn: inout Turn) {
    guard ordering.filter != text else { return }
    ordering.filter = text
    orderChanged(&turn)
    loadMore(&turn)
  }

  private mutating func orderChanged(_ turn: inout Turn) {
    endRange()
    turn.cancel(orderRequest?.id)
    orderRequest = nil
    orderCovers = 0
    reorder(&turn)
  }

  /// Asks for the order of the rows when it is not known, or not for all of them.
  mutating func reorder(_ turn: inout Turn) {
    guard !ordering.isOrder(of: rows) else {
      if order != nil { show(nil, covering: rows.count) }
      orderCovers = rows.count
      return
    }
    guard orderRequest == nil, orderCovers < rows.count || order == nil else { return }
    // Rows listed in order are only ever filtered, and new ones go behind those known.
    let from = ordering.isOnlyFilter(of: rows) && order != nil ? orderCovers : 0
    // Sorting all rows for every page would take longer than loading them.
    let isSoon = isLoading || (ordering.needsWholeListing && hasMore && problem == nil)
    if from == 0, orderCovers > 0, isSoon, rows.count < orderCovers + orderCovers / 4 { return }
    let (rows, ordering) = (rows, ordering)
    let id = turn.request { .order(rows, by: ordering, from: from, $0) }
    orderRequest = OrderRequest(id: id, ordering: ordering, from: from)
  }

  mutating func orderAnswered(_ answer: Answer, _ turn: inout Turn) {
    guard case .order(let sorted, let covering) = answer, let request = orderRequest else { return }
    orderRequest = nil
    if request.from > 0, let order {
      show(order + sorted, covering: covering)
    } else {
      show(sorted, covering: covering)
    }
    restore(from: rows.count)
    reorder(&turn)
    loadMore(&turn)
  }

  /// Shows another order, and keeps the selection on its row.
  private mutating func show(_ newOrder: [UInt32]?, covering: Int) {
    endRange()
    let selected = selectedRow
    order = newOrder
    orderCovers = covering
    viewport.setCount(shownCount)
    if let selected, hasMoved || restoring != nil, let position = position(of: selected) {
      viewport.select(position)
    } else if !isParentSelected || !hasMoved {
      viewport.select(hasParentRow && matchingCount > 0 ? 1 : 0)
    }
  }
}
