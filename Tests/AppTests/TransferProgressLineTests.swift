import S3
import Storage
import SystemPackage
import Testing

@testable import App

@Suite("Transfer progress line")
struct TransferProgressLineTests {
  private func transfer(
    _ name: String, moved: Int64, of total: Int64?, rate: Double = 0, left: Duration? = nil,
    state: TransferStatus.State = .running
  ) -> TransferStatus {
    TransferStatus(
      id: TransferID(1), direction: .upload, name: Array(name.utf8),
      location: ObjectLocation(bucket: BucketName("b"), key: ObjectKey(name)), localPath: "f",
      total: total.map { ByteCount($0) }, moved: ByteCount(moved), rate: rate, timeLeft: left,
      state: state)
  }

  private static func line(
    _ unfinished: [TransferStatus], _ count: Int = 0, _ bytes: ByteCount = .zero, of total: Int?,
    isAll: Bool = true, columns: Int = 79
  ) -> String {
    TransferProgressLine.line(
      unfinished, count, bytes, of: total, isAll: isAll,
      rate: unfinished.reduce(0) { $0 + $1.rate }, columns: columns)
  }

  @Test("Several whose sizes are known show the whole, percent and time left")
  func whole() {
    let statuses = [
      transfer("a", moved: 1 << 20, of: 3 << 20, rate: 1_048_576),
      transfer("b", moved: 0, of: 4 << 20, state: .waiting),
    ]
    #expect(
      Self.line(statuses, 1, .mebibytes(1), of: 3)
        == "1 of 3 done  2.0/8.0 MiB  25%  1.0 MiB/s  0:06  a")
    #expect(
      Self.line(statuses, 1, .mebibytes(1), of: nil, isAll: false)
        == "1 done  2.0 MiB  1.0 MiB/s  a")
    #expect(Self.line(statuses, 1, .mebibytes(1), of: nil).hasPrefix("1 of 3 done"))
  }

  @Test("One transfer shows bytes, percent, speed, time left and name")
  func single() {
    let status = transfer(
      "backup.tar", moved: 1 << 29, of: 1 << 30, rate: 1_048_576, left: .seconds(512))
    #expect(
      Self.line([status], of: 1)
        == "0.5/1.0 GiB  50%  1.0 MiB/s  8:32  backup.tar")
  }

  @Test("What waits for its last answer is not shown as done")
  func lastAnswer() {
    let status = transfer("backup.tar", moved: 1 << 30, of: 1 << 30)
    #expect(
      Self.line([status], of: 1)
        .hasPrefix("1.0/1.0 GiB  99%"))
    #expect(transfer("a", moved: 5, of: 5, state: .cancelled).percent == 100)
    #expect(transfer("a", moved: 5, of: nil).percent == nil)
  }

  @Test("Several show how many are done, and how much has moved in all")
  func several() {
    let statuses = [
      transfer("a", moved: 1 << 20, of: nil, rate: 1_048_576),
      transfer("b", moved: 1 << 20, of: nil, rate: 1_048_576),
    ]
    #expect(
      Self.line(statuses, 3, .mebibytes(2), of: 10)
        == "3 of 10 done  4.0 MiB  2.0 MiB/s  a")
    #expect(
      Self.line(statuses, 3, .mebibytes(2), of: nil, isAll: false)
        .hasPrefix("3 done  4.0 MiB"))
  }

  @Test("A retry is told, with its reason")
  func retry() {
    let status = transfer(
      "a", moved: 0, of: 10, state: .retrying(RetryStatus(attempt: 2, of: 8, code: "SlowDown")))
    #expect(
      Self.line([status], of: 1)
        .contains("retrying 2/8: SlowDown"))
  }

  @Test("A stall is told when nothing moves at all, and a retry before it")
  func stall() {
    func line(_ stalls: [Duration?], _ state: TransferStatus.State = .running) -> String {
      let statuses = stalls.map { stalledFor in
        var status = transfer("a", moved: 5, of: 10, state: state)
        status.stalledFor = stalledFor
        return status
      }
      return Self.line(statuses, of: stalls.count)
    }
    #expect(line([.seconds(8)]) == "5/10 B  50%  0 B/s  stalled 8 s  a")
    #expect(line([.seconds(12), .seconds(8)]).contains("stalled 8 s"))
    #expect(!line([.seconds(8), nil]).contains("stalled"))
    let retry = RetryStatus(attempt: 2, of: 8, code: "SlowDown")
    #expect(line([.seconds(8)], .retrying(retry)).contains("0 B/s  retrying 2/8: SlowDown  a"))
  }

  @Test(
    "The line never exceeds the terminal, and a hostile name cannot move its cursor",
    arguments: [0, 1, 10, 40, 79])
  func width(columns: Int) {
    let status = transfer("\u{1B}[2J\r\n日本語の長い名前.tar.gz", moved: 5, of: 10, rate: 7)
    let line = Self.line([status], of: 1, columns: columns)
    #expect(Visible.width(line) <= columns)
    #expect(line.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F })
  }
}
