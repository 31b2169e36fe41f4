internal import Dispatch
internal import Glibc
internal import HTTP
internal import Synchronization
internal import SystemPackage

/// Flushes folders after names in them have changed. Those who come while a folder is being flushed
/// share the next flush of it, so that thousands of new names cost few.
final class FolderFlushes: Sendable {
  static let shared = FolderFlushes()

  private struct Folder: Hashable {
    var device: UInt64
    var inode: UInt64
  }

  private typealias Waiter = CheckedContinuation<Result<Void, LocalFileError>, Never>

  private let queue = DispatchQueue(label: "pail.disk.folders", attributes: .concurrent)
  /// The folders that are being flushed, and who has come since.
  private let waiting = Mutex<[Folder: [Waiter]]>([:])

  /// Returns once every name that the folder has by now is on the disk.
  func flush(_ folder: OpenFile, path: FilePath) async throws(LocalFileError) {
    let status = try status(of: folder, path: path)
    let identity = Folder(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    let result = await withCheckedContinuation { (waiter: Waiter) in
      let isFirst = waiting.withLock { waiting in
        guard waiting[identity] == nil else {
          waiting[identity]?.append(waiter)
          return false
        }
        waiting[identity] = []
        return true
      }
      if isFirst {
        queue.async { self.flush(folder, path: path, identity, for: [waiter]) }
      }
    }
    try result.get()
  }

  private func flush(
    _ folder: OpenFile, path: FilePath, _ identity: Folder, for first: [Waiter]
  ) {
    var group = first
    while !group.isEmpty {
      let result = Result { () throws(LocalFileError) in
        try Storage.flush(folder, path: path)
      }
      for waiter in group { waiter.resume(returning: result) }
      group = waiting.withLock { waiting in
        let next = waiting[identity] ?? []
        waiting[identity] = next.isEmpty ? nil : []
        return next
      }
    }
  }
}
