import HTTP
import History
import S3
import Synchronization

/// Carries out one copy or move within a store. The server reads and writes; no byte comes here.
///
/// Each request names the ETag of the source as it was looked at, so that one that changes meanwhile
/// is noticed. A row in the history stands for the copy, one for the abortion of a copy in parts
/// that failed, and one for the deletion that makes a move of it.
struct Copier: Sendable {
  private static let mostNumberedNames = 999

  let source: ObjectLocation
  let destination: ObjectLocation
  let options: CopyOptions
  let isMove: Bool
  let client: S3Client
  let recorder: Recorder
  let patience: Patience
  let journaling: Journaling?
  /// Told how many bytes have been copied, after each part.
  let progress: @Sendable (ByteCount) -> Void

  func run() async throws(StorageError) -> CopyResult {
    let undertaking = Undertaking.copy(source, to: destination)
    guard !recorder.isReadOnly else { throw .readOnly(undertaking) }
    try refuseItself()
    let metadata = try await look(at: source, while: .readDetails(source))
    let partSizes = await partSizes(of: metadata)
    let plan = CopyPlan(
      metadata, partSizes: partSizes, threshold: options.multipartThreshold,
      mustCompare: isMove)
    guard let plan else { throw .tooLargeToCopy(source, metadata.size) }
    try await refuseSameObject()
    var result = try await place(metadata, plan)
    guard isMove, !result.isSkipped else { return result }
    try await removeSource(metadata, &result)
    return result
  }

  // MARK: - Before

  private func refuseItself() throws(StorageError) {
    let isSame = source.bucket == destination.bucket && source.key == destination.key
    // With other attributes, or from an older version, a copy onto itself means something.
    let hasMeaning =
      !isMove
      && (source.versionID != nil || options.attributes != ObjectAttributes())
    guard !isSame || hasMeaning else { throw .copyOfItself(source) }
  }

  /// Some servers take `a//b` and `a/b` for one key: moving one to the other would delete both.
  private func refuseSameObject() async throws(StorageError) {
    guard isMove, source.bucket == destination.bucket,
      source.key.collapsed == destination.key.collapsed,
      try await client.hasObject(destination, while: .copy(source, to: destination))
    else { return }
    throw .perhapsItself(source, destination)
  }

  func look(
    at object: ObjectLocation, while undertaking: Undertaking
  ) async throws(StorageError) -> ObjectMetadata {
    do {
      return try await patience.keepTrying { (_) async throws(S3Error) in
        try await client.headNamedObject(object)
      }
    } catch {
      throw StorageError(error, while: undertaking)
    }
  }

  /// Asked for only where they matter: above the threshold, and for a move that nothing else can
  /// prove.
  private func partSizes(of metadata: ObjectMetadata) async -> [Int64]? {
    let isWhole = metadata.checksums.contains { $0.kind == .fullObject }
    guard metadata.size > options.multipartThreshold || (isMove && !isWhole),
      let count = metadata.etag?.partCount, count <= PartPlan.maximumPartCount
    else { return nil }
    return await client.partSizes(
      of: source, count: count, objectSize: metadata.size.bytes)
  }

  // MARK: - Where to

  private func place(
    _ metadata: ObjectMetadata, _ plan: CopyPlan
  ) async throws(StorageError) -> CopyResult {
    let undertaking = Undertaking.copy(source, to: destination)
    guard options.ifExists != .overwrite else {
      return try await copy(metadata, plan, to: destination, .none)
    }
    var number = 0
    while true {
      let destination = try numbered(number)
      if try await !client.hasObject(destination, while: undertaking) {
        do throws(StorageError) {
          return try await copy(metadata, plan, to: destination, .ifNoneMatch)
        } catch  where error.code == S3ErrorCode.notImplemented.rawValue {
          return try await copy(metadata, plan, to: destination, .none)
        } catch  where error.code == S3ErrorCode.preconditionFailed.rawValue {
          // Somebody was quicker, or the source changed.
          guard try await client.hasObject(destination, while: undertaking) else { throw error }
        }
      }
      switch options.ifExists {
      case .skip:
        return CopyResult(
          source: source, destination: destination, size: metadata.size, isSkipped: true)
      case .rename where number < Self.mostNumberedNames: number += 1
      case .rename, .fail, .overwrite:
        let subject = Undertaking.readDetails(destination).subject
        throw number == 0 ? .exists(subject) : .tooManyNames(subject)
      }
    }
  }

  /// `name (1).ext` for 1, in the same prefix.
  private func numbered(_ number: Int) throws(StorageError) -> ObjectLocation {
    guard number > 0 else { return destination }
    let name: RelativeName
    do {
      name = try RelativeName(ObjectKey(bytes: destination.key.lastSegment))
    } catch {
      throw StorageError(error)
    }
    var numbered = destination
    numbered.key = ObjectKey(
      bytes: destination.key.parentPrefix.bytes + name.numbered(number).last)
    return numbered
  }

  // MARK: - Copying

  private func copy(
    _ metadata: ObjectMetadata, _ plan: CopyPlan, to destination: ObjectLocation,
    _ condition: WriteCondition
  ) async throws(StorageError) -> CopyResult {
    let undertaking = Undertaking.copy(source, to: destination)
    var tagging: String?
    if options.attributes.tagging == nil,
      plan.parts != nil || options.attributes.replacesHeaders
    {
      tagging = try await tags()
    }
    let attributes = options.attributes.completed(by: metadata, tagging: tagging)
    let change = Change(
      .copy, bucket: destination.bucket, key: destination.key, size: metadata.size,
      detail: "from \(Undertaking.readDetails(source).subject)")
    let row = try await recorder.begin(change, while: undertaking)
    let end: Result<Copied, Failure>
    if let parts = plan.parts {
      end = await copyParts(
        parts, plan.checksum, of: metadata, attributes, to: destination, condition)
    } else {
      end = await copyWhole(
        metadata, attributes, replacing: options.attributes.replacesHeaders, to: destination,
        condition
      ).map { Copied(receipt: $0) }
    }
    let receipt: WriteReceipt
    var warning: StorageError?
    switch end {
    case .failure(let failure):
      let warning = await recorder.finish([(row, failure.ending)], while: undertaking)
      throw failure.error.noting(warning)
    case .success(let copied):
      receipt = copied.receipt
      warning = await recorder.finish(
        [(row, Ending(receipt, size: metadata.size))], while: undertaking)
      if copied.mayLeaveUpload {
        warning = StorageError.unfinishedUpload(of: destination).noting(warning)
      }
    }
    progress(metadata.size)
    var result = CopyResult(
      source: source, destination: destination, size: metadata.size, etag: receipt.etag,
      warning: warning)
    result.destination.versionID = receipt.versionID
    let written = ObjectMetadata(
      size: metadata.size, etag: receipt.etag,
      serverSideEncryption: attributes.serverSideEncryption)
    if case .equal(let proof) = CopyComparison(metadata, written) { result.proof = proof }
    return result
  }

  /// As a query; nil for none.
  private func tags() async throws(StorageError) -> String? {
    do {
      return try await tagQuery()
    } catch {
      throw StorageError(error, while: .readTags(source))
    }
  }

  /// As ``tags()``.
  private func tagQuery() async throws(S3Error) -> String? {
    do {
      let tags = try await client.objectTags(source)
      return tags.isEmpty ? nil : tags.query
    } catch  where error.code == .notImplemented || error.code == .methodNotAllowed {
      return nil
    }
  }

  struct Failure: Error {
    var error: StorageError
    var ending: Ending
  }

  struct Copied {
    var receipt: WriteReceipt
    /// Whether an unfinished upload may be left on the server.
    var mayLeaveUpload = false
  }

  private func copyWhole(
    _ metadata: ObjectMetadata, _ attributes: ObjectAttributes, replacing: Bool,
    to destination: ObjectLocation, _ condition: WriteCondition
  ) async -> Result<WriteReceipt, Failure> {
    do throws(S3Error) {
      return .success(
        try await patience.keepTrying { (doubt) async throws(S3Error) in
          try await withGrace { () async throws(S3Error) in
            try await copyOnce(
              metadata, attributes, replacing: replacing, to: destination, condition, doubt)
          }
        })
    } catch {
      let undertaking = Undertaking.copy(source, to: destination)
      let ending = Ending(of: error)
      let isInDoubt = error.isCancellation && ending.outcome == .interrupted
      return .failure(
        Failure(
          error: isInDoubt
            ? .unanswered(.readDetails(destination)) : StorageError(error, while: undertaking),
          ending: ending))
    }
  }

  private func copyOnce(
    _ metadata: ObjectMetadata, _ attributes: ObjectAttributes, replacing: Bool,
    to destination: ObjectLocation, _ condition: WriteCondition, _ doubt: S3Error.Cause?
  ) async throws(S3Error) -> WriteReceipt {
    let isItself = source.bucket == destination.bucket && source.key == destination.key
    do throws(S3Error) {
      return try await client.copyObject(
        source, to: destination, ifMatch: metadata.etag, attributes: attributes,
        replacing: replacing, condition: condition, doubt: doubt)
    } catch  where error.code == .invalidRequest && isItself && !replacing {
      // To SeaweedFS other headers alone make a copy onto itself a change, so those that the object
      // has are named again.
      var attributes = attributes
      if attributes.tagging == nil { attributes.tagging = try await tagQuery() }
      return try await client.copyObject(
        source, to: destination, ifMatch: metadata.etag, attributes: attributes,
        replacing: true, condition: condition, doubt: doubt)
    } catch
      where error.code == .noSuchKey && metadata.size == .zero && source.key.endsWithSlash
    {
      // SeaweedFS shows the marker of a prefix and does not copy it; there are no bytes in it.
      return try await client.putObject(
        destination, body: .bytes([]), attributes: attributes, condition: condition,
        progress: nil, doubt: doubt)
    } catch  where error.code == .internalError {
      // How SeaweedFS says that there is no bucket to copy to.
      try await client.refuseMissing(destination.bucket)
      throw error
    }
  }
}

extension ETag {
  /// Of an object that was stored in parts.
  fileprivate var partCount: Int? {
    text.split(separator: "-").dropFirst().last.flatMap { Int($0) }.flatMap { $0 >= 1 ? $0 : nil }
  }
}

extension ObjectKey {
  /// With one slash where there are several side by side.
  fileprivate var collapsed: [UInt8] {
    var collapsed: [UInt8] = []
    for byte in bytes where byte != UInt8(ascii: "/") || collapsed.last != byte {
      collapsed.append(byte)
    }
    return collapsed
  }
}
