import S3
import Storage
import TextUI

/// The buckets of the account, and those opened by name where listing is not allowed.
struct BucketPane: Sendable {
  private(set) var listed: [BucketSummary] = []
  /// Opened by name, and not in the list.
  private(set) var opened: [BucketName] = []
  private(set) var request: RequestID?
  /// Why there is no list; nil once there is one.
  private(set) var problem: StorageError?
  private(set) var isLoaded = false
  private(set) var filter = ""
  /// What the filter leaves, in the order of names.
  private(set) var shown: [BucketName] = []
  private(set) var viewport = ListViewport()

  /// All names that are known, in order.
  private(set) var names: [BucketName] = []
  /// The columns of the longest of them.
  private(set) var longestName = 0

  var selected: BucketName? {
    viewport.selected.flatMap { shown.indices.contains($0) ? shown[$0] : nil }
  }

  mutating func setHeight(_ height: Int) { viewport.setHeight(height) }

  mutating func load(_ turn: inout Turn) {
    turn.cancel(request)
    request = turn.request { .listBuckets($0) }
  }

  /// - Parameter isNeeded: whether one waits for the list. Who opened a bucket by its name does
  ///   not, and is not told that listing is denied.
  /// - Returns: `false` when the answer is to somebody else's request.
  mutating func received(
    _ answer: Answer, to id: RequestID, isNeeded: Bool, _ turn: inout Turn
  ) -> Bool {
    guard id == request else { return false }
    request = nil
    switch answer {
    case .buckets(let buckets):
      listed = buckets
      opened.removeAll { name in buckets.contains { $0.name == name } }
      problem = nil
      isLoaded = true
      show(keeping: selected)
    case .failed(let error):
      problem = error
      if isNeeded || error.kind != .accessDenied { turn.fail(error) }
    default:
      break
    }
    return true
  }

  /// - Returns: whether a listing was under way.
  mutating func stop(_ turn: inout Turn) -> Bool {
    guard let request else { return false }
    turn.cancel(request)
    self.request = nil
    return true
  }

  mutating func setFilter(_ text: String) {
    filter = text
    show(keeping: selected)
  }

  mutating func move(_ command: Command) -> Bool { viewport.perform(command) }

  /// Puts the selection on a bucket, and adds it when no list has it.
  mutating func select(_ name: BucketName) {
    if !names.contains(name) { opened.append(name) }
    if !matches(name) { filter = "" }
    show(keeping: name)
  }

  /// Takes a bucket out that was opened by name and does not exist.
  mutating func forget(_ name: BucketName) {
    opened.removeAll { $0 == name }
    show(keeping: selected)
  }

  mutating func remove(_ name: BucketName) {
    listed.removeAll { $0.name == name }
    opened.removeAll { $0 == name }
    show(keeping: selected)
  }

  private func matches(_ name: BucketName) -> Bool {
    filter.isEmpty || name.text.lowercased().contains(filter.lowercased())
  }

  private mutating func show(keeping selection: BucketName?) {
    names = (listed.map(\.name) + opened).sorted()
    longestName = names.reduce(0) { max($0, VisibleText($1.text).width) }
    shown = names.filter(matches)
    viewport.setCount(shown.count)
    if let selection, let index = shown.firstIndex(of: selection) { viewport.select(index) }
  }
}
