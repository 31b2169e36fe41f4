/// Why a text is no endpoint.
public enum EndpointProblem: Error, Sendable, Hashable {
  case empty
  /// Neither `http` nor `https`.
  case scheme(String)
  /// No host, or one with characters that no host name has.
  case host
  /// No number from 1 through 65535.
  case port(String)
  /// Something after host and port, which no S3 endpoint has.
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
  /// Whether buckets are named in the path rather than in the host name.
  public let isPathStyle: Bool
  /// The region whose Amazon S3 this is, nil for any other store.
  let awsRegion: Region?

  private init(scheme: Scheme, host: String, port: Int, isPathStyle: Bool, awsRegion: Region?) {
    self.scheme = scheme
    self.host = host
    self.port = port
    self.isPathStyle = isPathStyle
    self.awsRegion = awsRegion
  }

  /// Reads `http://127.0.0.1:8333`, `https://minio.example.net/` or, for https, a host alone.
  ///
  /// Such an endpoint is path style.
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
    guard rest[end...].isEmpty || rest[end...] == "/" else { throw .path(String(rest[end...])) }
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
    self.init(scheme: scheme, host: host, port: port, isPathStyle: true, awsRegion: nil)
  }

  /// Amazon S3 in `region`, over TLS. Buckets are named in the host name where TLS allows it.
  ///
  /// Source: AWS General Reference, "Amazon Simple Storage Service endpoints and quotas".
  public static func aws(region: Region) -> Endpoint {
    let domain = region.text.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
    return Endpoint(
      scheme: .https, host: "s3.\(region.text).\(domain)", port: Scheme.https.defaultPort,
      isPathStyle: false, awsRegion: region)
  }

  /// Another service of Amazon in `region`.
  ///
  /// Source: AWS General Reference, "Service endpoints and quotas".
  static func amazon(_ service: AmazonService, region: Region) -> Endpoint {
    let domain = region.text.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
    return Endpoint(
      scheme: .https, host: "\(service.hostPrefix).\(region.text).\(domain)",
      port: Scheme.https.defaultPort,
      isPathStyle: true, awsRegion: nil)
  }

  public var isTLS: Bool { scheme == .https }

  /// The `Host` header: the port only when it is not the scheme's own.
  public var hostAndPort: String { port == scheme.defaultPort ? host : "\(host):\(port)" }

  /// As one would type it; user information is never part of an endpoint.
  public var description: String { "\(scheme.rawValue)://\(hostAndPort)" }

  /// Whether requests for `bucket` name it in the host name.
  func usesHostName(for bucket: BucketName) -> Bool {
    !isPathStyle && bucket.fitsHostLabel
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
