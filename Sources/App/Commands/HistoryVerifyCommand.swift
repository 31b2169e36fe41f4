import ArgumentParser
import History
import Storage
import SystemPackage

extension HistoryCommand {
  struct VerifyCommand: PailCommand {
    static let configuration = CommandConfiguration(
      commandName: "verify",
      abstract: "Check that no row of the history was altered or removed.",
      usage: "pail history verify [<options>]",
      discussion: """
        Each row carries the hash of the row before. The head hash that is printed, kept on another \
        machine, shows later whether the rows up to it are still the same: give it with --expect.

        Examples:
          pail history verify
          pail history verify --expect \\
            277c9fecdf638531bca32072f93abe3e61f0b2f33965d1d92ea0e874ebe636f4
        """)

    @Option(
      help: ArgumentHelp("A head hash printed earlier.", valueName: "hash"),
      transform: { text throws(ArgumentProblem) in
        guard let hash = ChainHash(hex: text) else {
          throw ArgumentProblem("expected 64 hexadecimal digits")
        }
        return hash
      })
    var expect: ChainHash?

    @OptionGroup(title: SharedOptions.title) var shared: SharedOptions

    func run(_ context: CommandContext) async throws {
      guard let history = try context.openHistoryIfThere(isOnlyRead: true) else {
        guard expect == nil else {
          throw CommandFailure("There is no history, and a head hash was expected")
        }
        return
      }
      let report: ChainReport
      do {
        report = try await history.verify(expecting: expect)
      } catch {
        throw StorageError(unreadableHistory: error)
      }
      if context.isJSON {
        var line = JSONLine()
        if report.verdict != .unproven { line.add("isIntact", report.isIntact) }
        if let hasExpected = report.hasExpected { line.add("hasExpected", hasExpected) }
        line.add("changes", Int64(report.changes))
        line.add("outcomes", Int64(report.outcomes))
        line.add("head", "\(report.head)")
        line.add("firstBroken", report.firstBroken?.number)
        line.add("isArchive", report.isArchive)
        if let predecessor = report.predecessor {
          line.add("predecessor", bytes: predecessor.file.bytes)
          line.add("predecessorHead", "\(predecessor.head)")
        }
        context.console.result(line.bytes)
      } else {
        context.console.result(
          "\(report.verdict.rawValue): "
            + "\(Count(report.changes, "change")), \(Count(report.outcomes, "outcome"))")
        context.console.result("head: \(report.head)")
        if let predecessor = report.predecessor {
          context.console.result(
            "goes on from: \(predecessor.head), the head of \(predecessor.file.shown)")
        }
      }
      if let row = report.firstBroken {
        let kind = row.kind == .change ? "change" : "outcome"
        throw CommandFailure(
          "The history was altered: \(kind) \(row.number) is not what its successor says it was",
          recovery: "Keep the file as evidence, and compare it with a backup.")
      }
      if let expect, report.hasExpected == false { throw Self.missing(expect, report) }
    }

    private static func missing(_ hash: ChainHash, _ report: ChainReport) -> CommandFailure {
      guard report.verdict == .unproven else {
        return CommandFailure(
          "The expected hash is nowhere in the history: rows were altered or removed",
          recovery: "Keep the file as evidence, and compare it with a backup.")
      }
      let others = [
        report.predecessor.map { _ in "of an older archive" },
        report.isArchive ? "of rows that came later" : nil,
      ].compactMap(\.self).joined(separator: ", or ")
      return CommandFailure(
        "The expected hash is not in this file: it may be one \(others); where no file has it, rows "
          + "were altered or removed",
        recovery: report.predecessor.map {
          "See whether the archive has it: pail history verify --history \($0.file.shown) "
            + "--expect \(hash)"
        } ?? "See whether the history that goes on from this archive has it.")
    }
  }
}

extension CommandContext {
  /// nil, and said so, when nothing has been recorded yet: reading makes no file.
  ///
  /// - Parameters:
  ///   - mayBeMissing: whether that is also so for a file that somebody has named, which may be
  ///     misspelt, or lost.
  ///   - isOnlyRead: whether a file that cannot be written will do.
  /// - Throws: where it cannot be seen whether there is one, which is no empty history.
  func openHistoryIfThere(
    mayBeMissing: Bool = false, isOnlyRead: Bool = false
  ) throws -> HistoryStore? {
    if let path = settings.historyPath {
      do {
        _ = try path.stat()
        return HistoryStore(openingAtFirstUse: path, readsProtected: isOnlyRead)
      } catch Errno.noSuchFileOrDirectory {
        guard mayBeMissing || !settings.isHistoryNamed else {
          throw CommandFailure(
            "There is no history \(path.shown)",
            recovery: "It is made with the first change. See pail doctor for what names it.")
        }
      } catch {
        throw StorageError(unreadableHistory: .cannotOpen(path, .file(error)))
      }
    }
    console.notice(
      "pail: nothing is recorded yet in \(settings.historyPath?.shown ?? "any file")")
    return nil
  }
}
