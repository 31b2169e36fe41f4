import S3
import SystemPackage

/// Carries out one upload: a small file with one PutObject, a larger one in parts as
/// ``UploadMachine`` decides. Has one row in the history, recorded before its first request that
/// changes anything.
struct Uploader: Sendable {
  fileprivate static let mostNumberedNames = 999

  let file: FilePath
  let location: ObjectLocation
  let attributes: ObjectAttributes
  let ifExists: TransferRequest.ExistingDestination
  let tools: TransferTools
  let progress: TransferProgress

  private var client: S3Client { tools.client }

  func run() async throws(StorageError) -> TransferResult {
    let undertaking = Undertaking.upload(file, to: location)
    guard !tools.recorder.isReadOnly else { throw .readOnly(undertaking) }
    let source: SourceFile
    do {
      source = try await SourceFile.open(file, readingUpTo: SmallUpload.largestRead)
    } catch {
      throw StorageError(error)
    }
    progress.set(total: source.size)
    // One that cannot be cut into parts is refused before anything is asked or sent.
    let plan = try plan(for: source)
    guard plan == nil else { return try await place(source, plan) }
    return try await tools.whole(request(at: location)) { () async throws(StorageError) in
      try await place(source, nil)
    }
  }

  /// Finds the key for it that `ifExists` allows.
  private func place(
    _ source: SourceFile, _ plan: PartPlan?
  ) async throws(StorageError) -> TransferResult {
    if let result = try await movedBefore(source, plan) { return result }
    guard ifExists != .overwrite else { return try await store(source, plan, at: location, .none) }
    let undertaking = Undertaking.upload(file, to: location)
    var number = 0
    while true {
      let location = try numbered(number)
      // Some stores ignore the condition of the write: then this question is all there is.
      if try await !client.hasObject(location, while: undertaking) {
        do throws(StorageError) {
          return try await store(source, plan, at: location, .ifNoneMatch)
        } catch  where error.kind == .alreadyExists {
          // Somebody was quicker.
        } catch  where error.code == S3ErrorCode.notImplemented.rawValue {
          return try await store(source, plan, at: location, .none)
        }
      } else if let plan, let result = try await finishLeft(source, plan, at: location) {
        return result
      } else if number > 0, let earlier = tools.earlierRun,
        let result = try await earlier.upload(of: source, to: location, tools)
      {
        progress.keep(source.size)
        return result
      }
      switch ifExists {
      case .skip:
        return TransferResult(
          location: location, localPath: file, size: source.size, isSkipped: true)
      case .rename where number < Self.mostNumberedNames:
        number += 1
      case .rename, .fail, .overwrite:
        throw number == 0
          ? .exists(undertaking.subject) : StorageError.tooManyNames(undertaking.subject)
      }
    }
  }

  private func movedBefore(
    _ source: SourceFile, _ plan: PartPlan?
  ) async throws(StorageError) -> TransferResult? {
    guard let earlier = tools.earlierRun else { return nil }
    // What an upload in parts has left says more about itself, and has to be taken care of.
    if plan != nil, await tools.journaling?.hasLeft(request(at: location)) == true { return nil }
    guard let result = try await earlier.upload(of: source, to: location, tools) else { return nil }
    progress.keep(source.size)
    return result
  }

  private func plan(for source: SourceFile) throws(StorageError) -> PartPlan? {
    guard source.size > tools.settings.multipartThreshold else { return nil }
    do {
      return try PartPlan(objectSize: source.size, preferred: tools.settings.partSize)
    } catch {
      throw .tooLarge(file, source.size)
    }
  }

  /// `name (1).ext` for 1, in the same prefix.
  private func numbered(_ number: Int) throws(StorageError) -> ObjectLocation {
    guard number > 0 else { return location }
    let name: RelativeName
    do {
      name = try RelativeName(ObjectKey(bytes: location.key.lastSegment))
    } catch {
      throw StorageError(error)
    }
    var numbered = location
    numbered.key = ObjectKey(
      bytes: location.key.parentPrefix.bytes + name.next(number, of: file).last)
    return numbered
  }

  private func store(
    _ source: SourceFile, _ plan: PartPlan?, at location: ObjectLocation,
    _ condition: WriteCondition
  ) async throws(StorageError) -> TransferResult {
    progress.set(location: location)
    if source.size <= SmallUpload.largestSize {
      return try await small(source, at: location, condition).run()
    }
    let upload = upload(of: source, to: location, condition)
    if let plan { return try await upload.inParts(plan) }
    return try await upload.whole()
  }

  /// - Parameter source: no larger than ``SmallUpload/largestSize``.
  func small(
    _ source: SourceFile, at location: ObjectLocation, _ condition: WriteCondition,
    readAt: ContinuousClock.Instant? = nil, executor: (any TaskExecutor)? = nil
  ) -> SmallUpload {
    SmallUpload(
      source: source, location: location, attributes: guessed, condition: condition,
      tools: tools, progress: progress, readAt: readAt, executor: executor)
  }

  private func upload(
    of source: SourceFile, to location: ObjectLocation, _ condition: WriteCondition
  ) -> SingleUpload {
    SingleUpload(
      source: source, asked: request(at: self.location), request: request(at: location),
      location: location, attributes: guessed,
      condition: condition, tools: tools, progress: progress)
  }

  /// An object is there that is not to be replaced: perhaps an earlier run made it, and died before
  /// it knew.
  ///
  /// - Returns: nil when it is somebody else's.
  private func finishLeft(
    _ source: SourceFile, _ plan: PartPlan, at location: ObjectLocation
  ) async throws(StorageError) -> TransferResult? {
    guard let log = try await UploadLog.takeLeft(request(at: location), tools) else { return nil }
    return try await upload(of: source, to: location, .ifNoneMatch).finishCompleted(log)
  }

  private func request(at location: ObjectLocation) -> TransferRequest {
    .upload(file, to: location, attributes: guessed, ifExists: ifExists)
  }

  private var guessed: ObjectAttributes {
    var attributes = attributes
    if attributes.contentType == nil {
      attributes.contentType = ContentType.guess(
        fileName: String(decoding: file.nameBytes, as: UTF8.self))
    }
    return attributes
  }
}

extension RelativeName {
  /// The name with a number; where it is that of `file` with one, as an earlier run has chosen it, with
  /// one that follows.
  fileprivate func next(_ number: Int, of file: FilePath) -> RelativeName {
    guard last.count > file.nameBytes.count, last.contains(UInt8(ascii: "(")),
      let plain = try? RelativeName(ObjectKey(bytes: file.nameBytes)),
      let own = (1...Uploader.mostNumberedNames).first(where: { plain.numbered($0).last == last })
    else { return numbered(number) }
    return plain.numbered(own + number)
  }
}
