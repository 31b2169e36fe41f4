public import S3

/// Every object under a prefix in key order, page after page, with several requests under way.
///
/// Where the server is known to list by folders, ``KeyOrder`` holds what is not yet to come, and of a
/// folder with more than that a request finds out what belongs before it. That is listed first then, and
/// left out where it stands, so that memory does not grow with the listing. For one consumer at a
/// time; letting go of it ends the requests.
public actor OrderedListing {
  /// How many objects wait for those that belong before them.
  static let mostHeld = 4_000

  private let client: S3Client
  private let bucket: BucketName
  private let prefix: ObjectKey
  private let limits: ListingPlan.Limits
  private let pageSize: Int
  private let mostHeld: Int
  private let listing: RecursiveListing
  private var order: KeyOrder<ObjectSummary>
  /// What belongs before all that is held, the first one first, and after `given`.
  private var earlier: [OrderedListing] = []
  private var given = ObjectKey.empty
  private var isAtEnd = false

  /// Sends nothing yet.
  init(
    client: S3Client, bucket: BucketName, prefix: ObjectKey, limits: ListingPlan.Limits = .init(),
    pageSize: Int = RecursiveListing.pageSize, mostHeld: Int = OrderedListing.mostHeld
  ) {
    self.client = client
    self.bucket = bucket
    self.prefix = prefix
    self.limits = limits
    self.pageSize = pageSize
    self.mostHeld = mostHeld
    listing = RecursiveListing(
      client: client, bucket: bucket, prefix: prefix, limits: limits, pageSize: pageSize)
    order = KeyOrder(under: prefix) { $0.key }
  }

  /// The next objects, never an empty page; nil at the end. Cancelling the task ends the listing.
  public func next() async throws(StorageError) -> [ObjectSummary]? {
    do {
      return try await nextPage()
    } catch {
      throw StorageError(error, while: .list(bucket, prefix: prefix))
    }
  }

  private func nextPage() async throws(S3Error) -> [ObjectSummary]? {
    while true {
      if let page = try await nextEarlier() { return page }
      let page = order.take()
      if !page.isEmpty { return page }
      if let folder = order.folderInTheWay(limit: mostHeld) {
        try await look(before: folder)
      } else if isAtEnd {
        return nil
      } else if let page = try await listing.nextPage() {
        guard client.listsByFolder else { return page }
        order.add(page)
      } else {
        isAtEnd = true
        order.end()
      }
    }
  }

  private func nextEarlier() async throws(S3Error) -> [ObjectSummary]? {
    while let listing = earlier.first {
      guard let page = try await listing.nextPage() else {
        earlier.removeFirst()
        continue
      }
      let new = page.filter { given < $0.key }
      guard let last = new.last else { continue }
      order.note(given: last.key)
      return new
    }
    return nil
  }

  /// Finds out what belongs before `folder`: what begins with its name and a byte less than a slash.
  private func look(before folder: ObjectKey) async throws(S3Error) {
    let name = ObjectKey(bytes: folder.bytes.dropLast())
    var found: Set<UInt8> = []
    var token: ContinuationToken?
    repeat {
      let page: ObjectPage
      do throws(S3Error) {
        page = try await client.listObjectsV2(
          bucket: bucket, prefix: name, delimiter: "/", after: token, pageSize: pageSize)
      } catch  where error.isRefusal {
        // Who may list the whole need not be allowed to list a part: it stays as it comes.
        return order.looked(before: folder, at: [])
      }
      let next = (page.objects.map(\.key) + page.commonPrefixes).compactMap { key in
        key.bytes.dropFirst(name.bytes.count).first
      }
      found.formUnion(next.filter { $0 < ObjectKey.slash })
      token = next.contains { $0 > ObjectKey.slash } ? nil : page.next
    } while token != nil
    let prefixes = found.sorted().map { name + ObjectKey(bytes: [$0]) }
    given = order.given
    order.looked(before: folder, at: prefixes)
    earlier = prefixes.map { prefix in
      OrderedListing(
        client: client, bucket: bucket, prefix: prefix, limits: limits, pageSize: pageSize,
        mostHeld: mostHeld)
    }
  }
}
