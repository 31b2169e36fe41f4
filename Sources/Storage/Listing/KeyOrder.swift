public import S3

/// Brings rows of a listing into the order of their keys as they come, where the server has another.
///
/// A store that keeps a tree of folders lists what is in `a/` where the name `a` stands, before `a-b`
/// and `a.txt`; by bytes those come first, since `-` and `.` are less than `/`. So what is in a folder
/// is held until nothing can come any more that belongs before it. Where that would be too much,
/// whoever takes the rows looks for what belongs before the folder, gives that first and says so with
/// ``looked(before:at:)``.
///
/// Each row comes out once, whatever order the server has. They come out in order where that of the
/// server is by bytes or by folders.
public struct KeyOrder<Row: Sendable>: Sendable {
  private let key: @Sendable (Row) -> ObjectKey
  /// Of the prefix that is listed.
  private let prefixLength: Int
  /// In key order.
  private(set) var held: [Row] = []
  /// The last one that came, in the order by folders.
  private var reached: ObjectKey?
  /// The greatest one that was taken, here or elsewhere; empty before the first.
  private(set) var given = ObjectKey.empty
  /// Folders before which nothing comes any more that is not given elsewhere.
  private var knownFolders: [ObjectKey] = []
  /// What somebody else gives: all that begins with one of these, and comes after its value. Some for
  /// each folder that was too much to hold.
  private var elsewhere: [ObjectKey: ObjectKey] = [:]
  private var isAtEnd = false

  /// - Parameter prefix: all keys begin with it.
  public init(under prefix: ObjectKey, key: @escaping @Sendable (Row) -> ObjectKey) {
    self.key = key
    prefixLength = prefix.bytes.count
  }

  public mutating func add(_ page: [Row]) {
    let key = key
    for row in page {
      let rowKey = key(row)
      if reached.map({ $0.precedesByFolder(rowKey) }) ?? true { reached = rowKey }
      if !isGivenElsewhere(rowKey) { held.append(row) }
    }
    held.sort { key($0) < key($1) }
    guard let reached else { return }
    knownFolders.removeAll { !reached.precedesByFolder($0.afterItsFolder) }
  }

  /// Nothing comes any more.
  public mutating func end() {
    isAtEnd = true
  }

  /// What nothing that may still come belongs before, perhaps nothing.
  public mutating func take() -> [Row] {
    let count = isAtEnd ? nil : held.firstIndex { openFolder(of: key($0)) != nil }
    let rows = Array(held.prefix(count ?? held.count))
    held.removeFirst(rows.count)
    if let last = rows.last { note(given: key(last)) }
    return rows
  }

  /// The folder that holds up more than `limit` rows.
  func folderInTheWay(limit: Int) -> ObjectKey? {
    guard !isAtEnd, held.count > limit, let first = held.first else { return nil }
    return openFolder(of: key(first))
  }

  /// What begins with one of `prefixes`, which is all that belongs before `folder`, is given elsewhere
  /// from now on, and up to now what of it is not after ``given``.
  mutating func looked(before folder: ObjectKey, at prefixes: [ObjectKey]) {
    knownFolders.append(folder)
    for prefix in prefixes where elsewhere[prefix] == nil { elsewhere[prefix] = given }
  }

  /// Somebody else has given up to `key`.
  mutating func note(given key: ObjectKey) {
    given = max(given, key)
  }

  /// The outermost folder of `key` before which something may come that is not known.
  private func openFolder(of key: ObjectKey) -> ObjectKey? {
    guard let reached, key.bytes.count >= prefixLength else { return nil }
    for index in prefixLength..<key.bytes.count {
      guard index < reached.bytes.count else { return nil }
      let (byte, other) = (key.bytes[index], reached.bytes[index])
      if byte == ObjectKey.slash, other <= byte {
        let folder = ObjectKey(bytes: key.bytes[...index])
        if !knownFolders.contains(folder) { return folder }
      }
      guard byte == other else { return nil }
    }
    return nil
  }

  private func isGivenElsewhere(_ key: ObjectKey) -> Bool {
    guard !elsewhere.isEmpty, key.bytes.count >= prefixLength else { return false }
    return key.bytes.indices.dropFirst(prefixLength).contains { index in
      key.bytes[index] < ObjectKey.slash
        && elsewhere[ObjectKey(bytes: key.bytes[...index])].map { $0 < key } ?? false
    }
  }
}

extension ObjectKey {
  static let slash = UInt8(ascii: "/")

  /// Of a folder: comes after all that is in it, and after what belongs before it only by bytes.
  fileprivate var afterItsFolder: ObjectKey {
    ObjectKey(bytes: bytes.dropLast() + [Self.slash + 1])
  }

  /// Whether it comes before `other` where what is in a folder stands at the folder's name.
  func precedesByFolder(_ other: ObjectKey) -> Bool {
    bytes.lexicographicallyPrecedes(other.bytes) { left, right in
      right != Self.slash && (left == Self.slash || left < right)
    }
  }
}
