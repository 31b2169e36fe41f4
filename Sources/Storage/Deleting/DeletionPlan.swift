import S3

/// Decides which requests delete a page of candidates.
struct DeletionPlan: Sendable, Hashable {
  /// Source: S3 API Reference, DeleteObjects.
  static let largestBatch = 1_000

  /// Each is one DeleteObjects, 2 through 1,000 objects.
  var batches: [[DeletionCandidate]] = []
  /// Each is one DeleteObject: a single one, and the keys that XML cannot carry.
  var singles: [DeletionCandidate] = []
  /// Left alone, because they are newer than the confirmation.
  var newer: [DeletionCandidate] = []
  /// Named by a person, and not there.
  var missing: [DeletionCandidate] = []

  /// - Parameter confirmedAt: nil to take all, however new.
  init(_ candidates: [DeletionCandidate], confirmedAt: Timestamp?) {
    var batch: [DeletionCandidate] = []
    for candidate in candidates {
      if candidate.isMissing {
        missing.append(candidate)
      } else if let confirmedAt, candidate.isNewer(than: confirmedAt) {
        newer.append(candidate)
      } else if !candidate.key.fitsXML {
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
