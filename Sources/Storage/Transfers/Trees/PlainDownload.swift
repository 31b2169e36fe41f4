import S3

/// A small object of a tree with nothing in its way, as far as is known: neither an earlier run nor a
/// file of its name.
///
/// Hundreds of them wait for answers, so it goes to ``SmallDownload`` at once, without the frames of a
/// ``Downloader``, which are larger than the object. Whatever turns out otherwise goes there after all.
///
/// A class, as ``SmallUpload`` is.
final class PlainDownload: Sendable {
  let request: TransferRequest
  let size: ByteCount
  private let object: ObjectLocation
  private let hasETag: Bool
  private let name: RelativeName
  private let folder: DownloadFolder

  /// nil for what is not of the kind.
  init?(_ item: TreeItem, _ tools: TransferTools) {
    guard !tools.mayHaveLeftovers, tools.earlierRun == nil, let folder = tools.folder,
      case .file(let request, let size?, isRenamed: false) = item,
      size <= SmallDownload.largestSize, request.ifExists != .rename,
      case .download(let object, let summary, _, let key) = request.work,
      let name = try? RelativeName(key)
    else { return nil }
    self.request = request
    self.size = size
    self.object = object
    hasETag = summary?.etag != nil
    self.name = name
    self.folder = folder
  }

  func outcome(_ tools: TransferTools, _ progress: TransferProgress) async -> TreeOutcome {
    guard await isFree() else { return await otherwise(tools, progress) }
    let path = name.path(below: folder.path)
    progress.set(localPath: path)
    progress.set(total: size)
    let end: TreeOutcome.End
    do throws(StorageError) {
      let result = try await SmallDownload(
        object: object, hasETag: hasETag, name: name, folder: folder,
        existing: request.ifExists == .overwrite ? .overwrite : .fail, tools: tools,
        progress: progress
      ).run()
      guard let result else {
        return await otherwise(tools, progress)
      }
      end = .finished(result)
    } catch  where error.kind == .alreadyExists {
      return await otherwise(tools, progress)
    } catch {
      end = .failed(error)
    }
    return TreeOutcome(direction: .download, location: object, localPath: path, end: end)
  }

  @inline(never)
  private func otherwise(
    _ tools: TransferTools, _ progress: TransferProgress
  ) async -> TreeOutcome {
    progress.startAgain()
    return await request.outcome(tools, progress, isRenamed: false)
  }

  /// What cannot be looked at is for others to tell of.
  private func isFree() async -> Bool {
    guard request.ifExists != .overwrite else { return true }
    do {
      return try await folder.existing(name) == nil
    } catch {
      return false
    }
  }
}
