import Foundation
import SystemPackage
import Testing

@testable import App

@Suite("Where downloads go")
struct DownloadPlannerTests {
  @Test("~ leads home, and nothing else is taken for it")
  func home() throws {
    let home = try #require(ProcessInfo.processInfo.environment["HOME"])
    #expect(DownloadPlanner.expanded("~") == FilePath(home))
    #expect(DownloadPlanner.expanded("~/a b") == FilePath(home + "/a b"))
    for path in ["~other/x", "/srv/~", "./~", "a", ""] as [FilePath] {
      #expect(DownloadPlanner.expanded(path) == path)
    }
  }
}
