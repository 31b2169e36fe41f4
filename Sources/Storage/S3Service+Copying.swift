public import S3

extension S3Service {
  /// Copies an object within the store, which reads and writes it itself.
  ///
  /// Content headers, metadata, tags, storage class and encryption come along. Objects above
  /// ``CopyOptions/multipartThreshold`` are copied in parts, at the source's own boundaries.
  /// S3 API Reference: CopyObject, UploadPartCopy.
  ///
  /// - Parameters:
  ///   - source: a version of it when it names one, else the current one.
  ///   - destination: its `versionID` is not used.
  ///   - progress: told the number of bytes copied so far, after each part.
  /// - Throws: ``StorageError/Kind/objectChanged`` when the source changes meanwhile.
  public func copy(
    _ source: ObjectLocation, to destination: ObjectLocation,
    options: CopyOptions = CopyOptions(),
    progress: @escaping @Sendable (ByteCount) -> Void = { _ in }
  ) async throws(StorageError) -> CopyResult {
    try await copier(source, destination, options, isMove: false, progress).run()
  }

  /// Copies an object as ``copy(_:to:options:progress:)`` does, and deletes the source once the copy
  /// is proven equal by a checksum or by an ETag that is a digest.
  ///
  /// - Throws: ``StorageError/Kind/sourceKept`` when the copy was made and nothing proves it equal,
  ///   or the source has changed since; ``StorageError/Kind/damaged`` when it is not equal. The
  ///   source is still there then.
  public func move(
    _ source: ObjectLocation, to destination: ObjectLocation,
    options: CopyOptions = CopyOptions(),
    progress: @escaping @Sendable (ByteCount) -> Void = { _ in }
  ) async throws(StorageError) -> CopyResult {
    try await copier(source, destination, options, isMove: true, progress).run()
  }

  /// Copies or moves every object whose key begins with a prefix, page by page, at bounded memory.
  ///
  /// One that fails does not hold up the others.
  ///
  /// - Parameters:
  ///   - prefix: the beginning of the keys.
  ///   - base: how many bytes of each key are replaced by the destination's key: at most those of
  ///     `prefix`.
  ///   - destination: a bucket, and what the keys begin with there.
  ///   - isMove: whether each source is deleted once its copy is proven equal.
  ///   - filter: which objects are taken.
  ///   - each: told what came of each, one at a time; the next ones wait for it.
  /// - Throws: when the listing fails, or the task is cancelled.
  public func copyAll(
    _ prefix: ObjectKey, in bucket: BucketName, base: Int, to destination: ObjectLocation,
    isMove: Bool = false, options: CopyOptions = CopyOptions(),
    filter: @Sendable (ObjectSummary) -> Bool = { _ in true },
    each: @Sendable (CopyOutcome) async -> Void
  ) async throws(StorageError) {
    precondition((0...prefix.bytes.count).contains(base), "a base is a beginning of the prefix")
    let undertaking = Undertaking.list(bucket, prefix: prefix)
    guard !isReadOnly else {
      throw .readOnly(.copy(ObjectLocation(bucket: bucket, key: prefix), to: destination))
    }
    // What is copied would be listed, and copied again.
    if bucket == destination.bucket, destination.key.bytes.starts(with: prefix.bytes) {
      throw .copyIntoItself(ObjectLocation(bucket: bucket, key: prefix))
    }
    var rest: ArraySlice<ObjectSummary> = []
    var after: ContinuationToken?
    var isLastPage = false
    var problem: StorageError?
    await withTaskGroup(of: CopyOutcome.self) { tasks in
      var running = 0
      while problem == nil {
        while rest.isEmpty, !isLastPage, problem == nil {
          do throws(S3Error) {
            let page = try await patience.keepTrying { (_) async throws(S3Error) in
              try await client.listObjectsV2(
                bucket: bucket, prefix: prefix, delimiter: nil, after: after)
            }
            rest = page.objects.filter(filter)[...]
            after = page.next
            isLastPage = page.next == nil
          } catch {
            problem = StorageError(error, while: undertaking)
          }
        }
        guard problem == nil, let object = rest.popFirst() else { break }
        if running >= max(options.objectsAtOnce, 1), let outcome = await tasks.next() {
          running -= 1
          await each(outcome)
        }
        guard !Task.isCancelled else {
          problem = .cancelled
          break
        }
        let source = ObjectLocation(bucket: bucket, key: object.key)
        var target = destination
        target.key = ObjectKey(bytes: destination.key.bytes + object.key.bytes.dropFirst(base))
        target.versionID = nil
        // Whether it has been copied by then is a matter of time, and it would be gone.
        if options.ifExists == .overwrite, bucket == target.bucket, target.key != source.key,
          target.key.hasPrefix(prefix)
        {
          await each(
            CopyOutcome(
              source: source, destination: target,
              result: .failure(.copyOntoSource(source, target))))
          continue
        }
        let copier = copier(source, target, options, isMove: isMove) { _ in }
        running += 1
        tasks.addTask {
          do throws(StorageError) {
            return CopyOutcome(
              source: source, destination: copier.destination,
              result: .success(try await copier.run()))
          } catch {
            return CopyOutcome(
              source: source, destination: copier.destination, result: .failure(error))
          }
        }
      }
      if problem?.isCancellation == true { tasks.cancelAll() }
      while let outcome = await tasks.next() { await each(outcome) }
    }
    if let problem { throw problem }
  }

  private func copier(
    _ source: ObjectLocation, _ destination: ObjectLocation, _ options: CopyOptions,
    isMove: Bool, _ progress: @escaping @Sendable (ByteCount) -> Void
  ) -> Copier {
    Copier(
      source: source, destination: destination, options: options, isMove: isMove,
      client: bodies, recorder: recorder, patience: patience, journaling: journaling,
      progress: progress)
  }
}
