internal import HTTP

/// What the first upload to an endpoint is compared with.
extension S3Client {
  /// Until an endpoint has answered nobody knows that it answers no checksum and needs MD5s. What was
  /// sent without one is compared afterwards with the ETag, where that may be one. Where they differ
  /// the body goes once more, now with its MD5: the same difference then shows that this endpoint's
  /// ETags are something else.
  ///
  /// - Parameter location: of an object that may not be replaced once it is stored; it is read
  ///   instead. nil where the body may go again.
  func comparingFirst<Receipt>(
    _ body: HTTPRequestBody, onlyOnceTo location: ObjectLocation? = nil,
    _ etag: (Receipt) -> ETag?, _ request: () async throws(S3Error) -> Receipt
  ) async throws(S3Error) -> Receipt {
    let sentMD5 = memory.answersChecksums == false
    let receipt = try await request()
    guard !sentMD5, let found = try await difference(etag(receipt), body) else { return receipt }
    if let location {
      try await settle(found, at: location)
      return receipt
    }
    let second = try await request()
    if try await difference(etag(second), body) != nil { memory.noteETag(isMD5: false) }
    return second
  }

  /// An ETag that may be an MD5, and the MD5 of what was sent, which is another one.
  private typealias Difference = (etag: ETag, stored: [UInt8], sent: [UInt8])

  /// Reads what was stored, which tells damage from an ETag that is something else.
  ///
  /// - Throws: `checksumMismatch` unless the object has the bytes that were sent.
  private func settle(
    _ difference: Difference, at location: ObjectLocation
  ) async throws(S3Error) {
    var cause = S3Error.Cause.checksumMismatch(
      sent: DigestAlgorithm.md5.text(difference.sent),
      stored: DigestAlgorithm.md5.text(difference.stored))
    do throws(S3Error) {
      if let digest = FileDigest(.md5) {
        _ = try await getObject(
          location, range: nil, ifMatch: difference.etag,
          into: .pieces { piece in
            digest.add(piece)
            return true
          }, progress: nil)
        let found = digest.finish()
        if found == difference.stored { memory.noteETag(isMD5: true) }
        if found == difference.sent {
          memory.noteETag(isMD5: false)
          return
        }
      }
    } catch {
      if error.isCancellation { cause = error.cause }
    }
    throw S3Error(operation: .putObject, cause: cause, attempts: 1, isInDoubt: true)
  }

  private func difference(
    _ etag: ETag?, _ body: HTTPRequestBody
  ) async throws(S3Error) -> Difference? {
    guard memory.answersChecksums == false, memory.etagMeaning != .other,
      let etag, let stored = etag.md5, stored.partCount == nil
    else { return nil }
    let sent: PayloadDigest
    do {
      sent = try await PayloadDigest.of(body, wants: .md5)
    } catch {
      throw S3Error(.putObject, error)
    }
    guard let md5 = sent.md5, md5 != stored.value else {
      if sent.md5 != nil { memory.noteETag(isMD5: true) }
      return nil
    }
    return (etag, stored.value, md5)
  }
}
