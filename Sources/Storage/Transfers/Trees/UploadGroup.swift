import History
import S3
import SystemPackage

/// Small files of a tree that are opened together and recorded in one commit, and then sent each by
/// itself.
struct UploadGroup: Sendable {
  private static let mostFiles = 32

  /// One that is uploaded over whatever is there, or where nothing is.
  ///
  /// A class, as ``SmallUpload`` is.
  final class File: Sendable {
    let request: TransferRequest
    let location: ObjectLocation
    let path: FilePath
    let attributes: ObjectAttributes
    let size: ByteCount

    /// nil for what does not go in a group.
    init?(_ item: TreeItem, _ tools: TransferTools) {
      guard !tools.mayHaveLeftovers, tools.earlierRun == nil,
        case .file(let request, let size?, isRenamed: false) = item,
        size <= SmallUpload.largestSize, request.ifExists != .rename,
        case .upload(let path, let location, let attributes) = request.work
      else { return nil }
      self.request = request
      self.location = location
      self.path = path
      self.attributes = attributes
      self.size = size
    }
  }

  /// The same, opened and recorded.
  struct BegunFile: Sendable {
    let file: File
    let upload: SmallUpload
    let row: ChangeID
    /// In the ``TreeProgress``.
    let progressID: Int
  }

  struct Begun: Sendable {
    var files: [BegunFile]
    /// Those that go by themselves, and then tell what is wrong.
    var others: [File]
  }

  private var files: [File] = []

  var isEmpty: Bool { files.isEmpty }
  var count: Int { files.count }
  var isFull: Bool { files.count >= Self.mostFiles }

  mutating func append(_ file: File) {
    files.append(file)
  }

  func begin(_ tools: TransferTools, _ progress: TreeProgress) async -> Begun {
    let kept = files.filter { $0.request.ifExists != .overwrite }.map(\.location)
    // What cannot be looked at together is looked at one by one.
    guard let taken = await tools.client.taken(among: kept) else {
      return Begun(files: [], others: files)
    }
    let readAt = ContinuousClock.now
    let sources = await SourceFile.open(
      files.map(\.path), readingUpTo: SmallUpload.largestRead)
    var opened: [(file: File, upload: SmallUpload, progressID: Int)] = []
    var others: [File] = []
    for (index, file) in files.enumerated() {
      // It may have grown since it was found.
      guard sources.indices.contains(index), case .success(let source) = sources[index],
        source.size <= SmallUpload.largestSize, !taken.contains(file.location.key)
      else {
        others.append(file)
        continue
      }
      let (id, counter) = progress.begin()
      opened.append((file, file.upload(of: source, readAt, tools, counter), id))
    }
    guard let rows = await SmallUpload.begin(opened.map(\.upload)), rows.count == opened.count
    else {
      for file in opened { progress.forget(file.progressID) }
      return Begun(files: [], others: files)
    }
    return Begun(
      files: zip(opened, rows).map {
        BegunFile(file: $0.file, upload: $0.upload, row: $1, progressID: $0.progressID)
      }, others: others)
  }
}

extension UploadGroup.File {
  fileprivate func upload(
    of source: SourceFile, _ readAt: ContinuousClock.Instant, _ tools: TransferTools,
    _ progress: TransferProgress
  ) -> SmallUpload {
    progress.set(total: source.size)
    return Uploader(
      file: path, location: location, attributes: attributes, ifExists: request.ifExists,
      tools: tools.reporting(to: progress), progress: progress
    ).small(
      source, at: location, request.ifExists == .overwrite ? .none : .ifNoneMatch, readAt: readAt,
      executor: tools.client.taskExecutor)
  }
}

extension UploadGroup.BegunFile {
  /// Sends it.
  func outcome() async -> TreeOutcome {
    let end: TreeOutcome.End
    do throws(StorageError) {
      end = .finished(try await upload.run(as: row))
    } catch  where error.isOfCondition {
      // Somebody was quicker, or the store knows no condition: by itself it finds that out.
      return await alone()
    } catch {
      end = .failed(error)
    }
    return TreeOutcome(
      direction: .upload, location: file.location, localPath: file.path, end: end)
  }

  /// Not inlined: the room for its locals would be taken while the request is under way.
  @inline(never)
  private func alone() async -> TreeOutcome {
    await file.request.outcome(upload.tools, upload.progress, isRenamed: false)
  }
}

extension StorageError {
  /// Whether it is about what is there already, and not about what was to be moved.
  fileprivate var isOfCondition: Bool {
    kind == .alreadyExists || code == S3ErrorCode.notImplemented.rawValue
  }
}
