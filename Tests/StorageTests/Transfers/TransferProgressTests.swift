import HTTP
import Testing

@testable import S3
@testable import Storage

@Suite("Transfer progress")
struct TransferProgressTests {
  private let notice = RetryNotice(
    request: 1, operation: .uploadPart, attempt: 1, maxAttempts: 6, cause: .transport(.stalled),
    wait: .seconds(1))

  @Test("Counts what is done and what is under way; a failed request takes its bytes back")
  func counting() {
    let progress = TransferProgress()
    progress.set(total: ByteCount(100))
    let first = progress.begin()
    let second = progress.begin()
    first.add(40)
    second.add(7)
    #expect(progress.snapshot.moved == ByteCount(47))
    progress.end(first, isDone: true)
    progress.end(second, isDone: false)
    #expect(progress.snapshot.moved == ByteCount(40))
    #expect(progress.snapshot.total == ByteCount(100))
    progress.startAgain()
    #expect(progress.snapshot.moved == .zero)
  }

  @Test("Something is under way from the beginning of a request to its end")
  func underWay() {
    let progress = TransferProgress()
    #expect(!progress.snapshot.isUnderWay)
    let counters = [progress.begin(), progress.begin()]
    for (counter, isDone) in zip(counters, [true, false]) {
      #expect(progress.snapshot.isUnderWay)
      progress.end(counter, isDone: isDone)
    }
    #expect(!progress.snapshot.isUnderWay)
  }

  @Test("What is damaged counts no more, be it of this run or of an earlier one")
  func losing() {
    let progress = TransferProgress()
    progress.keep(ByteCount(30))
    let counter = progress.begin()
    counter.add(40)
    progress.end(counter, isDone: true)
    progress.lose(ByteCount(25))
    #expect(progress.snapshot.moved == ByteCount(45) && progress.snapshot.kept == ByteCount(30))
    progress.lose(ByteCount(25))
    #expect(progress.snapshot.moved == ByteCount(20) && progress.snapshot.kept == ByteCount(20))
  }

  @Test("A retry shows until bytes move again or a request is done")
  func retrying() {
    let progress = TransferProgress()
    let counter = progress.begin()
    counter.add(10)
    counter.add(-10)
    progress.note(notice)
    #expect(progress.snapshot.retry == notice)
    #expect(progress.snapshot.retry == notice)
    counter.add(1)
    #expect(progress.snapshot.retry == nil)
    progress.note(notice)
    progress.end(counter, isDone: true)
    #expect(progress.snapshot.retry == nil)
  }
}
