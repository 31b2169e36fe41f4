public import History
import S3
import Storage
import TextUI

/// How a transfer that has not come to its end is called on the screen and by commands.
extension JournalEntry {
  /// The bytes of the file's name or of the key's last segment.
  var name: [UInt8] {
    switch request.direction {
    case .upload: Array(ObjectKey(bytes: request.localPath.bytes).lastSegment)
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

  /// `1.2/2.0 GiB`.
  public var movedWords: String {
    subject.map { ByteFormat.iec(kept.bytes, of: $0.size.bytes) } ?? "not begun"
  }
}
