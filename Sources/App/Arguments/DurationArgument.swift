/// A span of time as a user writes it: `30s`, `15m`, `12h`, `7d`, or plain seconds.
struct DurationArgument: Sendable, Hashable {
  /// 1 or more.
  var seconds: Int64

  var duration: Duration { .seconds(seconds) }

  init(seconds: Int64) {
    self.seconds = seconds
  }

  init(parsing argument: String) throws(ArgumentProblem) {
    let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86400]
    let unit = argument.last.flatMap { units[$0] }
    let digits = unit == nil ? argument[...] : argument.dropLast()
    guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      let count = Int64(digits),
      case let (seconds, overflow) = count.multipliedReportingOverflow(by: unit ?? 1), !overflow,
      seconds > 0
    else {
      throw ArgumentProblem("expected a duration such as 30s, 15m, 12h, 7d, or seconds")
    }
    self.seconds = seconds
  }
}
