/// Why a text is no endpoint.
public enum EndpointProblem: Error, Sendable, Hashable {
  case empty
  /// Neither `http` nor `https`.
  case scheme(String)
  /// No host, or one with characters that no host name has.
  case host
  /// No number from 1 through 65535.
  case port(String)
  /// Something after host and port that is no plain path.
  case path(String)
  /// A user name or a password, which do not belong there.
  case userInfo
}

/// Where requests go: a store of one's own, or Amazon S3 in one region.
public struct Endpoint: Sendable, Hashable, CustomStringConvertible {
  public enum Scheme: String, Sendable, Hashable {
    case http
    case https
  }

  public let scheme: Scheme
  /// A name or an address, in small letters; an IPv6 address has its brackets.
  public let host: String
  /// 1 through 65535.
  public let port: Int
  /// What the path of each request begins with, as behind some gateways: `/storage/s3`; else empty.
  public let basePath: String
  /// Whether buckets are named in the path rather than in the host name.
  public let isPathStyle: Bool
  /// The region whose Amazon S3 this is, nil for any other store.
  public let awsRegion: Region?
  public let options: EndpointOptions

  private init(
    scheme: Scheme, host: String, port: Int, basePath: String = "", awsRegion: Region? = nil,
    options: EndpointOptions = EndpointOptions()
  ) {
    self.scheme = scheme
    self.host = host
    self.port = port
    self.basePath = basePath
    isPathStyle =
      switch options.addressing {
      case .automatic: awsRegion == nil
      case .path: true
      // A bucket before an address would be no host.
      case .virtual: Self.isAddress(host)
      }
    self.awsRegion = awsRegion
    self.options = options
  }

  /// Reads `http://127.0.0.1:8333`, `https://minio.example.net/`, `https://gateway.example/s3` or,
  /// for https, a host alone.
  ///
  /// Such an endpoint is path style, unless it is one of Amazon S3.
  public init(parsing text: String) throws(EndpointProblem) {
    guard !text.isEmpty else { throw .empty }
    var scheme = Scheme.https
    var rest = Substring(text)
    if let colon = text.firstRange(of: "://") {
      guard let known = Scheme(rawValue: text[..<colon.lowerBound].lowercased()) else {
        throw .scheme(String(text[..<colon.lowerBound]))
      }
      scheme = known
      rest = text[colon.upperBound...]
    }
    let end = rest.firstIndex { "/?#".contains($0) } ?? rest.endIndex
    guard let basePath = Self.basePath(rest[end...]) else { throw .path(String(rest[end...])) }
    let authority = rest[..<end]
    guard !authority.contains("@") else { throw .userInfo }

    let hostEnd: Substring.Index
    if authority.first == "[" {
      guard let bracket = authority.firstIndex(of: "]") else { throw .host }
      hostEnd = authority.index(after: bracket)
    } else {
      hostEnd = authority.firstIndex(of: ":") ?? authority.endIndex
    }
    let host = authority[..<hostEnd].lowercased()
    guard Self.isHost(host) else { throw .host }
    let portText = authority[hostEnd...]
    let port: Int
    if portText.isEmpty {
      port = scheme.defaultPort
    } else {
      let digits = portText.dropFirst()
      guard portText.first == ":", digits.allSatisfy({ $0.isASCII && $0.isNumber }),
        let number = Int(digits), (1...65_535).contains(number)
      else { throw .port(String(digits)) }
      port = number
    }
    if basePath.isEmpty, scheme == .https, port == scheme.defaultPort,
      let known = Self.awsEndpoint(host: host)
    {
      self = known
    } else {
      self.init(scheme: scheme, host: host, port: port, basePath: basePath)
    }
  }

  /// Without its last slash; nil for what would have to be encoded or resolved.
  private static func basePath(_ text: Substring) -> String? {
    let path = text.hasSuffix("/") ? text.dropLast() : text
    let segments = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
    let isPlain = segments.allSatisfy { segment in
      !segment.isEmpty && segment != "." && segment != ".."
        && segment.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-._~".contains($0)) }
    }
    return isPlain && (path.isEmpty || path.first == "/") ? String(path) : nil
  }

  /// The same server, reached in another way.
  public func with(_ options: EndpointOptions) -> Endpoint {
    if let awsRegion {
      var options = options
      options.usesDualStack = options.usesDualStack || self.options.usesDualStack
      options.usesFIPS = options.usesFIPS || self.options.usesFIPS
      return .aws(region: awsRegion, options)
    }
    return Endpoint(scheme: scheme, host: host, port: port, basePath: basePath, options: options)
  }

  /// `s3.eu-west-1.amazonaws.com`, its dual-stack and FIPS variants, and the old `s3.amazonaws.com`.
  private static func awsEndpoint(host: String) -> Endpoint? {
    guard host.hasSuffix(".amazonaws.com") || host.hasSuffix(".amazonaws.com.cn") else {
      return nil
    }
    if host == "s3.amazonaws.com" { return .aws(region: .usEast1) }
    for variant in 0..<4 {
      let options = EndpointOptions(usesDualStack: variant & 1 != 0, usesFIPS: variant & 2 != 0)
      let start = options.hostPrefix("s3") + "."
      guard host.hasPrefix(start) else { continue }
      let label = host.dropFirst(start.count).prefix { $0 != "." }
      guard let region = Region(fromServer: String(label)) else { continue }
      let endpoint = Endpoint.aws(region: region, options)
      if endpoint.host == host { return endpoint }
    }
    return nil
  }

  /// Amazon S3 in `region`, over TLS. Buckets are named in the host name where TLS allows it.
  ///
  /// Source: AWS General Reference, "Amazon Simple Storage Service endpoints and quotas".
  public static func aws(
    region: Region, _ options: EndpointOptions = EndpointOptions()
  ) -> Endpoint {
    Endpoint(
      scheme: .https, host: "\(options.hostPrefix("s3")).\(region.text).\(domain(of: region))",
      port: Scheme.https.defaultPort, awsRegion: region, options: options)
  }

  static func domain(of region: Region) -> String {
    region.text.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
  }

  /// For buckets that are set up for acceleration; the same everywhere.
  var acceleratedHost: String? {
    guard awsRegion != nil, options.isAccelerated, !options.usesFIPS else { return nil }
    return "s3-accelerate\(options.usesDualStack ? ".dualstack" : "").amazonaws.com"
  }

  /// Another service of Amazon in `region`.
  ///
  /// Source: AWS General Reference, "Service endpoints and quotas".
  static func amazon(_ service: AmazonService, region: Region) -> Endpoint {
    Endpoint(
      scheme: .https, host: "\(service.hostPrefix).\(region.text).\(domain(of: region))",
      port: Scheme.https.defaultPort)
  }

  public var isTLS: Bool { scheme == .https }

  /// The `Host` header: the port only when it is not the scheme's own.
  public var hostAndPort: String { port == scheme.defaultPort ? host : "\(host):\(port)" }

  /// As one would type it; user information is never part of an endpoint.
  public var description: String { "\(scheme.rawValue)://\(hostAndPort)\(basePath)" }

  /// Whether requests for `bucket` name it in the host name.
  func usesHostName(for bucket: BucketName) -> Bool {
    !isPathStyle && bucket.fitsHostLabel
  }

  private static func isAddress(_ host: String) -> Bool {
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return host.hasPrefix("[") || (parts.count == 4 && parts.allSatisfy { UInt8($0) != nil })
  }

  private static func isHost(_ host: String) -> Bool {
    if host.hasPrefix("[") {
      return host.count > 2
        && host.dropFirst().dropLast().allSatisfy {
          $0.isASCII && ($0.isHexDigit || ":.".contains($0))
        }
    }
    return !host.isEmpty
      && host.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-._".contains($0)) }
  }
}

extension Endpoint.Scheme {
  var defaultPort: Int { self == .https ? 443 : 80 }
}
