/// The name of a bucket, as given by a user or a server.
///
/// Any name can be asked for, since old buckets and other stores break the rules of today;
/// ``problemForCreation`` has the rules for new ones.
public struct BucketName: Sendable, Hashable, Comparable, CustomStringConvertible {
  public let text: String

  public init(_ text: String) {
    self.text = text
  }

  public var description: String { text }

  public static func < (left: BucketName, right: BucketName) -> Bool {
    left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
  }
}
