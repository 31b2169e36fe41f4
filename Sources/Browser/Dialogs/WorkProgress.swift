import Storage
import TextUI

/// How far something has come that a dialog waits for.
struct WorkProgress: Sendable {
  private var done = 0
  private var failed = 0

  mutating func take(_ answer: Answer) {
    switch answer {
    case .copyProgressed(let progress): (done, failed) = (progress.copied, progress.failed)
    case .deletionProgressed(let progress): (done, failed) = (progress.deleted, progress.failed)
    default: break
    }
  }

  /// `Copied 1,203, 1 failed…`
  func words(_ verb: String) -> String {
    let failures = failed > 0 ? ", \(ByteFormat.exact(Int64(failed))) failed" : ""
    return "\(verb) \(ByteFormat.exact(Int64(done)))\(failures)…"
  }
}
