import S3
import Testing

@testable import App

@Suite("Sums by prefix")
struct PrefixSumsTests {
  private func lines(_ keys: [String], base: String = "", depth: Int) -> [String] {
    var sums = PrefixSums(base: ObjectKey(base), depth: depth)
    var done: [PrefixSums.Sum] = []
    for key in keys { done += sums.add(ObjectKey(key), ByteCount(10)) }
    done += sums.finish()
    return (done + [sums.total]).map { "\($0.prefix.text) \($0.size.bytes) \($0.objects)" }
  }

  @Test("Each prefix comes once it is complete, inner ones first, the total last")
  func levels() {
    let keys = ["a", "b/c/1", "b/c/2", "b/d", "b/e/f/1", "c/1"]
    #expect(lines(keys, depth: 0) == [" 60 6"])
    #expect(lines(keys, depth: 1) == ["b/ 40 4", "c/ 10 1", " 60 6"])
    #expect(
      lines(keys, depth: 2) == ["b/c/ 20 2", "b/e/ 10 1", "b/ 40 4", "c/ 10 1", " 60 6"])
  }

  @Test("Levels are counted from the base")
  func base() {
    #expect(
      lines(["b/c/1", "b/d/1"], base: "b/", depth: 1) == ["b/c/ 10 1", "b/d/ 10 1", "b/ 20 2"])
  }

  @Test("Empty segments and markers are prefixes like any other")
  func emptySegments() {
    #expect(lines(["/", "//x", "p/"], depth: 2) == ["// 10 1", "/ 20 2", "p/ 10 1", " 30 3"])
  }

  @Test("Nothing adds up to nothing")
  func nothing() {
    #expect(lines([], depth: 3) == [" 0 0"])
  }

  @Test("Keys in no order are noticed")
  func order() {
    var sums = PrefixSums(base: .empty, depth: 1)
    _ = sums.add(ObjectKey("b"), .zero)
    #expect(sums.isInOrder)
    _ = sums.add(ObjectKey("a"), .zero)
    #expect(!sums.isInOrder)
  }
}
