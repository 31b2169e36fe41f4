import S3

/// Decides where the keys come from: a whole set from one source, and what each other one lacked.
///
/// The order: a profile named with `--profile`; the environment; the profile that it names; `.env`;
/// the profile that it names, or `default`; the container endpoint; the metadata service. Where a
/// profile was named on the command line the environment and `.env` are not looked at.
struct KeyFinder {
  var layers: [SettingsLayer]
  var files: ProfileFiles
  var surroundings: CredentialSurroundings

  struct Found {
    var recipe: CredentialRecipe
    /// nil for those of no layer: the container endpoint and the metadata service.
    var source: SettingsLayer.Source?
    /// Such as `profile ana` or `AWS_ACCESS_KEY_ID in ./.env`.
    var origin: String
    /// Only the metadata service itself can tell whether it has any.
    var isGuess = false
  }

  struct Outcome {
    var found: Found?
    /// One line for each source that had none, strongest first, with the reason.
    var skipped: [String] = []
    var problem: SetupProblem?
    var notices: [String] = []
  }

  private struct Incomplete: Error {
    var problem: SetupProblem
  }

  func find() -> Outcome {
    var outcome = Outcome()
    do throws(Incomplete) {
      outcome.found = try search(&outcome)
    } catch {
      outcome.problem = error.problem
    }
    return outcome
  }

  private func search(_ outcome: inout Outcome) throws(Incomplete) -> Found? {
    if let flags = layers.first(where: { $0.source == .flags }), let name = flags[.profile] {
      if let found = try profile(name, of: flags, &outcome) { return found }
    } else {
      var profileWasNamed = false
      for layer in layers where layer.source != .flags && !layer.isProfile {
        if !layer.isConfig, let found = try keys(in: layer, &outcome) { return found }
        if layer.source == .environment,
          let recipe = try decide({ () throws(CredentialError) in try surroundings.webIdentity() })
        {
          return Found(
            recipe: recipe, source: layer.source,
            origin: "AWS_WEB_IDENTITY_TOKEN_FILE in the environment")
        }
        if !profileWasNamed, let name = layer.namedProfile?.name {
          profileWasNamed = true
          if let found = try profile(name, of: layer, &outcome) { return found }
        }
      }
      if !profileWasNamed, let found = try defaultProfile(&outcome) { return found }
    }
    return try services(&outcome)
  }

  private func keys(
    in layer: SettingsLayer, _ outcome: inout Outcome
  ) throws(Incomplete) -> Found? {
    let identity: [Variable] = [.accessKeyID, .secretAccessKey]
    let missing = identity.filter { layer[$0] == nil }
    guard missing.count < 2 else {
      outcome.skipped.append(
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in \(layer.place) (not set)")
      return nil
    }
    // A secret of one account beside the identifier of another would only bring a puzzling refusal,
    // so an incomplete set is a problem and not a reason to look further.
    guard let id = layer[.accessKeyID], let secret = layer[.secretAccessKey] else {
      let names = missing.map { layer.name(of: $0) }.joined(separator: ", ")
      throw Incomplete(
        problem: SetupProblem(
          message: "Half of a pair of keys: \(names) is missing",
          whereLooked: [layer.place],
          recovery: "Set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the same place."))
    }
    var expires: Timestamp?
    if let text = layer[.credentialExpiration] {
      expires = Timestamp(iso8601: text)
      if expires == nil {
        outcome.notices.append(
          "\(layer.name(of: .credentialExpiration)) is no time such as 2026-11-20T14:00:00Z.")
      }
    }
    return Found(
      recipe: .keys(
        Credentials(
          accessKeyID: id, secretAccessKey: Secret(secret),
          sessionToken: layer[.sessionToken].map { Secret($0) }, expires: expires)),
      source: layer.source, origin: layer.name(of: .accessKeyID))
  }

  /// - Throws: also when there is no such profile, since it was asked for by its name.
  private func profile(
    _ name: String, of layer: SettingsLayer, _ outcome: inout Outcome
  ) throws(Incomplete) -> Found? {
    guard files.profiles[name] != nil else {
      let others = files.profiles.names
      let origin = layer.name(of: layer.namedProfile?.variable ?? .profile)
      throw Incomplete(
        problem: SetupProblem(
          message: "There is no profile \(name), which \(origin) asks for",
          whereLooked: ["a profile of that name in \(files.places)"],
          recovery: others.isEmpty
            ? "Make one with `aws configure --profile \(name)`."
            : "Name one of these: \(others.prefix(20).joined(separator: ", "))."))
    }
    let recipe = try decide { () throws(CredentialError) in
      try files.profiles.recipe(for: name, in: surroundings)
    }
    if let recipe {
      return Found(recipe: recipe, source: .profile(name), origin: "profile \(name)")
    }
    outcome.skipped.append("keys of profile \(name) in \(files.places) (it says nothing of them)")
    return nil
  }

  private func defaultProfile(_ outcome: inout Outcome) throws(Incomplete) -> Found? {
    guard files.profiles["default"] != nil else {
      outcome.skipped.append("the profile default in \(files.places) (there is none)")
      return nil
    }
    let recipe = try decide { () throws(CredentialError) in
      try files.profiles.recipe(for: "default", in: surroundings)
    }
    if let recipe {
      return Found(recipe: recipe, source: .profile("default"), origin: "profile default")
    }
    outcome.skipped.append("keys of profile default in \(files.places) (it says nothing of them)")
    return nil
  }

  private func services(_ outcome: inout Outcome) throws(Incomplete) -> Found? {
    let container = try decide { () throws(CredentialError) in try surroundings.container() }
    if let container {
      return Found(recipe: container, origin: "the container endpoint")
    }
    outcome.skipped.append(
      "a container endpoint in AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or …_FULL_URI (not set)")
    guard let metadata = surroundings.instanceMetadata() else {
      outcome.skipped.append(
        "the instance metadata service (AWS_EC2_METADATA_DISABLED forbids asking it)")
      return nil
    }
    return Found(recipe: metadata, origin: "the instance metadata service", isGuess: true)
  }

  /// What a source says and cannot work is told, and not passed over.
  private func decide(
    _ body: () throws(CredentialError) -> CredentialRecipe?
  ) throws(Incomplete) -> CredentialRecipe? {
    do {
      return try body()
    } catch {
      let (source, reason) =
        if case .unusable(let source, let reason) = error { (source, reason) } else { ("", "") }
      throw Incomplete(
        problem: SetupProblem(
          message: "The credentials of \(source) cannot be used: \(reason)",
          whereLooked: [files.places],
          recovery: "Set it right there, or choose other credentials with --profile."))
    }
  }
}

extension SettingsLayer {
  var isProfile: Bool { if case .profile = source { true } else { false } }

  var isConfig: Bool { if case .config = source { true } else { false } }

  /// As a user would name the place.
  var place: String {
    switch source {
    case .flags: "the command line"
    case .environment: "the environment"
    case .envFile(let path, _): path
    case .config(let path, _): path
    case .profile(let name): "profile \(name)"
    }
  }
}
