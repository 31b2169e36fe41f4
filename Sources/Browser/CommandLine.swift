import S3

/// What is typed after `:`.
struct CommandLine: Sendable, Hashable {
  enum Meaning: Sendable, Hashable {
    case nothing
    case command(Command)
    case jump(Place)
    case unknown(String)
  }

  private static let commands: [(name: String, command: Command)] = [
    ("errors", .showError), ("help", .help), ("history", .showHistory), ("q", .quit),
    ("quit", .quit), ("redraw", .redraw), ("refresh", .refresh), ("suspend", .suspend),
    ("switch", .switchSession),
    ("transfers", .showTransfers),
  ]

  static let names = commands.map(\.name) + ["s3://bucket/prefix/"]

  private let text: String

  init(_ text: String) {
    self.text = String(text.drop { $0.isWhitespace })
  }

  var meaning: Meaning {
    guard !text.allSatisfy(\.isWhitespace) else { return .nothing }
    if text.utf8.afterS3Scheme != nil {
      return Place(parsing: text).map { .jump($0) } ?? .unknown(text)
    }
    let word = text.split(separator: " ").first.map(String.init) ?? text
    guard let known = Self.commands.first(where: { $0.name == word }) else { return .unknown(word) }
    return .command(known.command)
  }

  /// The text as far as it can only go on in one way, and the ways there are.
  func completed(buckets: [BucketName]) -> (text: String, choices: [String]) {
    let all: [String]
    if text.hasPrefix("s3://") {
      all = buckets.map { "s3://\($0.text)/" }
    } else {
      all = Self.commands.map(\.name) + ["s3://"]
    }
    let choices = all.filter { $0.hasPrefix(text) }
    guard var common = choices.first else { return (text, []) }
    for choice in choices {
      while !choice.hasPrefix(common) { common.removeLast() }
    }
    return (common, choices)
  }
}
