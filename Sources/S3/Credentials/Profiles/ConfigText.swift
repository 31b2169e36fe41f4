/// The text of an AWS `config` or `credentials` file, taken apart into its sections.
///
/// Sections that occur twice are one, and of a name that occurs twice the last one counts. A line
/// that is indented further than its setting goes on with the value; where the value begins with
/// such a line, the lines are settings of their own, one level down. Comments are whole lines that
/// begin with `#` or `;`. What follows a value is part of it, as the AWS CLI has it.
///
/// Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files". Where that is
/// silent: the documentation of Python's `configparser`, by which the AWS CLI reads these files.
struct ConfigText: Sendable {
  /// By the text between the brackets, without blanks at its ends.
  private(set) var sections: [String: ConfigSection] = [:]
  /// The numbers, from 1, of lines that are none of all this. Only numbers: they may hold secrets.
  private(set) var badLines: [Int] = []

  init(parsing bytes: [UInt8]) {
    var rest = bytes[...]
    if rest.starts(with: [0xEF, 0xBB, 0xBF]) { rest = rest.dropFirst(3) }
    var reader = Reader()
    let lines = rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() where !reader.take(line) {
      badLines.append(index + 1)
    }
    sections = reader.sections.mapValues { ConfigSection(lines: $0) }
  }

  private struct Reader {
    /// The values as the lines they stand in.
    var sections: [String: [String: [String]]] = [:]
    private var section: String?
    private var name: String?
    private var indentation = 0

    /// - Returns: false for a line that means nothing here.
    mutating func take(_ line: ArraySlice<UInt8>) -> Bool {
      let content = line.trimmed
      guard let first = content.first else {
        append("")
        return true
      }
      if first == UInt8(ascii: "#") || first == UInt8(ascii: ";") { return true }
      let indentation = content.startIndex - line.startIndex
      if name != nil, indentation > self.indentation {
        append(String(decoding: content, as: UTF8.self))
        return true
      }
      self.indentation = indentation
      name = nil
      if first == UInt8(ascii: "[") { return open(content) }
      guard let section,
        let mark = content.firstIndex(where: { $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: ":") })
      else { return false }
      let name = String(decoding: content[..<mark].trimmed, as: UTF8.self).lowercased()
      guard !name.isEmpty else { return false }
      self.name = name
      let value = String(decoding: content[(mark + 1)...].trimmed, as: UTF8.self)
      sections[section, default: [:]][name] = [value]
      return true
    }

    private mutating func open(_ content: ArraySlice<UInt8>) -> Bool {
      section = nil
      guard let end = content.firstIndex(of: UInt8(ascii: "]")) else { return false }
      let title = String(decoding: content[(content.startIndex + 1)..<end].trimmed, as: UTF8.self)
      guard !title.isEmpty else { return false }
      section = title
      sections[title, default: [:]].merge([:]) { old, _ in old }
      return true
    }

    private mutating func append(_ line: String) {
      guard let section, let name else { return }
      sections[section]?[name]?.append(line)
    }
  }
}

/// The settings of one section. The values are secrets among others and part of no description.
struct ConfigSection: Sendable {
  private var values: [String: String] = [:]
  private var nested: [String: [String: String]] = [:]

  init() {}

  init(lines: [String: [String]]) {
    for (name, lines) in lines {
      var lines = lines
      while lines.count > 1, lines.last == "" { lines.removeLast() }
      if lines.first == "", lines.count > 1 {
        nested[name] = Self.settings(in: lines)
      } else {
        values[name] = lines.joined(separator: "\n")
      }
    }
  }

  private static func settings(in lines: [String]) -> [String: String] {
    var settings: [String: String] = [:]
    for line in lines {
      guard let mark = line.utf8.firstIndex(of: UInt8(ascii: "=")) else { continue }
      let name = String(decoding: Array(line.utf8[..<mark])[...].trimmed, as: UTF8.self)
      let value = Array(line.utf8[line.utf8.index(after: mark)...])[...].trimmed
      settings[name.lowercased()] = String(decoding: value, as: UTF8.self)
    }
    return settings
  }

  /// nil where the setting is missing or empty.
  subscript(_ name: String) -> String? {
    values[name].flatMap { $0.isEmpty ? nil : $0 }
  }

  subscript(_ name: String, _ inner: String) -> String? {
    nested[name]?[inner].flatMap { $0.isEmpty ? nil : $0 }
  }

  /// With the settings of `other`, which win.
  func merging(_ other: ConfigSection) -> ConfigSection {
    var merged = self
    merged.values.merge(other.values) { _, new in new }
    merged.nested.merge(other.nested) { _, new in new }
    return merged
  }
}

extension ConfigSection: CustomStringConvertible, CustomReflectable {
  var description: String { "ConfigSection(\(values.keys.sorted().joined(separator: ", ")))" }
  var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}

extension ArraySlice<UInt8> {
  /// Without blanks, tabs and carriage returns at the ends.
  fileprivate var trimmed: ArraySlice<UInt8> {
    func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
    var rest = drop(while: isBlank)
    while let last = rest.last, isBlank(last) { rest = rest.dropLast() }
    return rest
  }
}
