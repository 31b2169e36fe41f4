/// Words that are sent to a server, or kept in the history, as text.
enum TextArgument {
  /// - Parameter argument: as ``RawArguments`` gives it.
  static func text(_ argument: String) throws(ArgumentProblem) -> String {
    guard String(validating: RawArguments.bytes(of: argument), as: UTF8.self) != nil else {
      throw ArgumentProblem("it is not UTF-8")
    }
    return argument
  }

  /// Text of at least one character. An unset variable of a script gives an empty one, which a server
  /// may take for nothing: an owner that nobody checks, an object that nothing encrypts.
  static func filled(_ argument: String) throws(ArgumentProblem) -> String {
    guard !argument.isEmpty else {
      throw ArgumentProblem("it is empty: give it a value, or leave the option out")
    }
    return try text(argument)
  }
}
