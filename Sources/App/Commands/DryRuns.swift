import S3
import Storage
import SystemPackage

/// What a dry run finds at a destination.
enum FoundThere {
  case none
  case replaced
  case skipped
  /// Nothing, and something that the same command brings there first.
  case skippedByThen
  /// These credentials may not see whether something is there. If so it is replaced.
  case maybeReplaced
  /// The same; if so it stays.
  case maybeSkipped
}

extension JSONLine {
  /// What is not known is left out.
  mutating func add(_ found: FoundThere) {
    if found != .maybeReplaced { add("replaces", found == .replaced) }
    if found != .maybeSkipped { add("skipped", found == .skipped || found == .skippedByThen) }
  }
}

extension CommandContext {
  /// Says, in a dry run, of a command that changes something, that it would be refused.
  func tellReadOnly(isDryRun: Bool) {
    guard isDryRun, settings.isReadOnly else { return }
    console.notice("pail: Pail runs read-only: without --dry-run this would be refused")
  }

  /// A line of a dry run for people.
  ///
  /// - Parameter verb: `upload`, `download`, `copy`, `move`.
  func would(_ verb: String, _ from: [UInt8], to: [UInt8], _ found: FoundThere) {
    let end =
      switch found {
      case .none: ""
      case .replaced: ", replacing what is there"
      case .skipped: ", which is there already"
      case .skippedByThen: ", which is there by then"
      case .maybeReplaced: "; whether that replaces something cannot be seen with these keys"
      case .maybeSkipped: ", unless something is there, which cannot be seen with these keys"
      }
    let isSkipped = found == .skipped || found == .skippedByThen
    let start = isSkipped ? "would skip " : "would \(verb) "
    console.result(
      Array(start.utf8) + console.name(from) + Array(" to ".utf8) + console.name(to)
        + Array(end.utf8))
  }
}

/// Tells what trees would do, under the names that ``CommandContext/reportTransfer(_:_:isFile:)`` has for
/// what they did.
struct TransferPreview {
  let session: Session
  let context: CommandContext

  init(_ session: Session, _ context: CommandContext) {
    self.session = session
    self.context = context
  }

  /// - Parameter mayMeet: whether files may get one name, so that only the first of them comes to be.
  /// - Returns: how many were found in each; nil for what could not be looked at, which is told.
  /// - Throws: what is about more than one of them.
  func run(_ trees: [TransferTree], mayMeet: Bool = false) async throws -> [Int?] {
    var counts: [Int?] = []
    var made: Set<FilePath>? = mayMeet ? [] : nil
    for tree in trees {
      do {
        var plan = session.service.plan(of: tree)
        var count = 0
        while let planned = try await plan.next() {
          count += planned.count
          for transfer in planned {
            tell(transfer, tree.direction, tree.ifExists, isThereByThen: !isNew(transfer, &made))
          }
          try context.stopWhenClosed()
        }
        counts.append(count)
      } catch  where error.isOfOnePlace {
        context.fail(nil, error)
        counts.append(nil)
      }
    }
    return counts
  }

  private func isNew(_ transfer: PlannedTransfer, _ made: inout Set<FilePath>?) -> Bool {
    guard case .creates = transfer.end, let path = transfer.localPath else { return true }
    // Folders may be made by each.
    let isFolder = transfer.size == .zero && transfer.location?.key.endsWithSlash == true
    return isFolder || made?.insert(path).inserted ?? true
  }

  /// - Parameter isFile: as ``CommandContext/reportTransfer(_:_:isFile:)`` has it.
  func tell(
    _ transfer: PlannedTransfer, _ direction: TransferDirection,
    _ ifExists: TransferRequest.ExistingDestination, isThereByThen: Bool = false,
    isFile: Bool = true
  ) {
    let place = transfer.location.map { S3URI(bucket: $0.bucket, key: $0.key).bytes } ?? []
    let file = transfer.localPath?.bytes ?? []
    let (from, to) = direction == .upload ? (file, place) : (place, file)
    let found: FoundThere
    switch transfer.end {
    case .creates: found = isThereByThen ? .skippedByThen : .none
    case .replaces: found = .replaced
    case .skips: found = .skipped
    case .unseen: found = ifExists == .skip ? .maybeSkipped : .maybeReplaced
    case .fails(let error): return context.fail(from.isEmpty ? to : from, error)
    }
    let verb = direction == .upload ? "upload" : "download"
    guard context.isJSON else { return context.would(verb, from, to: to, found) }
    var line = JSONLine()
    line.add("action", verb)
    line.add("bucket", transfer.location?.bucket.text)
    line.add("key", bytes: transfer.location?.key.bytes ?? [])
    if isFile { line.add("localPath", bytes: file) }
    line.add("size", transfer.size?.bytes)
    line.add(found)
    context.console.result(line.bytes)
  }
}
