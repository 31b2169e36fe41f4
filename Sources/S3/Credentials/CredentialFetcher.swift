public import HTTP
internal import Synchronization

/// Carries out a recipe, each time anew. ``CredentialCache`` keeps what comes of it.
public struct CredentialFetcher: CredentialProvider {
  private let recipe: CredentialRecipe
  private let transport: any HTTPTransport
  private let nearby: any HTTPTransport
  private let region: Region
  private let askForCode: CodeQuestion?
  private let cacheFolder: String?
  private let clock: ServiceClock
  private let metadataMemory = MetadataMemory()

  private final class MetadataMemory: Sendable {
    let hasAnswered = Atomic(false)
  }

  /// Asks a person for the code that a device of a second factor shows.
  ///
  /// Given the serial of the device and the role; nil when there is nobody to ask, or no answer.
  public typealias CodeQuestion = @Sendable (_ serial: String, _ role: String) async -> Secret?

  /// - Parameters:
  ///   - transport: to the Security Token Service.
  ///   - nearby: to the container endpoint and the metadata service, with short time-outs and
  ///     past any proxy, which would ask them about itself.
  ///   - region: whose Security Token Service to ask.
  ///   - cacheFolder: where the AWS CLI keeps what roles with a second factor lend, `~/.aws`; the
  ///     same code is good only once.
  public init(
    _ recipe: CredentialRecipe, transport: any HTTPTransport, nearby: any HTTPTransport,
    region: Region, cacheFolder: String? = nil, askForCode: CodeQuestion? = nil,
    now: @escaping @Sendable () -> Timestamp = Timestamp.now
  ) {
    self.recipe = recipe
    clock = ServiceClock(now)
    self.transport = ClockedTransport(transport: transport, clock: clock)
    self.nearby = nearby
    self.region = region
    self.cacheFolder = cacheFolder
    self.askForCode = askForCode
  }

  /// The time by the clock of the services, as far as it is known: credentials end by it.
  public func now() -> Timestamp { clock.now }

  public func credentials() async throws(CredentialError) -> Credentials {
    try await credentials(by: recipe)
  }

  private func credentials(
    by recipe: CredentialRecipe
  ) async throws(CredentialError) -> Credentials {
    let service = SecurityTokenService(
      transport: transport, region: region, now: { [clock] in clock.now })
    switch recipe {
    case .anonymous: return .anonymous
    case .keys(let credentials): return credentials
    case .process(let process): return try await process.credentials()
    case .role(let role, let source) where role.mfaSerial != nil:
      return try await credentials(of: role, from: source, service)
    case .role(let role, let source):
      return try await service.assume(role, with: try await credentials(by: source))
    case .webIdentity(let identity): return try await service.assume(identity)
    case .singleSignOn(let signOn):
      return try await signOn.credentials(over: transport, now: now())
    case .container(let endpoint): return try await endpoint.credentials(over: nearby)
    case .instanceMetadata(let metadata):
      let lent = try await metadata.credentials(
        over: nearby, isKnown: metadataMemory.hasAnswered.load(ordering: .relaxed))
      metadataMemory.hasAnswered.store(true, ordering: .relaxed)
      return lent
    }
  }

  /// A role that wants a code: from the cache that the AWS CLI uses, else with one that a person
  /// types.
  private func credentials(
    of role: AssumedRole, from source: CredentialRecipe, _ service: SecurityTokenService
  ) async throws(CredentialError) -> Credentials {
    let cache = cacheFolder.flatMap { RoleCache(folder: $0, role: role) }
    if let kept = cache?.credentials(now: now()) { return kept }
    let sourceCredentials = try await credentials(by: source)
    guard let code = await askForCode?(role.mfaSerial ?? "", role.arn), !code.isEmpty else {
      throw .unusable(
        source: role.arn,
        reason: "it wants a code of the second factor \(role.mfaSerial ?? ""), and there was none; "
          + "run pail ls in a terminal to be asked for it")
    }
    do {
      let lent = try await service.assume(role, with: sourceCredentials, code: code)
      cache?.keep(lent)
      return lent
    } catch .unavailable(let source, let reason) {
      // Trying again would ask the person for another code, time and again.
      throw .unusable(source: source, reason: reason)
    }
  }
}
