import ArgumentParser
import Foundation
import History
import S3
import Storage
import SystemPackage
import Testing

@testable import App

@Suite("Command line")
struct CommandLineTests {
  /// The exit status that the arguments alone lead to; 0 when they are fine.
  private func status(_ arguments: [String]) -> Int32 {
    do {
      _ = try PailCommandLine.command(arguments)
      return 0
    } catch {
      return PailCommandLine.exitCode(for: error).rawValue
    }
  }

  @Test(
    "A command that is named is found without the root, which has the words for what is wrong",
    arguments: [
      ("ls -r s3://b/p/ --quiet", true), ("history verify", true), ("history --user ana", true),
      ("transfers resume 7", true), ("s3://b/p/", false), ("", false), ("ls --nope", false),
      ("ls --help", false), ("help ls", false), ("put", false), ("history verify x", false),
    ])
  func direct(line: String, isDirect: Bool) throws {
    let words = line.split(separator: " ").map(String.init)
    let named = LeadingOptions.command(words)
    let found = named.flatMap { try? $0.command.parseAsRoot($0.rest) }
    #expect((found is any PailCommand) == isDirect)
    // Whichever way: the same command, or the same words about what is wrong.
    func outcome(_ parse: () throws -> any ParsableCommand) -> String {
      do {
        return "\(type(of: try parse()))"
      } catch {
        return "\(PailCommandLine.exitCode(for: error)) \(PailCommandLine.text(of: error))"
      }
    }
    #expect(
      outcome { try PailCommandLine.command(words) }
        == outcome { try PailCommandLine.parseAsRoot(words) })
  }

  @Test(
    "What cannot be meant is refused as wrong usage before anything is sent",
    arguments: [
      "nonsense", "ls reports", "ls -r", "ls --versions", "mb reports", "mb s3://reports/key",
      "rb s3://reports/key", "put file", "put file nowhere", "put f s3://b/ --metadata =x",
      "put s3://a/k s3://b/k", "get",
      "get s3://b", "get s3://b/p/", "get -r s3://b/p/ -", "get -r s3://b/p/ /dev/stdout", "rm",
      "rm s3://b",
      "rm -r s3://b/p --version-id 1", "rm s3://b/a s3://b/b --version-id 1", "presign s3://b",
      "presign s3://b/k --expires 8d", "presign s3://b/k --expires 0",
      "presign s3://b/k --method post", "presign s3://b/k --method put --file-name x",
      "stat s3://b", "cat s3://b",
      "cat s3://b/k s3://b/l --version-id 1", "du", "du --depth -1 s3://b", "get s3://b/k a b",
      "get s3://b/k s3://b/l -", "rm s3://b/k --exclude x", "ls --exclude x", "ls --concurrency 0",
      "ls --part-size 1M", "put f s3://b/ --exclude x", "get s3://b/k - --dry-run",
      "ls --part-size x",
      "put f s3://b/ --metadata A=B --metadata a=C", "history --json --format csv",
      "history --action nonsense", "history --since yesterday",
      "history verify --expect 12", "history --format xml",
    ])
  func wrongUsage(line: String) {
    #expect(status(line.split(separator: " ").map(String.init)) == 64)
  }

  @Test(
    "An empty word is no value, and is named",
    arguments: [
      ["get", ""], ["put", "", "s3://b/"], ["put", "f", ""], ["ls", "--profile", ""],
      ["rm", "s3://b/k", "--history", ""], ["ls", "--log", ""], ["cp", "s3://b/k", ""],
      ["rm", ""],
    ])
  func emptyWord(words: [String]) throws {
    let error = try #require(throws: (any Error).self) {
      try PailCommandLine.parseAsRoot(words)
    }
    #expect(PailCommandLine.exitCode(for: error).rawValue == 64)
    let message = PailCommandLine.message(for: error)
    #expect(message.contains("''") || message.contains("is empty"))
  }

  @Test("An option with nothing behind its = does not take the next word")
  func emptyAfterEquals() throws {
    for words in [["rm", "--history=", "s3://b/k", "s3://b/l"], ["--user=", "ls"]] {
      let error = try #require(throws: (any Error).self) { try PailCommandLine.command(words) }
      #expect(PailCommandLine.exitCode(for: error).rawValue == 64)
      #expect(PailCommandLine.message(for: error).contains("is empty"))
    }
    _ = try PailCommandLine.command(["put", "--metadata=k=", "--", "--user=", "s3://b/"])
  }

  @Test(
    "What can be meant is understood",
    arguments: [
      "ls", "ls s3://b", "ls -r -0 s3://b/p", "ls --versions --json s3://b", "mb s3://b",
      "rb s3://b --force --expected-owner 111122223333", "put file s3://b", "put a b s3://b/p/ -r",
      "get s3://b/k", "get s3://b/k -", "get -r s3://b dir", "rm s3://b/k s3://c/k",
      "rm -r s3://b --dry-run", "rm s3://b/k --version-id 1",
      "rm -r s3://b --exclude x --include y",
      "get s3://b/k s3://b/l dir", "get s3://b/k*", "cat s3://b/k s3://b/l", "du s3://b",
      "du --depth 2 s3://b/p --exclude x", "presign s3://b/k --expires 900",
      "presign s3://b/k --expires 7d --method put --content-type text/plain", "stat s3://b/k",
      "history --user ana --bucket b --prefix p --since 7d --action upload --format csv",
      "history verify", "doctor", "doctor s3://b", "history --json --format json",
      "cp s3://b/k s3://b/l s3://b/m", "cp s3://b/*.gz s3://b/m", "presign s3://b/k --method PUT",
      "ls --endpoint-url http://h --region r --env-file f --user u --history h --read-only --quiet",
    ])
  func rightUsage(line: String) {
    #expect(status(line.split(separator: " ").map(String.init)) == 0)
  }

  @Test(
    "A word that is no command is told with the one that was perhaps meant",
    arguments: [
      ("lst", "", "ls"), ("list", "", "ls"), ("DU s3://b", "", "du"), ("hsitory", "", "history"),
      ("--profile ana --json ptu f s3://b", "", "put"), ("reports", "", nil), ("rmm", "", "rm"),
      ("help lss", "", "ls"), ("history verfy", "history", "verify"),
      ("help transfers abrot", "transfers", "abort"), ("transfers 3", "transfers", nil),
      ("\u{1B}[31m", "", nil),
    ] as [(String, String, String?)])
  func unknownCommand(line: String, path: String, nearest: String?) throws {
    let words = line.split(separator: " ").map(String.init)
    let unknown = try #require(UnknownCommand.found(in: LeadingOptions.moved(words)))
    #expect(unknown.path.joined() == path && unknown.nearest == nearest)
    let text = FailureText.text(of: unknown.problem)
    #expect(text.contains("--help") && !text.contains("\u{1B}"))
    if let nearest {
      #expect(text.contains("Did you mean pail \(path.isEmpty ? "" : path + " ")\(nearest)?"))
    }
  }

  @Test(
    "What names a command, a place or an option is left to the parser",
    arguments: [
      "", "ls", "ls nonsense", "s3://reports", "s3:/reports", "--utc s3://b", "--profile lst",
      "--profile", "--nonsense lst", "help", "help help", "help history verify", "-h", "--version",
      "history --user verfy", "transfers list", "transfers resume 3", "history archive file",
      "--json history verify", "browse s3://b",
    ])
  func knownCommand(line: String) {
    let words = line.split(separator: " ").map(String.init)
    #expect(UnknownCommand.found(in: LeadingOptions.moved(words)) == nil)
  }

  @Test(
    "An option that a command does not have is named, and not the word behind it",
    arguments: [
      ("mv s3://b/k s3://b/l --storage-class X", "mv", "--storage-class", "pail put, pail cp"),
      ("put f s3://b/ --content-disposition attachment", "put", "--content-disposition", "--help"),
      ("get s3://b/k . --storage-class=X", "get", "--storage-class", "pail cp"),
      ("ls --version s3://b", "ls", "--version", "Did you mean --versions?"),
      ("rm --versoin-id 3 s3://b/k", "rm", "--versoin-id", "Did you mean --version-id?"),
      ("history verify --expcet x", "history verify", "--expcet", "Did you mean --expect?"),
      ("history --expect x", "history", "--expect", "It goes with pail history verify."),
      (
        "ls --dead-host h", "ls", "--dead-host",
        "pail transfers resume, pail transfers abort, pail history archive."
      ),
      ("-V", "", "-V", "Did you mean --version?"), ("-v ls", "", "-v", "Did you mean --version?"),
      ("ls -R s3://b", "ls", "-R", "Did you mean -r?"),
      ("stat -d s3://b/k", "stat", "-d", "pail transfers abort, pail history settle."),
      ("ls -x s3://b", "ls", "-x", "\n  pail ls --help"),
      ("rm -rfx s3://b", "rm", "-f", "--help"), ("s3://b --nope", "", "--nope", "--help"),
      (
        "--json cp s3://b/k s3://b/l --metadata-directive REPLACE", "cp", "--metadata-directive",
        "--help"
      ),
    ])
  func unknownOption(line: String, path: String, name: String, said: String) throws {
    let words = LeadingOptions.moved(line.split(separator: " ").map(String.init))
    #expect(status(words) == 64 || UnknownOption.asksForVersion(words))
    let unknown = try #require(UnknownOption.found(in: words))
    #expect(unknown.path.joined(separator: " ") == path && unknown.name == name)
    let text = FailureText.text(of: unknown.problem)
    #expect(text.contains("has no option \(name)\n") && text.contains(said))
  }

  @Test("An archive of the same second gets a name of its own")
  func archiveName() throws {
    let folder = try TemporaryFolder()
    let history = folder.path.appending("history.sqlite")
    let moment = Timestamp(seconds: 1_795_000_000)
    var names: [String?] = []
    for _ in 1...3 {
      let file = HistoryCommand.ArchiveCommand.beside(history, at: moment)
      names.append(file.lastComponent?.string)
      try folder.write("", to: file.lastComponent?.string ?? "", permissions: 0o600)
    }
    #expect(
      names == [
        "history-20261118T110640Z.sqlite", "history-20261118T110640Z-2.sqlite",
        "history-20261118T110640Z-3.sqlite",
      ])
  }

  @Test(
    "What is wrong beside the options is left to the parser",
    arguments: [
      "put f", "put f s3://b/ --content-type -x", "du --depth -1 s3://b", "mv s3://b/k f -- --nope",
      "get s3://b/p/ -d", "ls -r0", "history --since yesterday", "cp s3://b/k --metadata=--x",
    ])
  func knownOptions(line: String) {
    let words = line.split(separator: " ").map(String.init)
    #expect(UnknownOption.found(in: words) == nil)
    #expect(!UnknownOption.asksForVersion(words))
  }

  @Test(
    "The help is that of the command that is named, and without one that of the program",
    arguments: [
      ("--help ls", "ls --help"), ("-h history verify", "history verify -h"),
      ("--json --help ls", "ls --help"), ("--help --json ls -r", "ls --help"),
      ("--help --json", "--help"), ("-h s3://b", "-h"), ("ls --help", "ls --help"),
      ("--json ls --help", "ls --json --help"), ("s3://b --help", "s3://b --help"),
    ])
  func help(line: String, moved: String) throws {
    let words = LeadingOptions.moved(line.split(separator: " ").map(String.init))
    #expect(words.joined(separator: " ") == moved)
  }

  @Test("The version is the program's alone")
  func version() throws {
    for line in ["--version", "--json --version", "--utc --version", "s3://b --version"] {
      #expect(LeadingOptions.askForVersion(line.split(separator: " ").map(String.init)))
    }
    for line in ["ls --version", "-- --version", "", "history verify --version"] {
      #expect(!LeadingOptions.askForVersion(line.split(separator: " ").map(String.init)))
    }
    let help = PailCommandLine.helpMessage()
    #expect(help.contains("--version"))
    for command in PailCommandLine.configuration.subcommands {
      #expect(!PailCommandLine.helpMessage(for: command).contains("--version "))
    }
  }

  @Test(
    "Text that is not UTF-8 is refused where it would be sent or recorded",
    arguments: [
      "put f s3://b/k --metadata", "put f s3://b/k --tagging", "put f s3://b/k --content-type",
      "put f s3://b/k --cache-control", "put f s3://b/k --storage-class",
      "put f s3://b/k --sse aws:kms --sse-kms-key-id", "put f s3://b/k --acl", "ls --user",
      "ls --profile",
      "ls --region", "ls --endpoint-url", "ls --history", "presign s3://b/k --file-name",
      "presign s3://b/k --method put --content-type", "rb s3://b --expected-owner",
    ])
  func notUTF8(line: String) throws {
    let words = line.split(separator: " ").map(String.init)
    #expect(status(words + ["x=é"]) == 0)
    let error = try #require(throws: (any Error).self) {
      try PailCommandLine.command(words + [RawArguments.text(of: Array("x=caf".utf8) + [0xE9])])
    }
    #expect(PailCommandLine.exitCode(for: error).rawValue == 64)
    #expect(PailCommandLine.message(for: error).contains("it is not UTF-8"))
  }

  @Test(
    "With -r a pattern that matches nothing below is told from one that matches nothing",
    arguments: [("logs/*.gz", true), ("logs/*", false), ("logs/*.gz/", true)])
  func nothingBelow(key: String, isBelow: Bool) throws {
    let place = try S3URI(parsing: "s3://b/\(key)")
    guard
      case .selection(_, let below) = KeyTarget.recursive(place, try GlobOption.parse([]), .all)
    else {
      Issue.record("a pattern selects")
      return
    }
    let failure = CommandFailure.nothing(at: place, below)
    #expect((failure.recovery?.hasPrefix("Without -r ") ?? false) == isBelow)
    let same = CommandFailure.nothing(at: place, KeySelection(KeyPattern(place.key.text)))
    #expect(same == CommandFailure("Nothing matches s3://b/\(key)"))
  }

  @Test(
    "An include that comes first is refused, and what to write instead is said",
    arguments: [
      "rm -r s3://b", "ls -r s3://b", "du s3://b", "get -r s3://b .", "put -r d s3://b",
      "cp -r s3://b s3://c", "mv -r s3://b s3://c", "rm s3://b/x/*",
    ])
  func loneInclude(line: String) throws {
    let words = line.split(separator: " ").map(String.init)
    for filters in [["--include", "*'s"], ["--include=*'s", "--exclude", "*"]] {
      let error = try #require(throws: (any Error).self) {
        try PailCommandLine.parseAsRoot(words + filters)
      }
      #expect(PailCommandLine.exitCode(for: error).rawValue == 64)
      #expect(
        PailCommandLine.message(for: error).contains(#"write --exclude '*' --include '*'\''s'"#))
    }
    #expect(status(words + ["--exclude", "*", "--include", "*'s"]) == 0)
  }

  /// Those of a command and of the commands below it, as their help has them.
  private func examples(of command: any ParsableCommand.Type) -> [String] {
    let lines = command.configuration.discussion.replacing("\\\n", with: "")
      .split(separator: "\n").filter { $0.hasPrefix("  ") }
    var examples: [String] = []
    for line in lines {
      let commands = line.split(separator: " | ").map { String($0.drop { $0 == " " }) }
      examples += commands.filter { $0 == "pail" || $0.hasPrefix("pail ") }
    }
    for command in command.configuration.subcommands { examples += self.examples(of: command) }
    return examples
  }

  @Test("Every example of a help is accepted as it stands there")
  func everyExample() {
    let examples = examples(of: PailCommandLine.self)
    #expect(examples.count > 50)
    for example in examples {
      // Quotes stand around whole words only.
      let words = example.split(separator: " ").dropFirst().map {
        $0.trimmingCharacters(in: CharacterSet(charactersIn: "'"))
      }
      #expect(status(words) == 0, "\(example)")
    }
  }

  @Test("Filters keep the order in which they were given")
  func filterOrder() throws {
    let line = "rm -r s3://b --exclude a --include b --exclude=c --include d"
    let command = try PailCommandLine.command(line.split(separator: " ").map(String.init))
    let rules = try #require(command as? RemoveCommand).filters.filter.rules
    #expect(
      rules.map { String(decoding: $0.pattern.bytes, as: UTF8.self) } == ["a", "b", "c", "d"])
    #expect(rules.map(\.isIncluded) == [false, true, false, true])
  }

  @Test("A failure names its subject once, its code, and below it what to do")
  func failureText() {
    let subject = Array("s3://b/k\u{1B}[31m".utf8)
    let denied = StorageError(
      kind: .accessDenied, message: "Access was denied", recovery: "Ask the owner.",
      code: "AccessDenied")
    #expect(
      FailureText.text(of: denied, about: subject)
        == "pail: s3://b/k\\x1b[31m: Access was denied (AccessDenied)\n  Ask the owner.")
    var named = denied
    named.message = "Access to s3://b/k\u{1B}[31m was denied"
    #expect(
      FailureText.text(of: named, about: subject).hasPrefix("pail: Access to s3://b/k"))
  }

  @Test("A failure keeps to its lines, whatever the names in it are")
  func failureLines() {
    let denied = StorageError(
      kind: .service, message: "s3://b/k\npail: all is well was denied",
      recovery: "Try s3://b/k\n.", code: "No\nCode")
    #expect(
      FailureText.text(of: denied)
        == "pail: s3://b/k\\npail: all is well was denied (No\\nCode)\n  Try s3://b/k\\n.")
    let failure = CommandFailure("two\nlines", recovery: "first\nsecond")
    #expect(FailureText.text(of: failure) == "pail: two\\nlines\n  first\n  second")
  }

  @Test(
    "What the parser says of an argument shows its controls as escapes",
    arguments: [
      ["s3:/\u{1B}[31m"], ["ls", "s3://b", "extra\u{1B}[31m"], ["ls", "--no\u{1B}[31m"],
      ["put", "f", "no\u{1B}[31m"], ["presign", "s3://b/k", "--method", "\u{1B}[31m"],
    ])
  func usageText(arguments: [String]) throws {
    let error = #expect(throws: (any Error).self) {
      _ = try PailCommandLine.command(arguments)
    }
    let text = PailCommandLine.text(of: try #require(error))
    #expect(text.contains("\\x1b[31m"))
    #expect(!text.contains("\u{1B}"))
  }

  @Test("Help is given as it is written")
  func helpText() throws {
    let error = #expect(throws: (any Error).self) {
      _ = try PailCommandLine.command(["--generate-completion-script", "bash"])
    }
    let help = try #require(error)
    #expect(PailCommandLine.exitCode(for: help).isSuccess)
    #expect(PailCommandLine.text(of: help) == PailCommandLine.fullMessage(for: help))
  }

  @Test("A moment is a date, a time, or counted back from now")
  func since() throws {
    let now = try #require(Timestamp(iso8601: "2026-11-20T12:00:00Z"))
    #expect(
      try SinceArgument.parse("1d", now: now) == Timestamp(iso8601: "2026-11-19T12:00:00Z"))
    #expect(
      try SinceArgument.parse("2026-11-20T14:02:00+02:00", now: now)
        == Timestamp(iso8601: "2026-11-20T12:02:00Z"))
    // Midnight here is within a day of midnight in Greenwich.
    let date = try SinceArgument.parse("2026-11-20", now: now)
    let midnight = try #require(Timestamp(iso8601: "2026-11-20T00:00:00Z"))
    #expect(abs(date.seconds - midnight.seconds) <= 14 * 3600)
    // As the history shows it.
    let minute = try SinceArgument.parse("2026-11-20 14:02", now: now)
    let second = try SinceArgument.parse("2026-11-20T14:02:30", now: now)
    #expect(minute > date && second == minute.advanced(by: .seconds(30)))
    // A day, a year, and seconds since 1970, that would count back from now.
    for wrong in [
      "2026-13-01", "20.11.2026", "", "-1d", "2026-11-20 25:00", "2026-11-20x14:02", "20261120",
      "1700000000", "2026", "202611", "2026-11-31",
    ] {
      #expect(throws: ArgumentProblem.self) { try SinceArgument.parse(wrong, now: now) }
    }
  }

  @Test("The code of an error is the server's, and shown with escapes in the history's table")
  func historyRow() {
    let entry = HistoryEntry(
      id: ChangeID(1),
      ChangeDraft(
        Change(.upload, bucket: BucketName("b"), key: ObjectKey("k")),
        author: .current(user: "ana"), accessKeyID: nil, endpoint: "http://127.0.0.1",
        startedAt: .now()),
      Ending(outcome: .failed, errorCode: "Odd\u{1B}]52;c;AA\u{7}"))
    let row = HistoryOutput(console: Console(isQuiet: true), format: .table).table(entry)
    let text = String(decoding: row, as: UTF8.self)
    #expect(text.contains("failed (Odd\\x1b]52;c;AA\\x07)"))
    #expect(!text.contains("\u{1B}"))
  }

  @Test("CSV quotes what would break a row")
  func csv() {
    let row = HistoryOutput.csv(
      ["plain", "a,b", "say \"x\"", "two\nlines", ""].map { Array($0.utf8) })
    #expect(
      String(decoding: row, as: UTF8.self) == "plain,\"a,b\",\"say \"\"x\"\"\",\"two\nlines\",")
  }
}
