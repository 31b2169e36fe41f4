import Foundation
import Glibc
import HTTP
import S3
import Synchronization
import SystemPackage

@testable import Storage

/// A folder of its own, removed at the end of the test.
final class LocalFolder: Sendable {
  let path: FilePath

  init(in place: String = FileManager.default.temporaryDirectory.path) throws {
    path = FilePath(place + "/pail-local-\(UUID().uuidString)")
    try FileManager.default.createDirectory(
      atPath: path.string, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path.string)
  }

  @discardableResult
  func write(_ name: String, _ content: String = "content") throws -> FilePath {
    let file = path.appending(FilePath(name).components)
    try FileManager.default.createDirectory(
      atPath: file.removingLastComponent().string, withIntermediateDirectories: true)
    try Data(content.utf8).write(to: URL(fileURLWithPath: file.string))
    return file
  }

  func makeFolder(_ name: String) throws -> FilePath {
    let folder = path.appending(FilePath(name).components)
    try FileManager.default.createDirectory(
      atPath: folder.string, withIntermediateDirectories: true)
    return folder
  }

  func link(_ name: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(
      atPath: path.appending(FilePath(name).components).string, withDestinationPath: target)
  }

  func content(_ name: String) throws -> String {
    try String(
      contentsOf: URL(fileURLWithPath: path.appending(FilePath(name).components).string),
      encoding: .utf8)
  }

  /// All names below the folder, sorted.
  func names() throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: path.string).sorted()
  }

  func mode(_ name: String) throws -> Int? {
    let file = path.appending(FilePath(name).components).string
    return try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
  }
}

extension DownloadTarget {
  func write(_ content: String, at offset: Int64 = 0) throws {
    try file.descriptor.writeAll(toAbsoluteOffset: offset, content.utf8)
  }
}
