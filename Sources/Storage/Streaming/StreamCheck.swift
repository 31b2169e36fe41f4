import S3
import Synchronization

/// Digests the bytes of an object as they come, part by part where the stored digest is of parts.
final class StreamCheck: Sendable {
  private struct State {
    var count: Int64 = 0
    /// Of the unit that is being received.
    var digest: FileDigest?
    var left: Int64 = 0
    var unit = 0
    var values: [[UInt8]] = []
    var isForbidden = false
  }

  private let stored: StoredDigest
  /// The sizes of what is digested one by one.
  private let units: [Int64]
  private let areSizesKnown: Bool
  private let state = Mutex(State())

  /// - Parameter partSizes: of the parts that `stored` is about; nil where the server does not tell,
  ///   and then the likeliest size is taken.
  init(_ stored: StoredDigest, objectSize: Int64, partSizes: [Int64]?) {
    self.stored = stored
    if let count = stored.partCount {
      let guess = PartSizes.candidates(objectSize: objectSize, count: count, limit: 1).first
      units = partSizes ?? guess.map { PartSizes.even($0, objectSize: objectSize) } ?? []
      areSizesKnown = partSizes != nil
    } else {
      units = [objectSize]
      areSizesKnown = true
    }
    state.withLock { begin(&$0) }
  }

  /// The bytes that have come.
  var count: Int64 { state.withLock { $0.count } }

  func add(_ piece: UnsafeRawBufferPointer) {
    state.withLock { state in
      state.count += Int64(piece.count)
      var rest = piece[...]
      while !rest.isEmpty, state.unit < units.count {
        let taken = rest.prefix(Int(min(Int64(rest.count), state.left)))
        state.digest?.add(UnsafeRawBufferPointer(rebasing: taken))
        state.left -= Int64(taken.count)
        rest = rest.dropFirst(taken.count)
        if state.left == 0 { end(&state) }
      }
    }
  }

  private func begin(_ state: inout State) {
    while state.unit < units.count {
      state.digest = stored.algorithm.flatMap { FileDigest($0) }
      if state.digest == nil, stored.algorithm != nil { state.isForbidden = true }
      state.left = units[state.unit]
      guard state.left == 0 else { return }
      // Nothing will come for an empty one.
      finishUnit(&state)
    }
  }

  private func end(_ state: inout State) {
    finishUnit(&state)
    begin(&state)
  }

  private func finishUnit(_ state: inout State) {
    state.values.append(state.digest?.finish() ?? [])
    state.digest = nil
    state.unit += 1
  }

  /// What all bytes together show.
  ///
  /// - Parameter areETagsMD5: whether ETags of this endpoint were seen to be MD5s.
  func finish(areETagsMD5: Bool) -> Result<Verification, DownloadCheck.Mismatch> {
    let (values, isForbidden) = state.withLock { ($0.values, $0.isForbidden) }
    guard let scheme = stored.scheme, let algorithm = stored.algorithm else {
      if case .none(let doubt) = stored { return .success(.notVerified(doubt)) }
      return .success(.notVerified(.noChecksum))
    }
    guard !isForbidden, let found = stored.found(values) else {
      return .success(.notVerified(.forbidden(algorithm)))
    }
    if found == stored { return .success(.verified(scheme)) }
    guard areSizesKnown else { return .success(.notVerified(.unknownParts)) }
    guard !stored.isETag || areETagsMD5 else { return .success(.notVerified(.unprovenETag)) }
    return .failure(DownloadCheck.Mismatch(stored: stored.text, arrived: found.text))
  }
}
