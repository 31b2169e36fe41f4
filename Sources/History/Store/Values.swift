internal import Foundation
internal import GRDB
internal import S3
internal import SystemPackage

extension DatabaseValue {
  static func number(_ value: Int64?) -> DatabaseValue { value?.databaseValue ?? .null }

  /// SQLite's texts end at the first NUL, which a server may well send: it becomes U+2400.
  static func text(_ value: String?) -> DatabaseValue {
    guard let value else { return .null }
    guard value.utf8.contains(0) else { return value.databaseValue }
    return String(
      String.UnicodeScalarView(value.unicodeScalars.map { $0 == "\0" ? "\u{2400}" : $0 })
    )
    .databaseValue
  }

  /// No bytes are NULL, since GRDB binds them so.
  static func blob(_ bytes: [UInt8]?) -> DatabaseValue {
    guard let bytes, !bytes.isEmpty else { return .null }
    return Data(bytes).databaseValue
  }
}

extension Row {
  func bytes(_ column: String) -> [UInt8]? { (self[column] as Data?).map { [UInt8]($0) } }
}

extension Timestamp {
  private static let perSecond: Int64 = 1_000_000_000

  /// Nanoseconds since 1970: 0 for what is before, and no later than the year 2262.
  var databaseNanoseconds: Int64 {
    guard seconds >= 0 else { return 0 }
    let (whole, isTooLarge) = seconds.multipliedReportingOverflow(by: Self.perSecond)
    let (sum, isStillTooLarge) = whole.addingReportingOverflow(Int64(nanoseconds))
    return isTooLarge || isStillTooLarge ? .max : sum
  }

  init(databaseNanoseconds value: Int64) {
    self.init(
      seconds: value / Self.perSecond, nanoseconds: Int32(value % Self.perSecond))
  }
}

extension FilePath {
  var bytes: [UInt8] {
    withPlatformString { [UInt8](UnsafeRawBufferPointer(start: $0, count: length)) }
  }

  init(bytes: [UInt8]) {
    self.init(platformString: bytes.map { CInterop.PlatformChar(bitPattern: $0) } + [0])
  }
}
