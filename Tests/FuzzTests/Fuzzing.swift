import Foundation
import TestSupport

/// Feeds `body` random bytes and changed samples: a few hundred, or with PAIL_TEST_FUZZ_SECONDS as
/// many as there is time for.
///
/// - Parameter longest: of the inputs, in bytes.
func fuzz(
  _ name: String, samples: [String], longest: Int = 4096,
  _ body: (_ bytes: [UInt8], _ chance: inout SeededRandom) throws -> Void
) rethrows {
  var inputs = Inputs(name, samples, longest)
  while let bytes = inputs.next() { try body(bytes, &inputs.chance) }
}

/// The same for what can only be called asynchronously.
func fuzz(
  _ name: String, samples: [String], longest: Int = 4096,
  _ body: (_ bytes: [UInt8], _ chance: inout SeededRandom) async throws -> Void
) async rethrows {
  var inputs = Inputs(name, samples, longest)
  while let bytes = inputs.next() { try await body(bytes, &inputs.chance) }
}

private struct Inputs {
  private let samples: [[UInt8]]
  private let longest: Int
  private let end: ContinuousClock.Instant?
  private var count = 0
  var chance: SeededRandom

  /// The seed is told beforehand, since what is found may end the process. PAIL_TEST_SEED repeats it.
  init(_ name: String, _ samples: [String], _ longest: Int) {
    let environment = ProcessInfo.processInfo.environment
    let seed =
      environment["PAIL_TEST_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0..<1 << 32)
    let seconds = environment["PAIL_TEST_FUZZ_SECONDS"].flatMap { Double($0) }
    try? FileHandle.standardError.write(contentsOf: Data("\(name): PAIL_TEST_SEED=\(seed)\n".utf8))
    self.samples = samples.map { Array($0.utf8) }
    self.longest = longest
    end = seconds.map { ContinuousClock.now + .seconds($0) }
    chance = SeededRandom(seed: seed)
  }

  mutating func next() -> [UInt8]? {
    guard end.map({ ContinuousClock.now < $0 }) ?? (count < 300) else { return nil }
    count += 1
    return input(samples, longest, &chance)
  }
}

/// What parsers take for something.
private let words = [
  "\0", "\n", "\r\n", "\t", "\"", "'", "\\", "=", "[", "]", "{", "}", "<", ">", "</", "/>", "&",
  "&#0;",
  "&#x41;", "&lt;", "<!DOCTYPE a [", "<!ENTITY a \"b\">", "]]>", "<![CDATA[", "%", "%2", "%00",
  "%2F",
  "..", "/", "//", ".pail-", ".part", "*", "?", "-1", "0", "18446744073709551616", "1e999",
  "\u{1b}[2J",
  "\u{202e}", "\u{200d}", "e\u{301}", "\u{1f468}\u{200d}\u{1f469}", "\u{feff}", "#", ";", ":",
  "s3://",
].map { Array($0.utf8) }

private func input(
  _ samples: [[UInt8]], _ longest: Int, _ chance: inout SeededRandom
) -> [UInt8] {
  var bytes =
    Int.random(in: 0..<8, using: &chance) == 0 ? [] : samples.randomElement(using: &chance) ?? []
  for _ in 0..<Int.random(in: 0..<12, using: &chance) {
    let place = Int.random(in: 0...bytes.count, using: &chance)
    let rest = Int.random(in: place...min(bytes.count, place + 40), using: &chance)
    switch Int.random(in: 0..<7, using: &chance) {
    case 0: bytes.insert(UInt8.random(in: 0...255, using: &chance), at: place)
    case 1: bytes.removeSubrange(place..<rest)
    case 2: bytes.insert(contentsOf: bytes[place..<rest], at: place)
    case 3:
      let count = Int.random(in: 1...300, using: &chance)
      bytes.insert(contentsOf: repeatElement(bytes[place..<rest], count: count).joined(), at: place)
    case 4: bytes.insert(contentsOf: words.randomElement(using: &chance) ?? [], at: place)
    case 5:
      let other = samples.randomElement(using: &chance) ?? []
      bytes.insert(
        contentsOf: other.suffix(Int.random(in: 0...other.count, using: &chance)), at: place)
    default:
      if place < bytes.count { bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &chance) }
    }
  }
  return Array(bytes.prefix(longest))
}
