import HTTP
import History
import S3
import Synchronization
import SystemPackage

/// Carries out one upload of what a descriptor gives: in one request when it ends within the first
/// part, otherwise in parts as ``StreamUploadMachine`` decides. Nothing is read twice.
///
/// Has one row in the history, recorded before its first request that changes anything.
struct StreamUpload: Sendable {
  /// What the parts that wait and are under way may take together, on the disk as a rule.
  private static let room = ByteCount.mebibytes(64)
  static let name = FilePath("standard input")

  let reader: StreamReader
  let partSize: ByteCount
  let location: ObjectLocation
  let attributes: ObjectAttributes
  let condition: WriteCondition
  let client: S3Client
  let recorder: Recorder
  let patience: Patience
  let journaling: Journaling?
  /// Under way, 1 or more; nil for as many as there is memory for.
  let mostPartsAtOnce: Int?
  let progress: StreamProgress

  private var undertaking: Undertaking { .upload(Self.name, to: location) }

  private var partsAtOnce: Int {
    let room = Int(Self.room.bytes / partSize.bytes)
    // One is read while as many are sent as may be.
    return min(max(room, 2), mostPartsAtOnce.map { $0 + 1 } ?? 8)
  }

  func run() async throws(StorageError) -> TransferResult {
    let first: StreamReader.Part
    do {
      first = try await reader.next()
    } catch {
      throw failure(for: error).error
    }
    return first.isLast ? try await whole(first.body) : try await inParts(first.body)
  }

  private func result(
    _ receipt: WriteReceipt, _ size: ByteCount, _ warning: StorageError?
  ) -> TransferResult {
    TransferResult(
      location: ObjectLocation(
        bucket: location.bucket, key: location.key, versionID: receipt.versionID),
      localPath: Self.name, size: size, etag: receipt.etag, checksum: receipt.checksum,
      warning: warning)
  }

  private func failure(for error: Errno) -> UploadMachine.Failure {
    guard error != .canceled else { return .cancelled }
    return UploadMachine.Failure(
      error: StorageError(LocalFileError(Self.name, .system(error))),
      ending: Ending(outcome: .failed, errorCode: "SourceUnreadable"))
  }

  private func failure(for error: S3Error, ending: Ending) -> UploadMachine.Failure {
    UploadMachine.Failure(
      error: StorageError(error, ending: ending, while: undertaking), ending: ending)
  }

  /// A store without such a condition did nothing; that there was no object was asked before.
  private func unlessRefused<Answer>(
    _ request: (WriteCondition) async throws(S3Error) -> Answer
  ) async throws(S3Error) -> Answer {
    do throws(S3Error) {
      return try await request(condition)
    } catch  where condition != .none && error.code == .notImplemented {
      return try await request(.none)
    }
  }

  /// Sends what makes the object until it gets through, as long as there is patience.
  private func storing(
    _ request: (WriteCondition, _ doubt: S3Error.Cause?) async throws(S3Error) -> WriteReceipt
  ) async throws(S3Error) -> WriteReceipt {
    try await patience.keepTrying { (doubt) async throws(S3Error) in
      try await unlessRefused { (condition) async throws(S3Error) in
        try await request(condition, doubt)
      }
    }
  }

  // MARK: - In one request

  private func whole(_ body: HTTPRequestBody) async throws(StorageError) -> TransferResult {
    let size = ByteCount(body.count)
    let row = try await recorder.begin(
      Change(.upload, bucket: location.bucket, key: location.key, size: size),
      while: undertaking)
    let counter = progress.transfer.begin()
    let receipt: WriteReceipt
    do throws(S3Error) {
      // Once the whole body has left, the answer tells more than giving up would.
      receipt = try await storing { (condition, doubt) async throws(S3Error) in
        try await withGrace(
          { () async throws(S3Error) in
            try await client.putObject(
              location, body: body, attributes: attributes, condition: condition,
              progress: counter, doubt: doubt)
          }, if: { counter.value >= size.bytes })
      }
    } catch {
      progress.transfer.end(counter, isDone: false)
      let failure = failure(for: error, ending: Ending(of: error))
      let warning = await recorder.finish([(row, failure.ending)], while: undertaking)
      throw failure.error.noting(warning)
    }
    progress.transfer.end(counter, isDone: true)
    let warning = await recorder.finish(
      [(row, Ending(receipt, size: size))], while: undertaking)
    return result(receipt, size, warning)
  }

  // MARK: - In parts

  private typealias End = (
    result: Result<WriteReceipt, StorageError>, ending: Ending, size: ByteCount,
    mayLeaveUpload: Bool
  )

  private func inParts(_ first: HTTPRequestBody) async throws(StorageError) -> TransferResult {
    let row = try await recorder.begin(
      Change(.upload, bucket: location.bucket, key: location.key), while: undertaking)
    let end = await carryOut(first)
    let warning = await recorder.finish([(row, end.ending)], while: undertaking)
    switch end.result {
    case .success(let receipt):
      let leftover = end.mayLeaveUpload ? StorageError.unfinishedUpload(of: location) : nil
      return result(receipt, end.size, leftover?.noting(warning) ?? warning)
    case .failure(let error):
      throw (end.mayLeaveUpload ? error.perhapsLeavingUpload(of: location) : error)
        .noting(warning)
    }
  }

  /// What a task of ``carryOut(_:)`` brings.
  private enum Step: Sendable {
    case event(StreamUploadMachine.Event)
    case read(PartNumber, StreamReader.Part)
  }

  private func carryOut(_ first: HTTPRequestBody) async -> End {
    await withTaskGroup(of: Step.self) { tasks in
      var mayLeaveUpload = false
      var note: UploadNote?
      var size = ByteCount.zero
      // Read and not sent yet.
      var bodies = [PartNumber(1): first]
      var machine = StreamUploadMachine(
        partsAtOnce: partsAtOnce, requestsAtOnce: mostPartsAtOnce ?? partsAtOnce,
        tooLong: UploadMachine.Failure(
          error: .streamTooLong(location, partSize: partSize),
          ending: Ending(outcome: .failed, errorCode: "EntityTooLarge")))
      var commands = [machine.firstCommand]
      while true {
        for command in commands {
          switch command {
          case .read(let part): tasks.addTask { await read(part) }
          case .stopParts:
            tasks.cancelAll()
          case .succeed(let receipt):
            await note?.end()
            return (.success(receipt), Ending(receipt, size: size), size, mayLeaveUpload)
          case .fail(let failure, let leftovers):
            await note?.end(leaving: leftovers)
            let error = leftovers.map { failure.error.leaving($0, at: location) }
            return (.failure(error ?? failure.error), failure.ending, size, mayLeaveUpload)
          case .create:
            // Nothing else of this upload can run meanwhile.
            let creation = await create()
            mayLeaveUpload = creation.mayLeaveUpload
            if case .created(let id) = creation.event {
              note = await .begin(id, of: location, from: .stream, journaling)
            }
            tasks.addTask { .event(creation.event) }
          case .send(let part, let id):
            let body = bodies.removeValue(forKey: part) ?? .none
            tasks.addTask { .event(await send(part, body, id)) }
          case .complete(let id, let parts):
            size = parts.reduce(.zero) { $0 + ByteCount($1.size) }
            let total = size.bytes
            tasks.addTask { .event(await complete(id, parts, total)) }
          case .abort(let id): tasks.addTask { .event(await abort(id)) }
          }
        }
        guard let step = await tasks.next() else {
          preconditionFailure("a machine that has not finished has something under way")
        }
        commands = Task.isCancelled ? machine.handle(.cancelled) : []
        switch step {
        case .event(let event): commands += machine.handle(event)
        case .read(let number, let part):
          // The part before may have been the last, and full.
          let isEmpty = part.isLast && part.body.count == 0
          if !isEmpty { bodies[number] = part.body }
          commands += machine.handle(.read(isEmpty ? nil : number, isLast: part.isLast))
        }
      }
    }
  }

  private func read(_ number: PartNumber) async -> Step {
    do throws(Errno) {
      return .read(number, try await reader.next())
    } catch {
      return .event(.readFailed(failure(for: error)))
    }
  }

  /// Runs to its end although it is cancelled: a lost answer would leave an upload behind that
  /// nobody can name.
  private func create() async -> (event: StreamUploadMachine.Event, mayLeaveUpload: Bool) {
    do {
      var mayHaveLeftAnother = false
      let upload = try await patience.keepTrying { (doubt) async throws(S3Error) in
        mayHaveLeftAnother = doubt != nil
        return try await withGrace(
          { () async throws(S3Error) in
            try await client.createMultipartUpload(location, attributes: attributes)
          }, for: .seconds(30))
      }
      return (.created(upload.uploadID), upload.mayHaveLeftAnother || mayHaveLeftAnother)
    } catch {
      return (
        .creationFailed(failure(for: error, ending: .notStored(error))), error.isInDoubt
      )
    }
  }

  private func send(
    _ part: PartNumber, _ body: HTTPRequestBody, _ id: UploadID
  ) async -> StreamUploadMachine.Event {
    let counter = progress.transfer.begin()
    do {
      let receipt = try await patience.keepTrying { (_) async throws(S3Error) in
        try await client.uploadPart(
          location, uploadID: id, partNumber: part, body: body, progress: counter)
      }
      progress.transfer.end(counter, isDone: true)
      return .partSent(receipt)
    } catch {
      progress.transfer.end(counter, isDone: false)
      return .partFailed(failure(for: error, ending: .notStored(error)))
    }
  }

  private func complete(
    _ id: UploadID, _ parts: [PartReceipt], _ size: Int64
  ) async -> StreamUploadMachine.Event {
    do {
      return .completed(
        try await storing { (condition, doubt) async throws(S3Error) in
          try await withGrace(
            { () async throws(S3Error) in
              try await client.completeMultipartUpload(
                location, uploadID: id, parts: parts, condition: condition, objectSize: size,
                doubt: doubt)
            }, for: .seconds(30))
        })
    } catch {
      return .completionFailed(failure(for: error, ending: Ending(of: error)))
    }
  }

  private func abort(_ id: UploadID) async -> StreamUploadMachine.Event {
    .aborted(problem: await recorder.abort(id, of: location, client))
  }
}
