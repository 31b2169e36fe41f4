import HTTP
import S3

/// Finds what deletion targets hold, a page at a time, so that memory does not grow with them.
struct TargetWalk: Sendable {
  /// What is left to look at.
  private enum Step: Sendable {
    /// At most a page of keys that a person named, in one prefix and in order.
    case objects([ObjectKey], startAfter: ObjectKey?)
    case versions([ObjectIdentifier])
    /// Of what a listing brings, all that one of the selections contains, after what is left of
    /// its pages so far.
    case listing(RecursiveListing, [KeySelection], left: ArraySlice<DeletionCandidate>)
    /// Versions and delete markers of one key.
    case versionsOf(ObjectKey, VersionMarker?)
    /// Those of what lies under the prefix and one of the selections contains.
    case versionsUnder(ObjectKey, [KeySelection], VersionMarker?)
  }

  /// From this many keys of one prefix on, its listing costs less than asking for each key.
  private static let listingPaysFrom = 64
  private static let concurrentHeads = 16
  /// Pages that are looked through for a full batch; then a smaller one has to do.
  private static let pagesPerBatch = 8

  private let client: S3Client
  private let bucket: BucketName
  /// Of the targets that have to be looked through, those in which nothing was found so far; after
  /// the end those that hold nothing. An object that is named by its key is a candidate even where
  /// it is missing.
  private(set) var unmatched: Set<DeletionTarget> = []
  /// The next one is at the end.
  private var steps: [Step] = []

  init(_ targets: [DeletionTarget], in bucket: BucketName, client: S3Client) {
    self.client = client
    self.bucket = bucket
    var selections: [KeySelection] = []
    var objects: [ObjectKey] = []
    var versions: [ObjectIdentifier] = []
    var wholeSelections: [KeySelection] = []
    var wholeObjects: [ObjectKey] = []
    for target in Set(targets) {
      switch target {
      case .object, .version: break
      case .prefix, .selection, .everyVersion, .everyVersionOf: unmatched.insert(target)
      }
      switch target {
      case .object(let key): objects.append(key)
      case .version(let key, let id): versions.append(ObjectIdentifier(key: key, versionID: id))
      case .prefix(let prefix): selections.append(KeySelection(prefix: prefix))
      case .selection(let selection): selections.append(selection)
      case .everyVersion(let key): wholeObjects.append(key)
      case .everyVersionOf(let selection): wholeSelections.append(selection)
      }
    }
    // A prefix inside another one is in that one's listing; so is an object.
    objects.removeAll { key in selections.contains { $0.contains(key) } }
    wholeObjects.removeAll { key in wholeSelections.contains { $0.contains(key) } }
    var groups: [ObjectKey: [ObjectKey]] = [:]
    for key in objects { groups[key.parentPrefix, default: []].append(key) }
    for keys in groups.values {
      let keys = keys.sorted()
      var before: ObjectKey?
      for start in stride(from: 0, to: keys.count, by: DeletionPlan.largestBatch) {
        let page = Array(keys[start..<min(start + DeletionPlan.largestBatch, keys.count)])
        steps.append(.objects(page, startAfter: before))
        before = page.last
      }
    }
    for start in stride(from: 0, to: versions.count, by: DeletionPlan.largestBatch) {
      let end = min(start + DeletionPlan.largestBatch, versions.count)
      steps.append(.versions(Array(versions[start..<end])))
    }
    steps += Self.byListing(selections).map { Self.step($0, $1, in: bucket, client) }
    steps += Self.byListing(wholeSelections).map { .versionsUnder($0, $1, nil) }
    steps += wholeObjects.sorted().map { .versionsOf($0, nil) }
    steps.reverse()
  }

  /// The listings that show all of `selections`, each with those that it shows.
  private static func byListing(
    _ selections: [KeySelection]
  ) -> [(ObjectKey, [KeySelection])] {
    var listings: [(prefix: ObjectKey, selections: [KeySelection])] = []
    for selection in selections.sorted(by: { $0.prefix < $1.prefix }) {
      if let last = listings.indices.last, selection.prefix.hasPrefix(listings[last].prefix) {
        listings[last].selections.append(selection)
      } else {
        listings.append((selection.prefix, [selection]))
      }
    }
    return listings
  }

  private static func step(
    _ prefix: ObjectKey, _ selections: [KeySelection], in bucket: BucketName, _ client: S3Client
  ) -> Step {
    .listing(
      RecursiveListing(client: client, bucket: bucket, prefix: prefix), selections, left: [])
  }

  /// Everything in a bucket: objects, older versions and delete markers.
  init(everyVersionIn bucket: BucketName, client: S3Client) {
    self.client = client
    self.bucket = bucket
    steps = [.versionsUnder(.empty, [KeySelection(prefix: .empty)], nil)]
  }

  /// The next page, perhaps an empty one; nil at the end.
  mutating func next() async throws(S3Error) -> [DeletionCandidate]? {
    guard let step = steps.popLast() else { return nil }
    switch step {
    case .objects(let keys, let startAfter):
      // Also in place of the versions of a key, which is missing then and not unmatched.
      for key in keys { note(key) }
      return try await look(for: keys, startAfter: startAfter)
    case .versions(let versions):
      return try await look(for: versions)
    case .listing(let listing, let selections, var batch):
      var pages = 0
      var isComplete = false
      while batch.count < DeletionPlan.largestBatch, pages < Self.pagesPerBatch, !isComplete {
        guard let page = try await listing.nextPage() else {
          isComplete = true
          break
        }
        pages += 1
        for object in page where selections.contains(where: { $0.contains(object.key) }) {
          note(object.key)
          batch.append(DeletionCandidate(object))
        }
      }
      let rest = batch.dropFirst(DeletionPlan.largestBatch)
      if !isComplete || !rest.isEmpty {
        steps.append(.listing(listing, selections, left: rest))
      }
      return Array(batch.prefix(DeletionPlan.largestBatch))
    case .versionsOf(let key, let marker):
      return try await versions(under: key, after: marker, orElse: .objects([key], startAfter: nil))
      { page in
        // Keys come in order: those of the key itself before those that only begin with it.
        let isOver = page.versions.last.map { $0.key != key } ?? false
        return (isOver ? nil : page.next.map { .versionsOf(key, $0) }, { $0 == key })
      }
    case .versionsUnder(let prefix, let selections, let marker):
      return try await versions(
        under: prefix, after: marker, orElse: Self.step(prefix, selections, in: bucket, client)
      ) { page in
        (
          page.next.map { .versionsUnder(prefix, selections, $0) },
          { key in selections.contains { $0.contains(key) } }
        )
      }
    }
  }

  /// - Parameters:
  ///   - current: what to do in a store without versions, which has but the current ones.
  ///   - judge: what comes after a page, and which of its keys are meant.
  private mutating func versions(
    under prefix: ObjectKey, after marker: VersionMarker?, orElse current: Step,
    _ judge: (VersionPage) -> (next: Step?, isMeant: (ObjectKey) -> Bool)
  ) async throws(S3Error) -> [DeletionCandidate] {
    do {
      let page = try await client.listObjectVersions(
        bucket: bucket, prefix: prefix, delimiter: nil, after: marker)
      let (next, isMeant) = judge(page)
      if let next { steps.append(next) }
      let meant = page.versions.filter { isMeant($0.key) }
      for version in meant { note(version.key) }
      return meant.map { DeletionCandidate($0) }
    } catch  where marker == nil && error.code == .notImplemented {
      steps.append(current)
      return []
    }
  }

  /// There is something in whatever contains `key`.
  private mutating func note(_ key: ObjectKey) {
    while let target = unmatched.first(where: { $0.contains(key) }) { unmatched.remove(target) }
  }

  /// As ``next()``, with the words for what went wrong.
  mutating func next(
    while undertaking: Undertaking
  ) async throws(StorageError) -> [DeletionCandidate]? {
    do {
      return try await next()
    } catch  where error.code == .accessDenied && error.operation == .listObjectsV2 {
      throw StorageError(error, while: .list(bucket, prefix: .empty))
    } catch  where error.code == .accessDenied && error.operation == .listObjectVersions {
      throw StorageError(error, while: .listVersions(bucket))
    } catch {
      throw StorageError(error, while: undertaking)
    }
  }

  private func look(
    for keys: [ObjectKey], startAfter: ObjectKey?
  ) async throws(S3Error) -> [DeletionCandidate] {
    var candidates: [DeletionCandidate] = []
    var wanted = Set(keys)
    if keys.count >= Self.listingPaysFrom, let first = keys.first, let last = keys.last {
      var token: ContinuationToken?
      repeat {
        let page = try await client.listObjectsV2(
          bucket: bucket, prefix: first.parentPrefix, delimiter: "/", startAfter: startAfter,
          after: token)
        for object in page.objects where wanted.remove(object.key) != nil {
          candidates.append(DeletionCandidate(object))
        }
        token = page.next
        if let reached = page.objects.last?.key, reached >= last { break }
      } while token != nil && !wanted.isEmpty
    }
    // Few keys, and what a listing did not show: asked for one by one.
    candidates += try await heads(wanted.sorted().map { ObjectIdentifier(key: $0) })
    // HEAD answers without a code: a bucket that is not there looks like a key that is not.
    if candidates.allSatisfy(\.isMissing), let key = keys.first {
      do throws(S3Error) {
        _ = try await client.listObjectsV2(bucket: bucket, prefix: key, delimiter: "/", after: nil)
      } catch  where error.code == .noSuchBucket {
        throw error
      } catch {
        // Who may delete need not be allowed to list.
      }
    }
    return candidates.sorted { $0.key < $1.key }
  }

  /// Some stores say of a version that never was that they have deleted it.
  private func look(
    for versions: [ObjectIdentifier]
  ) async throws(S3Error) -> [DeletionCandidate] {
    try await heads(versions).map { found in
      var candidate = found
      // It was named, so it is meant, however new.
      candidate.lastModified = nil
      return candidate
    }
  }

  private func heads(
    _ objects: [ObjectIdentifier]
  ) async throws(S3Error) -> [DeletionCandidate] {
    var candidates: [DeletionCandidate] = []
    var rest = objects[...]
    while !rest.isEmpty {
      let group = Array(rest.prefix(Self.concurrentHeads))
      rest = rest.dropFirst(Self.concurrentHeads)
      let answers = await withTaskGroup { tasks in
        for object in group { tasks.addTask { await self.head(object) } }
        return await tasks.reduce(into: []) { $0.append($1) }
      }
      if Task.isCancelled {
        throw S3Error(operation: .headObject, cause: .transport(.cancelled), attempts: 0)
      }
      for answer in answers { candidates.append(try answer.get()) }
    }
    return candidates
  }

  private func head(_ object: ObjectIdentifier) async -> Result<DeletionCandidate, S3Error> {
    let (key, versionID) = (object.key, object.versionID)
    do {
      let metadata = try await client.headObject(
        ObjectLocation(bucket: bucket, key: key, versionID: versionID))
      return .success(
        DeletionCandidate(
          key: key, versionID: versionID, size: metadata.size, lastModified: metadata.lastModified))
    } catch {
      // Whether the object is newer than the confirmation has to be known where it can be.
      guard case .service(let refusal) = error.cause, refusal.status < 500 else {
        return .failure(error)
      }
      // Without a body the answer tells a status alone; 405 is that of a delete marker.
      var isMissing = error.code == .noSuchKey || error.code == .noSuchVersion
      if error.code == .noSuchKey, let versionID {
        do throws(S3Error) {
          isMissing = try await !mayBeListed(key, versionID)
        } catch {
          return .failure(error)
        }
      }
      // Who may delete need not be allowed to read: the deletion itself will tell.
      return .success(
        DeletionCandidate(key: key, versionID: versionID, isMissing: isMissing))
    }
  }
  /// Whether there is a version of which HEAD says that there is none: SeaweedFS says so of a delete
  /// marker as well. Where nobody may ask, the deletion itself will tell.
  private func mayBeListed(
    _ key: ObjectKey, _ versionID: VersionID
  ) async throws(S3Error) -> Bool {
    var marker: VersionMarker?
    repeat {
      do throws(S3Error) {
        let page = try await client.listObjectVersions(
          bucket: bucket, prefix: key, delimiter: nil, after: marker)
        if page.versions.contains(where: { $0.key == key && $0.versionID == versionID }) {
          return true
        }
        // Keys come in order: those of the key itself before those that only begin with it.
        if let last = page.versions.last, last.key != key { return false }
        marker = page.next
      } catch  where error.code == .accessDenied {
        return true
      } catch  where error.isNotImplemented {
        return false
      }
    } while marker != nil
    return false
  }
}
