import S3
import TestSupport
import Testing

@testable import Storage

@Suite("Key order")
struct KeyOrderTests {
  private static func keys(_ random: inout SeededRandom) -> Set<ObjectKey> {
    let names = ["a", "a-", "a-b", "a.txt", "a0", "-", "é", "a--"]
    let width = Int.random(in: 1...names.count, using: &random)
    return Set(
      (0..<Int.random(in: 0...300, using: &random)).map { number in
        let levels = (0..<Int.random(in: 0...4, using: &random)).map { _ in
          names.prefix(width).randomElement(using: &random) ?? "a"
        }
        return ObjectKey((levels + ["f\(number)"]).joined(separator: "/"))
      })
  }

  /// What comes out of `keys`, which come so, with what is looked for meanwhile.
  private static func walk(
    _ keys: [ObjectKey], limit: Int, _ random: inout SeededRandom
  ) -> (keys: [ObjectKey], mostHeld: Int) {
    var order = KeyOrder<ObjectKey>(under: .empty) { $0 }
    var taken: [ObjectKey] = []
    var mostHeld = 0
    var rest = keys[...]
    repeat {
      let page = rest.prefix(Int.random(in: 1...20, using: &random))
      rest = rest.dropFirst(page.count)
      order.add(Array(page))
      if rest.isEmpty { order.end() }
      taken += order.take()
      while let folder = order.folderInTheWay(limit: limit) {
        let name = ObjectKey(bytes: folder.bytes.dropLast())
        let before = Set(
          keys.filter { $0.hasPrefix(name) && $0.bytes.count > name.bytes.count }
            .map { $0.bytes[name.bytes.count] }.filter { $0 < ObjectKey.slash })
        let prefixes = before.sorted().map { name + ObjectKey(bytes: [$0]) }
        let given = order.given
        order.looked(before: folder, at: prefixes)
        for prefix in prefixes {
          let new = keys.filter { $0.hasPrefix(prefix) && given < $0 }.sorted()
          taken += new
          if let last = new.last { order.note(given: last) }
        }
        taken += order.take()
      }
      mostHeld = max(mostHeld, order.held.count)
    } while !rest.isEmpty
    return (taken, mostHeld)
  }

  @Test("What a server has by folders comes out by bytes, with few rows held", arguments: 0..<80)
  func byFolders(seed: Int) {
    var random = SeededRandom(seed: UInt64(seed))
    let keys = Self.keys(&random)
    for limit in [1, 7, 50, 1_000] {
      let byFolder = keys.sorted { $0.precedesByFolder($1) }
      let walk = Self.walk(byFolder, limit: limit, &random)
      #expect(walk.keys == keys.sorted())
      #expect(walk.mostHeld <= limit)
      #expect(Self.walk(keys.sorted(), limit: limit, &random).keys == keys.sorted())
    }
  }

  @Test("Each row comes out once, whatever the order", arguments: 0..<40)
  func anyOrder(seed: Int) {
    var random = SeededRandom(seed: UInt64(seed) &+ 1_000)
    let keys = Self.keys(&random)
    let walk = Self.walk(
      keys.sorted().shuffled(using: &random), limit: Int.random(in: 1...60, using: &random),
      &random)
    #expect(walk.keys.sorted() == keys.sorted())
  }

  @Test("A prefix waits for the names that belong before it, and no longer")
  func oneLevel() {
    var order = KeyOrder<ObjectKey>(under: ObjectKey("p/")) { $0 }
    func taken(_ page: String...) -> [String] {
      order.add(page.map { ObjectKey("p/\($0)") })
      return order.take().map { String($0.text.dropFirst(2)) }
    }
    #expect(taken("Z", "a/", "a-1") == ["Z", "a-1"])
    #expect(taken("a-2/", "a-2.txt", "a.b") == ["a-2.txt", "a-2/", "a.b"])
    #expect(taken("a0", "b") == ["a/", "a0", "b"])
    #expect(taken("b/") == [])
    order.end()
    #expect(order.take() == [ObjectKey("p/b/")])
  }
}
