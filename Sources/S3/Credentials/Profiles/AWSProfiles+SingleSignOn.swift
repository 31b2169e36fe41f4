extension AWSProfiles {
  /// What a profile says of IAM Identity Center, in either of its two forms.
  ///
  /// Source: AWS SDKs and Tools Reference Guide, "IAM Identity Center credential provider".
  ///
  /// - Returns: nil when it names neither an account nor a role there.
  /// - Throws: when something is missing, or the two sections contradict each other.
  func singleSignOn(
    of profile: AWSProfile, in surroundings: CredentialSurroundings
  ) throws(CredentialError) -> SingleSignOn? {
    let origin = "profile \(profile.name)"
    var settings = profile.settings
    guard settings["sso_account_id"] != nil || settings["sso_role_name"] != nil else { return nil }
    let session = settings["sso_session"]
    if let session {
      guard let section = sessions[session] else {
        throw .unusable(source: origin, reason: "there is no [sso-session \(session)]")
      }
      for name in ["sso_start_url", "sso_region"] {
        guard let own = settings[name], own != section[name] else { continue }
        throw .unusable(
          source: origin, reason: "its \(name) is another than that of [sso-session \(session)]")
      }
      settings = settings.merging(section)
    }
    let names = ["sso_start_url", "sso_region", "sso_account_id", "sso_role_name"]
    let missing = names.filter { settings[$0] == nil }
    guard missing.isEmpty, let url = settings["sso_start_url"], let region = settings["sso_region"],
      let account = settings["sso_account_id"], let role = settings["sso_role_name"]
    else {
      throw .unusable(
        source: origin, reason: "single sign-on needs \(missing.joined(separator: ", ")) as well")
    }
    guard let region = Region(fromServer: region) else {
      throw .unusable(source: origin, reason: "its sso_region is no region")
    }
    let file = SSOToken.fileName(for: session ?? url)
    return SingleSignOn(
      profile: profile.name, sessionName: session, startURL: url, region: region,
      accountID: account, roleName: role,
      tokenFile: surroundings.cacheFolder.flatMap { folder in
        file.map { "\(folder)/sso/cache/\($0)" }
      },
      portal: try surroundings.endpoint(of: .portal, for: profile),
      signIn: try surroundings.endpoint(of: .signIn, for: profile))
  }
}
