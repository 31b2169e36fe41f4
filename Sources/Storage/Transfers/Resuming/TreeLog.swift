import HTTP
public import History
import S3

/// The journal's entry of a folder, prefix or list of files, held under its lease: one row however
/// much is in it.
///
/// Whoever resumes it walks again, and leaves out what is there already and known to be equal.
struct TreeLog: Sendable {
  let entry: JournalEntry
  private let journal: TransferJournal

  /// nil when there is no journal, or none that can be used.
  ///
  /// - Throws: ``StorageError/Kind/inUse`` when somebody else works on the same.
  static func take(
    _ tree: TransferTree, _ tools: TransferTools
  ) async throws(StorageError) -> TreeLog? {
    guard let journaling = tools.journaling else { return nil }
    let request = journaling.entry(for: tree)
    let journal = journaling.journal
    do {
      var entry = try await journal.take(request, for: journaling.holder)
      // What is there was stored in another way: nothing of it counts.
      if entry.request.attributes != request.attributes
        || entry.request.ifExists != request.ifExists
      {
        try await journal.remove(entry.id)
        entry = try await journal.take(request, for: journaling.holder)
      }
      return TreeLog(entry: entry, journal: journal)
    } catch {
      guard case .held = error else {
        journaling.note(error)
        return nil
      }
      throw StorageError(error, about: "s3://\(request.bucket)/\(request.key.text)")
    }
  }

  private init(entry: JournalEntry, journal: TransferJournal) {
    self.entry = entry
    self.journal = journal
  }

  /// Leaves it to be resumed.
  func release() async { try? await journal.release(entry.id) }

  /// It has come to its end.
  func remove() async { try? await journal.remove(entry.id) }
}

extension Journaling {
  func entry(for tree: TransferTree) -> JournalRequest {
    let ifExists = JournalRequest.ExistingDestination(tree.ifExists)
    var kept = JournalTree(
      filter: tree.filter.rules.map(JournalTree.Rule.init), links: .init(tree.links),
      decisions: tree.decisions.mapValues { .init($0) })
    switch tree.work {
    case .upload(let folder, let bucket, let prefix, let attributes):
      return JournalRequest(
        .upload, endpoint: endpoint, region: region.text, profile: profile, bucket: bucket,
        key: prefix, localPath: folder.absolute.withoutDots, ifExists: ifExists,
        attributes: attributes, tree: kept)
    case .download(let bucket, let selection, let dropping, let folder):
      kept.pattern = selection.pattern?.bytes
      kept.keyFilter = selection.filter.rules.map(JournalTree.Rule.init)
      kept.dropping = dropping
      kept.filesBeside = tree.filesBeside
      return JournalRequest(
        .download, endpoint: endpoint, region: region.text, profile: profile, bucket: bucket,
        key: selection.prefix, localPath: folder.absolute.withoutDots, ifExists: ifExists,
        tree: kept)
    case .list(let requests):
      // What stands for it in a list of transfers is the first one's place.
      let location = tree.location
      kept.files = requests.map { JournalTree.File(entry(for: $0)) }
      return JournalRequest(
        tree.direction == .upload ? .upload : .download, endpoint: endpoint, region: region.text,
        profile: profile, bucket: location.bucket, key: location.key.parentPrefix,
        localPath: tree.localPath.absolute.withoutDots, ifExists: ifExists,
        attributes: requests.first?.attributes ?? ObjectAttributes(), tree: kept)
    }
  }
}

extension TransferTree {
  /// What an entry of the journal asks for; nil for a single file.
  public init?(_ entry: JournalRequest) {
    guard let kept = entry.tree else { return nil }
    let work: Work
    if let files = kept.files {
      work = .list(files.map { TransferRequest($0, of: entry) })
    } else if entry.direction == .upload {
      work = .upload(
        folder: entry.localPath, bucket: entry.bucket, prefix: entry.key,
        attributes: entry.attributes)
    } else {
      var selection = KeySelection(
        prefix: entry.key, filter: KeyFilter(kept.keyFilter.map(KeyFilter.Rule.init)))
      selection.pattern = kept.pattern.map { KeyPattern(bytes: $0) }
      work = .download(
        bucket: entry.bucket, selection, dropping: kept.dropping, folder: entry.localPath)
    }
    self.init(
      work, ifExists: .init(entry.ifExists),
      filter: KeyFilter(kept.filter.map(KeyFilter.Rule.init)), links: .init(kept.links),
      filesBeside: kept.filesBeside, decisions: kept.decisions.mapValues { .init($0) })
  }
}

extension JournalTree.File {
  fileprivate init(_ request: JournalRequest) {
    self.init(
      bucket: request.bucket, key: request.key, versionID: request.versionID,
      localPath: request.localPath, name: request.name, ifExists: request.ifExists)
  }
}

extension TransferRequest {
  fileprivate init(_ file: JournalTree.File, of list: JournalRequest) {
    var request = list
    request.tree = nil
    request.bucket = file.bucket
    request.key = file.key
    request.versionID = file.versionID
    request.localPath = file.localPath
    request.name = file.name
    request.ifExists = file.ifExists
    self.init(request)
  }

  fileprivate var attributes: ObjectAttributes? {
    guard case .upload(_, _, let attributes) = work else { return nil }
    return attributes
  }
}

extension KeyFilter.Rule {
  fileprivate init(_ rule: JournalTree.Rule) {
    self.init(KeyPattern(bytes: rule.pattern), isIncluded: rule.isIncluded)
  }
}

extension JournalTree.Rule {
  fileprivate init(_ rule: KeyFilter.Rule) {
    self.init(rule.pattern.bytes, isIncluded: rule.isIncluded)
  }
}

extension JournalTree.Links {
  fileprivate init(_ links: TransferTree.Links) {
    switch links {
    case .inside: self = .inside
    case .all: self = .all
    case .none: self = .none
    }
  }
}

extension TransferTree.Links {
  fileprivate init(_ links: JournalTree.Links) {
    switch links {
    case .inside: self = .inside
    case .all: self = .all
    case .none: self = .none
    }
  }
}
