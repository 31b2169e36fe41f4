import Foundation
import SystemPackage

/// A folder of a test's own, removed with what is in it.
final class TemporaryFolder {
  let path: FilePath

  init() throws {
    let name = FilePath(NSTemporaryDirectory()).appending("pail-app-tests-XXXXXX")
    var template = Array(name.string.utf8CString)
    let made = template.withUnsafeMutableBufferPointer { buffer in
      buffer.baseAddress.flatMap { mkdtemp($0) } != nil
    }
    guard made else { throw Errno(rawValue: errno) }
    path = template.withUnsafeBufferPointer { buffer in
      buffer.baseAddress.map { FilePath(platformString: $0) } ?? FilePath()
    }
  }

  deinit {
    // What cannot be removed is the system's to clean.
    try? FileManager.default.removeItem(atPath: path.string)
  }

  func write(_ text: String, to name: String, permissions: mode_t) throws {
    let file = try FileDescriptor.open(
      path.appending(name), .writeOnly, options: [.create, .truncate],
      permissions: .ownerReadWrite)
    _ = try file.closeAfter { try file.writeAll(Array(text.utf8)) }
    guard chmod(path.appending(name).string, permissions) == 0 else { throw Errno(rawValue: errno) }
  }
}
