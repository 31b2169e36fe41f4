import SystemPackage

/// Single values: which layer has the last word, and which were overruled.
extension SettingsResolver {
  // MARK: Single values

  struct Value {
    var text: String
    var source: SettingsLayer.Source
    /// Such as `AWS_REGION in ./.env`.
    var origin: String
    var overruled: [(origin: String, text: String)]
  }

  /// The first layer that has any of `variables` wins; within a layer the first variable does.
  func lookUp(_ variables: Variable...) -> Value? {
    var found: Value?
    for layer in layers {
      for variable in variables {
        guard let text = layer[variable] else { continue }
        let origin = layer.name(of: variable)
        if found == nil {
          found = Value(text: text, source: layer.source, origin: origin, overruled: [])
        } else {
          found?.overruled.append((origin, text))
        }
      }
    }
    return found
  }

  func finding(
    _ name: String, _ value: Value?, fallback: String, shown: String? = nil
  ) -> Settings.Finding {
    guard let value else {
      return Settings.Finding(name: name, value: shown ?? fallback, origin: "default")
    }
    // An endpoint may hold a password in its user information, so only what was parsed is shown.
    let isEndpoint = name == "endpoint"
    return Settings.Finding(
      name: name, value: shown ?? value.text, origin: value.origin,
      overruled: value.overruled.map { isEndpoint ? $0.origin : "\($0.origin) (\($0.text))" })
  }

  /// A leading `~` or `~/` is the home folder, also where no shell expanded it.
  func path(_ text: String) -> FilePath {
    guard text == "~" || text.hasPrefix("~/"), let home else { return FilePath(argument: text) }
    return home.appending(FilePath(argument: text.dropFirst(2)).components)
  }

  func isOn(
    _ name: String, _ variable: Variable, _ findings: inout [Settings.Finding],
    _ problems: inout [SetupProblem]
  ) -> Bool {
    guard let value = lookUp(variable) else { return false }
    findings.append(finding(name, value, fallback: ""))
    return truth(of: value, &problems)
  }

  /// - Returns: `false` for what is neither true nor false, which is a problem.
  func truth(of value: Value, _ problems: inout [SetupProblem]) -> Bool {
    if let truth = Self.truth(of: value.text) { return truth }
    problems.append(
      SetupProblem(
        message: "\(value.origin) is neither true nor false",
        whereLooked: [value.origin], recovery: "Write true or false."))
    return false
  }

  /// nil for what is neither, in the words that programs take for it.
  static func truth(of text: String) -> Bool? {
    switch text.lowercased().filter({ !$0.isWhitespace }) {
    case "true", "1", "yes", "on": true
    case "false", "0", "no", "off": false
    default: nil
    }
  }

  func duration(
    _ name: String, _ variable: Variable, _ findings: inout [Settings.Finding],
    _ problems: inout [SetupProblem]
  ) -> Duration? {
    guard let value = lookUp(variable) else { return nil }
    findings.append(finding(name, value, fallback: ""))
    if let given = try? DurationArgument(parsing: value.text), given.duration <= .seconds(7 * 86400)
    {
      return given.duration
    }
    problems.append(
      SetupProblem(
        message: "\(value.origin) is no duration of 1 second to 7 days",
        whereLooked: [value.origin],
        recovery: "Write it like 30s, 15m or 12h."))
    return nil
  }

  /// The command line alone.
  var commandLine: SettingsResolver {
    var resolver = self
    resolver.layers.removeAll { $0.source != .flags }
    return resolver
  }
}
