import S3
import Storage

/// What one action leads to, gathered while the parts of the state handle it: effects, a message,
/// dialogs that open or close, places to go to.
struct Turn {
  private(set) var effects: [Effect] = []
  private(set) var message: Message?
  private(set) var kept: StorageError?
  /// Handed out by ``takeOpened()`` and the like, so that each is carried out once.
  private var opened: [any Overlay] = []
  private var closesOverlay = false
  private var retries = false
  private var destination: Place?
  private var bucketChange: BucketChange?
  private var changedObjects: Set<BucketName> = []

  let facts: BrowserFacts
  private(set) var lastRequest: Int

  init(facts: BrowserFacts, lastRequest: Int) {
    self.facts = facts
    self.lastRequest = lastRequest
  }

  /// Asks for an effect that will be answered, and returns the name of the request.
  mutating func request(_ effect: (RequestID) -> Effect) -> RequestID {
    lastRequest += 1
    let id = RequestID(lastRequest)
    effects.append(effect(id))
    return id
  }

  /// Asks for an effect that nobody waits for.
  mutating func perform(_ effect: Effect) { effects.append(effect) }

  mutating func cancel(_ request: RequestID?) {
    guard let request else { return }
    effects.append(.cancel(request))
  }

  mutating func say(_ text: String) { message = .note(text) }

  mutating func fail(_ error: StorageError) {
    // Who cancels knows that it was cancelled.
    guard !error.isCancellation else { return }
    message = .error(error)
  }

  /// Has an error ready for who asks for the last one, whatever the bottom row says.
  mutating func keep(_ error: StorageError) { kept = error }

  mutating func open(_ overlay: any Overlay) { opened.append(overlay) }

  /// Closes the dialog that is handling the action.
  mutating func close() { closesOverlay = true }

  /// Asks anew for what is on the screen.
  mutating func retry() { retries = true }

  mutating func takeRetry() -> Bool {
    defer { retries = false }
    return retries
  }

  mutating func go(to place: Place) { destination = place }

  /// What happened to a bucket, for the panes to follow.
  enum BucketChange {
    case created(BucketName)
    case removed(BucketName)
  }

  mutating func bucketChanged(_ change: BucketChange) { bucketChange = change }

  /// Says that objects of a bucket were uploaded, made or deleted.
  mutating func objectsChanged(in bucket: BucketName) { changedObjects.insert(bucket) }

  mutating func takeOpened() -> [any Overlay] {
    defer { opened = [] }
    return opened
  }

  mutating func takeClosing() -> Bool {
    defer { closesOverlay = false }
    return closesOverlay
  }

  mutating func takeDestination() -> Place? {
    defer { destination = nil }
    return destination
  }

  mutating func takeBucketChange() -> BucketChange? {
    defer { bucketChange = nil }
    return bucketChange
  }

  mutating func takeChangedObjects() -> Set<BucketName> {
    defer { changedObjects = [] }
    return changedObjects
  }
}
