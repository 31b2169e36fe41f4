import Glibc
import History
import Storage
import SystemPackage

/// Transfers that other processes go on with, for whom this one has stopped them.
struct Handover: Sendable {
  private(set) var count = 0
  /// None when nothing was left to go on with.
  private(set) var processIDs: [Int32] = []

  mutating func add(_ other: Handover) {
    count += other.count
    processIDs += other.processIDs
  }

  /// For who quits.
  var words: String {
    guard !processIDs.isEmpty else { return "Nothing was left to go on with" }
    let transfers = count == 1 ? "1 transfer goes" : "\(count) transfers go"
    let processes =
      (processIDs.count == 1 ? "process " : "processes ")
      + processIDs.map(String.init).joined(separator: ", ")
    return "\(transfers) on in the background as \(processes); pail shows them."
  }

  /// Numbers on a command line are limited, and those who move so much have nothing else.
  private static let idLimit = 1000
  /// How long the other one may take to show that it is there.
  private static let patience = Duration.seconds(5)

  /// Stops what runs resumably, starts the successor, and waits until it moves something.
  ///
  /// What others have left meanwhile, of another server or profile, is left alone: the successor has
  /// the keys of this one.
  static func perform(
    _ service: S3Service, _ successor: Successor, _ others: OtherTransfers?
  ) async -> Result<Handover, CommandFailure> {
    let recovery = "What was stopped goes on with pail transfers resume."
    do {
      // Also what this process has taken over from an earlier run, and not begun with.
      let before = Set(
        try await service.unfinishedTransfers().filter { !$0.isRunning }.map(\.id)
      ).subtracting(await service.transfers.resuming)
      let stopped = await service.transfers.stopResumably()
      if stopped.lost > 0 {
        return .failure(CommandFailure("The transfers could not be kept", recovery: nil))
      }
      let left = try await service.unfinishedTransfers().filter {
        !$0.isRunning && !before.contains($0.id) && service.isOwn($0.request)
      }
      guard !left.isEmpty else { return .success(Handover()) }
      let ids = left.map(\.id.value)
      let processID = try successor.start(ids: ids.count > idLimit ? [] : ids)
      let deadline = ContinuousClock.now + patience
      while await others?.isConnected(to: processID) == false {
        if let status = Successor.status(of: processID) {
          if status == CommandRunner.Status.done { break }
          return .failure(CommandFailure("The process for it ended at once", recovery: recovery))
        }
        guard ContinuousClock.now < deadline else { break }
        // Nothing announces that the process listens, so it is looked for again. Sleeping fails only
        // when the task is cancelled, and nobody does that.
        try? await Task.sleep(for: .milliseconds(20))
        await others?.look()
      }
      return .success(Handover(count: left.count, processIDs: [processID]))
    } catch let error as StorageError {
      return .failure(CommandFailure(error.message, recovery: error.recovery))
    } catch {
      return .failure(
        CommandFailure("No process could be started for it: \(error)", recovery: recovery))
    }
  }
}
