import S3

/// One page of a listing, packed: all names in one block of bytes, no object per row.
///
/// Never changes once made, so that a snapshot of a listing copies no key. Rows stand in the order
/// of their keys, as S3 lists them: objects and common prefixes interleaved.
final class PageChunk: Sendable {
  /// What every key of this page begins with, and ``name(at:)`` leaves out.
  let base: ObjectKey
  let count: Int
  let prefixCount: Int
  /// Bytes of all objects of this page.
  let totalBytes: Int64
  /// Whether each key follows the one before, by bytes. Some stores do not keep to it.
  let isOrdered: Bool

  private let names: [UInt8]
  private let nameEnds: [UInt32]
  /// ``PageChunk/prefixSize`` for a common prefix.
  private let sizes: [Int64]
  /// Seconds since 1970, or ``PageChunk/unknownTime``.
  private let times: [Int64]
  private let classes: [UInt8]
  private let classNames: [StorageClass?]

  static let prefixSize: Int64 = -1
  static let unknownTime = Int64.min

  init(_ page: ObjectPage, prefix: ObjectKey) {
    let follows = { (key: ObjectKey) in key.hasPrefix(prefix) }
    // A store that answers with keys from elsewhere gets them shown whole.
    let base =
      page.objects.allSatisfy { follows($0.key) } && page.commonPrefixes.allSatisfy(follows)
      ? prefix : .empty
    let rows = Self.merged(page, leavingOut: prefix)

    var names: [UInt8] = []
    var nameEnds: [UInt32] = []
    var sizes: [Int64] = []
    var times: [Int64] = []
    var classes: [UInt8] = []
    var classNames: [StorageClass?] = [nil]
    var total: Int64 = 0
    nameEnds.reserveCapacity(rows.count)
    sizes.reserveCapacity(rows.count)
    times.reserveCapacity(rows.count)
    classes.reserveCapacity(rows.count)
    for row in rows {
      names.append(contentsOf: row.key.bytes.dropFirst(base.bytes.count))
      nameEnds.append(UInt32(names.count))
      sizes.append(row.size)
      times.append(row.time)
      if row.size > 0 { total = total.addingReportingOverflow(row.size).partialValue }
      var index = classNames.firstIndex(of: row.storageClass) ?? -1
      if index < 0 {
        // More than 255 classes in one page: the rest is shown without.
        index = classNames.count < 256 ? classNames.count : 0
        if index > 0 { classNames.append(row.storageClass) }
      }
      classes.append(UInt8(index))
    }
    self.base = base
    self.count = rows.count
    self.prefixCount = sizes.count { $0 == Self.prefixSize }
    self.totalBytes = total
    self.isOrdered = zip(rows, rows.dropFirst()).allSatisfy { $0.key < $1.key }
    self.names = names
    self.nameEnds = nameEnds
    self.sizes = sizes
    self.times = times
    self.classes = classes
    self.classNames = classNames
  }

  private struct Row {
    var key: ObjectKey
    var size: Int64
    var time: Int64
    var storageClass: StorageClass?
  }

  /// Objects and common prefixes as one list. Both come in order from S3; what does not is kept
  /// in the order in which it came.
  private static func merged(_ page: ObjectPage, leavingOut prefix: ObjectKey) -> [Row] {
    var rows: [Row] = []
    rows.reserveCapacity(page.objects.count + page.commonPrefixes.count)
    // The prefix itself as a common prefix would be a door that leads back into this room.
    var prefixes = page.commonPrefixes.filter { $0 != prefix }[...]
    for object in page.objects {
      while let next = prefixes.first, next < object.key {
        rows.append(Row(key: next, size: prefixSize, time: unknownTime))
        prefixes.removeFirst()
      }
      rows.append(
        Row(
          key: object.key, size: max(object.size.bytes, 0),
          time: object.lastModified?.seconds ?? unknownTime, storageClass: object.storageClass))
    }
    for next in prefixes { rows.append(Row(key: next, size: prefixSize, time: unknownTime)) }
    return rows
  }

  private func nameRange(_ index: Int) -> Range<Int> {
    (index == 0 ? 0 : Int(nameEnds[index - 1]))..<Int(nameEnds[index])
  }

  /// The key without ``base``: empty for the marker object of the prefix that is listed.
  func name(at index: Int) -> ArraySlice<UInt8> { names[nameRange(index)] }

  func key(at index: Int) -> ObjectKey { ObjectKey(bytes: base.bytes + name(at: index)) }

  func isPrefix(at index: Int) -> Bool { sizes[index] == Self.prefixSize }

  /// ``prefixSize`` for a common prefix, else 0 or more.
  func rawSize(at index: Int) -> Int64 { sizes[index] }

  /// ``unknownTime``, or seconds since 1970.
  func rawTime(at index: Int) -> Int64 { times[index] }

  func storageClass(at index: Int) -> StorageClass? { classNames[Int(classes[index])] }

  var firstKey: ObjectKey? { count > 0 ? key(at: 0) : nil }
  var lastKey: ObjectKey? { count > 0 ? key(at: count - 1) : nil }

  /// Where a key stands, found by halving where the keys are in order.
  func index(of key: ObjectKey) -> Int? {
    guard key.hasPrefix(base) else { return nil }
    let wanted = key.bytes.dropFirst(base.bytes.count)
    guard isOrdered else { return (0..<count).first { name(at: $0) == wanted } }
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if name(at: middle).lexicographicallyPrecedes(wanted) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low < count && name(at: low) == wanted ? low : nil
  }

  /// Calls `body` with each index whose name satisfies `filter`, in order.
  func forEachMatch(_ filter: NameFilter, _ body: (Int) -> Void) {
    names.withUnsafeBufferPointer { filter.forEachMatch(in: $0, ends: nameEnds, body) }
  }
}
