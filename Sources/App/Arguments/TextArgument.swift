/// Words that are sent to a server, or kept in the history, as text.
enum TextArgument {
  /// - Parameter argument: as ``RawArguments`` gives it.
  static func text(_ argument: String) throws(ArgumentProblem) -> String {
    guard String(validating: RawArguments.bytes(of: argument), as: UTF8.self) != nil else {
      throw ArgumentProblem("it is not UTF-8")
    }
    return argument
  }
}
