import Browser
import S3
import Storage

/// Carries out a ``CopyWish``: one item after the other, the objects under a prefix beside each
/// other.
struct CopyWork: Sendable {
  let service: S3Service

  /// - Parameter progress: told after each object.
  func run(
    _ wish: CopyWish, progress: @escaping @Sendable (CopyProgress) -> Void
  ) async -> CopyReport {
    let tally = Tally(progress)
    let options = CopyOptions(ifExists: wish.ifExists)
    for item in wish.items {
      guard !Task.isCancelled else {
        await tally.note(.failure(StorageError(kind: .cancelled, message: "Stopped")))
        break
      }
      do throws(StorageError) {
        switch item {
        case .object(let key, let destination):
          let source = ObjectLocation(bucket: wish.bucket, key: key)
          let result =
            wish.isMove
            ? try await service.move(source, to: destination, options: options)
            : try await service.copy(source, to: destination, options: options)
          await tally.note(.success(result))
        case .prefix(let prefix, let destination):
          try await service.copyAll(
            prefix, in: wish.bucket, base: prefix.bytes.count, to: destination,
            isMove: wish.isMove, options: options
          ) { await tally.note($0.result) }
        }
      } catch {
        await tally.note(.failure(error))
      }
    }
    return await tally.report
  }

  private actor Tally {
    private(set) var report = CopyReport()
    private let progress: @Sendable (CopyProgress) -> Void

    init(_ progress: @escaping @Sendable (CopyProgress) -> Void) {
      self.progress = progress
    }

    func note(_ result: Result<CopyResult, StorageError>) {
      report.note(result)
      progress(CopyProgress(copied: report.copied, failed: report.failed))
    }
  }
}
