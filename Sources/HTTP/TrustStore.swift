internal import CCurl
internal import Synchronization
internal import SystemPackage

/// The certificates to trust: the system's, as libcurl was built to find them, and those of a bundle
/// beside them.
///
/// Read once for all connections of the process. libcurl would have the bundle take the place of the
/// system's file, and would read that file, some 140 certificates, anew for each connection, which
/// costs OpenSSL 3.0 more than the handshake.
///
/// `@unchecked Sendable`: OpenSSL counts the references to a store and locks it.
final class TrustStore: @unchecked Sendable {
  private let raw: UnsafeMutableRawPointer

  private static let known = Mutex<[FilePath?: TrustStore]>([:])

  /// nil when the bundle cannot be read, and where libcurl's TLS is not OpenSSL's.
  static func with(_ bundle: FilePath?) -> TrustStore? {
    known.withLock { known in
      if let store = known[bundle] { return store }
      guard let raw = bundle.map({ pail_trust_make($0.string) }) ?? pail_trust_make(nil) else {
        return nil
      }
      let store = TrustStore(raw)
      known[bundle] = store
      return store
    }
  }

  private init(_ raw: UnsafeMutableRawPointer) {
    self.raw = raw
  }

  deinit {
    pail_trust_free(raw)
  }

  /// - Parameter easy: must not outlive the store.
  func apply(to easy: UnsafeMutableRawPointer) {
    pail_easy_trust(easy, raw)
  }
}
