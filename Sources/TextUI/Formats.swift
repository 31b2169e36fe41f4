/// Amounts of bytes for people, in IEC units.
public enum ByteFormat {
  private static let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]

  /// `0 B`, `1023 B`, `12.4 KiB`, `201 MiB`: one decimal below 100, rounded to nearest.
  public static func iec(_ bytes: Int64) -> String {
    let (unit, divisor) = scale(bytes.magnitude)
    let sign = bytes < 0 ? "-" : ""
    return sign + number(bytes.magnitude, divisor: divisor) + " " + units[unit]
  }

  /// Both in the unit of the total: `1.2/2.0 GiB`, `22/201 MiB`.
  public static func iec(_ moved: Int64, of total: Int64) -> String {
    let moved = UInt64(max(0, moved))
    let total = UInt64(max(0, total))
    let (unit, divisor) = scale(total)
    let hasDecimal = hasDecimal(total, divisor: divisor)
    let first = number(moved, divisor: divisor, hasDecimal: hasDecimal)
    return first + "/" + number(total, divisor: divisor) + " " + units[unit]
  }

  /// `41.2 MiB/s`.
  ///
  /// - Parameter bytesPerSecond: What is not finite, or negative, counts as 0.
  public static func rate(_ bytesPerSecond: Double) -> String {
    let isUsable = bytesPerSecond.isFinite && bytesPerSecond > 0
    return iec(isUsable ? Int64(min(bytesPerSecond, 0x1p62)) : 0) + "/s"
  }

  /// Exact, in groups of three digits: `1,203`.
  public static func exact(_ number: Int64) -> String {
    let digits = String(number.magnitude)
    var grouped = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { grouped.append(",") }
      grouped.append(digit)
    }
    return (number < 0 ? "-" : "") + grouped
  }

  /// Exact, with its unit: `1 byte`, `1,203 bytes`.
  public static func bytes(_ count: Int64) -> String {
    exact(count) + (count == 1 ? " byte" : " bytes")
  }

  /// The unit in which the number, as it will be rounded, stays below 1024.
  private static func scale(_ bytes: UInt64) -> (unit: Int, divisor: UInt64) {
    var unit = 0
    var divisor: UInt64 = 1
    while unit < units.count - 1, bytes >= (divisor << 10) - (unit == 0 ? 0 : divisor / 2) {
      unit += 1
      divisor <<= 10
    }
    return (unit, divisor)
  }

  private static func hasDecimal(_ bytes: UInt64, divisor: UInt64) -> Bool {
    divisor > 1 && Double(bytes) / Double(divisor) < 99.95
  }

  private static func number(_ bytes: UInt64, divisor: UInt64, hasDecimal: Bool? = nil) -> String {
    guard divisor > 1 else { return String(bytes) }
    let value = Double(bytes) / Double(divisor)
    guard hasDecimal ?? Self.hasDecimal(bytes, divisor: divisor) else {
      return String(Int(value.rounded()))
    }
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }
}

/// Spans of time for people.
public enum DurationFormat {
  /// `0:21`, `12:05`, `1:02:03`, `2d 3h`; parts of a second are left out, negative counts as 0.
  public static func clock(_ duration: Duration) -> String {
    let seconds = max(0, duration.components.seconds)
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60)
    if days > 0 { return "\(days)d \(hours)h" }
    if hours > 0 { return "\(hours):\(two(minutes)):\(two(seconds % 60))" }
    return "\(minutes):\(two(seconds % 60))"
  }

  /// As it is typed for an expiry: `30s`, `15m`, `24h`, `7d`; whole units only, else seconds.
  public static func compact(_ duration: Duration) -> String {
    let seconds = max(0, duration.components.seconds)
    for (unit, length) in [("d", Int64(86_400)), ("h", 3600), ("m", 60)]
    where seconds > 0 && seconds % length == 0 && (unit != "d" || seconds > length) {
      return "\(seconds / length)\(unit)"
    }
    return "\(seconds)s"
  }

  /// What is said of something that should move and does not: `stalled 8 s`.
  public static func stalled(_ duration: Duration) -> String {
    "stalled \(max(0, duration.components.seconds)) s"
  }

  private static func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
