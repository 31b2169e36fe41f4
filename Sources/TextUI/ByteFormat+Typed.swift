/// Amounts of bytes as people type them.
extension ByteFormat {
  /// What `16M`, `1.5GiB`, `200K` or plain bytes mean; nil for anything else.
  ///
  /// `K`, `M`, `G`, `T` and `KiB`… are powers of 1,024, `KB`, `MB`… powers of 1,000, as in GNU's
  /// tools; capitals do not matter. A fraction of a byte is cut off.
  public static func bytes(_ text: String) -> Int64? {
    let isNumeral = { (byte: UInt8) in (0x30...0x39).contains(byte) || byte == 0x2E }
    let numeral = text.utf8.prefix(while: isNumeral)
    let parts = numeral.split(separator: 0x2E, omittingEmptySubsequences: false)
    guard let factor = factor(String(text.utf8.dropFirst(numeral.count)) ?? "?"),
      (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }),
      let whole = Int64(String(parts[0]) ?? ""),
      case let (bytes, overflow) = whole.multipliedReportingOverflow(by: factor), !overflow
    else { return nil }
    guard parts.count == 2 else { return bytes }
    // Digits beyond these make no byte: a tebibyte has thirteen.
    let digits = parts[1].prefix(15)
    guard factor > 1, let numerator = Double(String(digits) ?? "") else { return nil }
    let scale = digits.reduce(1.0) { scale, _ in scale * 10 }
    let (sum, isTooLarge) = bytes.addingReportingOverflow(
      Int64(numerator * Double(factor) / scale))
    return isTooLarge ? nil : sum
  }

  private static func factor(_ unit: String) -> Int64? {
    var letters = unit.lowercased()
    guard letters != "", letters != "b" else { return 1 }
    let base: Int64 = letters.hasSuffix("b") && !letters.hasSuffix("ib") ? 1000 : 1024
    for ending in ["ib", "b"] where letters.hasSuffix(ending) {
      letters.removeLast(ending.count)
      break
    }
    guard let power = ["k", "m", "g", "t"].firstIndex(of: letters) else { return nil }
    return (0...power).reduce(1) { factor, _ in factor * base }
  }
  /// The shortest that ``bytes(_:)`` reads back: `2M`, `1536K`, `2000000`.
  public static func typed(_ bytes: Int64) -> String {
    var count = bytes
    var unit = ""
    for name in ["K", "M", "G", "T"] where count > 0 && count % 1024 == 0 {
      count /= 1024
      unit = name
    }
    return "\(count)\(unit)"
  }
}
