internal import Dispatch
internal import SystemPackage

/// Runs what may wait for a disk on threads that may wait, not on those that tasks share.
///
/// - Parameter isInMemory: whether all that `body` touches lies in memory. It is done at once then:
///   there is nothing to wait for, and waking another thread takes as long.
func onDisk<Value: Sendable>(
  unless isInMemory: Bool = false,
  _ body: @escaping @Sendable () throws(LocalFileError) -> Value
) async throws(LocalFileError) -> Value {
  guard !isInMemory else { return try body() }
  let result = await withCheckedContinuation { continuation in
    queue.async {
      continuation.resume(returning: Result { () throws(LocalFileError) in try body() })
    }
  }
  return try result.get()
}

private let queue = DispatchQueue(
  label: "pail.disk", qos: .userInitiated, attributes: .concurrent)
