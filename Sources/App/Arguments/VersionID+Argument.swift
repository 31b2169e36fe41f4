import S3

extension VersionID {
  /// - Throws: for an empty one, as an empty variable of a script gives it: stores take that for none,
  ///   and work on the current version.
  static func named(_ argument: String) throws(ArgumentProblem) -> VersionID {
    guard !argument.isEmpty else { throw ArgumentProblem("the version ID is empty") }
    return VersionID(argument)
  }
}
