import Browser
import Glibc
import S3
import Storage
import SystemPackage

/// Folders and files of this machine, for choosing and planning.
enum LocalPlans {
  static func list(_ folder: FilePath) async throws(StorageError) -> Answer {
    do {
      return .folder(try await LocalListing.read(folder))
    } catch {
      throw StorageError(error)
    }
  }

  /// A path as a person types it: `~` and `~/…` lead to the home folder.
  static func expanded(_ path: FilePath) -> FilePath {
    let text = path.string
    guard text == "~" || text.hasPrefix("~/"), let home = getenv("HOME") else { return path }
    return FilePath(platformString: home).appending(String(text.dropFirst(2)))
  }
}

/// Finds out where chosen files would go, and what is there already.
struct UploadPlanner: Sendable {
  /// Asked about one by one; for more of them the prefix is listed.
  private static let askedSingly = 16

  let service: S3Service
  let destination: Place

  func plan(_ paths: [FilePath]) async throws(StorageError) -> UploadPlan {
    var plan = UploadPlan(files: [])
    var folders: [ObjectKey] = []
    var direct: [ObjectKey] = []
    for path in paths {
      let name = Array(path.bytes.reversed().prefix { $0 != UInt8(ascii: "/") }.reversed())
      let key = destination.prefix + ObjectKey(bytes: name)
      var status = stat()
      guard path.withPlatformString({ stat($0, &status) }) == 0 else {
        plan.leftOut.append(
          LeftOut(name: path.bytes, reason: Errno(rawValue: errno).description))
        continue
      }
      switch status.st_mode & S_IFMT {
      case S_IFDIR:
        folders.append(key + ObjectKey("/"))
        try await add(folder: path, under: key + ObjectKey("/"), to: &plan)
      case S_IFREG:
        direct.append(key)
        let modified = Timestamp(
          seconds: Int64(status.st_mtim.tv_sec), nanoseconds: Int32(status.st_mtim.tv_nsec))
        plan.files.append(
          file(path, key, size: ByteCount(Int64(status.st_size)), modified: modified))
      default:
        plan.leftOut.append(LeftOut(name: path.bytes, reason: "it is no regular file"))
      }
    }
    try await findExisting(direct, folders, &plan)
    return plan
  }

  private func add(
    folder: FilePath, under prefix: ObjectKey, to plan: inout UploadPlan
  ) async throws(StorageError) {
    for await element in FolderWalk(folder) {
      if Task.isCancelled { throw .stopped }
      switch element {
      case .file(let found):
        plan.files.append(
          file(found.path, prefix + found.name, size: found.size, modified: found.modified))
      case .leftOut(let error):
        plan.leftOut.append(
          LeftOut(name: error.path.bytes, reason: StorageError(error).message))
      }
    }
  }

  private func file(
    _ path: FilePath, _ key: ObjectKey, size: ByteCount, modified: Timestamp
  ) -> UploadPlan.File {
    UploadPlan.File(
      path: path, key: key, size: size, modified: modified,
      contentType: ContentType.guess(fileName: String(decoding: key.lastSegment, as: UTF8.self)))
  }

  private func findExisting(
    _ direct: [ObjectKey], _ folders: [ObjectKey], _ plan: inout UploadPlan
  ) async throws(StorageError) {
    let wanted = Set(plan.files.map(\.key))
    if direct.count <= Self.askedSingly {
      for key in direct {
        if let found = try await head(key) { plan.existing[key] = found }
      }
    } else {
      try await list(under: destination.prefix, isRecursive: false, wanted, &plan)
    }
    for folder in folders { try await list(under: folder, isRecursive: true, wanted, &plan) }
  }

  private func head(_ key: ObjectKey) async throws(StorageError) -> ObjectSummary? {
    do {
      let found = try await service.details(
        ObjectLocation(bucket: destination.bucket, key: key))
      return ObjectSummary(
        key: key, size: found.size, lastModified: found.lastModified, etag: found.etag)
    } catch  where error.kind == .noSuchKey || error.kind == .accessDenied {
      // Who may write need not be allowed to read: the upload itself then finds out.
      return nil
    }
  }

  private func list(
    under prefix: ObjectKey, isRecursive: Bool, _ wanted: Set<ObjectKey>, _ plan: inout UploadPlan
  ) async throws(StorageError) {
    var token: ContinuationToken?
    do {
      repeat {
        let page =
          isRecursive
          ? try await service.recursivePage(
            bucket: destination.bucket, prefix: prefix, after: token)
          : try await service.page(bucket: destination.bucket, prefix: prefix, after: token)
        for object in page.objects where wanted.contains(object.key) {
          plan.existing[object.key] = object
        }
        guard page.next != token else { return }
        token = page.next
      } while token != nil
    } catch  where error.kind == .accessDenied {
      return
    }
  }
}

/// Finds out what lies under chosen prefixes, where each object would go, and what is there.
struct DownloadPlanner: Sendable {
  let service: S3Service

  func plan(_ wish: DownloadWish) async throws(StorageError) -> DownloadPlan {
    let path = LocalPlans.expanded(wish.folder)
    let folder: DownloadFolder
    do {
      folder = try await DownloadFolder.open(path)
    } catch {
      throw StorageError(error)
    }
    var plan = DownloadPlan(items: [], folder: path)
    for object in wish.objects { try await add(object, wish.from, folder, &plan) }
    for prefix in wish.prefixes {
      var token: ContinuationToken?
      repeat {
        let page = try await service.recursivePage(
          bucket: wish.from.bucket, prefix: prefix, after: token)
        for object in page.objects { try await add(object, wish.from, folder, &plan) }
        guard page.next != token else { break }
        token = page.next
      } while token != nil
    }
    return plan
  }

  private func add(
    _ object: ObjectSummary, _ from: Place, _ folder: DownloadFolder, _ plan: inout DownloadPlan
  ) async throws(StorageError) {
    if Task.isCancelled { throw .stopped }
    // Markers of prefixes: folders are made for what is in them.
    guard !object.key.endsWithSlash else { return }
    let name =
      object.key.hasPrefix(from.prefix)
      ? ObjectKey(bytes: object.key.bytes.dropFirst(from.prefix.bytes.count)) : object.key
    do throws(LocalFileError) {
      let existing = try await folder.existing(RelativeName(name))
      plan.items.append(DownloadPlan.Item(object: object, name: name, existing: existing))
    } catch {
      plan.leftOut.append(
        LeftOut(name: object.key.bytes, reason: StorageError(error).message))
    }
  }
}

extension StorageError {
  fileprivate static let stopped = StorageError(kind: .cancelled, message: "Stopped")
}
