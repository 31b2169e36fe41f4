public import S3
public import SystemPackage

/// What the browser is told once, when it starts: who is working where.
public struct BrowserFacts: Sendable {
  public var profile: String?
  public var endpoint: Endpoint
  public var region: Region
  /// What was given as the user, else the login name.
  public var user: String
  /// The login name, shown beside ``user`` when they differ.
  public var loginName: String?
  public var isReadOnly: Bool
  /// That of the profile; nil for none.
  public var colour: ProfileColour?
  /// The profiles that there are.
  public var profiles: [String]
  /// What `S` begins with.
  public var choice: SessionChoice
  /// Where downloads go unless one says otherwise.
  public var saveFolder: FilePath
  /// Where the local file browser of uploads begins.
  public var localFolder: FilePath
  public var clock: ClockStyle
  /// Whether the login manager ends a user's processes at the last logout.
  public var endsAtLogout: Bool

  public init(
    profile: String? = nil, endpoint: Endpoint, region: Region, user: String,
    loginName: String? = nil, isReadOnly: Bool = false,
    colour: ProfileColour? = nil, profiles: [String] = [], choice: SessionChoice = SessionChoice(),
    saveFolder: FilePath,
    localFolder: FilePath, clock: ClockStyle = .utc, endsAtLogout: Bool = false
  ) {
    self.profile = profile
    self.endpoint = endpoint
    self.region = region
    self.user = user
    self.loginName = loginName
    self.isReadOnly = isReadOnly
    self.colour = colour
    self.profiles = profiles
    self.choice = choice
    self.saveFolder = saveFolder
    self.localFolder = localFolder
    self.clock = clock
    self.endsAtLogout = endsAtLogout
  }
}

/// How a moment is written: in UTC, or in the time zone of this machine.
public struct ClockStyle: Sendable {
  /// Seconds east of UTC at a moment given in seconds since 1970.
  private let offset: (@Sendable (Int64) -> Int)?

  public static let utc = ClockStyle(offset: nil)

  private init(offset: (@Sendable (Int64) -> Int)?) {
    self.offset = offset
  }

  /// - Parameter offset: seconds east of UTC at a moment given in seconds since 1970.
  public static func local(offset: @escaping @Sendable (Int64) -> Int) -> ClockStyle {
    ClockStyle(offset: offset)
  }

  /// `2026-11-20 14:02`, 16 columns for years of four digits.
  public func minutes(_ time: Timestamp) -> String { String(text(time).prefix(16)) }

  /// `2026-11-20 14:02:07`, with `Z` behind it in UTC.
  public func seconds(_ time: Timestamp) -> String {
    String(text(time).prefix(19)) + (offset == nil ? "Z" : "")
  }

  private func text(_ time: Timestamp) -> String {
    let east = Int64(offset?(time.seconds) ?? 0)
    let (seconds, overflow) = time.seconds.addingReportingOverflow(east)
    // Beyond the year 9999 a date no longer fits its column; nothing real is dated so.
    let shown = overflow ? time.seconds : seconds
    let clamped = min(max(shown, -62_135_596_800), 253_402_300_799)
    return Timestamp(seconds: clamped).iso8601.replacing("T", with: " ")
  }
}
