import ArgumentParser
import SystemPackage
import Testing

@testable import App
@testable import S3

@Suite("README")
struct ReadmeTests {
  private static let lines: [Substring] = {
    let root = FilePath(#filePath).removingLastComponent().removingLastComponent()
      .removingLastComponent()
    let file = try? FileDescriptor.open(root.appending("README.md"), .readOnly)
    let bytes = try? file?.closeAfter { try file?.contents(limit: 1 << 20) }
    return String(decoding: bytes ?? [], as: UTF8.self)
      .split(separator: "\n", omittingEmptySubsequences: false)
  }()

  /// Those of the shell blocks, and of the table of operations.
  private static let commands: [String] = {
    var commands: [Substring] = []
    var isShell = false
    var isTable = false
    for line in lines {
      if line.hasPrefix("#"), !isShell { isTable = line == "## What it does" }
      if line.hasPrefix("```") {
        isShell = line == "```sh"
      } else if isShell {
        commands += line.split(separator: " | ").map { $0.prefix { $0 != "#" && $0 != ">" } }
      } else if isTable, line.hasPrefix("| ") {
        // Code spans are the odd pieces.
        let pieces = line.split(separator: "`", omittingEmptySubsequences: false)
        commands += pieces.indices.filter { $0 % 2 == 1 }.map { pieces[$0] }
      }
    }
    return commands.map { $0.trimmingPrefix { $0 == " " } }.filter { $0.hasPrefix("pail ") }
      .map(String.init)
  }()

  @Test("Every command of the README is one")
  func commands() throws {
    #expect(Self.commands.count > 30)
    for command in Self.commands {
      let words = try #require(ShellWords.split(command), "\(command)").dropFirst()
      let arguments = LeadingOptions.moved(Array(words))
      #expect(UnknownCommand.found(in: arguments) == nil, "\(command)")
      do {
        _ = try PailCommandLine.parseAsRoot(arguments)
      } catch {
        // `pail mv` beside `pail cp …` says that it takes the same.
        let isWhole = words.count > 1
        #expect(!isWhole || PailCommandLine.exitCode(for: error).isSuccess, "\(command): \(error)")
      }
    }
  }
}
