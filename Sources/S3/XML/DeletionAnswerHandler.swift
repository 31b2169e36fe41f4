internal import Glibc

/// S3 API Reference: DeleteObjects, response syntax.
final class DeletionAnswerHandler: PageHandler {
  static let root = "DeleteResult"
  var rootName: String? { builder.path.rootName }

  /// One value, for the reason that ``ObjectPageHandler`` has.
  private var builder: DeletionAnswerBuilder

  /// - Parameter objects: those asked for.
  init(to objects: [ObjectIdentifier]) {
    builder = DeletionAnswerBuilder(objects)
  }

  func started(_ name: UnsafeRawBufferPointer, depth: Int) {
    builder.started(name, depth: depth)
  }

  func ended(depth: Int, text: UnsafeRawBufferPointer) {
    builder.ended(depth: depth, text: text)
  }

  func page() -> DeleteObjectsResult { builder.result() }
}

private struct DeletionAnswerBuilder {
  private let objects: [ObjectIdentifier]
  private(set) var path = ListingPath()
  private var deleted: [DeletedObject] = []
  private var failed: [DeleteFailure] = []

  private var key: ObjectKey?
  private var versionID: VersionID?
  private var isDeleteMarker = false
  private var markerVersionID: VersionID?
  private var code: String?
  private var message: String?

  init(_ objects: [ObjectIdentifier]) {
    self.objects = objects
    deleted.reserveCapacity(objects.count)
  }

  mutating func started(_ name: UnsafeRawBufferPointer, depth: Int) {
    path.start(name, depth: depth)
    guard depth == 1 else { return }
    (key, versionID, isDeleteMarker, markerVersionID) = (nil, nil, false, nil)
    (code, message) = (nil, nil)
  }

  mutating func ended(depth: Int, text: UnsafeRawBufferPointer) {
    switch (depth, path.parent, path.child) {
    case (2, .deleted, .key), (2, .error, .key): key = read(text)
    case (2, .deleted, .versionID), (2, .error, .versionID):
      versionID = text.string.map { VersionID($0) }
    case (2, .deleted, .deleteMarker): isDeleteMarker = text.elementsEqual("true".utf8)
    case (2, .deleted, .deleteMarkerVersionID):
      markerVersionID = text.string.map { VersionID($0) }
    case (2, .error, .code): code = text.string
    case (2, .error, .message): message = text.string
    case (1, .deleted, _):
      guard let key else { return }
      deleted.append(
        DeletedObject(
          key: key, versionID: versionID, isDeleteMarker: isDeleteMarker,
          deleteMarkerVersionID: markerVersionID))
    case (1, .error, _):
      guard let key else { return }
      failed.append(
        DeleteFailure(
          object: ObjectIdentifier(key: key, versionID: versionID),
          code: S3ErrorCode(code ?? ""), message: message ?? ""))
    default: break
    }
  }

  /// Nearly all answers name the keys in the order of the request, which has them at hand.
  private func read(_ text: UnsafeRawBufferPointer) -> ObjectKey {
    let index = deleted.count + failed.count
    if index < objects.count, objects[index].key.bytes.elementsEqual(text) {
      return objects[index].key
    }
    return ObjectKey(bytes: text)
  }

  func result() -> DeleteObjectsResult {
    let isAsAsked =
      failed.isEmpty && deleted.count == objects.count
      && zip(deleted, objects).allSatisfy { $0.key == $1.key && $0.versionID == $1.versionID }
    return DeleteObjectsResult(isAsAsked ? deleted.map { .success($0) } : matched())
  }

  /// Finds what the answer says of each object, in the order in which they were asked for.
  ///
  /// Some servers name the version of an object that was asked for without one, so an object may
  /// also be told by its key alone, when no other of that key was asked for.
  private func matched() -> [Result<DeletedObject, DeleteFailure>] {
    var done: [ObjectIdentifier: DeletedObject] = [:]
    // A delete marker that is removed by its version may be named in this field alone.
    var doneMarkers: [ObjectIdentifier: DeletedObject] = [:]
    for object in deleted {
      done[ObjectIdentifier(key: object.key, versionID: object.versionID)] = object
      if let marker = object.deleteMarkerVersionID, object.versionID == nil {
        doneMarkers[ObjectIdentifier(key: object.key, versionID: marker)] = object
      }
    }
    let refused = Dictionary(failed.map { ($0.object, $0) }) { _, last in last }
    // Only for the few answers that name an object otherwise than it was asked for.
    lazy var requestsPerKey = Dictionary(grouping: Set(objects), by: \.key).mapValues(\.count)
    lazy var doneByKey = Dictionary(done.values.map { ($0.key, $0) }) { first, _ in first }
    lazy var refusedByKey = Dictionary(refused.values.map { ($0.object.key, $0) }) { first, _ in
      first
    }
    return objects.map { object in
      if refused.isEmpty, var gone = done[object] {
        gone.versionID = object.versionID
        return .success(gone)
      }
      let isAlone = requestsPerKey[object.key] == 1
      if var failure = refused[object] ?? (isAlone ? refusedByKey[object.key] : nil) {
        failure.object = object
        return .failure(failure)
      }
      if var gone = done[object] ?? doneMarkers[object] ?? (isAlone ? doneByKey[object.key] : nil) {
        gone.versionID = object.versionID
        return .success(gone)
      }
      return .failure(
        DeleteFailure(
          object: object, code: .missingFromAnswer,
          message: "the server's answer does not mention this object", isInDoubt: true))
    }
  }
}
