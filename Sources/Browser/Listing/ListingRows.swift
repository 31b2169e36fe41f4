public import S3

/// The rows of one listing: an append-only list of pages that never change.
///
/// A copy shares the pages, so a snapshot for sorting costs nothing. A row keeps its number for as
/// long as the listing lives.
public struct ListingRows: Sendable {
  private var chunks: [PageChunk] = []
  /// The number of the first row of each chunk.
  private var starts: [Int] = []
  public private(set) var count = 0
  /// Common prefixes among them.
  public private(set) var prefixCount = 0
  /// Bytes of all objects listed so far.
  public private(set) var totalBytes: Int64 = 0
  /// Whether every key follows the one before, by bytes.
  private(set) var isOrdered = true

  public init() {}

  public mutating func append(_ page: ObjectPage, prefix: ObjectKey) {
    let chunk = PageChunk(page, prefix: prefix)
    guard chunk.count > 0 else { return }
    if !chunk.isOrdered { isOrdered = false }
    if let last = chunks.last?.lastKey, let first = chunk.firstKey, !(last < first) {
      isOrdered = false
    }
    starts.append(count)
    chunks.append(chunk)
    count += chunk.count
    prefixCount += chunk.prefixCount
    totalBytes = totalBytes.addingReportingOverflow(chunk.totalBytes).partialValue
  }

  /// The page that holds a row, and the row's place in it. `row` must be below ``count``.
  private func place(_ row: Int) -> (chunk: PageChunk, index: Int) {
    var low = 0
    var high = chunks.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if starts[middle] <= row { low = middle } else { high = middle }
    }
    return (chunks[low], row - starts[low])
  }

  public func key(_ row: Int) -> ObjectKey {
    let (chunk, index) = place(row)
    return chunk.key(at: index)
  }

  /// The key without the prefix that is listed; empty for that prefix's own marker object.
  public func name(_ row: Int) -> ArraySlice<UInt8> {
    let (chunk, index) = place(row)
    return chunk.name(at: index)
  }

  public func isPrefix(_ row: Int) -> Bool {
    let (chunk, index) = place(row)
    return chunk.isPrefix(at: index)
  }

  /// nil for a common prefix.
  public func size(_ row: Int) -> ByteCount? {
    let (chunk, index) = place(row)
    return chunk.isPrefix(at: index) ? nil : ByteCount(chunk.rawSize(at: index))
  }

  public func lastModified(_ row: Int) -> Timestamp? {
    let (chunk, index) = place(row)
    let seconds = chunk.rawTime(at: index)
    return seconds == PageChunk.unknownTime ? nil : Timestamp(seconds: seconds)
  }

  public func storageClass(_ row: Int) -> StorageClass? {
    let (chunk, index) = place(row)
    return chunk.storageClass(at: index)
  }

  /// nil for a common prefix.
  public func object(_ row: Int) -> ObjectSummary? {
    let (chunk, index) = place(row)
    guard !chunk.isPrefix(at: index) else { return nil }
    let seconds = chunk.rawTime(at: index)
    return ObjectSummary(
      key: chunk.key(at: index), size: ByteCount(chunk.rawSize(at: index)),
      lastModified: seconds == PageChunk.unknownTime ? nil : Timestamp(seconds: seconds),
      storageClass: chunk.storageClass(at: index))
  }

  /// The row of a key, from row `start` on; nil when it is not loaded.
  public func row(of key: ObjectKey, from start: Int = 0) -> Int? {
    for (first, chunk) in zip(starts, chunks) where first + chunk.count > start {
      if let index = chunk.index(of: key), first + index >= start { return first + index }
    }
    return nil
  }

  /// Calls `body` with every page and the number of its first row.
  func forEachChunk(_ body: (PageChunk, Int) -> Void) {
    for (chunk, start) in zip(chunks, starts) { body(chunk, start) }
  }
}
