import ArgumentParser
import S3
import Storage
import SystemPackage
import Testing

@testable import App

@Suite("Download sources")
struct DownloadSourcesTests {
  private func sources(
    _ words: [String], isRecursive: Bool = false,
    ifExists: TransferRequest.ExistingDestination = .overwrite
  ) throws -> DownloadSources {
    let glob = try GlobOption.parse([])
    let places = try words.map { word in
      let place = try S3URI(parsing: word)
      if isRecursive { return (place, KeyTarget.recursive(place, glob, .all)) }
      guard let pattern = glob.pattern(place) else { return (place, KeyTarget.key(place)) }
      return (place, .selection(place.bucket, KeySelection(pattern)))
    }
    return try DownloadSources(
      places, versionID: nil, into: "down", name: nil, ifExists: ifExists)
  }

  @Test("What is named twice is downloaded once")
  func twice() throws {
    let keys = try sources(["s3://b/x", "s3://b/x", "s3://b/y"])
    #expect(keys.knownCount == 2 && !keys.isInTurn)
    guard case .list(let requests)? = keys.trees.first?.tree.work else {
      Issue.record("keys are one list")
      return
    }
    #expect(requests.map(\.location.key.text) == ["x", "y"])
    #expect(try sources(["s3://b/p", "s3://b/p/"], isRecursive: true).trees.count == 1)
  }

  @Test(
    "What may bring one object twice comes one after the other",
    arguments: [
      (["s3://b/p/*", "s3://b/p/a*"], true), (["s3://b/p/a", "s3://b/p/*"], true),
      (["s3://b/p/*", "s3://b/p/a"], true), (["s3://b/p/a*", "s3://b/p/b*"], false),
      (["s3://b/p/a", "s3://b/p/b*"], false), (["s3://b/a", "s3://b/b"], false),
    ])
  func inTurn(words: [String], isInTurn: Bool) throws {
    #expect(try sources(words).isInTurn == isInTurn)
  }

  @Test("Two objects that may become one file are refused, or come one after the other")
  func meeting() throws {
    let words = ["s3://b/p/*", "s3://b/q/*"]
    #expect(throws: CommandFailure.self) { try sources(words) }
    #expect(try sources(words, ifExists: .skip).isInTurn)
  }

  @Test("Keys of one name are in lists of their own, and all is in the order of the line")
  func order() throws {
    let words = ["s3://b/p/x", "s3://b/p/y", "s3://b/q/x", "s3://b/*", "s3://b/r/x", "s3://b/q/z"]
    let trees = try sources(words, ifExists: .skip).trees.map { tree in
      guard case .list(let requests) = tree.tree.work else { return ["*"] }
      return requests.map(\.location.key.text)
    }
    #expect(trees == [["p/x", "p/y"], ["q/x"], ["*"], ["r/x", "q/z"]])
  }
}
