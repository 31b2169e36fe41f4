import S3
import SystemPackage

/// What was being done when something went wrong: gives an error its subject and its verb.
enum Undertaking: Sendable, Hashable {
  case listBuckets
  case list(BucketName, prefix: ObjectKey)
  case listVersions(BucketName)
  case listUploads(BucketName)
  case readDetails(ObjectLocation)
  case readVersioning(BucketName)
  case createBucket(BucketName)
  case removeBucket(BucketName)
  case createPrefix(ObjectLocation)
  case delete(ObjectLocation)
  case deleteMany(BucketName)
  case abortUpload(ObjectLocation)
  case upload(FilePath, to: ObjectLocation)
  case download(ObjectLocation, to: FilePath)
  case presign(ObjectLocation)
  case copy(ObjectLocation, to: ObjectLocation)
  case readTags(ObjectLocation)
  case readHistory

  /// What it is about, as a person would name it.
  var subject: String {
    switch self {
    case .listBuckets: "the list of buckets"
    case .list(let bucket, let prefix): "s3://\(bucket)/\(prefix.text)"
    case .listVersions(let bucket), .listUploads(let bucket), .readVersioning(let bucket),
      .createBucket(let bucket),
      .removeBucket(let bucket), .deleteMany(let bucket):
      "bucket \(bucket)"
    case .readDetails(let object), .createPrefix(let object), .delete(let object),
      .abortUpload(let object), .upload(_, let object), .download(let object, _),
      .presign(let object), .copy(let object, _), .readTags(let object):
      "s3://\(object.bucket)/\(object.key.text)"
    case .readHistory: "the history"
    }
  }

  /// What is changed: of a copy the destination.
  var target: String {
    guard case .copy(_, let destination) = self else { return subject }
    return "s3://\(destination.bucket)/\(destination.key.text)"
  }

  /// Whether the key has bytes that are not UTF-8, with which some servers cannot cope.
  var hasOddKey: Bool {
    switch self {
    case .list(_, let key): key.exactText == nil
    case .readDetails(let object), .createPrefix(let object), .delete(let object),
      .abortUpload(let object), .upload(_, let object), .download(let object, _),
      .presign(let object), .readTags(let object):
      object.key.exactText == nil
    case .copy(let source, let destination):
      source.key.exactText == nil || destination.key.exactText == nil
    case .listBuckets, .listVersions, .listUploads, .readVersioning, .createBucket, .removeBucket,
      .deleteMany, .readHistory:
      false
    }
  }

  /// The version that it reads, where one was named.
  var version: VersionID? {
    switch self {
    case .readDetails(let object), .download(let object, _), .copy(let object, _): object.versionID
    default: nil
    }
  }

  /// Follows the subject: `s3://reports/a.csv` `could not be deleted`.
  var failure: String {
    switch self {
    case .listBuckets, .list, .listVersions, .listUploads, .readDetails, .readVersioning,
      .readTags, .readHistory:
      "could not be read"
    case .createBucket, .createPrefix: "could not be created"
    case .removeBucket: "could not be removed"
    case .delete: "could not be deleted"
    case .deleteMany: "could not be emptied"
    case .abortUpload: "has an unfinished upload that could not be aborted"
    case .upload: "could not be uploaded"
    case .download: "could not be downloaded"
    case .presign: "could not be shared"
    case .copy(_, let destination):
      "could not be copied to s3://\(destination.bucket)/\(destination.key.text)"
    }
  }

  /// The permission that AWS asks for. Source: Service Authorization Reference, Amazon S3.
  var permission: String? {
    switch self {
    case .listBuckets: "s3:ListAllMyBuckets"
    case .list: "s3:ListBucket"
    case .listVersions: "s3:ListBucketVersions"
    case .listUploads: "s3:ListBucketMultipartUploads"
    case .readDetails, .download: "s3:GetObject"
    case .readVersioning: "s3:GetBucketVersioning"
    case .createBucket: "s3:CreateBucket"
    case .removeBucket: "s3:DeleteBucket"
    case .createPrefix, .upload: "s3:PutObject"
    case .delete(let object) where object.versionID != nil: "s3:DeleteObjectVersion"
    case .delete, .deleteMany: "s3:DeleteObject"
    case .abortUpload: "s3:AbortMultipartUpload"
    case .copy: "s3:GetObject and s3:PutObject"
    case .readTags: "s3:GetObjectTagging"
    case .presign, .readHistory: nil
    }
  }

  var bucket: BucketName? {
    switch self {
    case .listBuckets, .readHistory: nil
    case .list(let bucket, _), .listVersions(let bucket), .listUploads(let bucket),
      .readVersioning(let bucket),
      .createBucket(let bucket), .removeBucket(let bucket), .deleteMany(let bucket):
      bucket
    case .readDetails(let object), .createPrefix(let object), .delete(let object),
      .abortUpload(let object), .upload(_, let object), .download(let object, _),
      .presign(let object), .copy(let object, _), .readTags(let object):
      object.bucket
    }
  }
}
