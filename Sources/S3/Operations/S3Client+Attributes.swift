internal import HTTP

extension S3Client {
  /// S3 API Reference: GetObjectAttributes, which tells of as many parts at a time.
  private static let partsAtOnce = 1_000
  /// Ten are enough for any object; some stores may tell of fewer parts at a time.
  private static let mostRequestsForParts = 20
  /// In bytes: a thousand parts with a checksum each take less.
  private static let longestAttributes: Int64 = 1 << 20

  private struct ToldPart {
    var number: Int
    /// In bytes.
    var size: Int64
  }

  /// The sizes of an object's parts, in their order. S3 API Reference: GetObjectAttributes.
  ///
  /// For stores that tell nothing of parts by ``headPart(_:_:)``: this one needs a permission of its
  /// own.
  ///
  /// - Parameter count: of the parts, 1 or more.
  /// - Returns: nil where the server does not tell, or tells of other parts.
  public func partSizesByAttributes(
    _ location: ObjectLocation, count: Int
  ) async throws(S3Error) -> [Int64]? {
    guard memory.tellsAttributes else { return nil }
    var sizes: [Int64] = []
    var last = 0
    for _ in 0..<Self.mostRequestsForParts {
      let parts = try await attributes(of: location, after: last)
      for part in parts {
        guard part.number > last, part.size >= 1, sizes.count < count else { return nil }
        last = part.number
        sizes.append(part.size)
      }
      if sizes.count == count { return sizes }
      guard !parts.isEmpty else { return nil }
    }
    return nil
  }

  private func attributes(
    of location: ObjectLocation, after last: Int
  ) async throws(S3Error) -> [ToldPart] {
    var call = S3Call(.getObjectAttributes, .get, location)
    call.query.append(QueryItem("attributes"))
    call.add("x-amz-object-attributes", "ObjectParts")
    call.add("x-amz-max-parts", String(Self.partsAtOnce))
    if last > 0 { call.add("x-amz-part-number-marker", String(last)) }
    do throws(S3Error) {
      return try await send(call) { () -> Reception<[ToldPart]> in
        var reception = Reception { (response) throws(S3Error.Cause) -> [ToldPart] in
          let root = try XMLElement(
            answer: response, root: "GetObjectAttributesResponse",
            alias: "GetObjectAttributesOutput")
          return root["ObjectParts"]?.children(named: "Part").compactMap { part in
            guard let number = part.string("PartNumber").flatMap({ Int($0) }),
              let size = part.string("Size").flatMap({ Int64(sizeTold: $0) })
            else { return nil }
            return ToldPart(number: number, size: size)
          } ?? []
        }
        // Whoever does not know the question answers with the object itself, which has an ETag.
        reception.accepts = { head in
          head.etag == nil && head.contentLength ?? 0 <= Self.longestAttributes
        }
        return reception
      }
    } catch {
      if case .malformedAnswer = error.cause { memory.tellsAttributes = false }
      if error.mayRefuseForm { memory.tellsAttributes = false }
      throw error
    }
  }
}
