import ArgumentParser
import Storage

/// A word that stands where a command does, and names none.
struct UnknownCommand: Sendable, Hashable {
  /// The commands before it, such as `history`; empty for the program itself.
  var path: [String]
  var word: String
  /// The command whose name is written most like it.
  var nearest: String?

  /// nil where the parser can say better what is meant.
  static func found(in arguments: [String]) -> UnknownCommand? {
    var words = LeadingOptions.dropped(from: arguments)
    if words.first == "help" {
      words = words.dropFirst()
      if words.first == "help" { return nil }
    }
    var path: [String] = []
    var commands = PailCommandLine.configuration.subcommands
    for word in words {
      guard !word.hasPrefix("-"), !commands.isEmpty else { return nil }
      let names = commands.compactMap { $0.configuration.commandName }
      guard let index = names.firstIndex(of: word) else {
        if path.isEmpty, S3URI.isMeant(by: word) { return nil }
        return UnknownCommand(path: path, word: word, nearest: nearest(to: word, of: names))
      }
      path.append(word)
      commands = commands[index].configuration.subcommands
    }
    return nil
  }

  var problem: CommandFailure {
    let shown = word.isEmpty ? "''" : Visible.text(RawArguments.bytes(of: word))
    let all = (["pail"] + path).joined(separator: " ")
    var recovery = "\(all) --help lists those there are."
    if let nearest {
      recovery = "Did you mean \(all) \(nearest)? " + recovery
    } else if path.isEmpty {
      recovery += " A bucket is opened as s3://bucket."
    }
    return CommandFailure(
      path.isEmpty ? "there is no command \(shown)" : "\(all) has no command \(shown)",
      recovery: recovery)
  }

  /// The first of those that differ least, if not by too much.
  static func nearest(to word: String, of names: [String]) -> String? {
    let letters = Array(word.lowercased().utf8)
    // Of a word of two letters one is enough to make another.
    let limit = letters.count < 4 ? 1 : 2
    guard letters.count < 20 else { return nil }
    let distances = names.map { ($0, distance(letters, Array($0.utf8))) }
    return distances.filter { $0.1 <= limit }.min { $0.1 < $1.1 }?.0
  }

  /// How many letters are other ones, missing, too many, or exchanged with their neighbours.
  private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var before: [Int] = []
    var last = Array(0...right.count)
    for (i, letter) in left.enumerated() {
      var row = [i + 1]
      for (j, other) in right.enumerated() {
        var best = min(last[j + 1] + 1, row[j] + 1, last[j] + (letter == other ? 0 : 1))
        if i > 0, j > 0, letter == right[j - 1], other == left[i - 1] {
          best = min(best, before[j - 1] + 1)
        }
        row.append(best)
      }
      (before, last) = (last, row)
    }
    return last[right.count]
  }
}
