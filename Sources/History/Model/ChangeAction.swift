/// What a change does. The raw value is what the file holds and what `--action` takes.
public enum ChangeAction: String, Sendable, Hashable, CaseIterable {
  case upload
  case delete
  case copy
  case createBucket
  case deleteBucket
  case abortUpload
  case setTags
  case setVersioning
  case restore
  /// A presigned URL was made. The row holds method, key and expiry, never the URL.
  case presign
}

/// How a change ended, as far as the history knows.
public enum Outcome: String, Sendable, Hashable, CaseIterable {
  /// No outcome was recorded: under way, or its process died. Never stored.
  case started
  case done
  case failed
  case cancelled
  /// Its process died, and nothing proves that the change was made.
  case interrupted
}
