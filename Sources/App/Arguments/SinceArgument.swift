import Glibc
import S3

/// A moment as a user writes it: `2026-11-20` (midnight here), `2026-11-20 14:02` or with seconds as
/// the history shows it (here, too), `2026-11-20T14:02:00Z`, or a duration, which counts back from
/// now.
enum SinceArgument {
  static func parse(_ argument: String) throws(ArgumentProblem) -> Timestamp {
    try parse(argument, now: Timestamp.now())
  }

  static func parse(_ argument: String, now: Timestamp) throws(ArgumentProblem) -> Timestamp {
    // Many digits are meant as a day or as seconds since 1970, and four as a year: none of them counts
    // back from now.
    let isDate = [4, 6].contains(argument.utf8.count) || argument.utf8.count >= 8
    let isNumber = isDate && argument.utf8.allSatisfy { (0x30...0x39).contains($0) }
    if !isNumber, let duration = try? DurationArgument(parsing: argument) {
      return now.advanced(by: .seconds(-duration.seconds))
    }
    if let time = Timestamp(iso8601: argument) { return time }
    if let time = local(argument) { return time }
    throw ArgumentProblem(
      "expected 2026-11-20, '2026-11-20 14:02', 2026-11-20T14:02:00Z, or a duration such as 7d")
  }

  private static func local(_ argument: String) -> Timestamp? {
    let missing = [10: "T00:00:00Z", 16: ":00Z", 19: "Z"][argument.utf8.count]
    // Checks the form, and that there is such a day.
    guard let missing,
      let utc = Timestamp(iso8601: argument.replacing(" ", with: "T") + missing)
    else { return nil }
    var seconds = time_t(utc.seconds)
    var parts = tm()
    guard gmtime_r(&seconds, &parts) != nil else { return nil }
    // Let the C library find out about daylight saving time.
    parts.tm_isdst = -1
    let local = mktime(&parts)
    return local == -1 ? nil : Timestamp(seconds: Int64(local))
  }
}
