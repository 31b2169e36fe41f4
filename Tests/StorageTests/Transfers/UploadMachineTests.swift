import History
import S3
import Testing

@testable import Storage

@Suite("Upload machine")
struct UploadMachineTests {
  private static let id = UploadID("u")
  private let plan: PartPlan

  init() throws {
    plan = try PartPlan(objectSize: .mebibytes(25))
  }

  private func receipt(_ number: Int) -> PartReceipt {
    PartReceipt(
      number: PartNumber(number), etag: ETag("e\(number)"), crc64nvme: UInt64(number), size: 1)
  }

  private func failure(_ code: String) -> UploadMachine.Failure {
    UploadMachine.Failure(
      error: StorageError(kind: .service, message: code),
      ending: Ending(outcome: .failed, errorCode: code))
  }

  private func part(_ number: Int) -> UploadMachine.Command { .send(PartNumber(number), Self.id) }

  /// Plays `steps` and compares the commands after each event.
  private func play(
    _ partsAtOnce: Int, resuming done: [PartReceipt]? = nil,
    beginning: [UploadMachine.Command]? = nil,
    _ steps: [(UploadMachine.Event, [UploadMachine.Command])],
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    var machine = UploadMachine(plan: plan, partsAtOnce: partsAtOnce)
    let first = done.map { machine.resume(Self.id, done: $0) } ?? machine.start()
    #expect(first == beginning ?? [.create], sourceLocation: sourceLocation)
    for (index, (event, commands)) in steps.enumerated() {
      #expect(
        machine.handle(event) == commands, "after event \(index + 1)",
        sourceLocation: sourceLocation)
    }
  }

  @Test("Parts go up a few at a time, and are completed in their order")
  func success() {
    let parts = [1, 2, 3, 4].map(receipt)
    let written = WriteReceipt(etag: ETag("all"))
    play(
      2,
      [
        (.created(Self.id), [part(1), part(2)]),
        (.partSent(receipt(2)), [part(3)]),
        (.partSent(receipt(1)), [part(4)]),
        (.partSent(receipt(4)), []),
        (.partSent(receipt(3)), [.complete(Self.id, parts)]),
        (.completed(written), [.succeed(written)]),
      ])
  }

  @Test("No more parts are sent at once than there are")
  func fewParts() {
    play(8, [(.created(Self.id), [part(1), part(2), part(3), part(4)])])
  }

  @Test("A failed part stops the others, and the upload is aborted when all have ended")
  func failedPart() {
    play(
      3,
      [
        (.created(Self.id), [part(1), part(2), part(3)]),
        (.partFailed(failure("first")), [.stopParts]),
        (.partSent(receipt(2)), []),
        (.partFailed(failure("second")), [.abort(Self.id)]),
        (.aborted(problem: nil), [.fail(failure("first"), leftovers: nil)]),
      ])
  }

  @Test("A cancellation aborts after the last part under way, and coming twice changes nothing")
  func cancelled() {
    play(
      2,
      [
        (.created(Self.id), [part(1), part(2)]),
        (.givenUp(.cancelled), [.stopParts]),
        (.partFailed(.cancelled), []),
        (.givenUp(.cancelled), []),
        (.partFailed(.cancelled), [.abort(Self.id)]),
        (.givenUp(.cancelled), []),
        (.aborted(problem: nil), [.fail(.cancelled, leftovers: nil)]),
      ])
  }

  @Test("A resumed upload sends only what is missing, and completes at once when nothing is")
  func resumed() {
    let written = WriteReceipt(etag: ETag("all"))
    play(
      2, resuming: [receipt(3), receipt(1)], beginning: [part(2), part(4)],
      [
        (.partSent(receipt(4)), []),
        (.partSent(receipt(2)), [.complete(Self.id, [1, 2, 3, 4].map(receipt))]),
        (.completed(written), [.succeed(written)]),
      ])
    play(
      2, resuming: [4, 3, 2, 1].map(receipt),
      beginning: [.complete(Self.id, [1, 2, 3, 4].map(receipt))],
      [(.completed(written), [.succeed(written)])])
  }

  @Test("A part that is put back goes behind those that were never tried")
  func putBack() {
    play(
      2,
      [
        (.created(Self.id), [part(1), part(2)]),
        (.partPutBack(PartNumber(1)), [part(3)]),
        (.partSent(receipt(2)), [part(4)]),
        (.partSent(receipt(3)), [part(1)]),
        (.partPutBack(PartNumber(1)), [part(1)]),
        (.partSent(receipt(4)), []),
        (.partSent(receipt(1)), [.complete(Self.id, [1, 2, 3, 4].map(receipt))]),
      ])
  }

  @Test("A stopped upload is neither completed nor aborted, whenever it is stopped")
  func stopped() {
    play(
      2,
      [
        (.created(Self.id), [part(1), part(2)]),
        (.givenUp(.stopped), [.stopParts]),
        (.partPutBack(PartNumber(1)), []),
        (.partSent(receipt(2)), [.fail(.stopped, leftovers: nil)]),
      ])
    play(2, [(.givenUp(.stopped), []), (.created(Self.id), [.fail(.stopped, leftovers: nil)])])
  }

  @Test("A failure that leaves the upload for later aborts nothing")
  func kept() {
    var lost = failure("ConnectionLost")
    lost.keepsUpload = true
    play(
      1,
      [
        (.created(Self.id), [part(1)]),
        (.partFailed(lost), [.fail(lost, leftovers: nil)]),
      ])
    play(
      1, resuming: [1, 2, 3, 4].map(receipt),
      beginning: [.complete(Self.id, [1, 2, 3, 4].map(receipt))],
      [(.completionFailed(lost), [.fail(lost, leftovers: nil)])])
  }

  @Test("A creation that is answered after the cancellation is aborted")
  func cancelledWhileCreating() {
    play(
      2,
      [
        (.givenUp(.cancelled), []),
        (.created(Self.id), [.abort(Self.id)]),
        (.aborted(problem: nil), [.fail(.cancelled, leftovers: nil)]),
      ])
  }

  @Test("A creation that fails leaves nothing to abort")
  func creationFailed() {
    play(2, [(.creationFailed(failure("x")), [.fail(failure("x"), leftovers: nil)])])
    play(
      2,
      [
        (.givenUp(.cancelled), []),
        (.creationFailed(failure("x")), [.fail(failure("x"), leftovers: nil)]),
      ])
  }

  @Test("A completion that fails is aborted; a cancellation meanwhile comes too late")
  func completionFailed() throws {
    let small = try PartPlan(objectSize: .mebibytes(1))
    var machine = UploadMachine(plan: small, partsAtOnce: 2)
    #expect(machine.handle(.created(Self.id)) == [part(1)])
    #expect(machine.handle(.partSent(receipt(1))) == [.complete(Self.id, [receipt(1)])])
    #expect(machine.handle(.givenUp(.cancelled)) == [])
    #expect(machine.handle(.completionFailed(failure("x"))) == [.abort(Self.id)])
    let problem = StorageError(kind: .accessDenied, message: "no")
    #expect(
      machine.handle(.aborted(problem: problem)) == [.fail(failure("x"), leftovers: problem)])
  }
}
