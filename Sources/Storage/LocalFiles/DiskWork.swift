internal import Dispatch
internal import SystemPackage

/// Runs what may wait for a disk on threads that may wait, not on those that tasks share.
func onDisk<Value: Sendable>(
  _ body: @escaping @Sendable () throws(LocalFileError) -> Value
) async throws(LocalFileError) -> Value {
  let result = await withCheckedContinuation { continuation in
    queue.async {
      continuation.resume(returning: Result { () throws(LocalFileError) in try body() })
    }
  }
  return try result.get()
}

private let queue = DispatchQueue(
  label: "pail.disk", qos: .userInitiated, attributes: .concurrent)
