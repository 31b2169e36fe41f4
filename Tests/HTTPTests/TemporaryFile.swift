import Foundation
import HTTP
import SystemPackage

/// A file for one test, open for reading and writing and already without a name.
func temporaryFile(_ contents: [UInt8] = []) throws -> OpenFile {
  let path = FilePath(NSTemporaryDirectory()).appending("pail-http-\(UUID().uuidString)")
  let descriptor = try FileDescriptor.open(
    path, .readWrite, options: [.create, .exclusiveCreate], permissions: .ownerReadWrite)
  unlink(path.string)
  try descriptor.writeAll(contents)
  return OpenFile(descriptor)
}

extension OpenFile {
  func contents() throws -> [UInt8] {
    let size = Int(try descriptor.seek(offset: 0, from: .end))
    var bytes = [UInt8](repeating: 0, count: size)
    let count = try bytes.withUnsafeMutableBytes {
      try descriptor.read(fromAbsoluteOffset: 0, into: $0)
    }
    return Array(bytes[..<count])
  }
}

/// Bytes that tell their place, so that a shifted copy differs.
func pattern(_ count: Int) -> [UInt8] {
  // Each block begins with its number; a loop over every byte would take seconds in debug builds.
  let block = [UInt8](repeating: 0, count: 992) + (0..<32)
  return Array(
    (0...count / 1024).flatMap { number in
      withUnsafeBytes(of: UInt32(number).bigEndian) { Array($0) } + block[4...]
    }.prefix(count))
}
