/// The way a listing has come, by which a server that leads in a circle is noticed.
///
/// Each position is compared with one that lies behind, which moves up after 1, 2, 4, … steps, so
/// that memory does not grow with the listing. A circle is noticed before three times as many pages
/// came as there are different ones.
///
/// Source: R. P. Brent, "An improved Monte Carlo factorization algorithm", BIT 20 (1980).
struct Trail: Sendable {
  private var landmark: [UInt8]
  private var steps = 0
  private var stepsToNextLandmark = 1

  /// - Parameter position: in bytes; equal ones are the same place.
  init(from position: [UInt8]) {
    landmark = position
  }

  /// The way on to `position`; nil when it has been there before.
  func followed(by position: [UInt8]) -> Trail? {
    guard position != landmark else { return nil }
    var trail = self
    trail.steps += 1
    if trail.steps == stepsToNextLandmark {
      trail.landmark = position
      trail.steps = 0
      trail.stepsToNextLandmark *= 2
    }
    return trail
  }
}

extension Trail: Hashable {
  /// How a position was come to makes it no other one.
  static func == (left: Trail, right: Trail) -> Bool { true }
  func hash(into hasher: inout Hasher) {}
}
