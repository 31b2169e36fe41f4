import S3
import SystemPackage
import Testing

@testable import Storage

@Suite("What of a tree begins next")
struct TreeWindowTests {
  private let files = OpenFiles(most: 10_000)

  private func window(smallRequests: Int = 2, large: Int = 2) -> TreeWindow {
    var settings = TransferSettings()
    settings.concurrentTransfers = large
    return TreeWindow(
      .download,
      pool: RequestPool(
        parts: ConcurrencyPlan(fixed: 4), small: ConcurrencyPlan(fixed: smallRequests)),
      files: files, settings: settings)
  }

  private func file(_ key: String, _ size: ByteCount) -> TreeItem {
    let location = ObjectLocation(bucket: BucketName("reports"), key: ObjectKey(key))
    return .file(.download(location, into: "/home"), size: size, isRenamed: false)
  }

  private let small = ByteCount(4_096)
  private let large = ByteCount(1 << 30)

  private func key(_ item: TreeItem?) -> String? {
    guard case .file(let request, _, _) = item else { return nil }
    return String(decoding: request.location.key.bytes, as: UTF8.self)
  }

  private func failure(_ kind: StorageError.Kind, _ weight: TreeWindow.Weight = .small)
    -> TreeWindow.Ended
  {
    TreeWindow.Ended(
      weight: weight, error: StorageError(kind: kind, message: "No"), wasLastAttempt: true)
  }

  @Test("Large files that have no room are held, and small ones after them begin")
  func held() throws {
    var window = window(large: 1)
    for number in 1...3 { window.found(file("large-\(number)", large)) }
    window.found(file("small", small))
    #expect(key(window.take()?.item) == "large-1")
    #expect(key(window.take()?.item) == "small")
    #expect(window.take() == nil)
    window.ended(TreeWindow.Ended(weight: .large), in: nil)
    #expect(key(window.take()?.item) == "large-2")
    #expect(window.take() == nil)
  }

  @Test("Only so many are found ahead, and none while small files have all their room")
  func ahead() throws {
    var window = window(large: 1)
    for number in 0...TreeWindow.mostHeld {
      #expect(window.mayFind)
      window.found(file("\(number)", large))
      _ = window.take()
    }
    #expect(!window.mayFind)
    window.ended(TreeWindow.Ended(weight: .large), in: nil)
    _ = window.take()
    #expect(window.mayFind)
    var begun = 0
    while window.mayFind {
      window.found(file("small", small))
      if window.take() != nil { begun += 1 }
    }
    #expect(begun == 34)
    window.ended(TreeWindow.Ended(weight: .small), in: nil)
    #expect(window.mayFind)
  }

  @Test("What was found goes on when the rest cannot be found")
  func findingFails() throws {
    var window = window(large: 1)
    window.found(file("a", large))
    window.found(file("b", large))
    _ = window.take()
    window.foundAll(StorageError(kind: .connection, message: "No answer"))
    #expect(!window.mayFind)
    window.ended(TreeWindow.Ended(weight: .large), in: nil)
    #expect(key(window.take()?.item) == "b")
    #expect(window.stop == nil)
    #expect(window.findingFailure?.kind == .connection)
    #expect(window.hasLostSome)
  }

  @Test(
    "What no file would be spared ends the tree at once",
    arguments: [
      (StorageError.Kind.noSuchBucket, TreeWindow.Rest.isGivenUp), (.readOnly, .isGivenUp),
      (.history, .isKept), (.credentials, .isKept),
    ])
  func endsAtOnce(kind: StorageError.Kind, rest: TreeWindow.Rest) throws {
    var window = window()
    window.found(file("a", small))
    window.found(file("b", small))
    _ = window.take()
    window.ended(failure(kind), in: nil)
    #expect(window.stop?.kind == kind)
    #expect(window.rest == rest)
    #expect(window.hasLostSome == (rest == .isKept))
    #expect(window.take() == nil)
    #expect(!window.mayFind)
  }

  @Test(
    "A server that is not reached, or is busy, ends the tree after so many files in a row",
    arguments: [StorageError.Kind.connection, .busy])
  func inVain(kind: StorageError.Kind) throws {
    var window = window()
    for _ in 1..<TreeWindow.mostInVain { window.fail(failure(kind), file("a", small)) }
    window.found(file("a", small))
    _ = window.take()
    window.ended(TreeWindow.Ended(weight: .small), in: nil)
    for _ in 1..<TreeWindow.mostInVain { window.fail(failure(kind), file("a", small)) }
    #expect(window.stop == nil)
    window.fail(failure(kind), file("a", small))
    #expect(window.stop?.kind == kind)
    #expect(window.rest == .isKept)
  }

  @Test("A busy server counts only for files that began while nothing got through")
  func busy() throws {
    var window = window()
    var failure = failure(.busy)
    failure.wasLastAttempt = false
    for _ in 0..<2 * TreeWindow.mostInVain { window.fail(failure, file("a", small)) }
    #expect(window.stop == nil)
    #expect(window.hasLostSome)
  }

  @Test("A file of its own trouble ends nothing")
  func ownTrouble() throws {
    var window = window()
    for kind in [StorageError.Kind.accessDenied, .noSuchKey, .damaged, .localFile, .cancelled] {
      for _ in 0..<2 * TreeWindow.mostInVain { window.fail(failure(kind), file("a", small)) }
    }
    #expect(window.stop == nil)
    #expect(!window.hasLostSome)
  }

  @Test("What was taken and never begun is open no longer in the end")
  func close() throws {
    let files = OpenFiles(most: 8)
    var window = TreeWindow(
      .download,
      pool: RequestPool(parts: ConcurrencyPlan(fixed: 4), small: ConcurrencyPlan(fixed: 4)),
      files: files, settings: TransferSettings())
    for _ in 0..<4 {
      window.found(file("a", small))
      #expect(window.take() != nil)
    }
    #expect(!files.hasRoom(ofKind: 1, own: 4))
    window.couldNotBegin(StorageError(kind: .localFile, message: "No folder"))
    window.close()
    #expect(window.underWay == 0)
    #expect(files.hasRoom(ofKind: 1, own: 7))
  }
}

extension TreeWindow {
  /// Begins a file, and has it fail.
  fileprivate mutating func fail(_ ended: Ended, _ item: TreeItem) {
    found(item)
    _ = take()
    self.ended(ended, in: nil)
  }
}
