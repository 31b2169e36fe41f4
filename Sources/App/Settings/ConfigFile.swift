import Glibc
import S3
import SystemPackage
import TOMLKit

/// The settings of `~/.config/pail/config.toml`: for everything, and under `[profiles.NAME]` for
/// one profile. Keys do not belong there.
struct ConfigFile: Sendable {
  /// As a user would name it.
  private(set) var path: String
  private(set) var general: [Variable: String] = [:]
  private(set) var profiles: [String: [Variable: String]] = [:]
  /// What is left out, and why. Never a value.
  private(set) var notices: [String] = []

  /// Longer files are not settings.
  private static let sizeLimit = 1 << 20

  /// What may stand there, by its name.
  private static let settings: [String: Variable] = Dictionary(
    Variable.allCases.compactMap { variable in variable.configSetting.map { ($0, variable) } },
    uniquingKeysWith: { first, _ in first })

  /// nil where there is no such file.
  ///
  /// A file that cannot be read, that others may write, or that is no TOML, is left out with a
  /// notice: read-only flags in it would otherwise be lost in silence.
  init?(at file: FilePath) {
    path = file.shown
    let descriptor: FileDescriptor
    do {
      descriptor = try FileDescriptor.open(file, .readOnly, options: [.nonBlocking, .closeOnExec])
    } catch Errno.noSuchFileOrDirectory {
      return nil
    } catch {
      notices = [
        "\(path) was not read: \((error as? Errno).map { "\($0)" } ?? "no reason is known")."
      ]
      return
    }
    do {
      try descriptor.closeAfter {
        var status = stat()
        guard fstat(descriptor.rawValue, &status) == 0,
          status.st_uid == geteuid() || status.st_uid == 0,
          status.st_mode & (S_IWGRP | S_IWOTH) == 0
        else {
          notices = ["\(path) was not read: it must be yours, and nobody else may write it."]
          return
        }
        parse(try descriptor.contents(limit: Self.sizeLimit))
      }
    } catch {
      notices = [
        "\(path) was not read: \((error as? Errno).map { "\($0)" } ?? "no reason is known")."
      ]
    }
  }

  /// For text that is read already.
  init(parsing text: String, path: String) {
    self.path = path
    parse(Array(text.utf8))
  }

  private mutating func parse(_ bytes: [UInt8]) {
    if let line = Self.lineOfBrokenHeader(bytes) {
      notices = ["\(path), line \(line) is no TOML; nothing of the file counts."]
      return
    }
    let table: TOMLTable
    do {
      table = try TOMLTable(string: String(decoding: bytes, as: UTF8.self))
    } catch {
      let line = (error as? TOMLParseError).map { ", line \($0.source.begin.line)" } ?? ""
      notices = ["\(path)\(line) is no TOML; nothing of the file counts."]
      return
    }
    for name in table.keys {
      if name == "profiles", let sections = table[name]?.table {
        for profile in sections.keys {
          guard let section = sections[profile]?.table else { continue }
          for key in section.keys {
            if let found = setting(key, of: section, in: "[profiles.\(profile)]") {
              profiles[profile, default: [:]][found.variable] = found.value
            }
          }
        }
      } else {
        if let found = setting(name, of: table, in: nil) { general[found.variable] = found.value }
      }
    }
  }

  /// The first line that begins as the header of a table and goes on with what no name begins
  /// with: toml++ 3.4 ends the whole program there.
  private static func lineOfBrokenHeader(_ bytes: [UInt8]) -> Int? {
    let bytes = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes[3...] : bytes[...]
    let bracket = UInt8(ascii: "[")
    // Line feed, vertical tab, form feed and carriage return, each a break to it.
    let lines = bytes.split(omittingEmptySubsequences: false) { (0x0A...0x0D).contains($0) }
    let place = lines.firstIndex { line in
      var rest = line.drop(while: isBlank)
      guard rest.popFirst() == bracket else { return false }
      if rest.first == bracket { rest.removeFirst() }
      return rest.drop(while: isBlank).first.map { !mayFollowBracket($0) } ?? true
    }
    return place.map { place in
      lines[...place].dropLast().reduce(1) { count, line in
        count + (line.endIndex < bytes.endIndex && bytes[line.endIndex] == 0x0A ? 1 : 0)
      }
    }
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

  private static func mayFollowBracket(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    default: "_-\"']".utf8.contains(byte)
    }
  }

  private mutating func setting(
    _ name: String, of table: TOMLTable, in section: String?
  ) -> (variable: Variable, value: String)? {
    let place = section.map { "\($0) of \(path)" } ?? path
    guard let variable = Self.settings[name == "color" ? "colour" : name],
      section == nil || variable != .profile
    else {
      notices.append("\(name) in \(place) does not count: there is no such setting.")
      return nil
    }
    let value = table[name]
    if let text = value?.string { return (variable, text) }
    if let truth = value?.bool { return (variable, truth ? "true" : "false") }
    notices.append("\(name) in \(place) does not count: it is neither a text nor true or false.")
    return nil
  }
}
