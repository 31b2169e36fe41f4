import HTTP
import History
import S3
import SystemPackage

/// Puts the object that stands for an empty folder, unless it is there.
struct FolderMarker: Sendable {
  let location: ObjectLocation
  let folder: FilePath
  /// Those of the files beside it.
  let attributes: ObjectAttributes
  let ifExists: TransferRequest.ExistingDestination
  let tools: TransferTools

  func outcome() async -> TreeOutcome {
    TreeOutcome(
      direction: .upload, location: location, localPath: folder, end: await end())
  }

  private func end() async -> TreeOutcome.End {
    var result = TransferResult(location: location, localPath: folder, size: .zero)
    let undertaking = Undertaking.createPrefix(location)
    do throws(StorageError) {
      // One that somebody put bytes into is not emptied without being asked to.
      if ifExists != .overwrite, try await tools.client.hasObject(location, while: undertaking) {
        result.isSkipped = true
        return .finished(result)
      }
      let change = Change(
        .upload, bucket: location.bucket, key: location.key, size: .zero, localPath: folder)
      let client = tools.client
      let location = location
      let attributes = attributes.ofFolder
      let recorded = try await tools.recorder.recorded(
        change, while: undertaking, ending: { (receipt: WriteReceipt) in Ending(receipt) }
      ) { [mustBeNew = ifExists != .overwrite] () async throws(S3Error) in
        try await client.putMarker(location, attributes, mustBeNew: mustBeNew)
      }
      result.etag = recorded.answer.etag
      result.location.versionID = recorded.answer.versionID
      result.warning = recorded.warning
      return .finished(result)
    } catch  where error.kind == .alreadyExists {
      result.isSkipped = true
      return .finished(result)
    } catch {
      return .failed(error)
    }
  }
}

extension ObjectAttributes {
  /// How an object is kept and who may have it, without what is said of a file's content.
  fileprivate var ofFolder: ObjectAttributes {
    ObjectAttributes(
      tagging: tagging, storageClass: storageClass, serverSideEncryption: serverSideEncryption,
      kmsKeyID: kmsKeyID, acl: acl)
  }
}
