/// Who wants to work where, as typed after `S`. An empty text leaves it to the settings.
public struct SessionChoice: Sendable, Hashable {
  public var profile: String
  public var endpointURL: String
  public var region: String
  public var user: String
  /// Of a second factor, for roles that want one.
  public var code: String

  public init(
    profile: String = "", endpointURL: String = "", region: String = "", user: String = "",
    code: String = ""
  ) {
    self.profile = profile
    self.endpointURL = endpointURL
    self.region = region
    self.user = user
    self.code = code
  }
}

/// The colour that a profile has been given, so that production looks like production.
public enum ProfileColour: String, Sendable, CaseIterable {
  case red, yellow, green, blue, magenta, cyan
}
