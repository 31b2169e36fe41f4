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
        commands += codeSpans(of: line).map { $0[...] }
      }
    }
    return commands.map { $0.trimmingPrefix { $0 == " " } }.filter { $0.hasPrefix("pail ") }
      .map(String.init)
  }()

  /// Of the table for those who come from other tools, what it says of Pail: commands and options.
  private static let counterparts: [String] = {
    let start = lines.firstIndex { $0.hasPrefix("### Coming from") } ?? lines.endIndex
    let rows = lines[start...].dropFirst().prefix { !$0.hasPrefix("#") }
      .filter { $0.hasPrefix("| ") }
    return rows.dropFirst().flatMap { row in
      let cells = row.split(separator: "|").map { codeSpans(of: $0) }
      // `the same` is the option of the first column.
      let isSame = row.split(separator: "|").last?.hasPrefix(" the same") == true
      return (cells.last ?? []) + (isSame ? cells.first ?? [] : [])
    }
  }()

  private static func codeSpans(of text: Substring) -> [String] {
    let pieces = text.split(separator: "`", omittingEmptySubsequences: false)
    return pieces.indices.filter { $0 % 2 == 1 }.map { String(pieces[$0]) }
  }

  @Test("What the README says that other tools' commands are in Pail is understood")
  func counterpartsAreUnderstood() throws {
    let named = Self.counterparts.filter { $0.hasPrefix("pail ") || $0.hasPrefix("-") }
    #expect(named.count > 40)
    #expect(named.contains("pail put - s3://b/k") && named.contains("--storage-class"))
    for text in named {
      #expect(try Self.isUnderstood(text), "\(text)")
    }
    #expect(try !Self.isUnderstood("--nonsense") && !Self.isUnderstood("pail ls --all-versions"))
  }

  /// Whether a command takes it, with a value and places where the table leaves them out.
  private static func isUnderstood(_ text: String) throws -> Bool {
    let words = try #require(ShellWords.split(text), "\(text)")
    let isOption = text.hasPrefix("-")
    let commands = isOption ? ["ls", "put", "rm", "presign"] : [""]
    let rests =
      isOption
      ? ["-r s3://b", "f s3://b/", "s3://b/k"] : ["", "s3://b", "s3://b/k", "s3://b/k s3://b/l"]
    return commands.contains { command in
      rests.contains { rest in
        [[], ["name=value"], ["15m"], ["AES256"]].contains { value in
          let words = (isOption ? [command] + words : Array(words.dropFirst())) + value
          let all = LeadingOptions.moved(words + rest.split(separator: " ").map(String.init))
          guard let (command, arguments) = LeadingOptions.command(all) else { return false }
          let parsed = try? command.parseAsRoot(arguments)
          // Else it is a question for help.
          return parsed is any PailCommand
        }
      }
    }
  }

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
