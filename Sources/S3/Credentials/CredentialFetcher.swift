public import HTTP

/// Carries out a recipe, each time anew. ``CredentialCache`` keeps what comes of it.
public struct CredentialFetcher: CredentialProvider {
  private let recipe: CredentialRecipe
  private let transport: any HTTPTransport
  private let nearby: any HTTPTransport
  private let region: Region
  private let now: @Sendable () -> Timestamp

  /// - Parameters:
  ///   - transport: to the Security Token Service.
  ///   - nearby: to the container endpoint and the metadata service, with short time-outs and
  ///     past any proxy, which would ask them about itself.
  ///   - region: whose Security Token Service to ask.
  public init(
    _ recipe: CredentialRecipe, transport: any HTTPTransport, nearby: any HTTPTransport,
    region: Region, now: @escaping @Sendable () -> Timestamp = Timestamp.now
  ) {
    self.recipe = recipe
    self.transport = transport
    self.nearby = nearby
    self.region = region
    self.now = now
  }

  public func credentials() async throws(CredentialError) -> Credentials {
    try await credentials(by: recipe)
  }

  private func credentials(
    by recipe: CredentialRecipe
  ) async throws(CredentialError) -> Credentials {
    let service = SecurityTokenService(transport: transport, region: region, now: now)
    switch recipe {
    case .keys(let credentials): return credentials
    case .process(let process): return try await process.credentials()
    case .role(let role, let source):
      return try await service.assume(role, with: try await credentials(by: source))
    case .webIdentity(let identity): return try await service.assume(identity)
    case .container(let endpoint): return try await endpoint.credentials(over: nearby)
    case .instanceMetadata(let metadata): return try await metadata.credentials(over: nearby)
    }
  }
}
