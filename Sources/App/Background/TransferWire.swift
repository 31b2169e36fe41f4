import Browser
import S3
import Storage
import SystemPackage

/// The lines that two Pails of one user send each other: JSON objects, one a line.
///
/// From the one that moves something, the newest state of its transfers:
/// `{"transfers":[…],"limit":2000000}`, and `{"end":true}` once nothing is left. To it, commands:
/// `{"command":"pause","id":3}` with `pause`, `resume`, `cancel` or `retry`, and
/// `{"command":"limit","bytesPerSecond":2000000}`, without the number for no limit.
///
/// Members that are not known are passed over, so that two versions of Pail understand each other.
enum TransferWire {
  /// In bytes. What tells of a hundred transfers, with names of a kilobyte.
  static let stateLimit = 1 << 20
  static let commandLimit = 4096
  /// Transfers that are told of. What moves comes first.
  static let transferLimit = 100

  enum State: Sendable, Hashable {
    case transfers([TransferStatus], limit: Int?)
    case end
  }

  enum Command: Sendable, Hashable {
    case control(TransferID, TransferControl)
    case limit(bytesPerSecond: Int?)
  }

  // MARK: Commands

  static func line(for command: Command) -> [UInt8] {
    var line = JSONLine()
    switch command {
    case .control(let id, let control):
      line.add("command", control.rawValue)
      line.add("id", Int64(id.value))
    case .limit(let bytesPerSecond):
      line.add("command", "limit")
      line.add("bytesPerSecond", bytesPerSecond.map { Int64($0) })
    }
    return line.bytes
  }

  static func command(_ line: [UInt8]) -> Command? {
    guard let value = JSONValue(parsing: line), let name = value["command"]?.string else {
      return nil
    }
    if name == "limit" {
      let limit = value["bytesPerSecond"]?.integer.flatMap { Int(exactly: $0) }
      if value["bytesPerSecond"] != nil, (limit ?? 0) < 1 { return nil }
      return .limit(bytesPerSecond: limit)
    }
    guard let control = TransferControl(rawValue: name),
      let id = value["id"]?.integer.flatMap({ Int(exactly: $0) })
    else { return nil }
    return .control(TransferID(id), control)
  }

  // MARK: States

  static let end: [UInt8] = {
    var line = JSONLine()
    line.add("end", true)
    return line.bytes
  }()

  static func line(for statuses: [TransferStatus], limit: Int?) -> [UInt8] {
    // What is over matters least to somebody who looks on.
    let told =
      statuses.count <= transferLimit
      ? statuses
      : Array(
        (statuses.filter { !$0.state.isOver } + statuses.reversed().filter(\.state.isOver))
          .prefix(transferLimit))
    var line = JSONLine()
    line.add("limit", limit.map { Int64($0) })
    line.add("transfers", told.map(object))
    return line.bytes
  }

  private static func object(for status: TransferStatus) -> JSONLine {
    var line = JSONLine()
    line.add("id", Int64(status.id.value))
    line.add("direction", status.direction == .upload ? "upload" : "download")
    line.add("name", bytes: status.name)
    line.add("bucket", status.location.bucket.text)
    line.add("key", bytes: status.location.key.bytes)
    line.add("localPath", bytes: status.localPath.bytes)
    if let name = status.otherName { line.add("otherName", bytes: name.bytes) }
    line.add("total", status.total?.bytes)
    line.add("moved", status.moved.bytes)
    line.add("rate", status.rate.isFinite ? Int64(min(max(status.rate, 0), 0x1p62)) : 0)
    line.add("secondsLeft", status.timeLeft?.components.seconds)
    line.add("secondsStalled", status.stalledFor?.components.seconds)
    if let tree = status.tree { line.add("tree", object(for: tree)) }
    add(status.state, to: &line)
    return line
  }

  private static func object(for tree: TreeStatus) -> JSONLine {
    var line = JSONLine()
    line.add("found", Int64(tree.found))
    line.add("isComplete", tree.isComplete)
    line.add("done", Int64(tree.done))
    line.add("skipped", Int64(tree.skipped))
    line.add("failed", Int64(tree.failed))
    line.add("renamed", Int64(tree.renamed))
    line.add("unverified", Int64(tree.unverified))
    line.add("bytes", tree.bytes.bytes)
    return line
  }

  private static func add(_ state: TransferStatus.State, to line: inout JSONLine) {
    switch state {
    case .waiting: line.add("state", "waiting")
    case .paused: line.add("state", "paused")
    case .running: line.add("state", "running")
    case .retrying(let retry):
      line.add("state", "retrying")
      line.add("attempt", Int64(retry.attempt))
      line.add("of", Int64(retry.mostAttempts))
      line.add("code", retry.code)
    case .finished(let result):
      line.add("state", "finished")
      line.add("skipped", result.isSkipped)
      if let verification = result.verification { line.add("verified", verification.isVerified) }
      if case .startedOver(let reason) = result.resumption { line.add("startedOver", "\(reason)") }
    case .failed(let error):
      line.add("state", error.kind == .stopped ? "stopped" : "failed")
      line.add("code", error.code)
      line.add("message", error.message)
      line.add("recovery", error.recovery)
    case .cancelling: line.add("state", "cancelling")
    case .cancelled: line.add("state", "cancelled")
    }
  }

  /// - Returns: nil for what is no such line. Transfers that make no sense are left out.
  static func state(_ line: [UInt8]) -> State? {
    guard let value = JSONValue(parsing: line) else { return nil }
    if value["end"] == .bool(true) { return .end }
    guard case .array(let transfers)? = value["transfers"] else { return nil }
    let statuses = transfers.prefix(transferLimit).compactMap(status)
    guard Set(statuses.map(\.id)).count == statuses.count else { return nil }
    return .transfers(statuses, limit: value["limit"]?.integer.flatMap { Int(exactly: $0) })
  }

  private static func status(of value: JSONValue) -> TransferStatus? {
    guard let id = value["id"]?.integer.flatMap({ Int(exactly: $0) }),
      let direction = direction(of: value), let bucket = value["bucket"]?.string,
      let moved = value["moved"]?.integer
    else { return nil }
    var status = TransferStatus(
      id: TransferID(id), direction: direction, name: value.bytes("name"),
      location: ObjectLocation(
        bucket: BucketName(bucket), key: ObjectKey(bytes: value.bytes("key"))),
      localPath: FilePath(bytes: value.bytes("localPath")),
      total: value["total"]?.integer.map { ByteCount(max($0, 0)) }, moved: ByteCount(max(moved, 0)),
      rate: Double(max(value["rate"]?.integer ?? 0, 0)),
      timeLeft: value.seconds("secondsLeft"), stalledFor: value.seconds("secondsStalled"))
    guard let state = state(of: value, status) else { return nil }
    status.state = state
    let otherName = value.bytes("otherName")
    if !otherName.isEmpty { status.otherName = ObjectKey(bytes: otherName) }
    status.tree = value["tree"].map(tree)
    return status
  }

  private static func tree(of value: JSONValue) -> TreeStatus {
    // No sum of these may trap.
    let count = { (name: String) in
      Int(min(max(value[name]?.integer ?? 0, 0), 1 << 50))
    }
    return TreeStatus(
      found: count("found"), isComplete: value["isComplete"] == .bool(true), done: count("done"),
      skipped: count("skipped"), failed: count("failed"), renamed: count("renamed"),
      unverified: count("unverified"),
      bytes: ByteCount(Int64(count("bytes"))))
  }

  private static func direction(of value: JSONValue) -> TransferDirection? {
    switch value["direction"]?.string {
    case "upload": .upload
    case "download": .download
    default: nil
    }
  }

  private static func state(of value: JSONValue, _ status: TransferStatus) -> TransferStatus.State?
  {
    switch value["state"]?.string {
    case "waiting": .waiting
    case "paused": .paused
    case "running": .running
    case "retrying":
      .retrying(
        RetryStatus(
          attempt: Int(clamping: value["attempt"]?.integer ?? 0),
          of: Int(clamping: value["of"]?.integer ?? 0), code: value["code"]?.string ?? ""))
    case "finished":
      .finished(
        TransferResult(
          location: status.location, localPath: status.localPath, size: status.total,
          // By what, or why not, is not told: only whether a person has to be warned.
          verification: value["verified"] == .bool(false) ? .notVerified(.noChecksum) : nil,
          isSkipped: value["skipped"] == .bool(true),
          resumption: Resumption.Reason.allCases.first { value["startedOver"]?.string == "\($0)" }
            .map { .startedOver($0) }))
    case "failed", "stopped":
      .failed(
        StorageError(
          kind: value["state"]?.string == "stopped" ? .stopped : .service,
          message: value["message"]?.string ?? "", recovery: value["recovery"]?.string,
          code: value["code"]?.string))
    case "cancelling": .cancelling
    case "cancelled": .cancelled
    default: nil
    }
  }
}

extension JSONValue {
  fileprivate var integer: Int64? {
    if case .number(let text) = self { Int64(text) } else { nil }
  }

  /// Up to a year: beyond it a figure says nothing.
  fileprivate func seconds(_ name: String) -> Duration? {
    self[name]?.integer.map { .seconds(min(max($0, 0), 31_536_000)) }
  }

  /// As ``JSONLine/add(_:bytes:)`` writes them; empty when there are none.
  fileprivate func bytes(_ name: String) -> [UInt8] {
    if let encoded = self[name + "Base64"]?.string, let bytes = Base64.decode(encoded) {
      return bytes
    }
    return Array((self[name]?.string ?? "").utf8)
  }
}
