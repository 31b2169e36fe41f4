import S3
import Storage
import TextUI

/// Copies or moves pairs, some at a time, and tells of each.
struct CopyRunner {
  private static let atOnce = 16

  private let context: CommandContext
  private let service: S3Service
  private let options: CopyOptions
  private let isMove: Bool
  private let isDryRun: Bool
  private let progress: CountProgress
  private let mayMeet: Bool

  /// - Parameter mayMeet: whether two of the objects may become one.
  init(
    _ context: CommandContext, _ session: Session, _ options: CopyOptions, isMove: Bool,
    isDryRun: Bool, mayMeet: Bool, _ progress: CountProgress
  ) {
    self.context = context
    service = session.service
    self.options = options
    self.isMove = isMove
    self.isDryRun = isDryRun
    self.progress = progress
    self.mayMeet = mayMeet
  }

  /// What `next` throws of one place is told, and the others go on.
  ///
  /// - Throws: what else `next` throws, once what is under way has ended; `CancellationError`.
  func run(_ next: () async throws -> CopySources.Pair?) async throws {
    var isAtEnd = false
    var done = 0
    // The first of those that begin when all before it are over.
    var later: CopySources.Pair?
    // What a dry run would have made by then, where others may become the same.
    var made: Set<ObjectKey>? = isDryRun && mayMeet ? [] : nil
    defer { context.console.clearProgress() }
    while !isAtEnd, !Task.isCancelled {
      var pairs = [later].compactMap(\.self)
      later = nil
      var failure: (any Error)?
      do {
        while pairs.count < Self.atOnce * 8 {
          guard let pair = try await next() else {
            isAtEnd = true
            break
          }
          if pair.isInTurn, !pairs.isEmpty {
            later = pair
            break
          }
          pairs.append(pair)
        }
      } catch {
        failure = error
      }
      done += await run(pairs, &made) { [done] in progress.show(done + $0) }
      guard let failure else { continue }
      guard failure.isOfOnePlace else { throw failure }
      context.fail(nil, failure)
    }
    try Task.checkCancellation()
  }

  private enum Ended: Sendable {
    case looked(ByteCount, FoundThere)
    case copied(CopyResult)
    case failed(StorageError)
    case refused(CommandFailure)
  }

  /// Tells of the pairs in their order.
  private func run(
    _ pairs: [CopySources.Pair], _ made: inout Set<ObjectKey>?,
    _ progress: @escaping @Sendable (Int) -> Void
  ) async -> Int {
    await withTaskGroup(of: (Int, Ended).self) { tasks in
      var ends: [Int: Ended] = [:]
      var next = 0
      var told = 0
      while told < pairs.count {
        while next < pairs.count, next - told < Self.atOnce * 4,
          next - ends.count - told < Self.atOnce
        {
          let (index, pair) = (next, pairs[next])
          tasks.addTask { (index, await work(pair)) }
          next += 1
        }
        guard let (index, end) = await tasks.next() else { break }
        ends[index] = end
        while let end = ends.removeValue(forKey: told) {
          tell(pairs[told], end, &made)
          told += 1
        }
        progress(told)
      }
      return told
    }
  }

  private func work(_ pair: CopySources.Pair) async -> Ended {
    if let refusal = pair.refusal { return .refused(refusal) }
    var options = options
    if pair.refusalIfThere != nil { options.ifExists = .skip }
    do throws(StorageError) {
      if isDryRun {
        let size =
          if let size = pair.size { size } else { try await service.details(pair.source).size }
        let found = try await look(pair.destination, options.ifExists)
        if found == .skipped, let refusal = pair.refusalIfThere { return .refused(refusal) }
        return .looked(size, found)
      }
      let result =
        isMove
        ? try await service.move(pair.source, to: pair.destination, options: options)
        : try await service.copy(pair.source, to: pair.destination, options: options)
      if result.isSkipped, let refusal = pair.refusalIfThere { return .refused(refusal) }
      return .copied(result)
    } catch {
      return .failed(error)
    }
  }

  private func look(
    _ destination: ObjectLocation, _ ifExists: TransferRequest.ExistingDestination
  ) async throws(StorageError) -> FoundThere {
    do {
      _ = try await service.details(destination)
      return ifExists == .skip ? .skipped : .replaced
    } catch  where error.kind == .noSuchKey {
      return .none
    } catch  where error.kind == .accessDenied {
      // Who may write need not be allowed to read.
      return ifExists == .skip ? .maybeSkipped : .maybeReplaced
    }
  }

  private func tell(
    _ pair: CopySources.Pair, _ end: Ended, _ made: inout Set<ObjectKey>?
  ) {
    let from = S3URI(bucket: pair.source.bucket, key: pair.source.key).bytes
    let to = S3URI(bucket: pair.destination.bucket, key: pair.destination.key).bytes
    switch end {
    case .looked(let size, var found):
      if made?.insert(pair.destination.key).inserted == false, found != .skipped {
        found = .skippedByThen
      }
      context.wouldCopy(isMove ? "move" : "copy", from, to, size, found)
    case .failed(let error) where error.isCancellation: break
    case .failed(let error): context.fail(from, error)
    case .refused(let failure): context.fail(from, failure)
    case .copied(let result):
      context.warn(result.warning)
      context.report(isMove ? "move" : "copy", result, from, to)
    }
  }
}

extension CommandContext {
  /// A line of a dry run, under the same names as one for what was done.
  fileprivate func wouldCopy(
    _ verb: String, _ from: [UInt8], _ to: [UInt8], _ size: ByteCount, _ found: FoundThere
  ) {
    guard isJSON else { return would(verb, from, to: to, found) }
    var line = JSONLine()
    line.add("action", verb)
    line.add("from", bytes: from)
    line.add("to", bytes: to)
    line.add("size", size.bytes)
    line.add(found)
    console.result(line.bytes)
  }

  /// One line for an object that was copied, moved or skipped.
  fileprivate func report(
    _ verb: String, _ result: CopyResult, _ from: [UInt8], _ to: [UInt8]
  ) {
    if isJSON {
      var line = JSONLine()
      line.add("action", verb)
      line.add("from", bytes: from)
      line.add("to", bytes: to)
      line.add("size", result.size.bytes)
      line.add("etag", result.etag?.text)
      line.add("versionID", result.destination.versionID?.text)
      line.add("checksum", result.checksum)
      if !result.isSkipped {
        line.add("verified", result.proof != nil)
        line.add("verification", result.verification)
      }
      line.add("skipped", result.isSkipped)
      console.result(line.bytes)
      return
    }
    if result.isSkipped {
      console.confirmation(
        Array("Skipped ".utf8) + console.name(to) + Array(", which is there already".utf8))
      return
    }
    let doubt = result.proof == nil ? ", not verified" : ""
    console.confirmation(
      Array((result.isMoved ? "Moved " : "Copied ").utf8) + console.name(from)
        + Array(" to ".utf8) + console.name(to) + Array(doubt.utf8))
  }
}

extension CopyResult {
  /// As ``Verification`` words it for a download.
  fileprivate var verification: String {
    switch proof {
    case .checksum(let algorithm): "verified by \(algorithm.name)"
    case .etag: "verified by its ETag"
    case nil: "not verified: nothing that the server tells proves that the copy is equal"
    }
  }
}
