import Browser
import S3
import Storage

/// Carries out a ``CopyWish``: objects beside each other, be they named or under a prefix, and one
/// prefix after the other.
struct CopyWork: Sendable {
  let service: S3Service

  /// - Parameter progress: told after each object.
  func run(
    _ wish: CopyWish, progress: @escaping @Sendable (CopyProgress) -> Void
  ) async -> CopyReport {
    let tally = Tally(progress)
    let options = CopyOptions(ifExists: wish.ifExists)
    await withTaskGroup(of: Void.self) { tasks in
      var running = 0
      for item in wish.items {
        guard !Task.isCancelled else {
          await tally.note(.failure(StorageError(kind: .cancelled, message: "Stopped")))
          break
        }
        switch item {
        case .object(let key, let destination):
          if running >= options.objectsAtOnce {
            await tasks.next()
            running -= 1
          }
          running += 1
          tasks.addTask {
            let source = ObjectLocation(bucket: wish.bucket, key: key)
            await tally.note(await copy(source, to: destination, wish, options))
          }
        case .prefix(let prefix, let destination):
          do throws(StorageError) {
            try await service.copyAll(
              prefix, in: wish.bucket, base: prefix.bytes.count, to: destination,
              isMove: wish.isMove, options: options
            ) { await tally.note($0.result) }
          } catch {
            await tally.note(.failure(error))
          }
        }
      }
    }
    return await tally.report
  }

  private func copy(
    _ source: ObjectLocation, to destination: ObjectLocation, _ wish: CopyWish,
    _ options: CopyOptions
  ) async -> Result<CopyResult, StorageError> {
    do throws(StorageError) {
      return .success(
        wish.isMove
          ? try await service.move(source, to: destination, options: options)
          : try await service.copy(source, to: destination, options: options))
    } catch {
      return .failure(error)
    }
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
