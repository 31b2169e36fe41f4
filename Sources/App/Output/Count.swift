/// A number of things, for people: `1 change`, `2 changes`.
struct Count: CustomStringConvertible {
  let description: String

  /// - Parameters:
  ///   - noun: for one of them.
  ///   - plural: where it is not the noun with an s.
  init(_ number: some BinaryInteger, _ noun: String, plural: String? = nil) {
    description = "\(number) \(number == 1 ? noun : plural ?? noun + "s")"
  }
}
