import HTTP
import S3
import TestSupport
import Testing

@testable import Storage

/// What one server would answer: keys in an order of its own, cut into pages.
private struct Shelf {
  enum Order: CaseIterable {
    /// As Amazon S3.
    case bytes
    /// A folder's contents stand where its name stands, as in stores that keep a tree.
    case folders
    case none
  }

  var keys: [ObjectKey]
  var pageSize: Int
  /// Prefixes that may not be asked for.
  var refused: Set<ObjectKey> = []
  var refusesDelimiter = false
  /// Whether a page of a level begins with the prefix that the one before has ended with.
  var repeatsPrefixes = false

  init(_ keys: Set<ObjectKey>, _ order: Order, pageSize: Int, _ random: inout SeededRandom) {
    self.pageSize = pageSize
    switch order {
    case .bytes: self.keys = keys.sorted()
    case .folders: self.keys = keys.sorted { $0.precedesByFolder($1) }
    case .none: self.keys = keys.sorted().shuffled(using: &random)
    }
  }

  func answer(_ request: ListingPlan.Request) -> Result<ObjectPage, S3Error> {
    if refused.contains(request.prefix) || (refusesDelimiter && request.hasDelimiter) {
      let denial = ServiceError(code: .accessDenied, status: 403)
      return .failure(
        S3Error(operation: .listObjectsV2, cause: .service(denial), attempts: 1))
    }
    var entries: [(key: ObjectKey, isPrefix: Bool)] = []
    var seen: Set<ObjectKey> = []
    for key in keys where key.hasPrefix(request.prefix) {
      let rest = key.bytes[request.prefix.bytes.count...]
      if request.hasDelimiter, let slash = rest.firstIndex(of: 0x2F) {
        let prefix = ObjectKey(bytes: key.bytes[...slash])
        if seen.insert(prefix).inserted { entries.append((prefix, true)) }
      } else {
        entries.append((key, false))
      }
    }
    let start = request.token.flatMap { Int($0.text) } ?? 0
    let end = min(start + pageSize, entries.count)
    var page = Array(entries[start..<end])
    if repeatsPrefixes, start > 0, entries[start - 1].isPrefix {
      page.insert(entries[start - 1], at: 0)
    }
    return .success(
      ObjectPage(
        objects: page.filter { !$0.isPrefix }.map { ObjectSummary(key: $0.key, size: .zero) },
        commonPrefixes: page.filter(\.isPrefix).map(\.key),
        next: end < entries.count ? ContinuationToken(String(end)) : nil))
  }
}

/// What came of a listing.
private struct Walk {
  var keys: [ObjectKey] = []
  var requests: [ListingPlan.Request] = []
  var mostAtOnce = 0
  var failure: S3Error?

  /// Answers come in any order, and pages are taken at any time.
  init(
    _ shelf: Shelf, under prefix: ObjectKey = .empty, _ limits: ListingPlan.Limits,
    listsByFolder: Bool = false, _ random: inout SeededRandom
  ) {
    var plan = ListingPlan(prefix: prefix, limits: limits)
    plan.listsByFolder = listsByFolder
    var running: [ListingPlan.Request] = []
    while true {
      let started = plan.requestsToStart()
      requests += started
      running += started
      mostAtOnce = max(mostAtOnce, running.count)
      if running.isEmpty || Bool.random(using: &random) {
        switch plan.next() {
        case .page(let page): keys += page.map(\.key)
        case .end: return
        case .failure(let error):
          failure = error
          return
        case .waiting: break
        }
      }
      guard let index = running.indices.randomElement(using: &random) else { continue }
      let request = running.remove(at: index)
      switch shelf.answer(request) {
      case .success(let page): plan.arrived(page, for: request.id)
      case .failure(let error): plan.failed(error, for: request.id)
      }
    }
  }
}

extension ListingPlan.Limits {
  /// For pages of few keys.
  fileprivate static let small = ListingPlan.Limits(
    requestsAtOnce: 4, objectsAhead: 60, prefixesOnTrial: 3, objectsPerPrefix: 4, deepestSplit: 4)
}

@Suite("Listing plan")
struct ListingPlanTests {
  /// Keys of some levels, with names that sort differently by bytes and by folders.
  private static func tree(_ random: inout SeededRandom) -> Set<ObjectKey> {
    let names = ["a", "b", "a.txt", "a-b", "a0", "é", "z", "", "b.c", "~"]
    let count = Int.random(in: 0...400, using: &random)
    let width = Int.random(in: 1...names.count, using: &random)
    let depth = Int.random(in: 1...5, using: &random)
    var keys: Set<ObjectKey> = []
    for number in 0..<count {
      let levels = (0..<Int.random(in: 0..<depth, using: &random)).map { _ in
        names.prefix(width).randomElement(using: &random) ?? "a"
      }
      // Some prefixes have many keys, most have few; a prefix may be a key as well.
      let leaf = ["f\(number)", "a-\(number)", ""].randomElement(using: &random) ?? ""
      keys.insert(ObjectKey((levels + [leaf]).joined(separator: "/")))
    }
    return keys.filter { !$0.isEmpty }
  }

  @Test(
    "Every key is given once, whatever the tree and the server's order", arguments: 0..<120)
  func complete(seed: Int) {
    var random = SeededRandom(seed: UInt64(seed))
    let keys = Self.tree(&random)
    for order in Shelf.Order.allCases {
      let shelf = Shelf(
        keys, order, pageSize: Int.random(in: 1...40, using: &random), &random)
      let walk = Walk(shelf, .small, listsByFolder: order == .folders, &random)
      #expect(walk.failure == nil)
      #expect(walk.keys.sorted() == keys.sorted())
      if order != .none { #expect(walk.keys == shelf.keys) }
      #expect(walk.mostAtOnce <= ListingPlan.Limits.small.requestsAtOnce)
    }
  }

  @Test(
    "A prefix that the next page of a level repeats is listed once", arguments: 0..<60)
  func repeated(seed: Int) {
    var random = SeededRandom(seed: UInt64(seed) &+ 20_000)
    let keys = Self.tree(&random)
    for order in Shelf.Order.allCases {
      var shelf = Shelf(keys, order, pageSize: Int.random(in: 1...10, using: &random), &random)
      shelf.repeatsPrefixes = true
      let walk = Walk(shelf, .small, listsByFolder: order == .folders, &random)
      #expect(walk.failure == nil)
      #expect(walk.keys.sorted() == keys.sorted())
    }
  }

  @Test("A server that refuses some prefixes is listed as a whole", arguments: 0..<60)
  func refusals(seed: Int) {
    var random = SeededRandom(seed: UInt64(seed) &+ 10_000)
    let keys = Self.tree(&random)
    for order in Shelf.Order.allCases {
      var shelf = Shelf(
        keys, order, pageSize: Int.random(in: 1...40, using: &random), &random)
      shelf.refused = Set(
        keys.map(\.parentPrefix).filter { _ in Int.random(in: 0..<4, using: &random) == 0 })
      shelf.refused.remove(.empty)
      let walk = Walk(shelf, .small, &random)
      // Within a level that had stood its trial there may be no way but the refused one.
      #expect(Set(walk.keys).count == walk.keys.count)
      if walk.failure == nil { #expect(walk.keys.sorted() == keys.sorted()) }
    }
  }

  @Test("Without a delimiter's permission the pages go on")
  func noDelimiter() {
    var random = SeededRandom(seed: 1)
    let keys = Set((0..<300).map { ObjectKey("p\($0 / 100)/f\($0)") })
    var shelf = Shelf(keys, .bytes, pageSize: 20, &random)
    shelf.refusesDelimiter = true
    let walk = Walk(shelf, .small, &random)
    #expect(walk.failure == nil)
    #expect(walk.keys == keys.sorted())
  }

  @Test("A denial of the whole is an error, after no key")
  func denied() {
    var random = SeededRandom(seed: 1)
    var shelf = Shelf([ObjectKey("a")], .bytes, pageSize: 20, &random)
    shelf.refused = [.empty]
    let walk = Walk(shelf, .small, &random)
    #expect(walk.failure?.code == .accessDenied)
    #expect(walk.keys.isEmpty)
  }

  @Test("Few large prefixes are listed beside each other")
  func parallel() {
    var random = SeededRandom(seed: 1)
    let keys = Set((0..<10_000).map { ObjectKey("p\($0 / 1_000)/f\($0)") })
    let shelf = Shelf(keys, .bytes, pageSize: 1_000, &random)
    let walk = Walk(shelf, .init(), &random)
    #expect(walk.keys == keys.sorted())
    #expect(walk.mostAtOnce == ListingPlan.Limits().requestsAtOnce)
    // One page, one level, and each prefix once.
    #expect(walk.requests.count == 12)
  }

  @Test("What has no prefixes, or only small ones, is listed page by page")
  func sequential() {
    var random = SeededRandom(seed: 1)
    for keys in [
      Set((0..<5_000).map { ObjectKey("f\($0)") }),
      Set((0..<5_000).map { ObjectKey("p\($0)/f") }),
    ] {
      let shelf = Shelf(keys, .bytes, pageSize: 1_000, &random)
      let walk = Walk(shelf, .init(), &random)
      #expect(walk.keys == keys.sorted())
      #expect(walk.requests.count == 5)
      #expect(walk.mostAtOnce == 1)
    }
  }

  @Test("A flat prefix inside others costs one request for each of them")
  func chain() {
    var random = SeededRandom(seed: 1)
    let keys = Set((0..<5_000).map { ObjectKey("backup/2026/f\($0)") })
    let walk = Walk(Shelf(keys, .bytes, pageSize: 1_000, &random), .init(), &random)
    #expect(walk.keys == keys.sorted())
    #expect(walk.requests.count <= 5 + 2)
  }

  @Test("A split whose prefixes turn out small is given up")
  func trial() {
    var random = SeededRandom(seed: 1)
    var keys = Set((0..<1_200).map { ObjectKey("a/f\($0)") })
    keys.formUnion((0..<900).map { ObjectKey("b\($0)/f") })
    let limits = ListingPlan.Limits(prefixesOnTrial: 16, objectsPerPrefix: 200)
    let walk = Walk(Shelf(keys, .bytes, pageSize: 1_000, &random), limits, &random)
    #expect(walk.keys == keys.sorted())
    #expect(walk.requests.count < 40)
  }

  @Test("A consumer that takes nothing is not run away from")
  func bounded() {
    var random = SeededRandom(seed: 1)
    let keys = Set((0..<50_000).map { ObjectKey("p\($0 / 1_000)/f\($0)") })
    let shelf = Shelf(keys, .bytes, pageSize: 1_000, &random)
    let limits = ListingPlan.Limits()
    var plan = ListingPlan(prefix: .empty, limits: limits)
    var arrived = 0
    var requests = plan.requestsToStart()
    while !requests.isEmpty {
      for request in requests {
        guard case .success(let page) = shelf.answer(request) else { continue }
        arrived += page.objects.count
        plan.arrived(page, for: request.id)
      }
      requests = plan.requestsToStart()
    }
    #expect(arrived >= limits.objectsAhead)
    #expect(arrived <= limits.objectsAhead + (limits.requestsAtOnce + 1) * 1_000)
  }

  @Test("A server whose common prefixes are not below the prefix is listed page by page")
  func unsound() {
    var plan = ListingPlan(prefix: ObjectKey("p/"))
    let page = ObjectPage(
      objects: (0..<10).map { ObjectSummary(key: ObjectKey("p/q/\($0)"), size: .zero) },
      next: ContinuationToken("1"))
    plan.arrived(page, for: plan.requestsToStart()[0].id)
    let level = plan.requestsToStart()
    #expect(level.map(\.hasDelimiter) == [true])
    plan.arrived(ObjectPage(commonPrefixes: [ObjectKey("p/")]), for: level[0].id)
    #expect(plan.requestsToStart().map(\.token?.text) == ["1"])
  }
}
