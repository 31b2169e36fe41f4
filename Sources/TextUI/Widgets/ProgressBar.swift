/// A bar that grows by eighths of a column.
public enum ProgressBar {
  private static let eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]

  /// - Parameters:
  ///   - fraction: 0 through 1; values outside, and NaN, count as the nearest end (NaN as 0).
  ///     Anything short of 1 leaves a bar that is not full.
  ///   - columns: The result is exactly this wide, blanks included.
  public static func text(_ fraction: Double, columns: Int) -> VisibleText {
    guard columns > 0 else { return .empty }
    let all = columns * 8
    var filled = fraction > 0 ? Int((min(fraction, 1) * Double(all)).rounded(.down)) : 0
    if fraction < 1 { filled = min(filled, all - 1) }
    let bar = String(repeating: "█", count: filled / 8) + eighths[filled % 8]
    return VisibleText(bar).padded(to: columns)
  }
}
