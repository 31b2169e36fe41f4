import HTTP
import History
import S3

/// Finds out what of an upload that an earlier run left can be kept.
struct LeftUpload: Sendable {
  enum Finding: Sendable {
    /// The upload goes on; these parts are on the server.
    case goesOn(UploadID, PartPlan, [PartReceipt])
    /// The server has completed it, and the answer got lost.
    case completed(WriteReceipt)
    /// It begins anew. The upload is to be aborted first when it is named.
    case startsOver(Resumption.Reason, aborting: UploadID?)
    /// It cannot be told now.
    case failed(S3Error)
  }

  let log: UploadLog
  let subject: JournalSubject
  let id: UploadID
  let source: SourceFile
  let location: ObjectLocation
  let attributes: ObjectAttributes
  let client: S3Client

  func examine() async -> Finding {
    guard subject.size == source.size, subject.modified == source.modified else {
      return .startsOver(.sourceChanged, aborting: id)
    }
    guard log.entry.request.attributes == attributes else {
      return .startsOver(.attributesChanged, aborting: id)
    }
    guard let plan = try? PartPlan(objectSize: subject.size, preferred: subject.partSize),
      plan.partSize == subject.partSize
    else { return .startsOver(.uploadGone, aborting: id) }
    let known = await log.receipts()
    do throws(S3Error) {
      let listed: [PartSummary]
      do throws(S3Error) {
        listed = try await client.listParts(location, uploadID: id)
      } catch  where error.isGone {
        return try await afterItsEnd(plan, known)
      } catch  where error.cannotList {
        // Completing it shows what is missing.
        return .goesOn(id, plan, known.values.filter { fits($0, plan) })
      }
      return .goesOn(id, plan, try await confirmed(listed, plan, known))
    } catch {
      return .failed(error)
    }
  }

  private func fits(_ part: PartReceipt, _ plan: PartPlan) -> Bool {
    plan.partNumbers.contains(part.number.value)
      && plan.range(of: part.number).count == Int(part.size)
  }

  private func slice(_ number: PartNumber, _ plan: PartPlan) -> FileSlice {
    let range = plan.range(of: number)
    return FileSlice(file: source.file, offset: range.lowerBound, count: Int64(range.count))
  }

  /// The parts on the server that hold what the file holds.
  private func confirmed(
    _ listed: [PartSummary], _ plan: PartPlan, _ known: [PartNumber: PartReceipt]
  ) async throws(S3Error) -> [PartReceipt] {
    var confirmed: [PartNumber: PartReceipt] = [:]
    for part in listed where plan.partNumbers.contains(part.number.value) {
      if let receipt = known[part.number], fits(receipt, plan),
        receipt.size == part.size.bytes, receipt.etag == part.etag,
        part.crc64nvme ?? receipt.crc64nvme == receipt.crc64nvme
      {
        confirmed[part.number] = receipt
      } else if let receipt = try await client.receipt(
        for: part, holding: slice(part.number, plan))
      {
        confirmed[part.number] = receipt
        await log.sent(receipt)
      }
    }
    return Array(confirmed.values)
  }

  /// It was completed, or aborted by somebody: the object tells.
  private func afterItsEnd(
    _ plan: PartPlan, _ known: [PartNumber: PartReceipt]
  ) async throws(S3Error) -> Finding {
    var parts: [PartReceipt] = []
    for value in plan.partNumbers {
      let number = PartNumber(value)
      if let receipt = known[number], fits(receipt, plan) {
        parts.append(receipt)
      } else {
        parts.append(try await client.receipt(of: number, holding: slice(number, plan)))
      }
    }
    do throws(S3Error) {
      if let receipt = try await client.completedUpload(location, parts: parts) {
        return .completed(receipt)
      }
    } catch  where error.code == .accessDenied {
      // Who may upload need not be allowed to look: sending it again harms nothing.
    }
    return .startsOver(.uploadGone, aborting: nil)
  }
}

extension S3Error {
  /// The server does not know the upload: S3 itself says NoSuchUpload, others NoSuchKey.
  fileprivate var isGone: Bool {
    guard case .service(let error) = cause else { return false }
    return error.status == 404 && error.code != .noSuchBucket
  }

  /// Whoever may upload need not be allowed to list parts, and not every server can.
  fileprivate var cannotList: Bool {
    code == .accessDenied || code == .notImplemented || code == .methodNotAllowed
  }
}
