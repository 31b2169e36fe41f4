import S3

/// Runs a request that changes something so that cancelling takes it back only after `grace`.
///
/// A request that is dropped half way leaves it open whether the server did it. Nearly all answer
/// within this time, and the history then has a sure outcome.
///
/// - Parameters:
///   - executor: where the request runs; nil for anywhere.
///   - isWorthIt: asked at the cancellation; `false` ends the request at once.
func withGrace<Answer: Sendable>(
  on executor: (any TaskExecutor)? = nil,
  _ request: @escaping @Sendable () async throws(S3Error) -> Answer,
  for grace: @escaping @Sendable @autoclosure () -> Duration = .seconds(1),
  if isWorthIt: @escaping @Sendable () -> Bool = { true }
) async throws(S3Error) -> Answer {
  let task = Task(executorPreference: executor) { () async -> Result<Answer, S3Error> in
    do throws(S3Error) {
      return .success(try await request())
    } catch {
      return .failure(error)
    }
  }
  let result = await withTaskCancellationHandler {
    await task.value
  } onCancel: {
    Task {
      // Sleeping fails only when this task is cancelled, and nobody can.
      if isWorthIt() { try? await Task.sleep(for: grace()) }
      task.cancel()
    }
  }
  return try result.get()
}
