import Glibc
import History
import Storage
import SystemPackage

/// Transfers that other processes go on with, for whom this one has stopped them.
struct Handover: Sendable {
  private(set) var count = 0
  /// Those that a person had stand still: nobody goes on with them unasked.
  private(set) var pausedCount = 0
  /// None when nothing was left to go on with.
  private(set) var processIDs: [Int32] = []

  mutating func add(_ other: Handover) {
    count += other.count
    pausedCount += other.pausedCount
    processIDs += other.processIDs
  }

  /// For who quits.
  var words: String {
    let paused =
      switch pausedCount {
      case 0: ""
      case 1: "1 paused transfer is kept: pail transfers resume goes on with it."
      default: "\(pausedCount) paused transfers are kept: pail transfers resume goes on with them."
      }
    guard !processIDs.isEmpty else {
      return paused.isEmpty ? "Nothing was left to go on with" : paused
    }
    let transfers = count == 1 ? "1 transfer goes" : "\(count) transfers go"
    let processes =
      (processIDs.count == 1 ? "process " : "processes ")
      + processIDs.map(String.init).joined(separator: ", ")
    let running = "\(transfers) on in the background as \(processes); pail shows them."
    return paused.isEmpty ? running : "\(running) \(paused)"
  }

  /// Numbers on a command line are many, and those who move so much have nothing else.
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
      let unfinished = await service.transfers.unfinishedRequests()
      let limit = await service.transfers.limit
      let stopped = await service.transfers.stopResumably()
      if stopped.lost > 0 {
        return .failure(CommandFailure("The transfers could not be kept", recovery: nil))
      }
      let left = try await service.unfinishedTransfers().filter {
        !$0.isRunning && !before.contains($0.id) && service.isOwn($0.request)
      }
      let paused = Set(unfinished.filter(\.isPaused).flatMap(\.requests))
      let places = Dictionary(
        unfinished.enumerated().flatMap { place, each in each.requests.map { ($0, place) } },
        uniquingKeysWith: { first, _ in first })
      let goingOn = left.filter { !paused.contains($0.request) }.sorted {
        (places[$0.request] ?? .max, $0.id.value) < (places[$1.request] ?? .max, $1.id.value)
      }
      let pausedCount = left.count - goingOn.count
      guard !goingOn.isEmpty else { return .success(Handover(pausedCount: pausedCount)) }
      let ids = goingOn.map(\.id.value)
      let processID = try successor.limited(to: limit).start(
        ids: ids.count > idLimit && pausedCount == 0 ? [] : ids)
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
      return .success(
        Handover(count: goingOn.count, pausedCount: pausedCount, processIDs: [processID]))
    } catch let error as StorageError {
      return .failure(CommandFailure(error.message, recovery: error.recovery))
    } catch {
      return .failure(
        CommandFailure("No process could be started for it: \(error)", recovery: recovery))
    }
  }
}
