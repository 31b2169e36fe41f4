import Glibc
import S3

/// Text filled up to a width in terminal columns; longer text stays whole.
enum Columns {
  static func left(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(width - Visible.width(text), 0))
  }

  static func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(width - Visible.width(text), 0)) + text
  }
}

/// Moments for people, in the time zone of the process.
enum LocalTime {
  /// `2026-11-20 14:02`.
  static func minutes(_ time: Timestamp) -> String { String(seconds(time).dropLast(3)) }

  /// `2026-11-20 14:02:11`.
  static func seconds(_ time: Timestamp) -> String {
    var seconds = time_t(time.seconds)
    var parts = tm()
    guard localtime_r(&seconds, &parts) != nil else { return time.iso8601 }
    func two(_ number: Int32) -> String { (number < 10 ? "0" : "") + String(number) }
    let date = "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
    return "\(date) \(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
  }
}
