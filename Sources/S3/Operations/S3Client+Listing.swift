internal import HTTP

extension S3Client {
  /// One page of the objects under `prefix`. S3 API Reference: ListObjectsV2; ListObjects where the
  /// endpoint knows no other.
  ///
  /// Keys come URL-encoded, since XML cannot carry every key, unless the endpoint refuses that.
  ///
  /// - Parameters:
  ///   - delimiter: keys with it after `prefix` are rolled up into common prefixes.
  ///   - token: of the page before, which remembers enough to notice when pages come again.
  ///   - pageSize: 1 through 1,000; servers may answer with fewer or more.
  public func listObjectsV2(
    bucket: BucketName, prefix: ObjectKey, delimiter: String?, startAfter: ObjectKey? = nil,
    after token: ContinuationToken?, pageSize: Int = 1000
  ) async throws(S3Error) -> ObjectPage {
    var page = try await adaptingListing(isFirst: token == nil) { (dialect) throws(S3Error) in
      let isV2 = token.map { $0.marker == nil } ?? dialect.isV2
      var call = S3Call(isV2 ? .listObjectsV2 : .listObjects, .get, bucket: bucket)
      if isV2 { call.query.append(QueryItem("list-type", "2")) }
      call.query += dialect.encodingQuery
      call.query += [
        QueryItem("max-keys", String(pageSize)), QueryItem("prefix", prefix.bytes),
      ]
      if let delimiter { call.query.append(QueryItem("delimiter", delimiter)) }
      if isV2 {
        if let startAfter { call.query.append(QueryItem("start-after", startAfter.bytes)) }
        if let token { call.query.append(QueryItem("continuation-token", token.text)) }
      } else if let marker = token?.marker ?? startAfter {
        call.query.append(QueryItem("marker", marker.bytes))
      }
      return try await receive(call) { ObjectPageHandler() }
    }
    if let token, let next = page.next {
      guard let next = next.following(token) else { throw .circle(.listObjectsV2) }
      page.next = next
    }
    return page
  }

  /// Asks in the best way that the endpoint has not refused; for a first page, when it refuses that,
  /// in the plainer ones. What then goes through is how later listings begin.
  ///
  /// - Parameter isOfObjects: false for listings that know but one kind of request.
  private func adaptingListing<Page>(
    isFirst: Bool, isOfObjects: Bool = true,
    _ request: (ListingDialect) async throws(S3Error) -> Page
  ) async throws(S3Error) -> Page {
    let best = memory.listing
    let refusal: S3Error
    do throws(S3Error) {
      return try await request(best)
    } catch {
      guard isFirst, isOfObjects || !error.isNotImplemented, error.mayRefuseForm else {
        throw error
      }
      refusal = error
    }
    for dialect in best.plainerOnes where isOfObjects || dialect.isV2 == best.isV2 {
      do throws(S3Error) {
        let page = try await request(dialect)
        memory.listing = dialect
        return page
      } catch {
        guard error.mayRefuseForm else { throw error }
      }
    }
    // It was about something else.
    throw refusal
  }

  /// One page of the versions and delete markers under `prefix`, in the server's order.
  ///
  /// S3 API Reference: ListObjectVersions.
  ///
  /// - Parameter expectedOwner: the server refuses when the bucket belongs to somebody else.
  public func listObjectVersions(
    bucket: BucketName, prefix: ObjectKey, delimiter: String?, after marker: VersionMarker?,
    pageSize: Int = 1000, expectedOwner: AccountID? = nil
  ) async throws(S3Error) -> VersionPage {
    var page = try await adaptingListing(isFirst: marker == nil, isOfObjects: false) {
      (dialect) throws(S3Error) in
      var call = S3Call(.listObjectVersions, .get, bucket: bucket)
      call.add("x-amz-expected-bucket-owner", expectedOwner?.text)
      call.query = [QueryItem("versions")] + dialect.encodingQuery
      call.query += [QueryItem("max-keys", String(pageSize)), QueryItem("prefix", prefix.bytes)]
      if let delimiter { call.query.append(QueryItem("delimiter", delimiter)) }
      if let marker {
        call.query.append(QueryItem("key-marker", marker.key.bytes))
        if let version = marker.versionID {
          call.query.append(QueryItem("version-id-marker", version.text))
        }
      }
      return try await receive(call) { VersionPageHandler() }
    }
    if let marker, let next = page.next {
      guard let next = next.following(marker) else { throw .circle(.listObjectVersions) }
      page.next = next
    }
    return page
  }

  /// All multipart uploads under `prefix` that are under way. S3 API Reference: ListMultipartUploads.
  public func listMultipartUploads(
    bucket: BucketName, prefix: ObjectKey
  ) async throws(S3Error) -> [MultipartUploadSummary] {
    var uploads: [MultipartUploadSummary] = []
    var seen = SeenMarkers()
    var markers: [QueryItem] = []
    repeat {
      let page = try await adaptingListing(isFirst: markers.isEmpty, isOfObjects: false) {
        [markers] (dialect) throws(S3Error) in
        var call = S3Call(.listMultipartUploads, .get, bucket: bucket)
        call.query =
          [QueryItem("uploads")] + dialect.encodingQuery + [QueryItem("prefix", prefix.bytes)]
          + markers
        return try await send(call) { (response) throws(S3Error.Cause) in
          try XMLElement(answer: response, root: "ListMultipartUploadsResult")
        }
      }
      let isEncoded = page.string("EncodingType") == "url"
      for element in page.children(named: "Upload") {
        guard let name = element["Key"], let id = element.string("UploadId") else { continue }
        let (key, spelled) = (name.key(isEncoded: isEncoded), name.key(isEncoded: false))
        uploads.append(
          MultipartUploadSummary(
            key: key, spelledKey: spelled == key ? nil : spelled, uploadID: UploadID(id),
            initiated: element.string("Initiated").flatMap { Timestamp(iso8601: $0) },
            storageClass: element.string("StorageClass").map { StorageClass($0) }))
      }
      markers = []
      if page.isTrue("IsTruncated") {
        let key = page["NextKeyMarker"]?.key(isEncoded: isEncoded).bytes ?? []
        markers = [
          QueryItem("key-marker", key),
          QueryItem("upload-id-marker", page.string("NextUploadIdMarker") ?? ""),
        ]
        try seen.insert(markers.encoded, .listMultipartUploads)
      }
    } while !markers.isEmpty
    return uploads
  }

  /// All parts of an upload that the server has. S3 API Reference: ListParts.
  public func listParts(
    _ location: ObjectLocation, uploadID: UploadID
  ) async throws(S3Error) -> [PartSummary] {
    var parts: [PartSummary] = []
    var seen = SeenMarkers()
    var marker: String?
    repeat {
      var call = S3Call(.listParts, .get, bucket: location.bucket)
      call.key = location.key
      call.query = [QueryItem("uploadId", uploadID.text)]
      if let marker { call.query.append(QueryItem("part-number-marker", marker)) }
      let page = try await send(call) { (response) throws(S3Error.Cause) in
        try XMLElement(answer: response, root: "ListPartsResult", alias: "ListPartsResponse")
      }
      for element in page.children(named: "Part") {
        guard let number = element.string("PartNumber").flatMap({ Int($0) }),
          let told = element.string("Size")
        else { continue }
        guard let size = Int64(sizeTold: told) else {
          throw S3Error(
            operation: .listParts,
            cause: .malformedAnswer("part \(number) cannot have \(told.prefix(40)) bytes"),
            attempts: 1)
        }
        parts.append(
          PartSummary(
            number: PartNumber(number), size: ByteCount(size), etag: element.etag(),
            lastModified: element.string("LastModified").flatMap { Timestamp(iso8601: $0) },
            crc64nvme: element.string("ChecksumCRC64NVME").flatMap {
              CRC64NVME(base64: $0)?.value
            }))
      }
      // S3 API Reference: UploadPart. Part numbers are 1 through 10,000.
      guard parts.count <= 10_000 else {
        throw S3Error(
          operation: .listParts, cause: .malformedAnswer("there are more than 10,000 parts"),
          attempts: 1)
      }
      marker = page.isTrue("IsTruncated") ? page.string("NextPartNumberMarker") : nil
      try seen.insert(marker, .listParts)
    } while marker != nil
    return parts
  }
}

/// How an endpoint is asked for a listing of objects.
struct ListingDialect: Sendable, Hashable {
  /// By ListObjectsV2, else by ListObjects, which every store knows.
  var isV2 = true
  /// Whether keys are to come URL-encoded.
  var isEncoded = true

  var encodingQuery: [QueryItem] { isEncoded ? [QueryItem("encoding-type", "url")] : [] }

  /// Those to try where this one is refused, in their order.
  var plainerOnes: [ListingDialect] {
    var ones: [ListingDialect] = []
    if isV2 { ones.append(ListingDialect(isV2: false, isEncoded: isEncoded)) }
    if isEncoded { ones.append(ListingDialect(isV2: isV2, isEncoded: false)) }
    if isV2, isEncoded { ones.append(ListingDialect(isV2: false, isEncoded: false)) }
    return ones
  }
}

extension XMLElement {
  /// - Parameter isEncoded: whether the answer says that its keys are URL-encoded.
  func key(isEncoded: Bool) -> ObjectKey {
    ObjectKey(bytes: isEncoded ? PercentEncoding.decode(text) : text)
  }
}
