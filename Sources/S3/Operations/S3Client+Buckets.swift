internal import HTTP

extension S3Client {
  /// All buckets of the account. S3 API Reference: ListBuckets.
  public func listBuckets() async throws(S3Error) -> [BucketSummary] {
    var buckets: [BucketSummary] = []
    var tokens = SeenMarkers()
    var token: String?
    repeat {
      var call = S3Call(.listBuckets, .get)
      // Only an answer in pages names the buckets' regions.
      call.query = [QueryItem("max-buckets", "1000")]
      if let token { call.query.append(QueryItem("continuation-token", token)) }
      let page = try await send(call) { (response) throws(S3Error.Cause) in
        try XMLElement(answer: response, root: "ListAllMyBucketsResult")
      }
      for element in page["Buckets"]?.children(named: "Bucket") ?? [] {
        guard let name = element.string("Name").map(BucketName.init) else { continue }
        let region = element.string("BucketRegion").map { Region($0) }
        if let region = region.flatMap({ Region(fromServer: $0.text) }) {
          memory.remember(region, of: name)
        }
        buckets.append(
          BucketSummary(
            name: name,
            created: element.string("CreationDate").flatMap { Timestamp(iso8601: $0) },
            region: region))
      }
      token = page.string("ContinuationToken")
      try tokens.insert(token, .listBuckets)
    } while token != nil
    return buckets
  }

  /// Whether the bucket is there and open to us, and where it is as far as the server says.
  ///
  /// S3 API Reference: HeadBucket. Throws `noSuchBucket` or `accessDenied` otherwise.
  ///
  /// - Parameter expectedOwner: the server refuses when the bucket belongs to somebody else.
  public func headBucket(
    _ bucket: BucketName, expectedOwner: AccountID? = nil
  ) async throws(S3Error) -> Region? {
    var call = S3Call(.headBucket, .head, bucket: bucket)
    call.add("x-amz-expected-bucket-owner", expectedOwner?.text)
    let region = try await send(call) { response in
      response.headers["x-amz-bucket-region"].flatMap(Region.init(fromServer:))
    }
    if let region { memory.remember(region, of: bucket) }
    return region
  }

  /// S3 API Reference: CreateBucket.
  ///
  /// - Parameter locationConstraint: where it is to be. Of its own accord the client names only the
  ///   region that it signs for, and that only to a store that takes no bucket without one, as the
  ///   endpoints of Amazon's regions do: many stores know no regions.
  public func createBucket(
    _ bucket: BucketName, locationConstraint: Region?
  ) async throws(S3Error) {
    do throws(S3Error) {
      try await create(bucket, in: locationConstraint)
    } catch  where error.code == .illegalLocationConstraint && locationConstraint == nil {
      try await create(bucket, in: region)
    }
  }

  private func create(_ bucket: BucketName, in constraint: Region?) async throws(S3Error) {
    var call = S3Call(.createBucket, .put, bucket: bucket)
    call.region = constraint ?? region
    // Amazon S3 refuses the name of the region that needs none.
    let isImplied = endpoint.awsRegion != nil && constraint == .usEast1
    if let constraint, !isImplied {
      call.setDocument(
        XMLWriter(root: "CreateBucketConfiguration") { writer in
          writer.element("LocationConstraint", constraint.text)
        })
    }
    try await send(call, decode: Self.nothing) { (refusal) async throws(S3Error) in
      refusal.code == .bucketAlreadyOwnedByYou ? .done(()) : .refused
    }
    memory.remember(constraint ?? region, of: bucket)
  }

  /// Removes an empty bucket. S3 API Reference: DeleteBucket.
  ///
  /// - Parameter expectedOwner: the server refuses when the bucket belongs to somebody else.
  public func deleteBucket(
    _ bucket: BucketName, expectedOwner: AccountID?
  ) async throws(S3Error) {
    var call = S3Call(.deleteBucket, .delete, bucket: bucket)
    call.add("x-amz-expected-bucket-owner", expectedOwner?.text)
    try await send(call, decode: Self.nothing) { (refusal) async throws(S3Error) in
      refusal.code == .noSuchBucket ? .done(()) : .refused
    }
    memory.forget(bucket)
  }

  /// S3 API Reference: GetBucketVersioning.
  public func bucketVersioning(_ bucket: BucketName) async throws(S3Error) -> VersioningState {
    var call = S3Call(.getBucketVersioning, .get, bucket: bucket)
    call.query = [QueryItem("versioning")]
    return try await send(call) { (response) throws(S3Error.Cause) in
      let root = try XMLElement(
        answer: response, root: "VersioningConfiguration", alias: "GetBucketVersioningResponse")
      return switch root.string("Status") {
      case "Enabled": .enabled
      case "Suspended": .suspended
      default: .never
      }
    }
  }

  /// Makes a bucket keep old versions, or stop keeping new ones. S3 API Reference:
  /// PutBucketVersioning.
  ///
  /// - Parameter isEnabled: false suspends; versioning cannot be taken back altogether.
  public func setVersioning(_ bucket: BucketName, isEnabled: Bool) async throws(S3Error) {
    var call = S3Call(.putBucketVersioning, .put, bucket: bucket)
    call.query = [QueryItem("versioning")]
    call.setDocument(
      XMLWriter(root: "VersioningConfiguration") { writer in
        writer.element("Status", isEnabled ? "Enabled" : "Suspended")
      })
    try await send(call, decode: Self.nothing)
  }

  /// For answers that say nothing beyond their status, unless it is an error after all.
  static func nothing(_ response: HTTPResponse) throws(S3Error.Cause) {
    try XMLElement.checkSilence(of: response)
  }
}
