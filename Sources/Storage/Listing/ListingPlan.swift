import DequeModule
import S3

/// Decides which requests list every object under a prefix, several at once, and puts together
/// what they bring. ``RecursiveListing`` carries the requests out.
///
/// The first page comes without a delimiter. When it is not the last and its keys lie in few
/// prefixes, the listing *splits*: a listing with a delimiter gives the level's objects and
/// prefixes, and each prefix is listed by itself, from its beginning, in turn perhaps split. What
/// the first page had comes again then and is left out. Otherwise page follows page.
///
/// No key is lost or doubled, whatever order the server has: nothing is concluded from the order
/// of keys, since some stores list a folder's contents where the folder's name stands. Keys come
/// out in the server's order; where that is by bytes, as on Amazon S3, the whole is as well, and so
/// it is where it is by folders and ``listsByFolder`` says so.
///
/// A split is on *trial* first. If its prefixes hold so little that going through them costs more
/// requests than pages do, or if the server refuses to list one of them, which a policy may do
/// that allows the prefix as a whole, it is given up: the pages go on where the first one ended,
/// without what was given meanwhile.
struct ListingPlan: Sendable {
  struct Limits: Sendable, Hashable {
    var requestsAtOnce = 8
    /// With this many objects waiting to be taken, only what is next in order is asked for.
    var objectsAhead = 12_000
    /// A first page with keys in more prefixes does not split.
    var prefixesInFirstPage = 4
    /// How many prefixes are tried before a split may be given up, 1 or more.
    var prefixesOnTrial = 16
    /// With fewer objects in each of them, on the average, a split is given up.
    var objectsPerPrefix = 100
    /// Splits inside each other.
    var deepestSplit = 8
  }

  /// One ListObjectsV2.
  struct Request: Sendable, Hashable {
    let id: Int
    let prefix: ObjectKey
    let hasDelimiter: Bool
    let token: ContinuationToken?
  }

  /// What comes next in order.
  enum Offer: Sendable {
    /// One object or more.
    case page([ObjectSummary])
    /// Not there yet: a request is under way or to be started.
    case waiting
    case failure(S3Error)
    case end
  }

  private typealias SplitID = Int

  private struct Query {
    /// Asked for.
    var prefix: ObjectKey
    var token: ContinuationToken?
    var hasDelimiter = false
    /// Of a level: the last common prefix of the page before, which some servers repeat.
    var lastPrefix: ObjectKey?
    /// Keys that do not begin so are left out: they come elsewhere, or were not asked for.
    var scope: ObjectKey
    /// Those that it is a part of, the outermost first.
    var splits: [SplitID] = []
  }

  /// A stretch of the listing, in the order in which objects are given.
  private enum Step {
    case ready([ObjectSummary], splits: [SplitID])
    /// `id` is nil until it is under way.
    case query(Query, id: Int?)
    case failed(S3Error)
    case end(of: SplitID)

    var splits: [SplitID] {
      switch self {
      case .ready(_, let splits): splits
      case .query(let query, _): query.splits
      case .failed, .end: []
      }
    }
  }

  private struct Split {
    /// What was asked for when the first page came.
    var base: Query
    /// Where the pages would go on.
    var next: ContinuationToken
    /// Not to be given again.
    var given: GivenKeys
    var trial: Trial?
  }

  private struct Trial {
    var prefixes = 0
    var objects = 0
    /// What the consumer has got meanwhile.
    var given: [ObjectKey] = []
  }

  /// Whether the server is known to list what is in a folder where the folder's name stands.
  var listsByFolder = false
  private let limits: Limits
  private var steps: Deque<Step>
  private var splits: [SplitID: Split] = [:]
  private var running: Set<Int> = []
  private var lastNumber = 0
  /// Objects in `steps` that are ready.
  private var waitingObjects = 0

  init(prefix: ObjectKey, limits: Limits = Limits()) {
    self.limits = limits
    steps = [.query(Query(prefix: prefix, scope: prefix), id: nil)]
  }

  // MARK: - Asking

  /// The requests to be started now, which count as under way from then on.
  mutating func requestsToStart() -> [Request] {
    var requests: [Request] = []
    var isNext = true
    for index in steps.indices {
      guard running.count < limits.requestsAtOnce else { break }
      switch steps[index] {
      case .ready: isNext = false
      case .end: continue
      case .failed: return requests
      case .query(let query, let id):
        guard isNext || waitingObjects < limits.objectsAhead else { return requests }
        isNext = false
        guard id == nil else { continue }
        let number = newNumber()
        steps[index] = .query(query, id: number)
        running.insert(number)
        requests.append(
          Request(
            id: number, prefix: query.prefix, hasDelimiter: query.hasDelimiter,
            token: query.token))
      }
    }
    return requests
  }

  /// Takes the next objects in order.
  mutating func next() -> Offer {
    while let step = steps.first {
      switch step {
      case .ready(let objects, let splits):
        steps.removeFirst()
        waitingObjects -= objects.count
        for id in splits { self.splits[id]?.trial?.given += objects.map(\.key) }
        if !objects.isEmpty { return .page(objects) }
      case .query: return .waiting
      case .failed(let error): return .failure(error)
      case .end(let id):
        steps.removeFirst()
        splits[id] = nil
      }
    }
    return .end
  }

  // MARK: - Answers

  mutating func arrived(_ page: ObjectPage, for id: Int) {
    guard let (index, query) = conclude(id) else { return }
    if query.hasDelimiter {
      levelArrived(page, query, index)
    } else {
      pageArrived(page, query, index)
    }
  }

  mutating func failed(_ error: S3Error, for id: Int) {
    guard let (index, query) = conclude(id) else { return }
    if error.isRefusal, evade(query, index) { return }
    replace(index, with: [.failed(error)])
  }

  /// - Returns: nil for what was given up meanwhile.
  private mutating func conclude(_ id: Int) -> (Int, Query)? {
    running.remove(id)
    for index in steps.indices {
      if case .query(let query, id) = steps[index] { return (index, query) }
    }
    return nil
  }

  private mutating func pageArrived(_ page: ObjectPage, _ query: Query, _ index: Int) {
    var following: [Step] = [.ready(notGiven(page.objects, query), splits: query.splits)]
    if let next = page.next {
      if query.token == nil, query.splits.count < limits.deepestSplit,
        splits(page.objects.lazy.map(\.key), under: query.prefix)
      {
        let id = newNumber()
        splits[id] = Split(
          base: query, next: next, given: GivenKeys(page.objects.map(\.key)), trial: Trial())
        var level = query
        level.hasDelimiter = true
        level.splits.append(id)
        following += [.query(level, id: nil), .end(of: id)]
      } else {
        var rest = query
        rest.token = next
        following.append(.query(rest, id: nil))
      }
    }
    replace(index, with: following)
    for id in query.splits { test(id, page, isFirst: query.token == nil) }
  }

  private mutating func levelArrived(_ page: ObjectPage, _ query: Query, _ index: Int) {
    // A server that rolls up otherwise than by what follows the prefix cannot be split by it.
    let isSound = page.commonPrefixes.allSatisfy {
      $0.hasPrefix(query.prefix) && $0 != query.prefix
    }
    guard isSound else {
      if evade(query, index) { return }
      return replace(
        index,
        with: [
          .failed(
            S3Error(
              operation: .listObjectsV2,
              cause: .malformedAnswer("the listing has a common prefix that was not asked for"),
              attempts: 1))
        ])
    }
    let isAlone = page.commonPrefixes.count == 1 && query.token == nil && page.next == nil
    if isAlone, let id = query.splits.last, let split = splits[id], split.trial != nil,
      let prefix = page.commonPrefixes.first,
      !splits(split.given.keys.lazy.filter { $0.hasPrefix(prefix) }.sorted(), under: prefix)
    {
      return giveUp(id)
    }
    var following: [Step] = []
    var run: [ObjectSummary] = []
    func closeRun() {
      if !run.isEmpty { following.append(.ready(run, splits: query.splits)) }
      run = []
    }
    var objects = notGiven(page.objects, query)[...]
    var last = query.lastPrefix
    for prefix in page.commonPrefixes where prefix != last {
      last = prefix
      while let object = objects.first,
        listsByFolder ? object.key.precedesByFolder(prefix) : object.key < prefix
      {
        run.append(object)
        objects.removeFirst()
      }
      closeRun()
      following.append(
        .query(
          // A lone prefix has all that is in the first page: its level is looked at next.
          Query(prefix: prefix, hasDelimiter: isAlone, scope: prefix, splits: query.splits),
          id: nil))
    }
    run += objects
    closeRun()
    if let next = page.next {
      var rest = query
      rest.token = next
      rest.lastPrefix = last
      following.append(.query(rest, id: nil))
    }
    replace(index, with: following)
  }

  // MARK: - Splitting

  /// Whether the keys of a first page lie in few prefixes below `prefix`.
  private func splits(_ keys: some Sequence<ObjectKey>, under prefix: ObjectKey) -> Bool {
    var count = 0
    var nested = 0
    var prefixes = 0
    var last: ArraySlice<UInt8>?
    for key in keys where key.bytes.count >= prefix.bytes.count {
      count += 1
      let rest = key.bytes[prefix.bytes.count...]
      guard let slash = rest.firstIndex(of: UInt8(ascii: "/")) else { continue }
      nested += 1
      guard rest[..<slash] != last else { continue }
      last = rest[..<slash]
      prefixes += 1
    }
    return (1...limits.prefixesInFirstPage).contains(prefixes) && nested * 2 >= count
  }

  /// What of `objects` belongs to the query and was not given before.
  private func notGiven(_ objects: [ObjectSummary], _ query: Query) -> [ObjectSummary] {
    let given = query.splits.compactMap { splits[$0]?.given }
    func isNew(_ key: ObjectKey) -> Bool {
      key.hasPrefix(query.scope) && !given.contains { $0.contains(key) }
    }
    // Most pages stay as they are, and are not copied.
    return objects.allSatisfy { isNew($0.key) } ? objects : objects.filter { isNew($0.key) }
  }

  /// Ends the trial of a split once enough is known.
  private mutating func test(_ id: SplitID, _ page: ObjectPage, isFirst: Bool) {
    guard var trial = splits[id]?.trial else { return }
    trial.objects += page.objects.count
    if isFirst { trial.prefixes += 1 }
    let enough = limits.prefixesOnTrial * limits.objectsPerPrefix
    if trial.objects >= enough || trial.given.count > 2 * enough {
      splits[id]?.trial = nil
    } else {
      splits[id]?.trial = trial
      if trial.prefixes >= limits.prefixesOnTrial { giveUp(id) }
    }
  }

  /// Finds another way to what the server refuses to list by itself.
  ///
  /// - Returns: `false` when there is none.
  private mutating func evade(_ query: Query, _ index: Int) -> Bool {
    guard let id = query.splits.last, let split = splits[id] else { return false }
    if split.trial != nil {
      giveUp(id)
      return true
    }
    guard !query.hasDelimiter, query.token == nil else { return false }
    // All the pages once more, for what of them lies in this prefix.
    var other = query
    other.prefix = split.base.prefix
    other.token = split.next
    replace(index, with: [.query(other, id: nil)])
    return true
  }

  /// Puts the pages that follow the first one in the place of all that is left of a split.
  private mutating func giveUp(_ id: SplitID) {
    guard let split = splits[id],
      let end = steps.firstIndex(where: { if case .end(of: id) = $0 { true } else { false } })
    else { return }
    let start = steps[..<end].firstIndex { $0.splits.contains(id) } ?? end
    for step in steps[start..<end] {
      switch step {
      case .ready(let objects, _): waitingObjects -= objects.count
      case .end(let inner): splits[inner] = nil
      case .query, .failed: break
      }
    }
    var rest = split.base
    rest.token = split.next
    rest.splits.append(id)
    splits[id]?.given.insert(split.trial?.given ?? [])
    splits[id]?.trial = nil
    steps.replaceSubrange(start..<end, with: [.query(rest, id: nil)])
  }

  private mutating func replace(_ index: Int, with following: [Step]) {
    for case .ready(let objects, _) in following { waitingObjects += objects.count }
    guard index > 0, case .ready(let before, let splits) = steps[index - 1],
      case .ready(let first, splits)? = following.first,
      before.count + first.count <= Self.largestJoined
    else {
      return steps.replaceSubrange(index...index, with: following)
    }
    // Thousands of small prefixes would else be as many steps.
    steps[index - 1] = .ready(before + first, splits: splits)
    steps.replaceSubrange(index...index, with: following.dropFirst())
  }

  private static let largestJoined = 1_000

  private mutating func newNumber() -> Int {
    lastNumber += 1
    return lastNumber
  }
}

/// A set of keys that is cheap to ask about the many keys that lie behind all of them.
private struct GivenKeys: Sendable {
  private(set) var keys: Set<ObjectKey> = []
  private var first: ObjectKey?
  private var last: ObjectKey?

  init(_ keys: [ObjectKey]) {
    insert(keys)
  }

  mutating func insert(_ more: [ObjectKey]) {
    keys.formUnion(more)
    first = keys.min()
    last = keys.max()
  }

  func contains(_ key: ObjectKey) -> Bool {
    guard let first, let last, !(key < first), !(last < key) else { return false }
    return keys.contains(key)
  }
}

extension S3Error {
  /// Whether the server will not do this, but may well do something like it.
  var isRefusal: Bool {
    guard case .service(let error) = cause else { return false }
    return (400..<500).contains(error.status) || error.status == 501
  }
}
