import S3
import Storage
import TextUI

/// Names that are taken, asked about one after the other; where there are too many, the rest of them
/// are asked about together.
struct Conflicts: Sendable {
  /// One name that is taken, with both sides.
  struct Item: Sendable {
    var name: VisibleText
    var newSize: ByteCount
    var newDate: Timestamp?
    var oldSize: ByteCount
    var oldDate: Timestamp?
  }

  private let items: [Item]
  private let hasMore: Bool
  /// One for each item, in order, as far as they are decided.
  private(set) var decisions: [TransferRequest.ExistingDestination] = []
  /// For those beyond the items.
  private(set) var rest = TransferRequest.ExistingDestination.fail

  /// - Parameter hasMore: whether there are names beyond these that nobody has looked at.
  init(_ items: [Item], hasMore: Bool = false) {
    self.items = items
    self.hasMore = hasMore
  }

  /// Those of a tree, of which one more than the limit was looked for.
  init(_ items: [Item], _ taken: [TakenName], _ name: (TakenName) -> VisibleText) {
    let asked = taken.prefix(UploadPlan.askedSingly).map { taken in
      Item(
        name: name(taken), newSize: taken.size, newDate: taken.modified,
        oldSize: taken.existingSize, oldDate: taken.existingModified)
    }
    self.init(items + asked, hasMore: taken.count > asked.count)
  }

  var isDecided: Bool { decisions.count >= items.count && (!hasMore || rest != .fail) }

  /// What was decided about the names of a tree, which come after `count` others.
  func decisions(
    after count: Int, on taken: [TakenName]
  ) -> [ObjectKey: TransferRequest.ExistingDestination] {
    Dictionary(zip(taken.map(\.key), decisions.dropFirst(count))) { first, _ in first }
  }

  mutating func perform(_ command: Command) {
    switch command {
    case .overwrite: decide(.overwrite, all: false)
    case .overwriteAll: decide(.overwrite, all: true)
    case .skip: decide(.skip, all: false)
    case .skipAll: decide(.skip, all: true)
    case .rename: decide(.rename, all: false)
    case .renameAll: decide(.rename, all: true)
    default: break
    }
  }

  private mutating func decide(_ decision: TransferRequest.ExistingDestination, all: Bool) {
    let left = items.count - decisions.count
    guard all || left > 0 else { return }
    decisions += Array(repeating: decision, count: all ? left : 1)
    if all { rest = decision }
  }

  func draw(_ title: VisibleText, on frame: inout Frame, _ clock: ClockStyle) {
    guard items.indices.contains(decisions.count) else {
      Panel(
        title: title,
        body: [Line("More names exist already than can be asked about one by one."), .blank],
        foot: [Line("For all of them:  W overwrite   S skip   R rename")], columns: 70
      ).draw(on: &frame)
      return
    }
    let item = items[decisions.count]
    Panel(
      title: title,
      body: [
        Line(item.name, .emphasis), Line("exists already."), .blank,
        Line("there  \(Self.facts(item.oldSize, item.oldDate, clock))"),
        Line("new    \(Self.facts(item.newSize, item.newDate, clock))"), .blank,
      ],
      foot: [
        Line("\(decisions.count + 1) of \(items.count)\(hasMore ? "+" : "")", .secondary),
        Line("o overwrite   s skip   r rename"), Line("W, S, R the same for all that follow"),
      ], columns: 70
    ).draw(on: &frame)
  }

  private static func facts(_ size: ByteCount, _ date: Timestamp?, _ clock: ClockStyle) -> String {
    let shown = ByteFormat.bytes(size.bytes)
    return date.map { shown + ", " + clock.seconds($0) } ?? shown
  }
}
