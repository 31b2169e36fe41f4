import Foundation
import HTTP
import S3
import Testing

/// A real server that the contract suite runs against.
enum TestServer: String, CaseIterable, CustomTestStringConvertible, Sendable {
  case seaweed
  case moto

  var testDescription: String { rawValue }

  struct NotRunning: Error, CustomStringConvertible {
    var variable: String
    var description: String { "\(variable) is not set: `make test` starts the servers" }
  }

  static let transport = CurlTransport(
    configuration: CurlTransport.Configuration(userAgent: "pail-tests"))

  /// - Throws: when no server is named in the environment, so that the test fails.
  func client(accessKeyID: String? = nil) throws -> S3Client {
    S3Client(
      endpoint: try Endpoint(parsing: setting("ENDPOINT")), region: .usEast1,
      credentials: try credentials(accessKeyID: accessKeyID), transport: Self.transport)
  }

  func credentials(accessKeyID: String? = nil) throws -> StaticCredentials {
    switch self {
    case .seaweed:
      StaticCredentials(
        accessKeyID: try accessKeyID ?? setting("ACCESS_KEY"),
        secretAccessKey: Secret(try setting("SECRET_KEY")))
    case .moto:
      StaticCredentials(accessKeyID: "MOTOTAKESANYKEY", secretAccessKey: Secret("any"))
    }
  }

  private func setting(_ name: String) throws -> String {
    let variable = "PAIL_TEST_\(rawValue.uppercased())_\(name)"
    guard let value = ProcessInfo.processInfo.environment[variable], !value.isEmpty else {
      throw NotRunning(variable: variable)
    }
    return value
  }

  /// Runs `body` with a bucket of its own, emptied and removed afterwards.
  func withBucket<Value>(
    _ body: (S3Client, BucketName) async throws -> Value
  ) async throws -> Value {
    let client = try client()
    let bucket = BucketName("pail-\(UInt64.random(in: 0...UInt64.max))")
    try await client.createBucket(bucket, locationConstraint: nil)
    let result: Result<Value, any Error>
    do {
      result = .success(try await body(client, bucket))
    } catch {
      result = .failure(error)
    }
    try await client.empty(bucket)
    try await client.deleteBucket(bucket, expectedOwner: nil)
    return try result.get()
  }
}

extension S3Client {
  /// Removes all versions, one by one where XML cannot carry a key.
  fileprivate func empty(_ bucket: BucketName) async throws {
    for upload in try await listMultipartUploads(bucket: bucket, prefix: .empty) {
      try await abortMultipartUpload(
        ObjectLocation(bucket: bucket, key: upload.key), uploadID: upload.uploadID)
    }
    var page = VersionPage()
    repeat {
      page = try await listObjectVersions(
        bucket: bucket, prefix: .empty, delimiter: nil, after: page.next)
      let objects = page.versions.map { ObjectIdentifier(key: $0.key, versionID: $0.versionID) }
      let result = try await deleteObjects(bucket, objects.filter(\.key.fitsXML))
      #expect(result.failed.isEmpty)
      for object in objects where !object.key.fitsXML {
        _ = try await deleteObject(
          ObjectLocation(bucket: bucket, key: object.key, versionID: object.versionID))
      }
    } while page.next != nil
  }

  func put(_ text: String, _ bucket: BucketName, _ key: ObjectKey) async throws -> WriteReceipt {
    try await putObject(
      ObjectLocation(bucket: bucket, key: key), body: .bytes(Array(text.utf8)),
      attributes: ObjectAttributes(), progress: nil)
  }

  /// The bytes of an object, and what came with them.
  func read(
    _ location: ObjectLocation, range: Range<Int64>? = nil, ifMatch: ETag? = nil
  ) async throws -> (bytes: [UInt8], metadata: ObjectMetadata) {
    let collector = PieceCollector()
    let metadata = try await getObject(
      location, range: range, ifMatch: ifMatch, into: .pieces { collector.take($0) }, progress: nil)
    return (collector.bytes, metadata)
  }
}

/// Runs `body` and gives the S3Error that it throws; nil when it throws none.
func failed<Value>(_ body: () async throws -> Value) async -> S3Error? {
  do {
    _ = try await body()
    return nil
  } catch {
    return error as? S3Error
  }
}
