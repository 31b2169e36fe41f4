import S3

/// Decides which ranges of a download are fetched, what is digested when, and whether the whole is
/// what was stored. ``CheckedFetch`` carries out the commands and reports back.
///
/// A CRC is combined from those of the ranges, which come with them. Any other digest is taken from
/// the file, in the order of the bytes, while other ranges arrive. Ranges do not cross the parts of
/// a composite digest. A difference under a scheme that is proven has what is damaged fetched again,
/// where the server tells the digests of parts, and otherwise everything: once, then the download
/// fails.
///
/// Whether an ETag is an MD5 may not be known yet. A difference then says nothing by itself, so
/// another object is looked at that may prove it. Where none does, an object that is not too large
/// is fetched once more: bytes that agree with the ETag now prove it, others than before prove
/// damage, and the same ones that it is another thing, or that they are damaged each time alike.
struct DownloadCheck: Sendable {
  /// How often what differs is fetched again while nobody knows what the ETag is.
  private static let mostLooks = 2
  /// A larger object is not fetched again to find out what its ETag is.
  static let largestForLearning = ByteCount.mebibytes(64)

  enum Event: Sendable {
    /// A range is in the file.
    ///
    /// - Parameter crcs: of its bytes, that of ``wantedCRC`` among them where there is one.
    case arrived(Int, crcs: [CRC])
    /// A stretch of a unit has been digested.
    ///
    /// - Parameter value: of the unit, with its last stretch.
    case digested(unit: Int, value: [UInt8]?)
    /// The answer to ``Command/tryPartSizes(_:)``: the digests of the parts that fit, or nil.
    ///
    /// - Parameter areKnown: whether the server told the sizes, so that a difference is one.
    case tried(fits: Bool, areKnown: Bool, found: StoredDigest?)
    /// Proof was looked for; ``etags`` says what came of it.
    case soughtProof
    /// The ranges that are as they were stored, with the CRCs of their bytes; nil where nobody can
    /// tell.
    case located([Int: [CRC]]?)
    /// This system forbids the algorithm.
    case forbidden
  }

  enum Command: Sendable, Hashable {
    /// Fetch a range of ``ranges`` into its place.
    case fetch(Int)
    /// Go on with the digest of a unit; the stretches of one unit come one after the other. With
    /// the first its digest starts anew.
    case digest(unit: Int, Range<Int64>, isFirst: Bool, isLast: Bool)
    /// Find part sizes with which the file gives this digest.
    case tryPartSizes(StoredDigest)
    /// Find out by another object whether the ETags of this endpoint are MD5s.
    case seekProof
    /// Find out which ranges are as they were stored.
    case locateDamage
    /// What has arrived counts no more, but for these ranges.
    case startAgain(keeping: Set<Int>)
    case finish(Verification)
    case fail(Mismatch)
  }

  /// What was stored, and what arrived instead, as in `crc64nvme:rosUhgp5mIg=`.
  struct Mismatch: Error, Sendable, Hashable {
    var stored: String
    var arrived: String
  }

  /// The whole object, or a part of which there is a digest.
  private struct Unit: Sendable {
    /// Ranges that have arrived without a gap from the first.
    var inRow = 0
    /// Of those in a row.
    var crc: CRC?
    /// Ranges that have been given to be digested, from the first.
    var digested = 0
    var isDigesting = false
    var value: [UInt8]?
  }

  private enum State {
    /// Ranges are fetched and digested. Next: `trying` or `finished`.
    case fetching
    /// Sizes of parts are tried on the file. Next: `finished`, or `fetching` again.
    case trying
    /// Proof is looked for, since this came instead. Next: `fetching` or `finished`.
    case proving(StoredDigest)
    /// What is damaged is looked for. Next: `fetching`.
    case locating
    case finished
  }

  let stored: StoredDigest
  let ranges: RangePlan
  /// Whether the digest is of the ranges' units; otherwise part sizes are tried at the end.
  private let hasUnits: Bool
  private var state = State.fetching
  private var units: [Unit]
  /// Ranges that arrived before one that comes before them.
  private var early: [Int: CRC?] = [:]
  private var next = 0
  private var arrivedCount = 0
  private var repetitions = 0
  private var atOnce = 1
  private var hasSoughtProof = false
  /// Whether this system has no such digest: all is fetched, and nothing of it digested.
  private var isForbidden = false
  /// What came before, while it is not known what the ETag is.
  private var unproven: StoredDigest?
  /// What the ETags of this endpoint were seen to be; may change at any time.
  var etags: ETagMeaning

  /// - Parameters:
  ///   - partSizes: of the parts that `stored` is about, as the server told them; nil when it did
  ///     not, or when `stored` is about the whole.
  ///   - rangeSize: 1 byte or more.
  init(
    _ stored: StoredDigest, objectSize: ByteCount, partSizes: [Int64]?, rangeSize: ByteCount,
    etags: ETagMeaning
  ) {
    self.stored = stored
    self.etags = etags
    if let count = stored.partCount {
      hasUnits =
        partSizes.map { $0.count == count && $0.reduce(0, +) == objectSize.bytes } ?? false
    } else {
      hasUnits = true
    }
    if let partSizes, stored.partCount != nil, hasUnits {
      ranges = RangePlan(partSizes: partSizes, rangeSize: rangeSize)
    } else {
      ranges = RangePlan(objectSize: objectSize, rangeSize: rangeSize)
    }
    units = Array(repeating: Unit(), count: ranges.unitCount)
  }

  /// The CRC that each range has to bring; nil when none is needed.
  var wantedCRC: DigestAlgorithm? {
    hasUnits ? stored.algorithm.flatMap { $0.isCRC ? $0 : nil } : nil
  }

  /// The algorithm of ``Command/digest(unit:_:isFirst:isLast:)``.
  private var readBack: DigestAlgorithm? {
    hasUnits ? stored.algorithm.flatMap { $0.isCRC ? nil : $0 } : nil
  }

  /// What a download begins with.
  ///
  /// - Parameters:
  ///   - atOnce: how many ranges are fetched at the same time, 1 or more.
  ///   - present: ranges that are in the file already, with their CRCs; one without ``wantedCRC`` is
  ///     fetched all the same.
  mutating func start(atOnce: Int, present: [Int: [CRC]] = [:]) -> [Command] {
    self.atOnce = max(atOnce, 1)
    var commands: [Command] = []
    for (index, crcs) in present.sorted(by: { $0.key < $1.key }) {
      commands += take(index, crcs)
    }
    for _ in 0..<self.atOnce { commands += fetchNext() }
    return commands + endIfWhole()
  }

  mutating func handle(_ event: Event) -> [Command] {
    switch (state, event) {
    case (.fetching, .arrived(let index, let crcs)):
      // The digest's command first: it runs while the next range is fetched.
      return take(index, crcs) + fetchNext() + endIfWhole()
    case (.fetching, .digested(let unit, let value)):
      units[unit].isDigesting = false
      units[unit].value = value
      return digestNext(unit) + endIfWhole()
    case (.trying, .tried(let fits, let areKnown, let found)):
      if fits { return finish(by: stored.scheme) }
      guard areKnown, let found else { return finish(.notVerified(.unknownParts)) }
      return differ(found)
    case (.proving(let found), .soughtProof):
      return differ(found)
    case (.locating, .located(let intact)):
      return startAgain(keeping: intact ?? [:])
    case (.fetching, .forbidden), (.trying, .forbidden):
      isForbidden = true
      state = .fetching
      return endIfWhole()
    default:
      // Too late.
      return []
    }
  }

  // MARK: - Ranges

  private mutating func fetchNext() -> [Command] {
    while next < ranges.count, hasArrived(next) { next += 1 }
    guard next < ranges.count else { return [] }
    next += 1
    return [.fetch(next - 1)]
  }

  private func hasArrived(_ index: Int) -> Bool {
    let unit = ranges.unit(of: index)
    return index < ranges.ranges(ofUnit: unit).lowerBound + units[unit].inRow
      || early[index] != nil
  }

  private mutating func take(_ index: Int, _ crcs: [CRC]) -> [Command] {
    guard !hasArrived(index) else { return [] }
    let crc = wantedCRC.flatMap { wanted in crcs.first { $0.algorithm == wanted } }
    // Without what the whole is combined from it is as good as not there.
    guard (crc == nil) == (wantedCRC == nil) else { return [] }
    arrivedCount += 1
    early[index] = .some(crc)
    let unit = ranges.unit(of: index)
    let all = ranges.ranges(ofUnit: unit)
    while let crc = early.removeValue(forKey: all.lowerBound + units[unit].inRow) {
      let range = ranges[all.lowerBound + units[unit].inRow]
      if let crc {
        units[unit].crc =
          units[unit].crc?.followed(by: crc, count: Int64(range.count)) ?? crc
      }
      units[unit].inRow += 1
      if units[unit].inRow == all.count { break }
    }
    if units[unit].inRow == all.count { units[unit].value = units[unit].crc?.bytes }
    return digestNext(unit)
  }

  private mutating func digestNext(_ unit: Int) -> [Command] {
    guard readBack != nil, !isForbidden, !units[unit].isDigesting,
      units[unit].digested < units[unit].inRow
    else { return [] }
    let all = ranges.ranges(ofUnit: unit)
    let first = units[unit].digested
    let end = units[unit].inRow
    units[unit].isDigesting = true
    units[unit].digested = end
    let bytes =
      ranges[all.lowerBound + first].lowerBound..<ranges[all.lowerBound + end - 1].upperBound
    return [.digest(unit: unit, bytes, isFirst: first == 0, isLast: end == all.count)]
  }

  // MARK: - The end

  private mutating func endIfWhole() -> [Command] {
    guard case .fetching = state, arrivedCount == ranges.count else { return [] }
    guard let scheme = stored.scheme, let algorithm = stored.algorithm else {
      if case .none(let doubt) = stored { return finish(.notVerified(doubt)) }
      return finish(.notVerified(.noChecksum))
    }
    guard !isForbidden else { return finish(.notVerified(.forbidden(algorithm))) }
    guard hasUnits else {
      state = .trying
      return [.tryPartSizes(stored)]
    }
    var digests: [[UInt8]] = []
    digests.reserveCapacity(units.count)
    for unit in units.indices {
      if let value = units[unit].value {
        digests.append(value)
      } else if ranges.ranges(ofUnit: unit).isEmpty {
        guard let value = algorithm.digest(of: []) else { return handle(.forbidden) }
        digests.append(value)
      } else {
        return []  // still being digested
      }
    }
    guard let found = stored.found(digests) else { return handle(.forbidden) }
    return found == stored ? finish(by: scheme) : differ(found)
  }

  private mutating func differ(_ found: StoredDigest) -> [Command] {
    if stored.isETag, etags == .unknown, !hasSoughtProof {
      hasSoughtProof = true
      state = .proving(found)
      return [.seekProof]
    }
    if stored.isETag, etags != .md5 {
      guard ranges.objectSize <= Self.largestForLearning, etags == .unknown, unproven != found
      else { return finish(.notVerified(.unprovenETag)) }
      unproven = found
    }
    let isProven = !stored.isETag || etags == .md5
    guard repetitions < (isProven ? 1 : Self.mostLooks) else {
      state = .finished
      return [.fail(Mismatch(stored: stored.text, arrived: found.text))]
    }
    repetitions += 1
    guard isProven, ranges.count > 1 else { return startAgain(keeping: [:]) }
    state = .locating
    return [.locateDamage]
  }

  private mutating func startAgain(keeping intact: [Int: [CRC]]) -> [Command] {
    state = .fetching
    units = Array(repeating: Unit(), count: units.count)
    next = 0
    arrivedCount = 0
    return [.startAgain(keeping: Set(intact.keys))] + start(atOnce: atOnce, present: intact)
  }

  /// What a finished check has shown of the ETag: whether it is an MD5; nil for nothing.
  func lesson(of verification: Verification) -> Bool? {
    guard stored.isETag else { return nil }
    switch verification {
    case .verified: return true
    case .notVerified(.unprovenETag) where unproven != nil: return false
    case .notVerified: return nil
    }
  }

  private mutating func finish(by scheme: Verification.Scheme?) -> [Command] {
    finish(scheme.map { .verified($0) } ?? .notVerified(.noChecksum))
  }

  private mutating func finish(_ verification: Verification) -> [Command] {
    state = .finished
    return [.finish(verification)]
  }
}
