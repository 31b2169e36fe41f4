import S3
import Testing

@testable import Storage

/// Each test plays both sides: it hands in what arrives and carries out the commands.
@Suite("Download check")
struct DownloadCheckTests {
  private static let bytes = (0..<1_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 / 256) }
  private static let partSizes: [Int64] = [300, 300, 300, 100]

  /// Runs a check to its end on `arriving`, one list of bytes for each time everything is fetched.
  fileprivate struct Run {
    var check: DownloadCheck
    var arriving: [[UInt8]]
    var partSizes: [Int64]?
    var fetched: [Range<Int64>] = []
    var startedAgain = 0
    var located = 0
    var mostAtOnce = 0
    /// The part file.
    private var file = [UInt8](repeating: 0, count: 1_000)
    /// The parts that the server tells the digests of.
    var told: (sizes: [Int64], of: [UInt8])?
    private var digests: [Int: [UInt8]] = [:]
    /// Whether the system has no digest but CRCs.
    var isForbidding = false
    /// What another object shows.
    var proof = ETagMeaning.unknown
    private(set) var soughtProof = 0

    enum End: Equatable {
      case finished(Verification)
      case failed(DownloadCheck.Mismatch)
      case stuck
    }

    init(_ check: DownloadCheck, arriving: [[UInt8]], partSizes: [Int64]? = nil) {
      self.check = check
      self.arriving = arriving
      self.partSizes = partSizes
    }

    private mutating func arrive(_ range: Range<Int64>) {
      let content = arriving[min(startedAgain, arriving.count - 1)]
      let range = Int(range.lowerBound)..<Int(range.upperBound)
      file.replaceSubrange(range, with: content[range])
    }

    /// - Parameter reversed: the newest request is answered first.
    mutating func end(atOnce: Int = 3, reversed: Bool = false, present: Set<Int> = []) -> End {
      for index in present { arrive(check.ranges[index]) }
      var commands = check.start(
        atOnce: atOnce,
        present: Dictionary(uniqueKeysWithValues: present.map { ($0, crcs(check.ranges[$0])) }))
      var underWay: [DownloadCheck.Command] = []
      while true {
        for command in commands {
          switch command {
          case .fetch, .digest, .tryPartSizes, .seekProof, .locateDamage: underWay.append(command)
          case .startAgain:
            startedAgain += 1
            digests = [:]
          case .finish(let verification): return .finished(verification)
          case .fail(let mismatch): return .failed(mismatch)
          }
        }
        mostAtOnce = max(mostAtOnce, underWay.count)
        guard !underWay.isEmpty else { return .stuck }
        let command = reversed ? underWay.removeLast() : underWay.removeFirst()
        commands = check.handle(event(command))
      }
    }

    private func crcs(_ range: Range<Int64>) -> [CRC] {
      guard let algorithm = check.wantedCRC else { return [] }
      var crc = CRC(algorithm)
      Array(file[Int(range.lowerBound)..<Int(range.upperBound)]).withUnsafeBytes {
        crc.update($0)
      }
      return [crc]
    }

    private mutating func event(_ command: DownloadCheck.Command) -> DownloadCheck.Event {
      switch command {
      case .digest where isForbidding, .tryPartSizes where isForbidding:
        return .forbidden
      case .fetch(let index):
        fetched.append(check.ranges[index])
        arrive(check.ranges[index])
        return .arrived(index, crcs: crcs(check.ranges[index]))
      case .digest(let unit, let bytes, let isFirst, let isLast):
        let piece = file[Int(bytes.lowerBound)..<Int(bytes.upperBound)]
        digests[unit] = (isFirst ? [] : digests[unit, default: []]) + piece
        let value = check.stored.algorithm?.digest(of: digests[unit, default: []])
        return .digested(unit: unit, value: isLast ? value : nil)
      case .tryPartSizes(let stored):
        guard let partSizes else { return .tried(fits: false, areKnown: false, found: nil) }
        let found = stored.found(of: file, partSizes)
        return .tried(fits: found == stored, areKnown: true, found: found)
      case .seekProof:
        soughtProof += 1
        check.etags = proof
        return .soughtProof
      case .locateDamage:
        located += 1
        return .located(intact)
      case .startAgain, .finish, .fail:
        return .forbidden
      }
    }

    private var intact: [Int: [CRC]]? {
      guard let told else { return nil }
      var start: Int64 = 0
      let parts = told.sizes.map { size in
        start += size
        return (start - size)..<start
      }
      let damaged = parts.filter { part in
        let part = Int(part.lowerBound)..<Int(part.upperBound)
        return file[part] != told.of[part]
      }
      let intact = check.ranges.indices.filter { index in
        !damaged.contains { $0.overlaps(check.ranges[index]) }
      }
      return Dictionary(uniqueKeysWithValues: intact.map { ($0, crcs(check.ranges[$0])) })
    }
  }

  private static func check(
    _ stored: StoredDigest, partSizes: [Int64]? = nil, etags: ETagMeaning = .md5,
    rangeSize: Int64 = 128
  ) -> DownloadCheck {
    DownloadCheck(
      stored, objectSize: ByteCount(1_000), partSizes: partSizes,
      rangeSize: ByteCount(rangeSize), etags: etags)
  }

  private static func whole(_ algorithm: DigestAlgorithm) -> StoredDigest {
    .fullObject(algorithm, algorithm.digest(of: bytes) ?? [])
  }

  private static func composite(_ algorithm: DigestAlgorithm) -> StoredDigest {
    StoredDigest.composite(algorithm, [], partCount: 4).found(of: bytes, partSizes)
  }

  private static let md5 = StoredDigest.md5(DigestAlgorithm.md5.digest(of: bytes) ?? [])
  private static let md5OfParts = StoredDigest.md5OfParts([], partCount: 4)
    .found(of: bytes, partSizes)

  private static let all: [(StoredDigest, Verification.Scheme)] =
    DigestAlgorithm.allCases.filter { $0 != .md5 }.flatMap { algorithm in
      [
        (whole(algorithm), .fullObject(algorithm)),
        (composite(algorithm), .composite(algorithm, partCount: 4)),
      ]
    } + [(md5, .md5), (md5OfParts, .md5OfParts(partCount: 4))]

  private static var flipped: [UInt8] {
    var flipped = bytes
    flipped[512] ^= 1
    return flipped
  }

  @Test(
    "What arrived as it was stored is verified, in whatever order it comes", arguments: all,
    [false, true])
  func verified(_ scheme: (StoredDigest, Verification.Scheme), reversed: Bool) {
    let check = Self.check(scheme.0, partSizes: scheme.0.partCount.map { _ in Self.partSizes })
    var run = Run(check, arriving: [Self.bytes])
    #expect(run.end(reversed: reversed) == .finished(.verified(scheme.1)))
    #expect(run.startedAgain == 0)
    let sorted = run.fetched.sorted { $0.lowerBound < $1.lowerBound }
    #expect(sorted.first?.lowerBound == 0 && sorted.last?.upperBound == 1_000)
    #expect(zip(sorted, sorted.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
  }

  @Test(
    "All is fetched, also where the system forbids the digest that would verify it",
    arguments: all.filter { $0.0.algorithm?.isCRC == false }, [false, true])
  func forbidden(_ scheme: (StoredDigest, Verification.Scheme), reversed: Bool) throws {
    let algorithm = try #require(scheme.0.algorithm)
    for partSizes in scheme.0.partCount == nil ? [nil] : [Self.partSizes, nil] {
      let check = Self.check(scheme.0, partSizes: partSizes)
      var run = Run(check, arriving: [Self.bytes])
      run.isForbidding = true
      #expect(run.end(reversed: reversed) == .finished(.notVerified(.forbidden(algorithm))))
      #expect(run.fetched.sorted { $0.lowerBound < $1.lowerBound } == Array(check.ranges))
    }
  }

  @Test("No range crosses a part that is digested by itself", arguments: all)
  func boundaries(_ scheme: (StoredDigest, Verification.Scheme)) {
    let check = Self.check(scheme.0, partSizes: Self.partSizes)
    guard scheme.0.partCount != nil else { return #expect(check.ranges.unitCount == 1) }
    for range in check.ranges {
      for boundary in [300, 600, 900] as [Int64] {
        #expect(!(range.lowerBound < boundary && boundary < range.upperBound))
      }
    }
  }

  @Test("A flipped byte is found, and everything is fetched once more", arguments: all)
  func damaged(_ scheme: (StoredDigest, Verification.Scheme)) {
    let check = Self.check(scheme.0, partSizes: scheme.0.partCount.map { _ in Self.partSizes })
    var run = Run(check, arriving: [Self.flipped, Self.bytes])
    #expect(run.end() == .finished(.verified(scheme.1)))
    #expect(run.startedAgain == 1)
    #expect(run.fetched.count == 2 * check.ranges.count)
  }

  @Test(
    "Where the server tells the digests of parts, only what is damaged is fetched once more",
    arguments: all, [false, true])
  func located(_ scheme: (StoredDigest, Verification.Scheme), reversed: Bool) {
    let check = Self.check(scheme.0, partSizes: scheme.0.partCount.map { _ in Self.partSizes })
    var run = Run(check, arriving: [Self.flipped, Self.bytes])
    run.told = (Self.partSizes, Self.bytes)
    #expect(run.end(reversed: reversed) == .finished(.verified(scheme.1)))
    // The byte is in the second part.
    let damaged = check.ranges.filter { $0.overlaps(300..<600) }
    #expect(run.located == 1 && run.startedAgain == 1)
    #expect(run.fetched.count == check.ranges.count + damaged.count)
    #expect(Set(run.fetched.suffix(damaged.count)) == Set(damaged))

    var always = Run(check, arriving: [Self.flipped])
    always.told = (Self.partSizes, Self.bytes)
    guard case .failed(let mismatch) = always.end() else { return #expect(Bool(false)) }
    #expect(mismatch.stored == scheme.0.text && mismatch.arrived != mismatch.stored)
    #expect(always.fetched.count == check.ranges.count + damaged.count)
  }

  @Test("Damage is looked for where part sizes are known at the end only, and not in one range")
  func locatedLater() {
    let unaligned = Self.check(Self.md5OfParts)
    var run = Run(
      unaligned, arriving: [Self.flipped, Self.bytes], partSizes: Self.partSizes)
    run.told = (Self.partSizes, Self.bytes)
    #expect(run.end() == .finished(.verified(.md5OfParts(partCount: 4))))
    #expect(
      run.fetched.count
        == unaligned.ranges.count + unaligned.ranges.count { $0.overlaps(300..<600) })
    var single = Run(
      Self.check(Self.whole(.crc64nvme), rangeSize: 1_000), arriving: [Self.flipped, Self.bytes])
    single.told = (Self.partSizes, Self.bytes)
    #expect(single.end() == .finished(.verified(.fullObject(.crc64nvme))))
    #expect(single.located == 0 && single.fetched.count == 2)
  }

  @Test("A byte that is flipped every time fails the download with both values", arguments: all)
  func alwaysDamaged(_ scheme: (StoredDigest, Verification.Scheme)) {
    let check = Self.check(scheme.0, partSizes: scheme.0.partCount.map { _ in Self.partSizes })
    var run = Run(check, arriving: [Self.flipped])
    guard case .failed(let mismatch) = run.end() else { return #expect(Bool(false)) }
    #expect(run.startedAgain == 1)
    #expect(mismatch.stored == scheme.0.text)
    let sizes = scheme.0.partCount.map { _ in Self.partSizes } ?? [1_000]
    #expect(mismatch.arrived == scheme.0.found(of: Self.flipped, sizes).text)
    #expect(mismatch.arrived != mismatch.stored)
  }

  @Test(
    "Where no ETag was seen to be an MD5, a second look tells", arguments: [md5, md5OfParts])
  func unproven(_ stored: StoredDigest) {
    func run(_ arriving: [[UInt8]], etags: ETagMeaning = .unknown) -> (Run, Run.End, Bool?) {
      let sizes = stored.partCount.map { _ in Self.partSizes }
      var run = Run(Self.check(stored, partSizes: sizes, etags: etags), arriving: arriving)
      let end = run.end()
      return (run, end, end.verification.flatMap { run.check.lesson(of: $0) })
    }
    // The same bytes twice: the ETag is something else.
    let (other, otherEnd, isNoMD5) = run([Self.flipped])
    #expect(otherEnd == .finished(.notVerified(.unprovenETag)))
    #expect(other.startedAgain == 1 && isNoMD5 == false)
    // Bytes that agree: it is an MD5, and they were damaged before.
    let (healed, healedEnd, isMD5) = run([Self.flipped, Self.bytes])
    #expect(healedEnd.verification == stored.scheme.map { .verified($0) })
    #expect(healed.startedAgain == 1 && isMD5 == true)
    // Other bytes each time: whatever the ETag is, they cannot all be right.
    var third = Self.bytes
    third[7] ^= 1
    var fourth = Self.bytes
    fourth[8] ^= 1
    let (_, damagedEnd, nothing) = run([Self.flipped, third, fourth])
    guard case .failed = damagedEnd else { return #expect(Bool(false)) }
    #expect(nothing == nil)
    // It is known to be something else.
    let (known, knownEnd, _) = run([Self.flipped], etags: .other)
    #expect(knownEnd == .finished(.notVerified(.unprovenETag)) && known.startedAgain == 0)
  }

  @Test(
    "Another object that proves what ETags are makes the same difference an error",
    arguments: [md5, md5OfParts])
  func proven(_ stored: StoredDigest) {
    let sizes = stored.partCount.map { _ in Self.partSizes }
    var run = Run(Self.check(stored, partSizes: sizes, etags: .unknown), arriving: [Self.flipped])
    run.proof = .md5
    guard case .failed = run.end() else { return #expect(Bool(false)) }
    #expect(run.soughtProof == 1 && run.startedAgain == 1)
    var clean = Run(Self.check(stored, partSizes: sizes, etags: .unknown), arriving: [Self.bytes])
    #expect(clean.end().verification?.isVerified == true && clean.soughtProof == 0)
  }

  @Test(
    "Without a checksum the result says so", arguments: [Verification.Doubt.noChecksum, .encrypted])
  func none(_ doubt: Verification.Doubt) {
    var run = Run(Self.check(.none(doubt)), arriving: [Self.flipped])
    #expect(run.end() == .finished(.notVerified(doubt)))
  }

  @Test("Part sizes that the server does not tell are tried at the end")
  func unknownParts() {
    var told = Run(Self.check(Self.md5OfParts), arriving: [Self.bytes], partSizes: Self.partSizes)
    #expect(told.end() == .finished(.verified(.md5OfParts(partCount: 4))))
    var damaged = Run(
      Self.check(Self.md5OfParts), arriving: [Self.flipped, Self.bytes],
      partSizes: Self.partSizes)
    #expect(damaged.end() == .finished(.verified(.md5OfParts(partCount: 4))))
    #expect(damaged.startedAgain == 1)
    var untold = Run(Self.check(Self.md5OfParts), arriving: [Self.bytes])
    #expect(untold.end() == .finished(.notVerified(.unknownParts)))
  }

  @Test("Part sizes that do not make the object are as good as none")
  func impossibleParts() {
    for sizes in [[300, 300, 300], [300, 300, 300, 101], [500, 500]] as [[Int64]] {
      let check = Self.check(Self.composite(.sha256), partSizes: sizes)
      #expect(check.ranges.unitCount == 1)
    }
  }

  @Test("What is there already is not fetched, and counts", arguments: all)
  func resuming(_ scheme: (StoredDigest, Verification.Scheme)) {
    let check = Self.check(scheme.0, partSizes: scheme.0.partCount.map { _ in Self.partSizes })
    var run = Run(check, arriving: [Self.bytes])
    let present: Set = [0, 1, 4, check.ranges.count - 1]
    #expect(run.end(present: present) == .finished(.verified(scheme.1)))
    #expect(run.fetched.count == check.ranges.count - 4)
    var everything = Run(check, arriving: [Self.bytes])
    #expect(
      everything.end(present: Set(check.ranges.indices)) == .finished(.verified(scheme.1)))
    #expect(everything.fetched.isEmpty)
  }

  @Test("A range without the checksum that the whole needs is fetched again")
  func presentWithoutCRC() {
    var check = Self.check(Self.whole(.crc32c))
    let commands = check.start(atOnce: 1, present: [0: [CRC(.crc64nvme)]])
    #expect(commands == [.fetch(0)])
  }

  @Test("No more is under way than asked for")
  func atOnce() {
    var run = Run(Self.check(Self.whole(.crc64nvme)), arriving: [Self.flipped, Self.bytes])
    _ = run.end(atOnce: 2)
    #expect(run.mostAtOnce == 2)
  }

  @Test("An empty object is verified by the digest of nothing")
  func empty() {
    for algorithm in DigestAlgorithm.allCases where algorithm != .md5 {
      let value = algorithm.digest(of: []) ?? []
      var check = DownloadCheck(
        .fullObject(algorithm, value), objectSize: .zero, partSizes: nil,
        rangeSize: ByteCount(1), etags: .md5)
      #expect(check.start(atOnce: 1) == [.finish(.verified(.fullObject(algorithm)))])
    }
  }

  // MARK: - What is stored

  @Test("A checksum of the whole goes before one of parts, and any before the ETag")
  func preference() {
    let etag = ETag("9b2cf535f27731c974343645a3985328-2")
    let whole = ObjectChecksum(.crc32, .fullObject, value: [1, 2, 3, 4])
    let hash = ObjectChecksum(.sha256, .fullObject, value: [5])
    let composite = ObjectChecksum(.crc32c, .composite(partCount: 2), value: [6])
    func stored(_ checksums: [ObjectChecksum]) -> StoredDigest {
      StoredDigest(ObjectMetadata(size: ByteCount(100), etag: etag, checksums: checksums))
    }
    #expect(stored([composite, hash, whole]) == .fullObject(.crc32, [1, 2, 3, 4]))
    #expect(stored([composite, hash]) == .fullObject(.sha256, [5]))
    #expect(stored([composite]) == .composite(.crc32c, [6], partCount: 2))
    #expect(stored([]).partCount == 2 && stored([]).isETag)
  }

  @Test(
    "An ETag under a key of KMS or of the reader is no digest",
    arguments: [
      (nil, false, true), ("AES256", false, true), ("aws:kms", false, false),
      ("aws:kms:dsse", false, false), (nil, true, false),
    ] as [(String?, Bool, Bool)])
  func encrypted(encryption: String?, usesCustomerKey: Bool, isTrusted: Bool) {
    let stored = StoredDigest(
      ObjectMetadata(
        size: ByteCount(100), etag: ETag("9b2cf535f27731c974343645a3985328"),
        serverSideEncryption: encryption, usesCustomerKey: usesCustomerKey))
    #expect(stored.isETag == isTrusted)
    #expect(isTrusted || stored == .none(.encrypted))
    let known = StoredDigest(
      ObjectMetadata(size: ByteCount(1), etag: ETag("9b2cf535f27731c974343645a3985328")),
      etags: .other)
    #expect(known == .none(.unprovenETag))
  }
}

extension DownloadCheckTests.Run.End {
  fileprivate var verification: Verification? {
    if case .finished(let verification) = self { verification } else { nil }
  }
}

extension StoredDigest {
  /// With the value that `bytes` have in these parts.
  fileprivate func found(of bytes: [UInt8], _ partSizes: [Int64]) -> StoredDigest {
    var rest = bytes[...]
    let digests = partSizes.map { size in
      defer { rest = rest.dropFirst(Int(size)) }
      return algorithm?.digest(of: Array(rest.prefix(Int(size)))) ?? []
    }
    return found(digests) ?? .none(.noChecksum)
  }
}
