import S3
import TextUI

/// An amount of bytes as a user writes it: `16M`, `1.5GiB`, `200K`, or plain bytes.
///
/// `K`, `M`, `G`, `T` and `KiB`… are powers of 1,024, `KB`, `MB`… powers of 1,000, as in GNU's
/// tools; capitals do not matter. A fraction of a byte is cut off.
struct SizeArgument: Sendable, Hashable {
  /// 1 or more.
  var bytes: Int64

  var count: ByteCount { ByteCount(bytes) }

  init(bytes: Int64) {
    self.bytes = bytes
  }

  init(parsing argument: String) throws(ArgumentProblem) {
    guard let bytes = ByteFormat.bytes(argument), bytes > 0 else {
      throw ArgumentProblem("expected a size such as 16M, 1.5GiB, 200K, or bytes")
    }
    self.bytes = bytes
  }
}

/// Bytes a second: a size, with or without `/s`.
struct RateArgument: Sendable, Hashable {
  /// 1 or more.
  var bytesPerSecond: Int64

  init(parsing argument: String) throws(ArgumentProblem) {
    let size = argument.hasSuffix("/s") ? String(argument.dropLast(2)) : argument
    do {
      bytesPerSecond = try SizeArgument(parsing: size).bytes
    } catch {
      throw ArgumentProblem("expected bytes a second, such as 200K, 16M or 1.5GiB")
    }
  }
}
