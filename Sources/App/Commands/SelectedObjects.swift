import S3
import Storage

/// What a place on the command line means, an object at a time; pages are listed as they are needed.
struct SelectedObjects {
  private let place: S3URI
  private let selection: KeySelection
  private let session: Session
  private let leavesOut: @Sendable (ObjectKey) -> Bool

  private var page: ArraySlice<ObjectSummary> = []
  private var token: ContinuationToken?
  private var hasBegun = false
  private var found = 0

  /// - Parameter leavesOut: keys that are not meant although they are selected.
  init(
    _ place: S3URI, _ selection: KeySelection, _ session: Session,
    leavesOut: @escaping @Sendable (ObjectKey) -> Bool
  ) {
    self.place = place
    self.selection = selection
    self.session = session
    self.leavesOut = leavesOut
  }

  /// - Returns: nil after the last one.
  /// - Throws: ``CommandFailure`` where there was none at all, and what a listing throws.
  mutating func next() async throws -> ObjectSummary? {
    while page.isEmpty {
      guard !hasBegun || token != nil else {
        guard found > 0 else { throw CommandFailure.nothing(at: place, selection) }
        return nil
      }
      let listed = try await session.service.recursivePage(
        bucket: place.bucket, prefix: selection.prefix, after: token)
      hasBegun = true
      token = listed.next
      page = listed.objects.filter { selection.contains($0.key) && !leavesOut($0.key) }[...]
    }
    found += 1
    return page.popFirst()
  }
}
