import Foundation
import HTTP
import History
import S3
import Storage
import SystemPackage
import Testing

/// A service on the SeaweedFS of the test run, with a history file and a bucket of its own.
struct ServerFixture {
  let service: S3Service
  /// Another client of the same server, past the service and its history.
  let outside: S3Client
  let transport: WatchedTransport
  let history: HistoryStore
  let historyPath: FilePath
  let bucket: BucketName
  let local: LocalFolder
  private let credentials: StaticCredentials

  /// Runs `body` with a new bucket, which goes with all its contents afterwards.
  static func with(
    isReadOnly: Bool = false, settings: TransferSettings = .small,
    retryPolicy: RetryPolicy = .standard, _ body: (ServerFixture) async throws -> Void
  ) async throws {
    let fixture = try await ServerFixture(
      isReadOnly: isReadOnly, settings: settings, retryPolicy: retryPolicy)
    try await fixture.outside.createBucket(fixture.bucket, locationConstraint: nil)
    do {
      try await body(fixture)
    } catch {
      await fixture.removeBucket()
      throw error
    }
    await fixture.removeBucket()
  }

  private init(
    isReadOnly: Bool, settings: TransferSettings, retryPolicy: RetryPolicy
  ) async throws {
    let endpoint = try Endpoint(parsing: try Self.variable("PAIL_TEST_SEAWEED_ENDPOINT"))
    let accessKeyID = try Self.variable("PAIL_TEST_SEAWEED_ACCESS_KEY")
    credentials = StaticCredentials(
      accessKeyID: accessKeyID,
      secretAccessKey: Secret(try Self.variable("PAIL_TEST_SEAWEED_SECRET_KEY")))
    transport = WatchedTransport()
    let client = S3Client(
      endpoint: endpoint, region: .usEast1, credentials: credentials, transport: transport,
      retryPolicy: retryPolicy)
    outside = S3Client(
      endpoint: endpoint, region: .usEast1, credentials: credentials,
      transport: WatchedTransport())
    local = try LocalFolder()
    historyPath = local.path.appending("state/history.sqlite")
    history = try await HistoryStore.open(path: historyPath)
    service = S3Service(
      interactive: client, transfers: client, history: history,
      author: Author.current(user: "ana"), isReadOnly: isReadOnly,
      settings: settings)
    bucket = BucketName("storage-\(UUID().uuidString.prefix(12).lowercased())")
  }

  private static func variable(_ name: String) throws -> String {
    try #require(
      ProcessInfo.processInfo.environment[name],
      "\(name) is not set: these tests need the servers that \u{201C}make test\u{201D} starts")
  }

  /// A service with a journal in the fixture's folder: each one is as another run of the program.
  func nextRun(
    settings: TransferSettings = .small, retryPolicy: RetryPolicy = .standard
  ) -> S3Service {
    let client = S3Client(
      endpoint: outside.endpoint, region: .usEast1, credentials: credentials, transport: transport,
      retryPolicy: retryPolicy)
    return S3Service(
      interactive: client, transfers: client, history: history,
      author: Author.current(user: "ana"),
      journal: TransferJournal(openingAtFirstUse: local.path.appending("state/transfers.sqlite")),
      settings: settings)
  }

  private func removeBucket() async {
    do {
      for upload in try await outside.listMultipartUploads(bucket: bucket, prefix: .empty) {
        try await outside.abortMultipartUpload(location(upload.key), uploadID: upload.uploadID)
      }
      while true {
        let page = try await outside.listObjectVersions(
          bucket: bucket, prefix: .empty, delimiter: nil, after: nil)
        guard !page.versions.isEmpty else { break }
        for version in page.versions {
          var object = location(version.key)
          object.versionID = version.versionID
          _ = try await outside.deleteObject(object)
        }
        // The server damages keys with control characters among the versions.
        let current = try await outside.listObjectsV2(
          bucket: bucket, prefix: .empty, delimiter: nil, after: nil)
        for object in current.objects {
          _ = try await outside.deleteObject(location(object.key))
        }
      }
      try await outside.deleteBucket(bucket, expectedOwner: nil)
    } catch  where error.code == .noSuchBucket {
      // The test removed it.
    } catch {
      Issue.record("the test's bucket could not be removed: \(error)")
    }
  }

  // MARK: - Asking

  func location(_ key: String) -> ObjectLocation { location(ObjectKey(key)) }
  func location(_ key: ObjectKey) -> ObjectLocation { ObjectLocation(bucket: bucket, key: key) }

  func keys() async throws -> [String] {
    try await outside.listObjectsV2(bucket: bucket, prefix: .empty, delimiter: nil, after: nil)
      .objects.map(\.key.text)
  }

  func uploads() async throws -> [MultipartUploadSummary] {
    try await outside.listMultipartUploads(bucket: bucket, prefix: .empty)
  }

  func put(_ keys: String..., content: [UInt8] = Array("content".utf8)) async throws {
    for key in keys {
      _ = try await outside.putObject(
        location(key), body: .bytes(content), attributes: ObjectAttributes(), progress: nil)
    }
  }

  /// Newest first.
  func rows(_ action: ChangeAction? = nil) async throws -> [HistoryEntry] {
    try await history.page(HistoryQuery(action: action), limit: 5_000)
  }

  /// A file of bytes that differ from place to place, so that a part in the wrong place shows.
  func file(_ name: String, size: Int, seed: UInt64 = 1) throws -> FilePath {
    try local.write(name, bytes: Self.bytes(size, seed: seed))
  }

  /// Repeats itself after a prime number of bytes, which no part is a multiple of.
  static func bytes(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var state = seed
    let period = (0..<65_521).map { _ in
      // The constants of Knuth's MMIX.
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: state >> 33)
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count)
    while bytes.count < count { bytes += period.prefix(count - bytes.count) }
    return bytes
  }

  func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](
      try Data(contentsOf: URL(fileURLWithPath: local.path.appending(name).string)))
  }

  /// What is in the folder of the test beside the history.
  func localNames() throws -> [String] {
    try local.names().filter { !$0.hasPrefix("state") }
  }
}

extension LocalFolder {
  @discardableResult
  func write(_ name: String, bytes: [UInt8]) throws -> FilePath {
    let file = path.appending(FilePath(name).components)
    try Data(bytes).write(to: URL(fileURLWithPath: file.string))
    return file
  }
}

extension TransferSettings {
  /// As small as parts may be, so that little is moved.
  static let small = TransferSettings(
    partSize: .mebibytes(5), multipartThreshold: .mebibytes(5), patience: .zero,
    updateInterval: .milliseconds(20))
}
