import HTTP
import S3

/// Which server is asked, and how it is reached.
extension SettingsResolver {
  struct Server {
    /// nil when what was given is no endpoint.
    var endpoint: Endpoint?
    /// What it was made of; nil for AWS.
    var endpointValue: Value?
    var region: Region
    /// Whether nobody has said so: neither a setting nor the endpoint.
    var isRegionAssumed: Bool
  }

  func server(
    _ problems: inout [SetupProblem], _ findings: inout [Settings.Finding]
  ) -> Server {
    let ignore = lookUp(.ignoresEndpoints)
    let ignoresEndpoints = ignore.map { truth(of: $0, &problems) } ?? false
    let endpointValue =
      ignoresEndpoints
      ? commandLine.lookUp(.endpointURLForS3)
      : lookUp(.endpointURLForS3, .endpointURL)
    var endpoint: Endpoint?
    if let endpointValue {
      do {
        endpoint = try Endpoint(parsing: endpointValue.text)
      } catch {
        problems.append(
          SetupProblem(
            message: "\(endpointValue.origin) is no endpoint: \(Self.words(error))",
            whereLooked: [endpointValue.origin],
            recovery: "Write it like https://storage.example or http://127.0.0.1:8333."))
      }
    }

    let region = lookUp(.storageRegion, .region, .defaultRegion)
    let regionText = region?.text ?? (endpoint?.awsRegion ?? .usEast1).text
    findings.append(finding("region", region, fallback: regionText))
    if !Self.isPlainName(regionText) {
      problems.append(
        SetupProblem(
          message: "\(region?.origin ?? "The region") is no region",
          whereLooked: [], recovery: "Write it in letters, digits and hyphens, like eu-central-1."))
    }

    let options = endpointOptions(&problems, &findings)
    let amazon = Endpoint.aws(region: Region(regionText), options)
    endpoint = endpointValue == nil ? amazon : endpoint?.with(options)
    findings.insert(
      finding(
        "endpoint", endpointValue, fallback: "\(amazon)",
        shown: endpoint.map { "\($0)" } ?? "not usable"), at: 1)
    if ignoresEndpoints {
      findings.append(finding("other endpoints", ignore, fallback: "", shown: "ignored"))
    }
    return Server(
      endpoint: endpoint, endpointValue: endpointValue, region: Region(regionText),
      isRegionAssumed: region == nil && endpointValue == nil)
  }

  private func endpointOptions(
    _ problems: inout [SetupProblem], _ findings: inout [Settings.Finding]
  ) -> EndpointOptions {
    var options = EndpointOptions()
    if let style = lookUp(.addressingStyle) {
      findings.append(finding("addressing", style, fallback: ""))
      if let known = EndpointOptions.Addressing(rawValue: style.text.lowercased()) {
        options.addressing = known
      } else {
        problems.append(
          SetupProblem(
            message: "\(style.origin) is no addressing style", whereLooked: [style.origin],
            recovery: "Write path, virtual or auto."))
      }
    }
    options.usesDualStack = isOn("dual stack", .dualStack, &findings, &problems)
    options.usesFIPS = isOn("FIPS", .fips, &findings, &problems)
    options.isAccelerated = isOn("acceleration", .acceleration, &findings, &problems)
    return options
  }

  /// The same without what an `.env` that merely lay in the current directory says of the way of
  /// requests, unless their keys are its own: it may be part of a checkout of others' work, and would
  /// lead them over a machine of its choice, and say who vouches for that machine.
  ///
  /// - Parameter keys: where they come from; nil when there are none.
  func leadingOwnKeysAlone(
    _ keys: SettingsLayer.Source?, _ notices: inout [String]
  ) -> SettingsResolver {
    var resolver = self
    for index in layers.indices {
      guard case .envFile(let path, isImplicit: true) = layers[index].source,
        layers[index].source != keys
      else { continue }
      for variable in resolver.layers[index].remove(Variable.ofTheWay) {
        notices.append(
          "\(variable.rawValue) in \(path) does not count, since the keys are not from there: name "
            + "the file with --env-file.")
      }
    }
    return resolver
  }

  /// Names in small letters come first, as curl has it; of a proxy only host and port are shown.
  func proxySettings(
    _ findings: inout [Settings.Finding], _ problems: inout [SetupProblem]
  ) -> ProxySettings {
    func proxy(_ name: String, _ value: Value?) -> ProxyServer? {
      guard let value else { return nil }
      let proxy = ProxyServer(parsing: value.text)
      findings.append(
        Settings.Finding(
          name: name, value: proxy.map { "\($0)" } ?? "not usable", origin: value.origin,
          overruled: value.overruled.map(\.origin)))
      if proxy == nil {
        problems.append(
          SetupProblem(
            message: "\(value.origin) is no proxy", whereLooked: [value.origin],
            recovery: "Write it like http://proxy.example:3128."))
      }
      return proxy
    }
    let settings = ProxySettings(
      https: proxy("https proxy", lookUp(.httpsProxySmall, .httpsProxy, .allProxySmall, .allProxy)),
      http: proxy("http proxy", lookUp(.httpProxySmall, .httpProxy, .allProxySmall, .allProxy)),
      exceptions: lookUp(.noProxySmall, .noProxy)?.text)
    if let value = lookUp(.noProxySmall, .noProxy), settings.https != nil || settings.http != nil {
      findings.append(finding("no proxy for", value, fallback: ""))
    }
    return settings
  }

  /// A region becomes part of a host name, so nothing else may hide in it.
  private static func isPlainName(_ text: String) -> Bool {
    text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
        true
      default: false
      }
    }
  }

  /// Never repeats what was given, since it may hold a password.
  private static func words(_ problem: EndpointProblem) -> String {
    switch problem {
    case .empty: "it is empty"
    case .scheme: "only http:// and https:// are known"
    case .host: "it has no host name"
    case .port: "its port is no number from 1 through 65535"
    case .path: "what follows the host name is no plain path"
    case .userInfo: "user name and password do not belong there"
    }
  }
}

extension Variable {
  /// What leads requests over another machine, or says whom to believe on the way.
  fileprivate static let ofTheWay: [Variable] = [
    .httpsProxy, .httpsProxySmall, .httpProxy, .httpProxySmall, .allProxy, .allProxySmall,
    .noProxy, .noProxySmall, .caBundle,
  ]
}
