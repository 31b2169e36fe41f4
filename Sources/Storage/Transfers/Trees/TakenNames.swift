internal import Glibc
public import S3
public import SystemPackage

/// A file of a tree whose destination is there already, with both sides.
public struct TakenName: Sendable, Hashable {
  public var key: ObjectKey
  /// At this end.
  public var path: FilePath
  /// Of what is to move.
  public var size: ByteCount
  public var modified: Timestamp?
  /// Of what is there.
  public var existingSize: ByteCount
  public var existingModified: Timestamp?

  public init(
    key: ObjectKey, path: FilePath, size: ByteCount, modified: Timestamp?,
    existingSize: ByteCount, existingModified: Timestamp?
  ) {
    self.key = key
    self.path = path
    self.size = size
    self.modified = modified
    self.existingSize = existingSize
    self.existingModified = existingModified
  }
}

extension S3Service {
  /// The first files of a folder or prefix whose destinations are there already, in order.
  ///
  /// Looks at what is listed, and no further once `limit` are found, so that memory stays the same
  /// however much there is.
  ///
  /// - Parameter limit: at most so many and one more, which tells that there are more.
  public func takenNames(
    of tree: TransferTree, limit: Int
  ) async throws(StorageError) -> [TakenName] {
    switch tree.work {
    case .upload(let folder, let bucket, let prefix, _):
      return try await taken(of: tree, from: folder, under: prefix, in: bucket, limit)
    case .download(_, let selection, let dropping, let folder):
      return try await taken(of: tree, selection.prefix, dropping, in: folder, limit)
    case .list: return []
    }
  }

  private func taken(
    of tree: TransferTree, from folder: FilePath, under prefix: ObjectKey, in bucket: BucketName,
    _ limit: Int
  ) async throws(StorageError) -> [TakenName] {
    let listing = RecursiveListing(client: client, bucket: bucket, prefix: prefix)
    var taken: [TakenName] = []
    do {
      while taken.count <= limit, let page = try await listing.next() {
        let found = try? await onDisk {
          page.compactMap { object in Self.taken(object, prefix, folder, tree.filter) }
        }
        taken += found ?? []
      }
    } catch  where error.kind == .accessDenied {
      // Who may write need not be allowed to list: the upload itself then finds out.
      return []
    }
    return Array(taken.prefix(limit + 1))
  }

  /// nil where no file of the folder would become this object.
  private static func taken(
    _ object: ObjectSummary, _ prefix: ObjectKey, _ folder: FilePath, _ filter: KeyFilter
  ) -> TakenName? {
    let key = ObjectKey(bytes: object.key.bytes.dropFirst(prefix.bytes.count))
    guard filter.includes(key), let name = try? RelativeName(key) else { return nil }
    let path = name.path(below: folder)
    var status = stat()
    guard path.withPlatformString({ stat($0, &status) }) == 0, status.isRegular else { return nil }
    return TakenName(
      key: object.key, path: path, size: ByteCount(Int64(status.st_size)),
      modified: status.modified, existingSize: object.size,
      existingModified: object.lastModified)
  }

  private func taken(
    of tree: TransferTree, _ prefix: ObjectKey, _ dropping: ObjectKey, in folder: FilePath,
    _ limit: Int
  ) async throws(StorageError) -> [TakenName] {
    do {
      let destination = try await DownloadFolder.open(folder)
      let below = ObjectKey(bytes: prefix.bytes.dropFirst(dropping.bytes.count))
      if below.endsWithSlash {
        let name = EscapedName(
          ObjectKey(bytes: below.bytes.dropLast()), beside: Set(tree.filesBeside), isFolder: true
        ).name
        // Most often there is nothing, and nothing has to be listed to know.
        guard try await destination.existing(RelativeName(name)) != nil else { return [] }
      }
      var source = TreeSource(tree, client: client)
      var taken: [TakenName] = []
      while taken.count <= limit, let item = try await source.next() {
        guard case .file(let request, _, _) = item,
          case .download(let object, let summary?, _, let name) = request.work,
          let relative = try? RelativeName(name),
          let file = try? await destination.existing(relative)
        else { continue }
        taken.append(
          TakenName(
            key: object.key, path: relative.path(below: folder), size: summary.size,
            modified: summary.lastModified, existingSize: file.size,
            existingModified: file.modified))
      }
      return taken
    } catch let error as LocalFileError {
      throw StorageError(error)
    } catch let error as StorageError {
      throw error
    } catch {
      throw .cancelled
    }
  }
}
