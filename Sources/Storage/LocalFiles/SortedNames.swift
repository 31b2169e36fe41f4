internal import Glibc
internal import HTTP
internal import HeapModule
internal import SystemPackage

/// The names of one folder, taken in any order and given by their bytes, however many they are.
///
/// Names that are more than `memory` go to a file without a name in sorted runs, which are merged
/// while they are read. Taken with ``append(_:)``, then sorted, then read.
struct SortedNames: Sendable {
  private let folder: FilePath
  /// In bytes, names and what is kept beside each.
  private let memory: Int
  private let temporaryFolder: FilePath
  private var loose = LooseNames()
  private var runs: [StoredRun] = []
  /// The next name of each run.
  private var heads = Heap<Head>()
  private var file: OpenFile?
  private var end: Int64 = 0

  private struct Head: Sendable, Comparable {
    let name: [UInt8]
    let run: Int

    static func < (left: Head, right: Head) -> Bool {
      left.name.lexicographicallyPrecedes(right.name)
    }
  }

  init(of folder: FilePath, memory: Int, temporaryFolder: FilePath = UnnamedFile.folder) {
    self.folder = folder
    self.memory = memory
    self.temporaryFolder = temporaryFolder
  }

  /// What they take of memory now, in bytes.
  var held: Int { loose.size + runs.reduce(0) { $0 + $1.bufferSize } }

  /// - Parameter name: up to 65,535 bytes.
  mutating func append(_ name: [UInt8]) throws(LocalFileError) {
    if loose.size(with: name) > memory, !loose.isEmpty { try store() }
    loose.append(name)
  }

  /// Once all are there.
  mutating func sort() throws(LocalFileError) {
    guard !runs.isEmpty else { return loose.sort() }
    if !loose.isEmpty { try store() }
    loose = LooseNames()
    for index in runs.indices {
      runs[index].bufferSize = max(memory / runs.count, StoredRun.leastBuffer)
      if let name = try next(of: index) { heads.insert(Head(name: name, run: index)) }
    }
  }

  /// - Returns: nil at the end.
  mutating func popFirst() throws(LocalFileError) -> [UInt8]? {
    guard let head = heads.min else { return loose.popFirst() }
    if let name = try next(of: head.run) {
      heads.replaceMin(with: Head(name: name, run: head.run))
    } else {
      heads.removeMin()
    }
    return head.name
  }

  private mutating func next(of run: Int) throws(LocalFileError) -> [UInt8]? {
    guard let file else { return nil }
    do throws(Errno) {
      return try runs[run].next(file)
    } catch {
      throw failure(error)
    }
  }

  /// Moves what is in memory to the file.
  private mutating func store() throws(LocalFileError) {
    loose.sort()
    do throws(Errno) {
      let file = if let file { file } else { try UnnamedFile.make(in: temporaryFolder) }
      self.file = file
      let start = end
      var piece: [UInt8] = []
      while let name = loose.popFirst() {
        piece.append(UInt8(truncatingIfNeeded: name.count))
        piece.append(UInt8(truncatingIfNeeded: name.count >> 8))
        piece += name
        if piece.count >= 64 * 1024 { try write(&piece, file) }
      }
      try write(&piece, file)
      runs.append(StoredRun(start..<end))
    } catch {
      throw failure(error)
    }
  }

  private mutating func write(_ piece: inout [UInt8], _ file: OpenFile) throws(Errno) {
    do {
      try file.descriptor.writeAll(toAbsoluteOffset: end, piece)
    } catch {
      throw error as? Errno ?? .ioError
    }
    end += Int64(piece.count)
    piece.removeAll(keepingCapacity: true)
  }

  private func failure(_ errno: Errno) -> LocalFileError {
    LocalFileError(folder, .noRoomForNames(in: temporaryFolder, errno))
  }
}

/// Names in two pieces of memory.
private struct LooseNames: Sendable {
  private struct Place: Sendable {
    let start: UInt32
    let count: UInt16
  }

  private var bytes: [UInt8] = []
  private var places: [Place] = []
  private var taken = 0

  var isEmpty: Bool { taken == places.count }
  var size: Int { bytes.count + places.count * MemoryLayout<Place>.stride }
  func size(with name: [UInt8]) -> Int { size + name.count + MemoryLayout<Place>.stride }

  mutating func append(_ name: [UInt8]) {
    places.append(Place(start: UInt32(bytes.count), count: UInt16(name.count)))
    bytes += name
  }

  mutating func sort() {
    bytes.withUnsafeBytes { bytes in
      guard let first = bytes.baseAddress else { return }
      places.sort { left, right in
        let order = memcmp(
          first + Int(left.start), first + Int(right.start), Int(min(left.count, right.count)))
        return order == 0 ? left.count < right.count : order < 0
      }
    }
  }

  mutating func popFirst() -> [UInt8]? {
    guard taken < places.count else { return nil }
    let place = places[taken]
    taken += 1
    defer {
      if isEmpty {
        bytes.removeAll(keepingCapacity: true)
        places.removeAll(keepingCapacity: true)
        taken = 0
      }
    }
    return Array(bytes[Int(place.start)..<Int(place.start) + Int(place.count)])
  }
}

/// Names in a file, in order: the count of the bytes of each in two bytes, then these.
private struct StoredRun: Sendable {
  /// In bytes.
  static let leastBuffer = 1024

  /// What has not been read.
  private var left: Range<Int64>
  private var buffer: [UInt8] = []
  private var taken = 0
  /// Read so many bytes at a time; none before the first are read.
  var bufferSize = 0

  init(_ place: Range<Int64>) {
    left = place
  }

  /// - Returns: nil at the end.
  mutating func next(_ file: OpenFile) throws(Errno) -> [UInt8]? {
    guard try fill(2, file) else { return nil }
    let count = Int(buffer[taken]) | Int(buffer[taken + 1]) << 8
    guard try fill(2 + count, file) else { throw .ioError }
    defer { taken += 2 + count }
    return Array(buffer[taken + 2..<taken + 2 + count])
  }

  /// Whether there are `count` bytes in the buffer, which are read if need be.
  private mutating func fill(_ count: Int, _ file: OpenFile) throws(Errno) -> Bool {
    guard buffer.count - taken < count else { return true }
    buffer.removeFirst(taken)
    taken = 0
    while buffer.count < count, !left.isEmpty {
      let wanted = min(max(bufferSize, count) - buffer.count, left.count)
      var piece = [UInt8](repeating: 0, count: wanted)
      let got: Int
      do {
        got = try piece.withUnsafeMutableBytes {
          try file.descriptor.read(fromAbsoluteOffset: left.lowerBound, into: $0)
        }
      } catch {
        throw error as? Errno ?? .ioError
      }
      guard got > 0 else { throw .ioError }
      buffer += piece[..<got]
      left = left.lowerBound + Int64(got)..<left.upperBound
    }
    return buffer.count >= count
  }
}
