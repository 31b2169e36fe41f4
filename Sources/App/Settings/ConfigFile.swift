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
  /// Whether nothing of it counts: nobody knows which profiles it protects.
  private(set) var isLost = false

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
    } catch Errno.noSuchFileOrDirectory, Errno.notDirectory {
      // As with HOME=/dev/null, which services have: nobody can have put a file there.
      return nil
    } catch {
      lose("\(path) was not read: \((error as? Errno).map { "\($0)" } ?? "no reason is known").")
      return
    }
    do {
      try descriptor.closeAfter {
        var status = stat()
        guard fstat(descriptor.rawValue, &status) == 0,
          status.st_uid == geteuid() || status.st_uid == 0,
          status.st_mode & (S_IWGRP | S_IWOTH) == 0
        else {
          lose("\(path) was not read: it must be yours, and nobody else may write it.")
          return
        }
        parse(try descriptor.contents(limit: Self.sizeLimit))
      }
    } catch {
      lose("\(path) was not read: \((error as? Errno).map { "\($0)" } ?? "no reason is known").")
    }
  }

  private mutating func lose(_ reason: String) {
    notices = [reason + " Changes are refused until it is, since it may say read_only."]
    isLost = true
  }

  /// For text that is read already.
  init(parsing text: String, path: String) {
    self.path = path
    parse(Array(text.utf8))
  }

  private mutating func parse(_ bytes: [UInt8]) {
    if let line = TOMLGuard.brokenLine(of: bytes) {
      lose("\(path), line \(line) is no TOML; nothing of the file counts.")
      return
    }
    let table: TOMLTable
    do {
      table = try TOMLTable(string: String(decoding: bytes, as: UTF8.self))
    } catch {
      let line = (error as? TOMLParseError).map { ", line \($0.source.begin.line)" } ?? ""
      lose("\(path)\(line) is no TOML; nothing of the file counts.")
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
    if let number = value?.int { return (variable, "\(number)") }
    // Whoever wrote it meant to be protected, so it must not be passed over.
    if variable == .readOnly { return (variable, "a value of another kind") }
    notices.append(
      "\(name) in \(place) does not count: it is neither a text, a number nor true or false.")
    return nil
  }
}
