import S3
import SystemPackage

/// One transfer in the queue of ``TransferEngine``: what is asked for, and how far it has come.
struct QueuedTransfer {
  let request: TransferRequest
  /// As it was shown last; only that of a running transfer changes by itself.
  var status: TransferStatus
  var progress = TransferProgress()
  var meter = RateMeter()
  var task: Task<Void, Never>?
  var stop = StopSign()
  /// Those who wait for its end.
  var waiters: [CheckedContinuation<Result<TransferResult, StorageError>, Never>] = []

  init(_ id: TransferID, _ request: TransferRequest) {
    self.request = request
    status = TransferStatus(
      id: id, direction: request.direction, name: request.name, location: request.location,
      localPath: request.localPath)
  }

  /// Takes over what the requests have counted.
  mutating func look(at time: Duration) {
    let seen = progress.snapshot
    meter.add(moved: seen.moved, at: time)
    status.total = seen.total
    status.moved = seen.moved
    if let location = seen.location { status.location = location }
    if let path = seen.localPath { status.localPath = path }
    switch status.state {
    case .running, .retrying:
      status.rate = meter.rate
      status.timeLeft = meter.timeLeft(total: seen.total)
      status.state =
        if let retry = seen.retry {
          .retrying(
            attempt: retry.attempt + 1, of: retry.maxAttempts, code: retry.recordedCode)
        } else {
          .running
        }
    case .waiting, .finished, .failed, .cancelling, .cancelled: break
    }
  }

  mutating func end(_ result: Result<TransferResult, StorageError>) {
    status.rate = 0
    status.timeLeft = nil
    task = nil
    switch result {
    case .success(let result):
      status.state = .finished(result)
      status.location = result.location
      status.localPath = result.localPath
      status.total = result.size
      status.moved = result.isSkipped ? .zero : result.size
    case .failure(let error):
      status.state = error.isCancellation ? .cancelled : .failed(error)
    }
  }
}

extension FilePath {
  /// What follows the last slash.
  var nameBytes: [UInt8] {
    bytes.split(separator: UInt8(ascii: "/")).last.map { Array($0) } ?? []
  }
}

extension TransferRequest {
  /// The bytes of the file's name or of the key's last segment.
  fileprivate var name: [UInt8] {
    switch work {
    case .upload(let file, _, _):
      file.nameBytes
    case .download(let object, _, _, _): Array(object.key.lastSegment)
    }
  }

  /// The file at this end, as far as it is known before the transfer runs.
  fileprivate var localPath: FilePath {
    switch work {
    case .upload(let file, _, _): file
    case .download(_, _, let folder, let name):
      // For show only: `DownloadFolder` decides where it really goes.
      (try? RelativeName(name))?.path(below: folder) ?? folder
    }
  }
}

extension RetryNotice {
  fileprivate var recordedCode: String {
    S3Error(operation: operation, cause: cause, attempts: attempt).recordedCode
  }
}
