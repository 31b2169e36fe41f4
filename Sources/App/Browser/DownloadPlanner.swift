import Browser
import Glibc
import S3
import Storage
import SystemPackage

/// Finds out where each chosen object and prefix would go, and what is there.
struct DownloadPlanner: Sendable {
  let service: S3Service

  func plan(_ wish: DownloadWish) async throws(StorageError) -> DownloadPlan {
    let path = Self.expanded(wish.folder)
    let folder: DownloadFolder
    do {
      folder = try await DownloadFolder.open(path)
    } catch {
      throw StorageError(error)
    }
    var plan = DownloadPlan(items: [], folder: path)
    let names = Set(wish.objects.map { wish.name(of: $0.key) })
    for object in wish.objects {
      try await add(object, wish.name(of: object.key), beside: names, folder, &plan)
    }
    for prefix in wish.prefixes {
      let tree = wish.tree(prefix, into: path)
      plan.trees.append(tree)
      guard plan.taken.count <= UploadPlan.askedSingly else { continue }
      plan.taken += try await service.takenNames(
        of: tree, limit: UploadPlan.askedSingly - plan.taken.count)
    }
    return plan
  }

  /// A path as a person types it: `~` and `~/…` lead to the home folder.
  static func expanded(_ path: FilePath) -> FilePath {
    let bytes = path.bytes
    guard bytes.first == UInt8(ascii: "~"), bytes.count == 1 || bytes[1] == UInt8(ascii: "/"),
      let home = getenv("HOME")
    else { return path }
    return FilePath(bytes: FilePath(platformString: home).bytes + bytes.dropFirst())
  }

  private func add(
    _ object: ObjectSummary, _ key: ObjectKey, beside names: Set<ObjectKey>,
    _ folder: DownloadFolder, _ plan: inout DownloadPlan
  ) async throws(StorageError) {
    if Task.isCancelled { throw .stopped }
    // Markers of prefixes: folders are made for what is in them. Those with bytes are files too.
    guard !object.key.endsWithSlash || object.size > .zero else { return }
    let name = EscapedName(key, beside: names).name
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
  /// Nobody waits for the answer any more.
  static let stopped = StorageError(kind: .cancelled, message: "Stopped")
}
