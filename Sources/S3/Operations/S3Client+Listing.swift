internal import HTTP

extension S3Client {
  /// One page of the objects under `prefix`. S3 API Reference: ListObjectsV2.
  ///
  /// Keys come URL-encoded, since XML cannot carry every key.
  ///
  /// - Parameters:
  ///   - delimiter: keys with it after `prefix` are rolled up into common prefixes.
  ///   - token: of the page before, which remembers enough to notice when pages come again.
  ///   - pageSize: 1 through 1,000; servers may answer with fewer or more.
  public func listObjectsV2(
    bucket: BucketName, prefix: ObjectKey, delimiter: String?, startAfter: ObjectKey? = nil,
    after token: ContinuationToken?, pageSize: Int = 1000
  ) async throws(S3Error) -> ObjectPage {
    var call = S3Call(.listObjectsV2, .get, bucket: bucket)
    call.query = [
      QueryItem("list-type", "2"), QueryItem("encoding-type", "url"),
      QueryItem("max-keys", String(pageSize)), QueryItem("prefix", prefix.bytes),
    ]
    if let delimiter { call.query.append(QueryItem("delimiter", delimiter)) }
    if let startAfter { call.query.append(QueryItem("start-after", startAfter.bytes)) }
    if let token { call.query.append(QueryItem("continuation-token", token.text)) }
    var page = try await list(call, ObjectPageHandler.self)
    if let token, let next = page.next {
      guard let next = next.following(token) else { throw .circle(.listObjectsV2) }
      page.next = next
    }
    return page
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
    var call = S3Call(.listObjectVersions, .get, bucket: bucket)
    call.add("x-amz-expected-bucket-owner", expectedOwner?.text)
    call.query = [
      QueryItem("versions"), QueryItem("encoding-type", "url"),
      QueryItem("max-keys", String(pageSize)), QueryItem("prefix", prefix.bytes),
    ]
    if let delimiter { call.query.append(QueryItem("delimiter", delimiter)) }
    if let marker {
      call.query.append(QueryItem("key-marker", marker.key.bytes))
      if let version = marker.versionID {
        call.query.append(QueryItem("version-id-marker", version.text))
      }
    }
    var page = try await list(call, VersionPageHandler.self)
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
      var call = S3Call(.listMultipartUploads, .get, bucket: bucket)
      call.query =
        [
          QueryItem("uploads"), QueryItem("encoding-type", "url"),
          QueryItem("prefix", prefix.bytes),
        ] + markers
      let page = try await send(call) { (response) throws(S3Error.Cause) in
        try XMLElement(answer: response, root: "ListMultipartUploadsResult")
      }
      let isEncoded = page.string("EncodingType") == "url"
      for element in page.children(named: "Upload") {
        guard let key = element["Key"]?.key(isEncoded: isEncoded),
          let id = element.string("UploadId")
        else { continue }
        uploads.append(
          MultipartUploadSummary(
            key: key, uploadID: UploadID(id),
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
          let size = element.string("Size").flatMap({ Int64($0) })
        else { continue }
        parts.append(
          PartSummary(
            number: PartNumber(number), size: ByteCount(size), etag: element.etag(),
            lastModified: element.string("LastModified").flatMap { Timestamp(iso8601: $0) },
            crc64nvme: element.string("ChecksumCRC64NVME").flatMap {
              CRC64NVME(base64: $0)?.value
            }))
      }
      marker = page.isTrue("IsTruncated") ? page.string("NextPartNumberMarker") : nil
      try seen.insert(marker, .listParts)
    } while marker != nil
    return parts
  }

  /// Reads a page while it arrives.
  private func list<Handler: PageHandler>(
    _ call: S3Call, _ type: Handler.Type
  ) async throws(S3Error) -> Handler.Page {
    try await send(call) { () -> Reception<Handler.Page> in
      let receiver = XMLReceiver(Handler())
      var reception = Reception { (response) throws(S3Error.Cause) in
        try receiver.finish(head: response.head)
      }
      reception.body = .pieces { receiver.feed($0) }
      reception.refusal = { receiver.problem }
      return reception
    }
  }
}

extension XMLElement {
  /// - Parameter isEncoded: whether the answer says that its keys are URL-encoded.
  func key(isEncoded: Bool) -> ObjectKey {
    ObjectKey(bytes: isEncoded ? PercentEncoding.decode(text) : text)
  }
}
