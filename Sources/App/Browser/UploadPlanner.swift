import Browser
import S3
import Storage
import SwiftGlibc
import SystemPackage

/// Finds out where chosen files and folders would go, and what is there already.
struct UploadPlanner: Sendable {
  /// Asked about one by one; for more of them the prefix is listed.
  private static let askedSingly = 16

  let service: S3Service
  let destination: Place

  func plan(_ paths: [FilePath]) async throws(StorageError) -> UploadPlan {
    var plan = UploadPlan(files: [])
    for path in paths {
      guard let name = path.lastName else {
        plan.leftOut.append(LeftOut(name: path.bytes, reason: "it has no name"))
        continue
      }
      let status: Stat
      do {
        status = try path.stat()
      } catch {
        plan.leftOut.append(LeftOut(name: path.bytes, reason: "\(error)"))
        continue
      }
      let key = destination.prefix + ObjectKey(bytes: name)
      switch status.type {
      case .directory:
        plan.folders.append(UploadPlan.Folder(path: path, prefix: key + ObjectKey("/")))
      case .regular:
        let modified = Timestamp(
          seconds: Int64(status.st_mtim.tv_sec), nanoseconds: Int32(status.st_mtim.tv_nsec))
        plan.files.append(file(path, key, size: ByteCount(status.size), modified: modified))
      default:
        plan.leftOut.append(LeftOut(name: path.bytes, reason: "it is no regular file"))
      }
    }
    try await findExisting(&plan)
    for folder in plan.folders where plan.taken.count <= UploadPlan.askedSingly {
      let tree = TransferTree(
        .upload(
          folder: folder.path, bucket: destination.bucket, prefix: folder.prefix,
          attributes: ObjectAttributes()))
      plan.taken += try await service.takenNames(
        of: tree, limit: UploadPlan.askedSingly - plan.taken.count)
    }
    return plan
  }

  private func file(
    _ path: FilePath, _ key: ObjectKey, size: ByteCount, modified: Timestamp
  ) -> UploadPlan.File {
    UploadPlan.File(
      path: path, key: key, size: size, modified: modified,
      contentType: ContentType.guess(fileName: String(decoding: key.lastSegment, as: UTF8.self)))
  }

  private func findExisting(_ plan: inout UploadPlan) async throws(StorageError) {
    if plan.files.count <= Self.askedSingly {
      for key in plan.files.map(\.key) {
        if let found = try await head(key) { plan.existing[key] = found }
      }
    } else {
      try await list(Set(plan.files.map(\.key)), &plan)
    }
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
    _ wanted: Set<ObjectKey>, _ plan: inout UploadPlan
  ) async throws(StorageError) {
    var token: ContinuationToken?
    do {
      repeat {
        let page = try await service.page(
          bucket: destination.bucket, prefix: destination.prefix, after: token)
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
