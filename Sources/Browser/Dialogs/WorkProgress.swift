import Storage
import TextUI

/// How far something has come that a dialog waits for, and what holds it up.
struct WorkProgress: Sendable {
  private var done = 0
  private var failed = 0
  private var retry: RetryStatus?

  mutating func take(_ answer: Answer) {
    switch answer {
    case .copyProgressed(let progress): (done, failed) = (progress.copied, progress.failed)
    case .deletionProgressed(let progress): (done, failed) = (progress.deleted, progress.failed)
    case .retrying(let newest): retry = newest
    default: break
    }
  }

  /// `Copied 1,203, 1 failed…  retrying 2/5: SlowDown`
  func line(_ verb: String) -> Line {
    let failures = failed > 0 ? ", \(ByteFormat.exact(Int64(failed))) failed" : ""
    let line = Line("\(verb) \(ByteFormat.exact(Int64(done)))\(failures)…")
    return retry.map { line + Line("  \($0.words)", .warning) } ?? line
  }
}
