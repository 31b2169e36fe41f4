/// How many colours to use.
public enum ColourDepth: Int, Comparable, Sendable {
  case mono, sixteen, indexed256, trueColour

  /// What the environment promises; `TerminalSession` uses no more than terminfo allows.
  ///
  /// `NO_COLOR` with any text turns colours off. Source: <https://no-color.org>.
  public static func detected(environment: [String: String]) -> ColourDepth {
    if environment["NO_COLOR"].map({ !$0.isEmpty }) ?? false { return .mono }
    if ["truecolor", "24bit"].contains(environment["COLORTERM"]) { return .trueColour }
    let term = environment["TERM"] ?? ""
    if term.hasSuffix("-direct") { return .trueColour }
    return term.contains("256color") ? .indexed256 : .sixteen
  }

  public static func < (left: ColourDepth, right: ColourDepth) -> Bool {
    left.rawValue < right.rawValue
  }
}
