import ArgumentParser
import FoundationEssentials

/// The command line as the parser knows it: every command with its options and their help.
///
/// The parser tells it in JSON only.
struct HelpDump: Decodable {
  var command: Command

  struct Command: Decodable {
    var commandName: String
    var superCommands: [String]?
    var shouldDisplay: Bool
    var abstract: String?
    var discussion: String?
    var subcommands: [Command]?
    var arguments: [Argument]?
  }

  struct Argument: Decodable {
    enum Kind: String, Decodable {
      case positional, option, flag
    }

    struct Name: Decodable {
      enum Kind: String, Decodable {
        case long, short, longWithSingleDash
      }

      var kind: Kind
      var name: String

      /// With its dashes.
      var text: String { (kind == .long ? "--" : "-") + name }
    }

    var kind: Kind
    var shouldDisplay: Bool
    /// Of an option group that has one.
    var sectionTitle: String?
    var isOptional: Bool
    var isRepeating: Bool
    var names: [Name]?
    var valueName: String?
    var defaultValue: String?
    var allValues: [String]?
    var abstract: String?
    var discussion: String?
  }

  /// - Throws: when the parser writes its JSON in another way than it used to.
  init(of arguments: any ParsableArguments.Type) throws {
    let text = arguments._dumpHelp()
    self = try JSONDecoder().decode(HelpDump.self, from: Data(text.utf8))
  }
}
