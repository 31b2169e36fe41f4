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
    var movedByOthers: Int64 = 0

    /// - Parameters:
    ///   - rate: in bytes a second.
    ///   - others: what other transfers move, in bytes a second.
    /// - Returns: the limits after those looks that changed it.
    mutating func run(
      _ seconds: Int, at rate: Int64, underWay: Int = 4, others: Int64 = 0
    ) -> [Int?] {
      var changes: [Int?] = []
      for _ in 0..<seconds {
        self.seconds += 1
        moved += rate
        movedByOthers += others
        let hasChanged = pace.look(
          PartPace.Sight(
            moved: ByteCount(moved), movedByAll: ByteCount(moved + movedByOthers),
            underWay: min(pace.limit ?? underWay, underWay), partSize: .mebibytes(8),
            time: .seconds(self.seconds)))
        if hasChanged { changes.append(pace.limit) }
      }
      return changes
    }
  }

  @Test("A fast line is left alone")
  func fast() {
    var line = Line()
    #expect(line.run(600, at: 2_000_000) == [])
    #expect(line.pace.limit == nil)
  }

  @Test(
    "On a slow line as many go at once as arrive within 20 seconds",
    arguments: [(60_000, 1), (500_000, 1), (900_000, 2), (1_300_000, 3)])
  func slow(rate: Int64, count: Int) {
    var line = Line()
    #expect(line.run(600, at: rate) == [count])
  }

  @Test("A line that moves in bursts is as slow as it is on average")
  func bursts() {
    var line = Line()
    var changes: [Int?] = []
    for second in 1...600 { changes += line.run(1, at: second % 3 == 0 ? 180_000 : 0) }
    #expect(changes == [1])
  }

  @Test("Nothing is judged before a line was slow for ten seconds")
  func patient() {
    var line = Line()
    #expect(line.run(10, at: 100_000) == [])
    #expect(line.run(1, at: 100_000) == [1])
  }

  @Test("Where each connection is slow by itself, many stay, and few are tried again later")
  func slowConnections() {
    var line = Line()
    #expect(line.run(11, at: 400_000) == [1])
    #expect(line.run(30, at: 100_000) == [nil])
    #expect(line.run(40, at: 400_000) == [])
    #expect(line.run(27, at: 400_000) == [1])
    #expect(line.run(30, at: 100_000) == [nil])
    #expect(line.run(90, at: 400_000) == [])
  }

  @Test("What is still on its way of parts that were given up is let pass")
  func queued() {
    var line = Line()
    #expect(line.run(11, at: 60_000) == [1])
    // Three times 256 KiB take 13 seconds.
    #expect(line.run(13, at: 10_000) == [])
    #expect(line.run(600, at: 60_000) == [])
    #expect(line.pace.limit == 1)
  }

  @Test("A line that becomes faster gets more, and one that becomes slower fewer")
  func changing() {
    var line = Line()
    for (rate, limit) in [
      (100_000, 1), (1_300_000, 2), (4_000_000, nil), (900_000, 2), (100_000, 1),
    ] {
      _ = line.run(300, at: Int64(rate))
      #expect(line.pace.limit == limit, "at \(rate) bytes a second")
    }
  }

  @Test("A slow moment before a fast one asks for no fewer")
  func turning() {
    var line = Line()
    #expect(line.run(300, at: 900_000) == [2])
    #expect(line.run(3, at: 700_000) == [])
    #expect(line.run(12, at: 9_000_000) == [3])
  }

  @Test("A line that stood still is not slow", arguments: [1, 3, 7, 9, 11, 30])
  func still(seconds: Int) {
    var line = Line()
    #expect(line.run(seconds, at: 0) == [])
    #expect(line.run(30, at: 2_400_000) == [])
    #expect(line.run(seconds, at: 0) == [])
    #expect(line.run(600, at: 2_400_000) == [])
    #expect(line.run(30, at: 100_000, underWay: 0) == [])
  }

  @Test("Bytes that are taken back are no slow line")
  func takenBack() {
    var line = Line()
    #expect(line.run(12, at: 2_400_000) == [])
    line.moved -= 10_000_000
    #expect(line.run(600, at: 2_400_000) == [])
  }

  @Test("Where fewer move much more, the line was not itself before")
  func recovered() {
    var line = Line()
    #expect(line.run(11, at: 100_000) == [1])
    #expect(line.run(30, at: 600_000) == [nil])
    #expect(line.run(600, at: 2_400_000) == [])
  }

  @Test("Another transfer that takes half of the line changes nothing")
  func others() {
    var line = Line()
    #expect(line.run(11, at: 400_000) == [1])
    #expect(line.run(60, at: 200_000, others: 200_000) == [])
  }

  @Test("One part alone stays one")
  func single() {
    var line = Line()
    #expect(line.run(60, at: 1_000, underWay: 1) == [])
  }
}
