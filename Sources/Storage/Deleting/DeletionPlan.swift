import S3

/// Decides which requests delete a page of candidates.
struct DeletionPlan: Sendable, Hashable {
  /// Source: S3 API Reference, DeleteObjects.
  static let largestBatch = 1_000

  /// Each is one DeleteObjects, 2 through 1,000 objects.
  var batches: [[DeletionCandidate]] = []
  /// Each is one DeleteObject: a single one, the keys that XML cannot carry, and all where the store
  /// knows no DeleteObjects.
  var singles: [DeletionCandidate] = []
  /// Left alone, because they are newer than the confirmation.
  var newer: [DeletionCandidate] = []
  /// Named by a person, and not there.
  var missing: [DeletionCandidate] = []

  /// - Parameters:
  ///   - confirmedAt: nil to take all, however new.
  ///   - deletesMany: whether the store knows DeleteObjects.
  init(_ candidates: [DeletionCandidate], confirmedAt: Timestamp?, deletesMany: Bool = true) {
    var batch: [DeletionCandidate] = []
    for candidate in candidates {
      if candidate.isMissing {
        missing.append(candidate)
      } else if let confirmedAt, candidate.isNewer(than: confirmedAt) {
        newer.append(candidate)
      } else if !deletesMany || !candidate.key.fitsXML {
        singles.append(candidate)
      } else {
        batch.append(candidate)
        if batch.count == Self.largestBatch {
          batches.append(batch)
          batch = []
        }
      }
    }
    if batch.count == 1 { singles += batch } else if !batch.isEmpty { batches.append(batch) }
  }
}
