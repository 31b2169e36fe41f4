/// Why Pail cannot start work, told so that the user can set it right.
struct SetupProblem: Error, Sendable, Hashable {
  /// One sentence, without what could be a secret.
  var message: String
  /// The places that were searched, strongest first, each as a user would name it.
  var whereLooked: [String]
  /// What to put where.
  var recovery: String
}
