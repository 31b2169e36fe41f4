import HTTP
import History
import S3
import Testing

@testable import Storage

@Suite("Ending")
struct EndingTests {
  private func error(
    _ cause: S3Error.Cause, isInDoubt: Bool = false, attempts: Int = 1
  ) -> S3Error {
    S3Error(
      operation: .deleteObject, cause: cause, attempts: attempts, isInDoubt: isInDoubt)
  }

  @Test("Only what surely did not happen is called failed or cancelled")
  func outcomes() {
    let denied = S3Error.Cause.service(ServiceError(code: .accessDenied, status: 403))
    #expect(
      Ending(of: error(denied)) == Ending(outcome: .failed, errorCode: "AccessDenied"))
    #expect(
      Ending(of: error(.transport(.cancelled)))
        == Ending(outcome: .cancelled, errorCode: "Cancelled"))
    #expect(
      Ending(of: error(.transport(.cancelled), isInDoubt: true))
        == Ending(outcome: .interrupted, errorCode: "Cancelled"))
    #expect(
      Ending(of: error(.transport(.connectionLost(reason: "reset")), isInDoubt: true))
        == Ending(outcome: .interrupted, errorCode: "ConnectionLost"))
    // A refusal after an attempt whose answer was lost.
    #expect(Ending(of: error(denied, isInDoubt: true, attempts: 2)).outcome == .interrupted)
    // The server holds something, and not what was sent.
    #expect(
      Ending(of: error(.checksumMismatch(sent: "a", stored: "b"))).outcome == .interrupted)
  }
}

@Suite("Grace")
struct GraceTests {
  @Test("A request that answers within the grace ends with its answer")
  func answers() async throws {
    let gate = Gate()
    let task = Task {
      try await withGrace(
        { () async throws(S3Error) in
          await gate.pass()
          return 7
        }, for: .seconds(600))
    }
    await gate.arrived()
    task.cancel()
    gate.open()
    #expect(try await task.value == 7)
  }

  @Test("A request that is not worth waiting for is cancelled at once")
  func endsAtOnce() async throws {
    let gate = Gate()
    let task = Task {
      try await withGrace(
        { () async throws(S3Error) in
          await gate.pass()
          return Task.isCancelled
        }, for: .seconds(600), if: { false })
    }
    await gate.arrived()
    task.cancel()
    #expect(try await task.value)
  }
}
