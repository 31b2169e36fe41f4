public import History
import S3
import SystemPackage

/// The journal, with what an entry tells of whoever asked for the transfer.
struct Journaling: Sendable {
  let journal: TransferJournal
  /// This process.
  let holder: Author
  let endpoint: String
  let region: Region
  let profile: String?

  /// The same request, as the journal keeps it: paths are absolute, since the next process may run
  /// in another folder.
  func entry(for request: TransferRequest) -> JournalRequest {
    let ifExists: JournalRequest.ExistingDestination =
      switch request.ifExists {
      case .overwrite: .overwrite
      case .skip: .skip
      case .rename: .rename
      case .fail: .fail
      }
    switch request.work {
    case .upload(let file, let location, let attributes):
      return JournalRequest(
        .upload, endpoint: endpoint, region: region.text, profile: profile,
        bucket: location.bucket, key: location.key, localPath: file.absolute,
        ifExists: ifExists, attributes: attributes)
    case .download(let object, _, let folder, let name):
      return JournalRequest(
        .download, endpoint: endpoint, region: region.text, profile: profile,
        bucket: object.bucket, key: object.key, versionID: object.versionID,
        localPath: folder.absolute, name: name, ifExists: ifExists)
    }
  }
}

extension TransferRequest {
  /// What an entry of the journal asks for.
  public init(_ entry: JournalRequest) {
    let ifExists: ExistingDestination =
      switch entry.ifExists {
      case .overwrite: .overwrite
      case .skip: .skip
      case .rename: .rename
      case .fail: .fail
      }
    let location = ObjectLocation(
      bucket: entry.bucket, key: entry.key, versionID: entry.versionID)
    switch entry.direction {
    case .upload:
      self = .upload(
        entry.localPath, to: location, attributes: entry.attributes, ifExists: ifExists)
    case .download:
      self = .download(location, into: entry.localPath, name: entry.name, ifExists: ifExists)
    }
  }
}
