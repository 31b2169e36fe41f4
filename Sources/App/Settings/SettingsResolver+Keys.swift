import S3

/// Where the keys come from.
extension SettingsResolver {
  func keyOutcome(_ surroundings: CredentialSurroundings) -> KeyFinder.Outcome {
    guard !isAnonymous else {
      return .init(found: .init(recipe: .anonymous, source: .flags, origin: "--no-sign-request"))
    }
    return KeyFinder(layers: layers, files: files, surroundings: surroundings).find()
  }

  /// Where the keys come from, which others were overruled, and what the sources before lacked.
  func keyFindings(_ outcome: KeyFinder.Outcome) -> [Settings.Finding] {
    guard let found = outcome.found else {
      return [.init(name: "access key", value: "none", origin: "not found")]
        + outcome.skipped.map { .init(name: "no keys", value: "-", origin: $0) }
    }
    guard case .keys = found.recipe, let layer = layers.first(where: { $0.source == found.source }),
      !layer.isProfile
    else {
      return [
        .init(
          name: "access key", value: found.recipe.knownAccessKeyID ?? found.recipe.summary,
          origin: found.origin, overruled: overruled(.accessKeyID, except: nil, masked: false))
      ] + outcome.skipped.map { .init(name: "no keys", value: "-", origin: $0) }
    }
    var findings: [Settings.Finding] = []
    func add(_ name: String, _ variable: Variable, masked: Bool) {
      let others = overruled(variable, except: layer, masked: masked)
      guard layer[variable] != nil || !others.isEmpty else { return }
      let value = layer[variable].map { masked ? "••••••••" : $0 } ?? "none"
      findings.append(
        .init(name: name, value: value, origin: layer.name(of: variable), overruled: others))
    }
    add("access key", .accessKeyID, masked: false)
    add("secret key", .secretAccessKey, masked: true)
    add("session token", .sessionToken, masked: true)
    add("keys expire", .credentialExpiration, masked: false)
    return findings
  }

  private func overruled(
    _ variable: Variable, except layer: SettingsLayer?, masked: Bool
  ) -> [String] {
    layers.compactMap { other in
      guard other.source != layer?.source, let text = other[variable] else { return nil }
      return masked ? other.name(of: variable) : "\(other.name(of: variable)) (\(text))"
    }
  }

  /// - Parameter skipped: what was looked for in each source, and why it had none.
  func noCredentials(_ skipped: [String]) -> SetupProblem {
    var places = skipped
    let named = lookUp(.profile)?.source == .flags
    if !named, !layers.contains(where: { if case .envFile = $0.source { true } else { false } }) {
      places.insert(
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in ./.env (\(envFileAbsence))",
        at: min(1, places.count))
    }
    return SetupProblem(
      message: "No access key was found", whereLooked: places,
      recovery: """
        Put both into the file .env in the current directory, readable by you alone:
          AWS_STORAGE_REGION='us-east-1'
          AWS_ACCESS_KEY_ID='…'
          AWS_SECRET_ACCESS_KEY='…'
        and, for a server that is not AWS, AWS_ENDPOINT_URL='https://…'
        """)
  }
}
