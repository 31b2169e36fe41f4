import HTTP
import S3

extension S3Client {
  private static let partsAskedAtOnce = 16

  /// What the server tells of each part of an object, in their order; nil where it does not tell of
  /// all of them, or of another number of parts. One request for each that is not known.
  ///
  /// - Parameters:
  ///   - count: 1 or more.
  ///   - known: what was asked before, by the places of the parts, which begin with 0.
  func partHeads(
    of object: ObjectLocation, count: Int, known: [Int: ObjectPart]
  ) async -> [ObjectPart]? {
    await withTaskGroup(of: (Int, ObjectPart?).self) { tasks in
      var parts = (0..<count).map { known[$0] ?? ObjectPart(size: .zero) }
      var rest = (0..<count).filter { known[$0] == nil }.makeIterator()
      func ask() {
        guard let index = rest.next() else { return }
        tasks.addTask { (index, try? await headPart(object, PartNumber(index + 1))) }
      }
      for _ in 0..<Self.partsAskedAtOnce { ask() }
      while let (index, part) = await tasks.next() {
        guard let part, part.partCount == count else {
          tasks.cancelAll()
          return nil
        }
        parts[index] = part
        ask()
      }
      return parts
    }
  }
}
