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
    _ partsAtOnce: Int, _ steps: [(UploadMachine.Event, [UploadMachine.Command])],
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    var machine = UploadMachine(plan: plan, partsAtOnce: partsAtOnce)
    #expect(machine.firstCommand == .create, sourceLocation: sourceLocation)
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
        (.cancelled, [.stopParts]),
        (.partFailed(.cancelled), []),
        (.cancelled, []),
        (.partFailed(.cancelled), [.abort(Self.id)]),
        (.cancelled, []),
        (.aborted(problem: nil), [.fail(.cancelled, leftovers: nil)]),
      ])
  }

  @Test("A creation that is answered after the cancellation is aborted")
  func cancelledWhileCreating() {
    play(
      2,
      [
        (.cancelled, []),
        (.created(Self.id), [.abort(Self.id)]),
        (.aborted(problem: nil), [.fail(.cancelled, leftovers: nil)]),
      ])
  }

  @Test("A creation that fails leaves nothing to abort")
  func creationFailed() {
    play(2, [(.creationFailed(failure("x")), [.fail(failure("x"), leftovers: nil)])])
    play(
      2,
      [(.cancelled, []), (.creationFailed(failure("x")), [.fail(failure("x"), leftovers: nil)])])
  }

  @Test("A completion that fails is aborted; a cancellation meanwhile comes too late")
  func completionFailed() throws {
    let small = try PartPlan(objectSize: .mebibytes(1))
    var machine = UploadMachine(plan: small, partsAtOnce: 2)
    #expect(machine.handle(.created(Self.id)) == [part(1)])
    #expect(machine.handle(.partSent(receipt(1))) == [.complete(Self.id, [receipt(1)])])
    #expect(machine.handle(.cancelled) == [])
    #expect(machine.handle(.completionFailed(failure("x"))) == [.abort(Self.id)])
    let problem = StorageError(kind: .accessDenied, message: "no")
    #expect(
      machine.handle(.aborted(problem: problem)) == [.fail(failure("x"), leftovers: problem)])
  }
}
