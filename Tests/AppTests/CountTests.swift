import Testing

@testable import App

@Suite("Count")
struct CountTests {
  @Test(
    "One thing is no plural",
    arguments: [(0, "0 entries"), (1, "1 entry"), (2, "2 entries"), (11, "11 entries")])
  func plural(number: Int, text: String) {
    #expect("\(Count(number, "entry", plural: "entries"))" == text)
    #expect("\(Count(number, "byte"))" == "\(number) byte" + (number == 1 ? "" : "s"))
  }
}
