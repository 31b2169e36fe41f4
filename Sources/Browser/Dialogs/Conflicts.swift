import S3
import Storage
import TextUI

/// Names that are taken, asked about one after the other.
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
  /// One for each item, in order, as far as they are decided.
  private(set) var decisions: [TransferRequest.ExistingDestination] = []

  init(_ items: [Item]) {
    self.items = items
  }

  var isDecided: Bool { decisions.count >= items.count }

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
    guard !isDecided else { return }
    let count = all ? items.count - decisions.count : 1
    decisions += Array(repeating: decision, count: count)
  }

  func draw(_ title: VisibleText, on frame: inout Frame, _ clock: ClockStyle) {
    guard items.indices.contains(decisions.count) else { return }
    let item = items[decisions.count]
    Panel(
      title: title,
      body: [
        Line(item.name, .emphasis), Line("exists already."), .blank,
        Line("there  \(Self.facts(item.oldSize, item.oldDate, clock))"),
        Line("new    \(Self.facts(item.newSize, item.newDate, clock))"), .blank,
      ],
      foot: [
        Line("\(decisions.count + 1) of \(items.count)", .secondary),
        Line("o overwrite   s skip   r rename"), Line("W, S, R the same for all that follow"),
      ], columns: 70
    ).draw(on: &frame)
  }

  private static func facts(_ size: ByteCount, _ date: Timestamp?, _ clock: ClockStyle) -> String {
    let shown = "\(ByteFormat.exact(size.bytes)) bytes"
    return date.map { shown + ", " + clock.seconds($0) } ?? shown
  }
}
