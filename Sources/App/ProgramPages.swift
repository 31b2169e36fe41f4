import Glibc
import S3
import SystemPackage

/// The memory that the code of the program and of its libraries takes.
enum ProgramPages {
  /// Gives the pages of code back to the kernel, which brings those that run again from the file.
  ///
  /// Starting runs code that a transfer needs no more: the dynamic linker, the parser of the
  /// arguments, the settings. Some 10 MiB of it would stay for the hours that a transfer may take.
  /// It costs some 300 page faults, so what ends at once does without.
  static func giveBack() {
    // What cannot be found stays.
    guard
      let file = try? FileDescriptor.open("/proc/self/maps", .readOnly, options: .closeOnExec),
      let maps = try? file.closeAfter({ try file.contents(limit: 1 << 20) })
    else { return }
    for range in codeRanges(in: maps) {
      madvise(UnsafeMutableRawPointer(bitPattern: range.lowerBound), range.count, MADV_DONTNEED)
    }
  }

  /// Where files are mapped to be run. Nothing there has been written to, whereas what may only be
  /// read can hold addresses that the dynamic linker has filled in and no file has.
  ///
  /// Source: proc(5), `/proc/PID/maps`.
  static func codeRanges(in maps: [UInt8]) -> [Range<UInt>] {
    maps.split(separator: UInt8(ascii: "\n")).compactMap { line in
      let words = line.split(separator: UInt8(ascii: " "), maxSplits: 5)
      guard words.count == 6, words[1].elementsEqual("r-xp".utf8),
        words[5].drop(while: { $0 == UInt8(ascii: " ") }).first == UInt8(ascii: "/")
      else { return nil }
      let ends = words[0].split(separator: UInt8(ascii: "-")).compactMap {
        UInt(String(decoding: $0, as: UTF8.self), radix: 16)
      }
      guard ends.count == 2, ends[0] < ends[1] else { return nil }
      return ends[0]..<ends[1]
    }
  }
}
