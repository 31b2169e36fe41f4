internal import Foundation
public import S3
public import SystemPackage

/// What finds the files of a folder or prefix again, beside the folder and the prefix themselves; or
/// files that were named one by one.
public struct JournalTree: Sendable, Hashable {
  /// A pattern that lets names through, or leaves them out; the last that matches decides.
  public struct Rule: Sendable, Hashable {
    public var pattern: [UInt8]
    public var isIncluded: Bool

    public init(_ pattern: [UInt8], isIncluded: Bool) {
      self.pattern = pattern
      self.isIncluded = isIncluded
    }
  }

  /// Which symbolic links of a folder are followed.
  public enum Links: String, Sendable, Hashable, CaseIterable {
    case inside, all, none
  }

  /// A file that was named.
  public struct File: Sendable, Hashable {
    public var bucket: BucketName
    public var key: ObjectKey
    /// The version to download; nil for the current one.
    public var versionID: VersionID?
    /// The file to upload, or the folder to download into: absolute.
    public var localPath: FilePath
    /// Of a download: its path below the folder, as bytes.
    public var name: ObjectKey?
    public var ifExists: JournalRequest.ExistingDestination

    public init(
      bucket: BucketName, key: ObjectKey, versionID: VersionID? = nil, localPath: FilePath,
      name: ObjectKey? = nil, ifExists: JournalRequest.ExistingDestination
    ) {
      self.bucket = bucket
      self.key = key
      self.versionID = versionID
      self.localPath = localPath
      self.name = name
      self.ifExists = ifExists
    }
  }

  /// Set when these files are meant, and nothing is to be found.
  public var files: [File]?
  /// Of paths below the folder.
  public var filter: [Rule]
  public var links: Links
  /// Of a download: which keys are meant, of those that begin with the prefix.
  public var pattern: [UInt8]?
  /// Of a download: what is left out of keys before they are matched.
  public var keyFilter: [Rule]
  /// Of a download: what is left out of keys to name the files.
  public var dropping: ObjectKey
  /// Of a download: what other files that come to the folder are called, without `dropping`.
  public var filesBeside: [ObjectKey]
  /// Keys for which it was decided apart what happens when the destination is there already.
  public var decisions: [ObjectKey: JournalRequest.ExistingDestination]

  public init(
    files: [File]? = nil, filter: [Rule] = [], links: Links = .inside, pattern: [UInt8]? = nil,
    keyFilter: [Rule] = [], dropping: ObjectKey = .empty, filesBeside: [ObjectKey] = [],
    decisions: [ObjectKey: JournalRequest.ExistingDestination] = [:]
  ) {
    self.files = files
    self.filter = filter
    self.links = links
    self.pattern = pattern
    self.keyFilter = keyFilter
    self.dropping = dropping
    self.filesBeside = filesBeside
    self.decisions = decisions
  }
}

/// A tree as the journal keeps it: equal trees are equal bytes, since they are part of what makes
/// two requests the same.
struct StoredTree: Codable {
  private struct Rule: Codable {
    var pattern: Data
    var isIncluded: Bool

    init(_ rule: JournalTree.Rule) {
      pattern = Data(rule.pattern)
      isIncluded = rule.isIncluded
    }

    var rule: JournalTree.Rule { JournalTree.Rule(Array(pattern), isIncluded: isIncluded) }
  }

  private struct Decision: Codable {
    var key: Data
    var ifExists: String
  }

  private struct File: Codable {
    private var bucket: String
    private var key: Data
    private var versionID: String?
    private var localPath: Data
    private var name: Data?
    private var ifExists: String

    init(_ file: JournalTree.File) {
      bucket = file.bucket.text
      key = Data(file.key.bytes)
      versionID = file.versionID?.text
      localPath = Data(file.localPath.bytes)
      name = file.name.map { Data($0.bytes) }
      ifExists = file.ifExists.rawValue
    }

    /// nil for a word that another version has written.
    var file: JournalTree.File? {
      guard let ifExists = JournalRequest.ExistingDestination(rawValue: ifExists) else {
        return nil
      }
      return JournalTree.File(
        bucket: BucketName(bucket), key: ObjectKey(bytes: key),
        versionID: versionID.map { VersionID($0) }, localPath: FilePath(bytes: Array(localPath)),
        name: name.map { ObjectKey(bytes: $0) }, ifExists: ifExists)
    }
  }

  /// Left out where there are none, as it was before there could be.
  private var files: [File]?
  private var filter: [Rule]
  private var links: String
  private var pattern: Data?
  private var keyFilter: [Rule]
  private var dropping: Data
  /// The same.
  private var filesBeside: [Data]?
  private var decisions: [Decision]

  init(_ tree: JournalTree) {
    files = tree.files.map { $0.map(File.init) }
    filter = tree.filter.map(Rule.init)
    links = tree.links.rawValue
    pattern = tree.pattern.map { Data($0) }
    keyFilter = tree.keyFilter.map(Rule.init)
    dropping = Data(tree.dropping.bytes)
    filesBeside = tree.filesBeside.isEmpty ? nil : tree.filesBeside.map { Data($0.bytes) }
    decisions = tree.decisions.sorted { $0.key < $1.key }.map {
      Decision(key: Data($0.key.bytes), ifExists: $0.value.rawValue)
    }
  }

  init(json: [UInt8]) throws {
    self = try JSONDecoder().decode(Self.self, from: Data(json))
  }

  var json: [UInt8] {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = .sortedKeys
      return Array(try encoder.encode(self))
    }
  }

  /// nil for words that another version has written.
  var tree: JournalTree? {
    guard let links = JournalTree.Links(rawValue: links) else { return nil }
    var tree = JournalTree(
      filter: filter.map(\.rule), links: links, pattern: pattern.map { Array($0) },
      keyFilter: keyFilter.map(\.rule), dropping: ObjectKey(bytes: dropping),
      filesBeside: (filesBeside ?? []).map { ObjectKey(bytes: $0) })
    if let files {
      tree.files = files.compactMap(\.file)
      guard tree.files?.count == files.count else { return nil }
    }
    for decision in decisions {
      guard let ifExists = JournalRequest.ExistingDestination(rawValue: decision.ifExists) else {
        return nil
      }
      tree.decisions[ObjectKey(bytes: decision.key)] = ifExists
    }
    return tree
  }
}
