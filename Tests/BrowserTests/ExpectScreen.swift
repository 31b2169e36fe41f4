import Foundation
import Testing

/// Compares a screen with `Screens/NAME.txt`, or writes that file anew when `RECORD_SCREENS` is
/// set, for the diff to show. Under `CI` nothing is ever recorded.
func expectScreen(
  _ screen: String, _ name: String, sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let file = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Screens/\(name).txt")
  let environment = ProcessInfo.processInfo.environment
  if environment["RECORD_SCREENS"] != nil, environment["CI"] == nil {
    try screen.write(to: file, atomically: true, encoding: .utf8)
    return
  }
  let expected = try String(contentsOf: file, encoding: .utf8)
  #expect(screen == expected, "\(name) differs", sourceLocation: sourceLocation)
}
