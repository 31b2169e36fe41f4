import HTTP
import S3

/// Every object under a prefix, page after page, with several requests under way.
///
/// Keys come in the server's order, none lost and none twice: ``ListingPlan`` says how, and
/// ``OrderedListing`` brings them into their own. What is fetched ahead is bounded, so memory does not
/// grow with the listing. For one consumer at a time; letting go of it ends the requests.
actor RecursiveListing {
  /// In objects. S3 API Reference, ListObjectsV2: at most 1,000 a page.
  static let pageSize = 1_000

  private let client: S3Client
  private let bucket: BucketName
  private let prefix: ObjectKey
  private let pageSize: Int
  private let patience: Patience?
  private var plan: ListingPlan
  private var tasks: [Int: Task<Void, Never>] = [:]
  private var waiter: CheckedContinuation<Void, Never>?
  private var isCancelled = false

  /// Sends nothing yet.
  ///
  /// - Parameter patience: of the transfers that wait for it; without, a page that the client has
  ///   given up ends the listing.
  init(
    client: S3Client, bucket: BucketName, prefix: ObjectKey, limits: ListingPlan.Limits = .init(),
    pageSize: Int = RecursiveListing.pageSize, patience: Patience? = nil
  ) {
    self.client = client
    self.bucket = bucket
    self.prefix = prefix
    self.pageSize = pageSize
    self.patience = patience
    plan = ListingPlan(prefix: prefix, limits: limits)
  }

  deinit {
    for task in tasks.values { task.cancel() }
  }

  /// Sends the first request, for who will ask for the first page a little later.
  func begin() {
    startRequests()
  }

  /// The next objects, never an empty page; nil at the end. Cancelling the task ends the listing.
  func next() async throws(StorageError) -> [ObjectSummary]? {
    do {
      return try await nextPage()
    } catch {
      throw StorageError(error, while: .list(bucket, prefix: prefix))
    }
  }

  /// As ``next()``, with the plain error. Objects that come before it in order are given first.
  func nextPage() async throws(S3Error) -> [ObjectSummary]? {
    while true {
      guard !Task.isCancelled, !isCancelled else {
        cancel()
        throw S3Error(operation: .listObjectsV2, cause: .transport(.cancelled), attempts: 0)
      }
      let offer = plan.next()
      startRequests()
      switch offer {
      case .page(let objects): return objects
      case .end: return nil
      case .failure(let error):
        cancel()
        throw error
      case .waiting:
        await withTaskCancellationHandler {
          await withCheckedContinuation { waiter = $0 }
        } onCancel: {
          Task { await self.cancel() }
        }
      }
    }
  }

  private func startRequests() {
    for request in plan.requestsToStart() {
      tasks[request.id] = Task { [weak self, client, bucket, pageSize, patience] in
        let ask: @Sendable () async throws(S3Error) -> ObjectPage = { () async throws(S3Error) in
          try await client.listObjectsV2(
            bucket: bucket, prefix: request.prefix, delimiter: request.hasDelimiter ? "/" : nil,
            after: request.token, pageSize: pageSize)
        }
        let result: Result<ObjectPage, S3Error>
        do throws(S3Error) {
          let page =
            if let patience {
              // What was found before it waits meanwhile.
              try await patience.keepTrying(limits: 1) { (_) async throws(S3Error) in
                try await ask()
              }
            } else {
              try await ask()
            }
          result = .success(page)
        } catch {
          result = .failure(error)
        }
        await self?.arrived(result, for: request.id)
      }
    }
  }

  private func arrived(_ result: Result<ObjectPage, S3Error>, for id: Int) {
    tasks[id] = nil
    guard !isCancelled else { return }
    plan.listsByFolder = client.listsByFolder
    switch result {
    case .success(let page): plan.arrived(page, for: id)
    case .failure(let error): plan.failed(error, for: id)
    }
    startRequests()
    resumeConsumer()
  }

  private func cancel() {
    isCancelled = true
    for task in tasks.values { task.cancel() }
    resumeConsumer()
  }

  private func resumeConsumer() {
    waiter?.resume()
    waiter = nil
  }
}
