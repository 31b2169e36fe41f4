internal import Glibc

/// A date and a time of day in UTC, in the proleptic Gregorian calendar.
struct CalendarDate {
  var year: Int
  /// 1 through 12.
  var month: Int
  /// 1 through 31.
  var day: Int
  var hour = 0
  var minute = 0
  var second = 0

  /// Days since 1970-01-01, counted in eras of 400 years that begin in March, so that a leap day
  /// is the last day of its year.
  private var days: Int64 {
    let shifted = Int64(month <= 2 ? year - 1 : year)
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = Int64((153 * ((month + 9) % 12) + 2) / 5 + day - 1)
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  private var daysOfMonth: Int {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// nil when there is no such day or time; second 60 is a leap second, read as the next minute.
  var timestamp: Timestamp? {
    guard (1...12).contains(month), (1...daysOfMonth).contains(day), (0...23).contains(hour),
      (0...59).contains(minute), (0...60).contains(second)
    else { return nil }
    let clock = Int64(hour * 3600 + minute * 60 + second)
    return Timestamp(seconds: days * 86_400 + clock)
  }

  init(
    year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0
  ) {
    (self.year, self.month, self.day) = (year, month, day)
    (self.hour, self.minute, self.second) = (hour, minute, second)
  }

  init(_ timestamp: Timestamp) {
    let day = (timestamp.seconds - timestamp.seconds.modulo(86_400)) / 86_400
    let clock = Int(timestamp.seconds.modulo(86_400))
    let shifted = day + 719_468
    let era = (shifted - shifted.modulo(146_097)) / 146_097
    let dayOfEra = shifted.modulo(146_097)
    let yearOfEra =
      (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    self.day = Int(dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    month = Int(marchMonth < 10 ? marchMonth + 3 : marchMonth - 9)
    year = Int(yearOfEra + era * 400) + (month <= 2 ? 1 : 0)
    (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60)
  }
}

extension Int64 {
  fileprivate func modulo(_ divisor: Int64) -> Int64 {
    let rest = self % divisor
    return rest < 0 ? rest + divisor : rest
  }
}

extension Timestamp {
  /// The system's clock, to the nanosecond.
  public static func now() -> Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(seconds: Int64(time.tv_sec), nanoseconds: Int32(time.tv_nsec))
  }

  /// A moment as S3 writes it in XML: `2026-11-20T14:02:07.123Z`; also with `+01:00` for `Z`.
  ///
  /// Nil for anything else. Digits beyond the nanosecond are dropped.
  public init?(iso8601 text: some StringProtocol) {
    var text = String(text)
    guard let moment = text.withUTF8({ Timestamp(iso8601: UnsafeRawBufferPointer($0)) }) else {
      return nil
    }
    self = moment
  }

  init?(iso8601 bytes: UnsafeRawBufferPointer) {
    var reader = DigitReader(bytes)
    guard let year = reader.number(4), reader.skip("-"), let month = reader.number(2),
      reader.skip("-"), let day = reader.number(2), reader.skip("T") || reader.skip(" "),
      let hour = reader.number(2), reader.skip(":"), let minute = reader.number(2),
      reader.skip(":"), let second = reader.number(2)
    else { return nil }
    let nanoseconds = reader.skip(".") ? reader.fraction() : 0
    var offset = 0
    if !(reader.skip("Z") || reader.skip("z")) {
      let isBehind = reader.skip("-")
      guard isBehind || reader.skip("+"), let hours = reader.number(2) else { return nil }
      _ = reader.skip(":")
      guard let minutes = reader.number(2) else { return nil }
      offset = (hours * 3600 + minutes * 60) * (isBehind ? -1 : 1)
    }
    let date = CalendarDate(
      year: year, month: month, day: day, hour: hour, minute: minute, second: second)
    guard reader.isAtEnd, let local = date.timestamp else { return nil }
    self.init(seconds: local.seconds - Int64(offset), nanoseconds: Int32(nanoseconds))
  }

  /// A moment as HTTP headers write it: `Fri, 20 Nov 2026 14:02:07 GMT` (RFC 9110, section 5.6.7).
  public init?(httpDate text: some StringProtocol) {
    var text = String(text)
    let date = text.withUTF8 { bytes -> CalendarDate? in
      var reader = DigitReader(UnsafeRawBufferPointer(bytes))
      guard reader.skipPast(","), reader.skip(" "), let day = reader.number(2), reader.skip(" "),
        let month = reader.month(), reader.skip(" "), let year = reader.number(4),
        reader.skip(" "), let hour = reader.number(2), reader.skip(":"),
        let minute = reader.number(2), reader.skip(":"), let second = reader.number(2)
      else { return nil }
      return CalendarDate(
        year: year, month: month, day: day, hour: hour, minute: minute, second: second)
    }
    guard let timestamp = date?.timestamp else { return nil }
    self = timestamp
  }

  /// To the second, or to the millisecond when there is a fraction: `2026-11-20T14:02:07.123Z`.
  public var iso8601: String {
    let date = CalendarDate(self)
    var text: [UInt8] = []
    text.append(date.year, width: 4)
    for (separator, number) in [("-", date.month), ("-", date.day)] as [(Unicode.Scalar, Int)] {
      text.append(UInt8(ascii: separator))
      text.append(number, width: 2)
    }
    let clock =
      [("T", date.hour), (":", date.minute), (":", date.second)] as [(Unicode.Scalar, Int)]
    for (separator, number) in clock {
      text.append(UInt8(ascii: separator))
      text.append(number, width: 2)
    }
    if nanoseconds != 0 {
      text.append(UInt8(ascii: "."))
      text.append(Int(nanoseconds) / 1_000_000, width: 3)
    }
    text.append(UInt8(ascii: "Z"))
    return String(decoding: text, as: UTF8.self)
  }

  /// Signature Version 4's form, to the second: `20261120T140207Z`.
  var basicISO8601: String {
    let date = CalendarDate(self)
    var text: [UInt8] = []
    text.reserveCapacity(16)
    text.append(date.year, width: 4)
    text.append(date.month, width: 2)
    text.append(date.day, width: 2)
    text.append(UInt8(ascii: "T"))
    text.append(date.hour, width: 2)
    text.append(date.minute, width: 2)
    text.append(date.second, width: 2)
    text.append(UInt8(ascii: "Z"))
    return String(decoding: text, as: UTF8.self)
  }

  /// Later by `duration`, or earlier when it is negative.
  public func advanced(by duration: Duration) -> Timestamp {
    let (seconds, attoseconds) = duration.components
    let nanoseconds = Int64(self.nanoseconds) + attoseconds / 1_000_000_000
    let rest = nanoseconds.modulo(1_000_000_000)
    return Timestamp(
      seconds: self.seconds + seconds + (nanoseconds - rest) / 1_000_000_000,
      nanoseconds: Int32(rest))
  }

  /// How long after `earlier` this moment is; negative when it is before.
  public func since(_ earlier: Timestamp) -> Duration {
    .seconds(seconds - earlier.seconds) + .nanoseconds(nanoseconds - earlier.nanoseconds)
  }
}

/// Writes many moments as ``Timestamp/iso8601`` does, and works out each day but once while moments
/// of one day follow each other.
public struct ISO8601Writer: Sendable {
  private var day: Int64?
  /// `2026-11-20T`.
  private var date: [UInt8] = []

  public init() {}

  /// - Returns: how many bytes were added.
  @discardableResult
  public mutating func append(_ moment: Timestamp, to bytes: inout [UInt8]) -> Int {
    let start = bytes.count
    let clock = Int(moment.seconds.modulo(86_400))
    let day = (moment.seconds - Int64(clock)) / 86_400
    if day != self.day {
      date = Array(Timestamp(seconds: day * 86_400).iso8601.utf8.prefix { $0 != UInt8(ascii: "T") })
      date.append(UInt8(ascii: "T"))
      self.day = day
    }
    bytes += date
    bytes.append(clock / 3600, width: 2)
    bytes.append(UInt8(ascii: ":"))
    bytes.append(clock / 60 % 60, width: 2)
    bytes.append(UInt8(ascii: ":"))
    bytes.append(clock % 60, width: 2)
    if moment.nanoseconds != 0 {
      bytes.append(UInt8(ascii: "."))
      bytes.append(Int(moment.nanoseconds) / 1_000_000, width: 3)
    }
    bytes.append(UInt8(ascii: "Z"))
    return bytes.count - start
  }
}

extension [UInt8] {
  /// Appends the last `width` decimal digits of `number`, zeros in front.
  fileprivate mutating func append(_ number: Int, width: Int) {
    var unit = 1
    for _ in 1..<width { unit *= 10 }
    while unit > 0 {
      append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: abs(number) / unit % 10))
      unit /= 10
    }
  }
}

/// Reads fixed-width numbers from ASCII text.
private struct DigitReader {
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]
  private let bytes: UnsafeRawBufferPointer
  private var position = 0

  init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }

  var isAtEnd: Bool { position == bytes.count }

  mutating func skip(_ character: Unicode.Scalar) -> Bool {
    guard !isAtEnd, bytes[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  mutating func skipPast(_ character: Unicode.Scalar) -> Bool {
    guard let index = bytes[position...].firstIndex(of: UInt8(ascii: character)) else {
      return false
    }
    position = index + 1
    return true
  }

  private mutating func digit() -> Int? {
    guard !isAtEnd, (0x30...0x39).contains(bytes[position]) else { return nil }
    position += 1
    return Int(bytes[position - 1] - 0x30)
  }

  mutating func number(_ width: Int) -> Int? {
    var value = 0
    for _ in 0..<width {
      guard let digit = digit() else { return nil }
      value = value * 10 + digit
    }
    return value
  }

  /// The digits after a decimal point, as nanoseconds.
  mutating func fraction() -> Int {
    var value = 0
    var unit = 100_000_000
    while let digit = digit() {
      value += digit * unit
      unit /= 10
    }
    return value
  }

  mutating func month() -> Int? {
    let name = String(decoding: bytes[position...].prefix(3), as: UTF8.self)
    guard let index = Self.months.firstIndex(of: name) else { return nil }
    position += 3
    return index + 1
  }
}
