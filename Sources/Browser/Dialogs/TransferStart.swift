import S3
import Storage
import TextUI

/// Begins transfers, says how many, and lists what was left out and why.
struct TransferStart {
  private let requests: [TransferRequest]
  private let trees: [TransferTree]
  private let leftOut: [LeftOut]

  init(_ requests: [TransferRequest], _ trees: [TransferTree], _ leftOut: [LeftOut]) {
    self.requests = requests
    self.trees = trees
    self.leftOut = leftOut
  }

  func perform(_ verb: String, to destination: VisibleText, _ turn: inout Turn) {
    let isList = requests.count > TransferTree.mostShownSingly
    if !isList, !requests.isEmpty { turn.perform(.transfer(requests)) }
    let list = isList ? [TransferTree(.list(requests))] : []
    if isList || !trees.isEmpty { turn.perform(.transferTrees(list + trees)) }
    var text = what.map { "\(verb) \($0) to \(destination.text)" } ?? "Nothing to do"
    if !leftOut.isEmpty { text += ", \(leftOut.count) left out" }
    turn.say(text)
    guard !leftOut.isEmpty else { return }
    let lines = leftOut.map { Line(VisibleText(bytes: $0.name) + VisibleText(": \($0.reason)")) }
    turn.open(TextDialog(title: "Left out", lines: lines))
  }

  /// `1 file and 2 folders`; nil for nothing.
  private var what: String? {
    let isUpload = trees.first?.direction == .upload
    let parts = [
      Self.count(requests.count, "file", "files"),
      isUpload
        ? Self.count(trees.count, "folder", "folders")
        : Self.count(trees.count, "prefix", "prefixes"),
    ].compactMap(\.self)
    return parts.isEmpty ? nil : parts.joined(separator: " and ")
  }

  private static func count(_ count: Int, _ one: String, _ many: String) -> String? {
    count == 0 ? nil : "\(ByteFormat.exact(Int64(count))) \(count == 1 ? one : many)"
  }
}
