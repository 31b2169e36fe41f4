public import History
import S3
import Storage
import TextUI

/// How a transfer that has not come to its end is called on the screen and by commands.
extension JournalEntry {
  /// The bytes of the file's name or of the key's last segment.
  var name: [UInt8] {
    switch request.direction {
    case .upload:
      Array(ObjectKey(bytes: request.localPath.bytes).lastSegment)
        + (request.tree == nil ? [] : [UInt8(ascii: "/")])
    case .download where request.key.isEmpty: Array(request.bucket.text.utf8)
    case .download: Array(request.key.lastSegment)
    }
  }

  public var stateWord: String {
    switch state {
    case .stopped: "stopped"
    case .running: "running"
    case .abandoned: "interrupted"
    }
  }

  /// `1.2/2.0 GiB`; of a folder or prefix nobody knows before it is walked again.
  public var movedWords: String {
    if request.tree != nil { return request.direction == .upload ? "a folder" : "a prefix" }
    return subject.map { ByteFormat.iec(kept.bytes, of: $0.size.bytes) } ?? "not begun"
  }
}
