extension AWSProfiles {
  /// Decides how the credentials of a profile are obtained, in the order of the AWS CLI.
  ///
  /// A role comes first, then a web identity, single sign-on, keys of the credentials file, `credential_process`,
  /// and keys of the config file. What is begun must be complete: a missing half is an error and no
  /// reason to look further.
  ///
  /// - Returns: nil when the profile is there and says nothing of credentials.
  /// - Throws: when the profile does not exist, or what it says cannot work.
  public func recipe(
    for name: String, in surroundings: CredentialSurroundings
  ) throws(CredentialError) -> CredentialRecipe? {
    try recipe(for: name, in: surroundings, visited: [])
  }

  private func recipe(
    for name: String, in surroundings: CredentialSurroundings, visited: [String]
  ) throws(CredentialError) -> CredentialRecipe? {
    let origin = "profile \(name)"
    guard let profile = self[name] else {
      throw .unusable(source: origin, reason: "there is no such profile")
    }
    let settings = profile.settings
    // A source with keys of its own is done; only the profile asked for may assume with them.
    let isSourceWithKeys = !visited.isEmpty && profile.hasKeys
    let arn = settings["role_arn"]
    if let file = settings["web_identity_token_file"] {
      guard let arn else {
        throw .unusable(source: origin, reason: "web_identity_token_file needs a role_arn")
      }
      let role = try profile.role(arn, in: surroundings)
      return .webIdentity(WebIdentity(role: role, tokenFile: file))
    }
    if let arn, !isSourceWithKeys {
      let source = try sourceRecipe(of: profile, in: surroundings, visited: visited)
      return .role(try profile.role(arn, in: surroundings), source: source)
    }
    if let signOn = try singleSignOn(of: profile, in: surroundings) {
      return .singleSignOn(signOn)
    }
    if let keys = try profile.keys(in: profile.stored) { return .keys(keys) }
    if let command = settings["credential_process"] {
      guard let process = CredentialProcess(command: command) else {
        throw .unusable(
          source: origin, reason: "credential_process names no program, or a quotation mark is open"
        )
      }
      return .process(process)
    }
    return try profile.keys(in: settings).map { .keys($0) }
  }

  private func sourceRecipe(
    of profile: AWSProfile, in surroundings: CredentialSurroundings, visited: [String]
  ) throws(CredentialError) -> CredentialRecipe {
    let origin = "profile \(profile.name)"
    switch (profile.settings["source_profile"], profile.settings["credential_source"]) {
    case (.some, .some):
      throw .unusable(
        source: origin, reason: "it has both source_profile and credential_source")
    case (nil, nil):
      throw .unusable(
        source: origin, reason: "role_arn needs a source_profile or a credential_source")
    case (nil, let source?):
      return try namedSource(source, of: origin, in: surroundings)
    case (let source?, nil):
      // A profile may name itself, to assume a role with keys of its own.
      let isItself = source == profile.name && profile.hasKeys
      guard isItself || !(visited + [profile.name]).contains(source) else {
        let circle = (visited + [profile.name, source]).joined(separator: ", ")
        throw .unusable(source: origin, reason: "source_profile goes round in a circle: \(circle)")
      }
      guard self[source] != nil else {
        throw .unusable(source: origin, reason: "its source_profile \(source) does not exist")
      }
      let recipe = try recipe(
        for: source, in: surroundings, visited: visited + [profile.name])
      guard let recipe else {
        throw .unusable(source: origin, reason: "its source_profile \(source) has no credentials")
      }
      return recipe
    }
  }

  private func namedSource(
    _ name: String, of origin: String, in surroundings: CredentialSurroundings
  ) throws(CredentialError) -> CredentialRecipe {
    let recipe: CredentialRecipe?
    switch name.lowercased() {
    case "environment": recipe = surroundings.keys.map { .keys($0) }
    case "ecscontainer": recipe = try surroundings.container()
    case "ec2instancemetadata": recipe = surroundings.instanceMetadata()
    default:
      throw .unusable(
        source: origin,
        reason: "credential_source is none of Environment, EcsContainer, Ec2InstanceMetadata")
    }
    guard let recipe else {
      throw .unusable(source: origin, reason: "its credential_source \(name) has no credentials")
    }
    return recipe
  }
}

extension AWSProfile {
  fileprivate func role(
    _ arn: String, in surroundings: CredentialSurroundings
  ) throws(CredentialError) -> AssumedRole {
    AssumedRole(
      arn: arn, externalID: settings["external_id"].map { Secret($0) },
      sessionName: settings["role_session_name"],
      durationSeconds: settings["duration_seconds"].flatMap { Int($0) },
      mfaSerial: settings["mfa_serial"],
      endpoint: try surroundings.endpoint(of: .tokens, for: self))
  }

  fileprivate var hasKeys: Bool {
    settings["aws_access_key_id"] != nil || settings["aws_secret_access_key"] != nil
  }

  /// - Throws: for half a pair.
  fileprivate func keys(in section: ConfigSection) throws(CredentialError) -> Credentials? {
    let id = section["aws_access_key_id"]
    let secret = section["aws_secret_access_key"]
    switch (id, secret) {
    case (nil, nil): return nil
    case (let id?, let secret?):
      let token = section["aws_session_token"] ?? section["aws_security_token"]
      return Credentials(
        accessKeyID: id, secretAccessKey: Secret(secret), sessionToken: token.map { Secret($0) })
    default:
      let missing = id == nil ? "aws_access_key_id" : "aws_secret_access_key"
      throw .unusable(source: "profile \(name)", reason: "\(missing) is missing")
    }
  }
}
