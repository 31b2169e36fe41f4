import HTTP
import History
import S3

/// The side of large objects: the server copies range by range, and makes an object of the parts.
extension Copier {
  func copyParts(
    _ parts: [Range<Int64>], _ checksum: MultipartChecksum?, of metadata: ObjectMetadata,
    _ attributes: ObjectAttributes, to destination: ObjectLocation, _ condition: WriteCondition
  ) async -> Result<Copied, Failure> {
    let undertaking = Undertaking.copy(source, to: destination)
    func failure(_ error: S3Error, isStored: Bool = false) -> Failure {
      let ending =
        isStored ? Ending(of: error) : .notStored(error)
      return Failure(error: StorageError(error, while: undertaking), ending: ending)
    }
    let begun: BegunUpload
    // An attempt without an answer may have begun one whose ID is not known.
    let mayLeaveUpload: Bool
    do {
      (begun, mayLeaveUpload) = try await patience.keepTrying { (doubt) async throws(S3Error) in
        let begun = try await withGrace(
          { () async throws(S3Error) in
            try await client.createMultipartUpload(
              destination, attributes: attributes, checksum: checksum)
          }, for: .seconds(30))
        return (begun, begun.mayHaveLeftAnother || doubt != nil)
      }
    } catch {
      var failure = failure(error)
      if error.isInDoubt { failure.error = failure.error.perhapsLeavingUpload(of: destination) }
      return .failure(failure)
    }
    let note = await UploadNote.begin(
      begun.uploadID, of: destination, from: .copy(of: source), journaling)
    // The server may have refused what was asked for first.
    let checksum = begun.checksum
    do throws(S3Error) {
      let copied = try await copyEach(
        parts, checksum, of: metadata, to: destination, begun.uploadID)
      let expected = metadata.checksums.first {
        $0.kind == .fullObject && $0.algorithm == checksum?.algorithm
      }
      do throws(S3Error) {
        let receipt = try await patience.keepTrying { (doubt) async throws(S3Error) in
          try await withGrace(
            { () async throws(S3Error) in
              try await client.completeCopy(
                destination, uploadID: begun.uploadID, parts: copied, checksum: checksum,
                expected: expected, condition: condition, doubt: doubt)
            }, for: .seconds(30))
        }
        await note?.end()
        return .success(Copied(receipt: receipt, mayLeaveUpload: mayLeaveUpload))
      } catch {
        var failure = failure(error, isStored: true)
        await abort(begun.uploadID, note, at: destination, &failure)
        if mayLeaveUpload { failure.error = failure.error.perhapsLeavingUpload(of: destination) }
        return .failure(failure)
      }
    } catch {
      var failure = failure(error)
      await abort(begun.uploadID, note, at: destination, &failure)
      if mayLeaveUpload { failure.error = failure.error.perhapsLeavingUpload(of: destination) }
      return .failure(failure)
    }
  }

  /// Returns or throws when no part is under way any more: one that came after the abortion would
  /// stay.
  private func copyEach(
    _ parts: [Range<Int64>], _ checksum: MultipartChecksum?, of metadata: ObjectMetadata,
    to destination: ObjectLocation, _ upload: UploadID
  ) async throws(S3Error) -> [CopiedPart] {
    let result: Result<[CopiedPart], S3Error> = await withTaskGroup(
      of: Result<CopiedPart, S3Error>.self
    ) { tasks in
      var next = 0
      var copied: [CopiedPart] = []
      var moved = ByteCount.zero
      var failure: S3Error?
      func start() {
        guard failure == nil, next < parts.count else { return }
        let number = PartNumber(next + 1)
        let range = parts[next]
        next += 1
        tasks.addTask {
          do throws(S3Error) {
            return .success(
              try await patience.keepTrying { (_) async throws(S3Error) in
                try await client.uploadPartCopy(
                  source, range: range, ifMatch: metadata.etag, to: destination,
                  uploadID: upload, partNumber: number, algorithm: checksum?.algorithm)
              })
          } catch {
            return .failure(error)
          }
        }
      }
      for _ in 0..<max(options.partsAtOnce, 1) { start() }
      while let ended = await tasks.next() {
        switch ended {
        case .success(let part):
          copied.append(part)
          moved += ByteCount(part.size)
          if next < parts.count || copied.count < parts.count { progress(moved) }
        case .failure(let error):
          failure = failure ?? error
          tasks.cancelAll()
        }
        start()
      }
      return failure.map { .failure($0) } ?? .success(copied)
    }
    return try result.get()
  }

  private func abort(
    _ upload: UploadID, _ note: UploadNote?, at destination: ObjectLocation,
    _ failure: inout Failure
  ) async {
    let problem = await recorder.abort(upload, of: destination, client)
    await note?.end(leaving: problem)
    if let problem {
      failure.error = failure.error.leaving(problem, at: destination)
    }
  }
}
