import HTTP
import History
import S3

/// Finds out which ranges of an earlier run are still in the file.
struct LeftRanges: Sendable {
  private static let readersAtOnce = 4

  let log: RangeLog
  let ranges: RangePlan
  /// That the whole is checked by, beside the journal's own.
  let wanted: DigestAlgorithm?
  let file: OpenFile

  /// Reads what the journal knows of, a few ranges at a time.
  ///
  /// - Returns: the CRCs of those whose bytes are what arrived, by their index in `ranges`.
  func find() async -> [Int: [CRC]] {
    let pieces = await log.pieces()
    let places = pieces.reduce(into: [Int64: JournalPiece]()) { $0[$1.place] = $1 }
    var waiting: [(Int, JournalPiece)] = []
    for (index, range) in zip(ranges.indices, ranges) {
      guard let piece = places[range.lowerBound], piece.size == Int64(range.count) else { continue }
      waiting.append((index, piece))
    }
    var found: [Int: [CRC]] = [:]
    var damaged: [JournalPiece] = []
    await withTaskGroup(of: (Int, JournalPiece, [CRC]?).self) { tasks in
      var next = waiting.makeIterator()
      func start() {
        guard let (index, piece) = next.next() else { return }
        tasks.addTask { (index, piece, await crcs(of: piece)) }
      }
      for _ in 0..<Self.readersAtOnce { start() }
      while let (index, piece, crcs) = await tasks.next() {
        if let crcs { found[index] = crcs } else { damaged.append(piece) }
        start()
      }
    }
    // Who is stopped has not read them: they are there for the next run.
    if !damaged.isEmpty, !Task.isCancelled { await log.forget(damaged) }
    return found
  }

  /// nil when the bytes are not those that arrived.
  private func crcs(of piece: JournalPiece) async -> [CRC]? {
    let slice = FileSlice(file: file, offset: piece.place, count: piece.size)
    guard let own = await crc(.crc64nvme, of: slice), own.value == piece.crc64nvme else {
      return nil
    }
    guard let wanted, wanted.isCRC, wanted != .crc64nvme else { return [own] }
    guard let other = await crc(wanted, of: slice) else { return nil }
    return [own, other]
  }

  private func crc(_ algorithm: DigestAlgorithm, of slice: FileSlice) async -> CRC? {
    guard let digest = FileDigest(algorithm), (try? await digest.add(slice)) != nil else {
      return nil
    }
    return CRC(algorithm, bytes: digest.finish())
  }
}
