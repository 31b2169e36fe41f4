import History
import S3
import Testing

@testable import Storage

@Suite("Upload of a stream in parts")
struct StreamUploadMachineTests {
  private let id = UploadID("u")
  private let lost = UploadMachine.Failure(
    error: StorageError(kind: .connection, message: "lost"), ending: Ending(outcome: .failed))
  private let tooLong = UploadMachine.Failure(
    error: StorageError(kind: .invalidRequest, message: "long"), ending: Ending(outcome: .failed))

  private func machine(
    partsAtOnce: Int = 3, requestsAtOnce: Int = 3
  ) -> StreamUploadMachine {
    StreamUploadMachine(
      partsAtOnce: partsAtOnce, requestsAtOnce: requestsAtOnce, tooLong: tooLong)
  }

  private func receipt(_ number: Int) -> PartReceipt {
    PartReceipt(number: PartNumber(number), etag: ETag("e\(number)"), crc64nvme: 1, size: 10)
  }

  @Test("Parts are read while others are sent, and completed in order")
  func wholeStory() {
    var machine = machine()
    #expect(machine.firstCommand == .create)
    #expect(
      machine.handle(.created(id)) == [.send(PartNumber(1), id), .read(PartNumber(2))])
    #expect(
      machine.handle(.read(PartNumber(2), isLast: false))
        == [.send(PartNumber(2), id), .read(PartNumber(3))])
    #expect(machine.handle(.read(PartNumber(3), isLast: true)) == [.send(PartNumber(3), id)])
    #expect(machine.handle(.partSent(receipt(2))) == [])
    #expect(machine.handle(.partSent(receipt(3))) == [])
    #expect(
      machine.handle(.partSent(receipt(1)))
        == [.complete(id, [receipt(1), receipt(2), receipt(3)])])
    let done = WriteReceipt(etag: ETag("x"))
    #expect(machine.handle(.completed(done)) == [.succeed(done)])
  }

  @Test("No more parts are held at a time than allowed, the one being read among them")
  func room() {
    var machine = machine(partsAtOnce: 2)
    _ = machine.handle(.created(id))
    #expect(machine.handle(.read(PartNumber(2), isLast: false)) == [.send(PartNumber(2), id)])
    #expect(machine.handle(.partSent(receipt(1))) == [.read(PartNumber(3))])
    #expect(machine.handle(.partSent(receipt(2))) == [])
  }

  @Test("A part that is read ahead waits for a request, and is part of what is completed")
  func waiting() {
    var machine = machine(partsAtOnce: 2, requestsAtOnce: 1)
    #expect(
      machine.handle(.created(id)) == [.send(PartNumber(1), id), .read(PartNumber(2))])
    #expect(machine.handle(.read(PartNumber(2), isLast: false)) == [])
    #expect(
      machine.handle(.partSent(receipt(1))) == [.send(PartNumber(2), id), .read(PartNumber(3))])
    #expect(machine.handle(.read(PartNumber(3), isLast: true)) == [])
    #expect(machine.handle(.partSent(receipt(2))) == [.send(PartNumber(3), id)])
    #expect(
      machine.handle(.partSent(receipt(3)))
        == [.complete(id, [receipt(1), receipt(2), receipt(3)])])
  }

  @Test("A part that waits is no request to wait for when another one fails")
  func waitingAtTheEnd() {
    var machine = machine(partsAtOnce: 2, requestsAtOnce: 1)
    _ = machine.handle(.created(id))
    _ = machine.handle(.read(PartNumber(2), isLast: true))
    #expect(machine.handle(.partFailed(lost)) == [.abort(id)])
  }

  @Test("A source that ends with a full part has no empty one after it")
  func endsFull() {
    var machine = machine()
    _ = machine.handle(.created(id))
    #expect(machine.handle(.partSent(receipt(1))) == [])
    #expect(machine.handle(.read(nil, isLast: true)) == [.complete(id, [receipt(1)])])
  }

  @Test("A failed part, a failed reading and a cancellation wait for the rest and abort")
  func failures() {
    for event in [
      StreamUploadMachine.Event.partFailed(lost), .readFailed(lost), .cancelled,
    ] {
      var machine = machine()
      _ = machine.handle(.created(id))
      #expect(machine.handle(event) == [.stopParts])
      // What is still under way of a part and a reading.
      var rest: [StreamUploadMachine.Event] = []
      switch event {
      case .partFailed: rest = [.read(PartNumber(2), isLast: false)]
      case .readFailed: rest = [.partSent(receipt(1))]
      default: rest = [.readFailed(lost), .partFailed(lost)]
      }
      for (index, last) in rest.enumerated() {
        let commands = machine.handle(last)
        #expect(commands == (index == rest.count - 1 ? [.abort(id)] : []))
      }
      let end = machine.handle(.aborted(problem: nil))
      guard case .fail(let failure, nil)? = end.first else {
        Issue.record("\(end)")
        continue
      }
      if case .cancelled = event {
        #expect(failure.error.isCancellation)
      } else {
        #expect(failure == lost)
      }
    }
  }

  @Test("A cancellation while the upload begins is carried out once its ID is known")
  func cancelledEarly() {
    var machine = machine()
    #expect(machine.handle(.cancelled) == [])
    #expect(machine.handle(.created(id)) == [.abort(id)])
    #expect(machine.handle(.aborted(problem: nil)) == [.fail(.cancelled, leftovers: nil)])
  }

  @Test("An upload that cannot begin leaves nothing to abort")
  func noCreation() {
    var machine = machine()
    #expect(machine.handle(.creationFailed(lost)) == [.fail(lost, leftovers: nil)])
  }

  @Test("A completion that fails is aborted, and cannot be cancelled")
  func completionFails() {
    var machine = machine()
    _ = machine.handle(.created(id))
    _ = machine.handle(.read(nil, isLast: true))
    _ = machine.handle(.partSent(receipt(1)))
    #expect(machine.handle(.cancelled) == [])
    #expect(machine.handle(.completionFailed(lost)) == [.abort(id)])
    #expect(machine.handle(.aborted(problem: lost.error)) == [.fail(lost, leftovers: lost.error)])
  }

  @Test("More than 10,000 parts are refused and aborted")
  func tooManyParts() {
    var machine = machine(partsAtOnce: 2)
    _ = machine.handle(.created(id))
    _ = machine.handle(.partSent(receipt(1)))
    for number in 2...10_000 {
      #expect(
        machine.handle(.read(PartNumber(number), isLast: false)).first
          == .send(PartNumber(number), id))
      _ = machine.handle(.partSent(receipt(number)))
    }
    #expect(machine.handle(.read(PartNumber(10_001), isLast: false)) == [.abort(id)])
    #expect(machine.handle(.aborted(problem: nil)) == [.fail(tooLong, leftovers: nil)])
  }
}
