/// Why there is no screen.
public enum TerminalError: Error, Hashable, Sendable {
  /// Standard input or output is a file or a pipe.
  case notATerminal(stream: String)
  case noTerminalName
  /// There is no description of this terminal on this machine.
  case unknownTerminal(name: String)
  /// A terminal that prints lines only.
  case cannotMoveCursor(name: String)
  case alreadyOpen
  /// The system refused something; `reason` is its own text.
  case system(operation: String, reason: String)
}

extension TerminalError: CustomStringConvertible {
  /// What happened, and what to do about it.
  public var description: String {
    switch self {
    case .notATerminal(let stream):
      "\(stream) is not a terminal, so there is nothing to draw on. Use the commands instead, "
        + "for example: pail ls"
    case .noTerminalName:
      "TERM is not set, so the kind of the terminal is not known. Try: TERM=xterm-256color pail"
    case .unknownTerminal(let name):
      "This machine does not know the terminal \"\(name)\" (from TERM). "
        + "Try: TERM=xterm-256color pail, or install the package ncurses-term"
    case .cannotMoveCursor(let name):
      "The terminal \"\(name)\" (from TERM) cannot place its cursor. "
        + "Try: TERM=xterm-256color pail, or use the commands instead, for example: pail ls"
    case .alreadyOpen: "The terminal is already in use by this program"
    case .system(let operation, let reason): "Could not \(operation): \(reason)"
    }
  }
}
