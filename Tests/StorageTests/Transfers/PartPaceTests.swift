import S3
import Testing

@testable import Storage

@Suite("Part pace")
struct PartPaceTests {
  /// A line that is looked at every second.
  private struct Line {
    var pace = PartPace()
    var seconds = 0
    var moved: Int64 = 0

    /// - Parameter rate: in bytes a second.
    /// - Returns: the limits after those looks that changed it.
    mutating func run(_ seconds: Int, at rate: Int64, underWay: Int = 4) -> [Int?] {
      var changes: [Int?] = []
      for _ in 0..<seconds {
        let hasChanged = pace.look(
          moved: ByteCount(moved), underWay: min(pace.limit ?? underWay, underWay),
          partSize: .mebibytes(8), at: .seconds(self.seconds))
        if hasChanged { changes.append(pace.limit) }
        self.seconds += 1
        moved += rate
      }
      return changes
    }
  }

  @Test("A fast line is left alone")
  func fast() {
    var line = Line()
    #expect(line.run(60, at: 2_000_000) == [])
    #expect(line.pace.limit == nil)
  }

  @Test(
    "On a slow line as many go at once as arrive within 20 seconds",
    arguments: [
      (100_000, 1), (500_000, 1), (900_000, 2), (1_300_000, 3),
    ])
  func slow(rate: Int64, count: Int) {
    var line = Line()
    #expect(line.run(60, at: rate) == [count])
  }

  @Test("Nothing is judged before a line was seen for five seconds")
  func patient() {
    var line = Line()
    #expect(line.run(5, at: 1_000) == [])
    #expect(line.run(1, at: 1_000) == [1])
  }

  @Test("Where each connection is slow by itself, many stay")
  func slowConnections() {
    var line = Line()
    #expect(line.run(6, at: 400_000) == [1])
    #expect(line.run(7, at: 100_000) == [nil])
    #expect(line.run(60, at: 400_000) == [])
  }

  @Test("A line that becomes faster gets more, and one that becomes slower fewer")
  func changing() {
    var line = Line()
    for (rate, limit) in [
      (100_000, 1), (1_300_000, 2), (4_000_000, nil), (900_000, 2), (100_000, 1),
    ] {
      _ = line.run(60, at: Int64(rate))
      #expect(line.pace.limit == limit, "at \(rate) bytes a second")
    }
  }

  @Test("A line that stands still or waits for its turn tells nothing")
  func still() {
    var line = Line()
    #expect(line.run(30, at: 0) == [])
    #expect(line.run(30, at: 0, underWay: 0) == [])
    #expect(line.run(4, at: 100_000) == [])
  }

  @Test("One part alone stays one")
  func single() {
    var line = Line()
    #expect(line.run(30, at: 1_000, underWay: 1) == [])
  }
}
