internal import CSQLite
internal import Foundation
internal import GRDB
internal import Glibc
internal import S3

/// Rows of one table, each in the canonical form that is hashed; see ``ChainTip``.
///
/// A row is written out once, by whoever wants it recorded. Its number and the hash of the row before
/// it gets when its turn comes: it is then hashed where it stands, and SQLite takes its values from
/// there, so that what rows wait for one after the other is little.
struct CanonicalRows: Sendable {
  private let table: RecordTable
  /// What each row begins with.
  private let head: [UInt8]
  private var bytes: [UInt8] = []
  /// Where each begins, in `bytes`.
  private var starts: [Int] = []
  /// Of the column that is next.
  private var place: UInt8 = 0

  init(of table: RecordTable) {
    self.table = table
    head = Array("pail history\n\(table.rawValue)\n".utf8)
    bytes.reserveCapacity(768)
  }

  var count: Int { starts.count }

  mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    starts.removeAll(keepingCapacity: true)
  }

  // MARK: Writing

  /// Begins a row; its columns follow, in the order of ``RecordTable/columns``.
  fileprivate mutating func begin() {
    starts.append(bytes.count)
    bytes += head
    place = 0
  }

  /// Begins a row that has no place in the chain yet; its columns after the first two follow.
  mutating func beginUnplaced() {
    begin()
    number(0)
    blob(ChainHash.zero.bytes)
  }

  /// Adds columns as ``columns(_:)`` gave them.
  mutating func add(_ columns: EncodedColumns) {
    bytes += columns.bytes
    place += columns.count
  }

  /// What `write` adds to the row, for others that have the same.
  mutating func columns(_ write: (inout CanonicalRows) -> Void) -> EncodedColumns {
    let (start, first) = (bytes.count, place)
    write(&self)
    return EncodedColumns(bytes: Array(bytes[start...]), count: place - first)
  }

  /// Adds a copy of a row and gives it the place after `tip`.
  ///
  /// - Returns: that place.
  mutating func place(
    _ index: Int, of rows: CanonicalRows, after tip: ChainTip, hashing hash: inout SHA256
  ) -> ChainTip {
    let start = bytes.count
    starts.append(start)
    rows.bytes.withUnsafeBytes {
      bytes += UnsafeRawBufferPointer(rebasing: $0[rows.starts[index]..<rows.end(of: index)])
    }
    let number = tip.number + 1
    // As two columns, each behind its place, type and length.
    let numberStart = start + head.count + 6
    bytes.withUnsafeMutableBytes {
      $0.storeBytes(of: number.bigEndian, toByteOffset: numberStart, as: Int64.self)
      UnsafeMutableRawBufferPointer(rebasing: $0[(numberStart + 8 + 6)...])
        .copyBytes(from: tip.hash.bytes)
    }
    return ChainTip(
      number: number,
      hash: ChainHash(
        sha256: bytes.withUnsafeBytes {
          hash.digest(of: UnsafeRawBufferPointer(rebasing: $0[start...]))
        }))
  }

  private func end(of index: Int) -> Int {
    index + 1 < starts.count ? starts[index + 1] : bytes.count
  }

  mutating func number(_ value: Int64?) {
    guard let value else { return skip() }
    withUnsafeBytes(of: value.bigEndian) { add("i", $0) }
  }

  /// SQLite's texts end at the first NUL, which a server may well send: it becomes U+2400.
  mutating func text(_ value: String?) {
    guard var value else { return skip() }
    let isAdded = value.withUTF8 { utf8 in
      if let start = utf8.baseAddress, memchr(start, 0, utf8.count) != nil { return false }
      add("t", UnsafeRawBufferPointer(utf8))
      return true
    }
    if !isAdded {
      text(
        String(
          String.UnicodeScalarView(value.unicodeScalars.map { $0 == "\0" ? "\u{2400}" : $0 })))
    }
  }

  /// No bytes are NULL.
  mutating func blob(_ value: [UInt8]?) {
    guard let value, !value.isEmpty else { return skip() }
    value.withUnsafeBytes { add("b", $0) }
  }

  /// What was read from the database.
  fileprivate mutating func append(_ value: DatabaseValue) {
    switch value.storage {
    case .null: skip()
    case .int64(let value): number(value)
    case .string(var value): value.withUTF8 { add("t", UnsafeRawBufferPointer($0)) }
    case .blob(let value): value.withUnsafeBytes { add("b", $0) }
    // No column holds one: it is somebody's edit, and hashes like nothing that was recorded.
    case .double(let value): withUnsafeBytes(of: value.bitPattern.bigEndian) { add("d", $0) }
    }
  }

  private mutating func skip() { place += 1 }

  private mutating func add(_ type: Unicode.Scalar, _ value: UnsafeRawBufferPointer) {
    bytes.append(place)
    bytes.append(UInt8(ascii: type))
    withUnsafeBytes(of: UInt32(truncatingIfNeeded: value.count).bigEndian) { bytes += $0 }
    bytes += value
    place += 1
  }

  // MARK: Reading

  /// Of the last row.
  fileprivate var lastHash: ChainHash {
    let start = starts.last ?? 0
    return ChainHash(
      sha256: bytes.withUnsafeBytes {
        Digest.sha256(UnsafeRawBufferPointer(rebasing: $0[start...]))
      })
  }

  /// Executes a statement that has a parameter for each column of each row.
  func execute(_ statement: Statement) throws {
    // GRDB makes three lists of a list of arguments, and copies each text: it is told of none.
    statement.setUncheckedArguments(StatementArguments())
    try bytes.withUnsafeBytes { bytes in
      // What is bound must not outlive the bytes.
      defer { sqlite3_clear_bindings(statement.sqliteStatement) }
      try bind(bytes, to: statement.sqliteStatement)
      try statement.execute()
    }
  }

  private func bind(_ bytes: UnsafeRawBufferPointer, to statement: OpaquePointer) throws {
    let columnCount = table.columns.count
    var position = 0
    for row in starts.indices {
      position += head.count
      let end = end(of: row)
      while position < end {
        let index = Int32(row * columnCount + Int(bytes[position]) + 1)
        let type = bytes[position + 1]
        let count = Int(
          UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: position + 2, as: UInt32.self)))
        let value = UnsafeRawBufferPointer(rebasing: bytes[(position + 6)...].prefix(count))
        position += 6 + count
        // Without a word on how to free a value, SQLite leaves it where it is.
        let code =
          switch type {
          case UInt8(ascii: "i"):
            sqlite3_bind_int64(
              statement, index, Int64(bigEndian: value.loadUnaligned(as: Int64.self)))
          case UInt8(ascii: "t"):
            sqlite3_bind_text(
              statement, index, value.baseAddress?.assumingMemoryBound(to: CChar.self),
              Int32(count), nil)
          default:
            sqlite3_bind_blob(statement, index, value.baseAddress, Int32(count), nil)
          }
        guard code == SQLITE_OK else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
      }
    }
  }
}

extension ChainHash {
  init(of values: some Sequence<DatabaseValue>, in table: RecordTable) {
    var row = CanonicalRows(of: table)
    row.begin()
    for value in values { row.append(value) }
    self = row.lastHash
  }
}

/// Columns that several rows have in common, in the canonical form.
struct EncodedColumns {
  let bytes: [UInt8]
  let count: UInt8
}
